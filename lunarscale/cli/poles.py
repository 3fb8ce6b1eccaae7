"""The command that screens a polar cap."""

from typing import Annotated, Literal

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import (
    ClusterOptions,
    DryRun,
    Folder,
    Mare,
    Options,
    check_folder,
    storage,
)
from lunarscale.cli.running import Runner
from lunarscale.console import out_console, print_tables


@command("screen-pole", "lunarscale screen-pole maps.zarr --pole south --mare mare.png --out out/")
def screen_pole_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    out: Folder,
    pole: Annotated[Literal["south", "north"], typer.Option(help="Which cap.")] = "south",
    latitude: Annotated[
        float, typer.Option(help="Degrees from the equator at which the cap begins.")
    ] = 65.0,
    feo: Annotated[
        float | None, typer.Option("--feo", help="FeO must be above it, wt %; else 15.")
    ] = None,
    mg_number: Annotated[
        float | None, typer.Option("--mg-number", help="Mg# must be below it; else 0.60.")
    ] = None,
    density: Annotated[
        float | None,
        typer.Option(help="Share of the maria's area that their (FeO, Mg#) region holds; 0.95."),
    ] = None,
    mare: Mare = None,
    model: Annotated[
        str | None, typer.Option(help="Whose FeO and Mg#, where the maps have several.")
    ] = None,
    place: Annotated[
        list[str] | None,
        typer.Option(help="A named feature to report on; repeat it for more."),
    ] = None,
    *,
    cluster: ClusterOptions,
    storage_options: Options = None,
    dry_run: DryRun = False,
) -> None:
    """A polar cap: where it is like the maria, how much is rich in iron, and in which patches."""
    from pathlib import Path

    from lunarscale.engine.run import complain
    from lunarscale.reduce.screening import Screen
    from lunarscale.steps.screening import finding as passes
    from lunarscale.steps.screening import tables as tables
    from lunarscale.steps.screening.figures import draw
    from lunarscale.steps.screening.files import write
    from lunarscale.steps.screening.question import ask

    usual = Screen()
    screen = Screen(
        usual.feo_wt_pct if feo is None else feo,
        usual.mg_number if mg_number is None else mg_number,
        usual.density_share if density is None else density,
    )
    asked = ask(
        maps,
        pole=pole,
        latitude=latitude,
        screen=screen,
        mare=mare,
        model=model,
        places=place,
        storage_options=storage(storage_options),
    )
    check_folder(out)
    with Runner(cluster, dry_run=dry_run) as execute:
        tale = execute(passes.VERB, passes.prepare_screen(asked))
        if dry_run:
            return
        complain(tale, maps)
        seen = passes.seen_of(asked, tale)
        tale = execute(f"{passes.VERB}, patches", passes.prepare_patches(seen))
    complain(tale, maps)
    finding = passes.finding_of(seen, tale)
    written = [*write(finding, Path(out)), *draw(finding, Path(out))]
    print_tables(tables.amounts_table(finding))
    print_tables(tables.sensitivity_table(finding))
    if finding.question.places:
        print_tables(tables.places_table(finding))
    print_tables(tables.patches_table(finding))
    for path in written:
        out_console.print(f"wrote {path}", markup=False)
