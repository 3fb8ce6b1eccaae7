"""Commands that ask finished maps a question."""

from typing import Annotated

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
from lunarscale.console import out_console, print_tables, progress_bar


@command("anorthosite", "lunarscale anorthosite maps.zarr --mg-number 0.70 --out out/")
def anorthosite_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    out: Folder,
    al2o3: Annotated[
        float | None, typer.Option("--al2o3", help="Least Al2O3, wt %; else 26.7.")
    ] = None,
    mg_number: Annotated[
        float | None, typer.Option("--mg-number", help="Least molar Mg / (Mg + Fe); else 0.70.")
    ] = None,
    mare: Mare = None,
    model: Annotated[
        str | None, typer.Option(help="Whose Al2O3 and Mg#, where the maps have several.")
    ] = None,
    *,
    cluster: ClusterOptions,
    storage_options: Options = None,
    dry_run: DryRun = False,
) -> None:
    """Magnesian anorthosite: its share of both highlands, and what the thresholds do to it."""
    from lunarscale.engine.run import complain
    from lunarscale.models.anorthosite import Criterion
    from lunarscale.steps import anorthosite as step
    from lunarscale.steps.anorthosites.question import ask

    usual = Criterion()
    criterion = Criterion(
        usual.al2o3_wt_pct if al2o3 is None else al2o3,
        usual.mg_number if mg_number is None else mg_number,
    )
    asked = ask(
        maps, criterion=criterion, mare=mare, model=model, storage_options=storage(storage_options)
    )
    check_folder(out)
    with Runner(cluster, dry_run=dry_run) as execute:
        tale = execute("anorthosite", step.prepare_anorthosite(asked))
    if dry_run:
        return
    complain(tale, maps)
    finding = step.finding_of(asked, tale)
    written = finding.write(out)
    with progress_bar("draw", "window") as update:
        written += step.draw(finding, out, progress=update)
    print_tables(step.groups_table(finding))
    print_tables(step.sensitivity_table(finding))
    for path in written:
        out_console.print(f"wrote {path}", markup=False)
