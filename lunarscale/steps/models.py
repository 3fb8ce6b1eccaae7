"""What models there are: formula, validity and source of each."""

from collections.abc import Iterable

from rich import box
from rich.table import Table

from lunarscale.models.equations import Equation
from lunarscale.models.registry import BUILT_IN, DEFAULT_MODELS


def models_table(models: Iterable[Equation] = tuple(BUILT_IN.values())) -> Table:
    """The models, one a row; those that `predict` uses unless told otherwise are starred."""
    table = Table(title="Built-in models", title_justify="left", box=box.SIMPLE_HEAD, leading=1)
    table.add_column("model, camera, bands", no_wrap=True)
    table.add_column("formula, validity, source", ratio=1)
    for model in models:
        star = "*" if model in DEFAULT_MODELS else ""
        bands = ", ".join(map(str, sorted(model.bands_nm)))
        units = "" if model.quantity.units == "1" else f", {model.quantity.units}"
        table.add_row(
            f"{model.name}{star}\n{model.camera}\n{bands} nm",
            f"{model.formula}{units}\n{model.validity}\n{model.source}",
        )
    table.caption = (
        "* used unless --model says otherwise. R750 is the reflectance (fraction) at 750 nm, "
        "angles θ are in radians. Beyond its validity a pixel has no value, or a value with a "
        "flag that says why."
    )
    table.caption_justify = "left"
    return table
