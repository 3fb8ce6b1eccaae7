"""Commands about models: what there are, how good, and how to make new ones."""

from typing import Annotated

import typer

from lunarscale.cli.command import command
from lunarscale.console import out_console


@command("models", "lunarscale models")
def models_command() -> None:
    """The models that there are, with formula, validity and source."""
    from lunarscale.steps.models import models_table

    out_console.print(models_table())


@command("stations", "lunarscale stations --residuals")
def stations_command(
    residuals: Annotated[bool, typer.Option("--residuals", help="One row a station too.")] = False,
) -> None:
    """How the equations do at the 47 sampling stations."""
    from lunarscale.steps.stations import residuals_table, station_fits, stations_table

    fits = station_fits()
    out_console.print(stations_table(fits))
    if residuals:
        for quantity in ("FeO", "TiO2"):
            out_console.print(residuals_table(fits, quantity))
