"""The command that makes maps' coarser levels, which tiles and views are drawn from."""

from typing import Annotated

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import ClusterOptions, DryRun, Options, storage
from lunarscale.cli.running import Runner
from lunarscale.console import out_console


@command("overview", "lunarscale overview maps.zarr")
def overview_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    *,
    cluster: ClusterOptions,
    storage_options: Options = None,
    dry_run: DryRun = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make every level afresh, not what changed only.")
    ] = False,
) -> None:
    """Area means of maps at a half, a quarter ... of their resolution, kept in their folder.

    Tiles and views are drawn from them. Run it again after the maps have changed: only what lies
    under the changes is made again.
    """
    from lunarscale.engine.run import complain
    from lunarscale.steps.overview import prepare_overview, sizes_of
    from lunarscale.store.cube import Cube
    from lunarscale.store.location import Location

    options = storage(storage_options)
    prepared = prepare_overview(maps, storage_options=options, overwrite=overwrite)
    with Runner(cluster, dry_run=dry_run) as execute:
        tale = execute("overview", prepared)
    if dry_run:
        return
    complain(tale, maps)
    found = sizes_of(Cube.open(Location(maps, options)))
    out_console.print(f"overviews: {found or 'none, the maps are small'}", markup=False)
