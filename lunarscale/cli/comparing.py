"""The command that compares: two maps, or a map and what Lunar Prospector saw."""

from typing import Annotated, Any

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import (
    ClusterOptions,
    DryRun,
    Folder,
    Options,
    check_folder,
    storage,
)
from lunarscale.cli.running import Runner
from lunarscale.console import out_console, print_tables, progress_bar
from lunarscale.errors import ParametersError


@command("compare", "lunarscale compare A.zarr:FeO B.zarr:FeO --by maria,seas --out out/")
def compare_command(
    first: Annotated[
        str, typer.Argument(metavar="A", help="A map, STORE:LAYER; with --preset a store.")
    ],
    out: Folder,
    second: Annotated[
        str | None, typer.Argument(metavar="[B]", help="Another map of it, STORE:LAYER.")
    ] = None,
    with_table: Annotated[
        str | None,
        typer.Option("--with", metavar="grs:TABLE", help="Lunar Prospector instead of B."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="before-after or equation-network: finds the layers of one store."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Regions, as of summarise; else maria,seas.")
    ] = None,
    density_above: Annotated[
        float | None,
        typer.Option("--density-above", help="Least value of both that the density shows."),
    ] = None,
    moved_by: Annotated[
        float | None,
        typer.Option("--moved-by", help="A difference of so much is a change of the ground."),
    ] = None,
    nearest: Annotated[
        bool,
        typer.Option("--nearest", help="Bring a finer map to a coarser grid by nearest pixel."),
    ] = False,
    *,
    cluster: ClusterOptions,
    storage_options: Options = None,
    dry_run: DryRun = False,
) -> None:
    """Two maps of one quantity against each other; differences are A less B."""
    _check(second, with_table, preset)
    options, words = storage(storage_options), [w.strip() for w in by.split(",")] if by else []
    check_folder(out)
    with Runner(cluster, dry_run=dry_run) as execute:
        if with_table is not None:
            _compare_grs(execute, first, with_table, out=out, options=options)
            return
        from lunarscale.steps.comparing.question import ask, ask_preset

        asked_of: dict[str, Any] = {
            "by": words, "density_above": density_above, "moved_by": moved_by,
            "storage_options": options,
        }  # fmt: skip
        questions = (
            ask_preset(first, preset, **asked_of)
            if preset is not None
            else [ask(first, second or "", method="nearest" if nearest else "mean", **asked_of)]
        )
        for asked in questions:
            _compare(execute, asked, out=out)


def _check(second: str | None, with_table: str | None, preset: str | None) -> None:
    """Make sure that it is said, once, what the first map is compared with.

    Raises
    ------
    ParametersError
        If it is not.
    """
    given = [
        name
        for name, value in (("B", second), ("--with", with_table), ("--preset", preset))
        if value is not None
    ]
    if len(given) != 1:
        found = " and ".join(given) if given else "nothing"
        raise ParametersError(
            f"compare with what? {found} given; name a second map (STORE:LAYER), or "
            "--with grs:TABLE, or --preset, and one of them only"
        )


def _compare(execute: Runner, asked: Any, *, out: str) -> None:
    from lunarscale.engine.run import complain
    from lunarscale.steps import compare as step
    from lunarscale.steps.comparing.figures import draw
    from lunarscale.steps.comparing.page import changed_tables
    from lunarscale.steps.comparing.tables import write_tables

    tale = execute("compare", step.prepare_compare(asked))
    if execute.dry_run:
        return
    complain(tale, asked.source.name)
    finding = step.finding_of(asked, tale)
    written = write_tables(finding, out)
    with progress_bar("draw", "window") as update:
        written += draw(finding, out, progress=update)
    print_tables(changed_tables(finding))
    _tell(written)


def _compare_grs(
    execute: Runner, first: str, table: str, *, out: str, options: dict[str, Any]
) -> None:
    from lunarscale.engine.run import complain
    from lunarscale.steps.comparing import prospector as step
    from lunarscale.steps.comparing.page import grs_table
    from lunarscale.steps.comparing.prospector_figures import draw_grs

    asked = step.ask_grs(first, table, storage_options=options)
    tale = execute("compare", step.prepare_grs(asked))
    if execute.dry_run:
        return
    complain(tale, asked.map.name)
    finding = step.grs_finding(asked, tale)
    written = [*finding.write(out), *draw_grs(finding, out)]
    print_tables(grs_table(finding))
    _tell(written)


def _tell(written: list[Any]) -> None:
    for path in written:
        out_console.print(f"wrote {path}", markup=False)
