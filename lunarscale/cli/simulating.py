"""The command that makes tiles of a simulated Moon."""

from pathlib import Path
from typing import Annotated

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import Box, DryRun, check_folder
from lunarscale.console import out_console, print_pairs, progress_bar
from lunarscale.errors import SourceError
from lunarscale.plurals import several


@command("simulate", "lunarscale simulate --ppd 6.06467 --out tiles/")
def simulate_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the tiles.")],
    ppd: Annotated[
        float, typer.Option(help="Pixels a degree; the archives' are 303.23349 and 2048.")
    ],
    camera: Annotated[str, typer.Option(help="clementine or kaguya-mi.")] = "clementine",
    tile_version: Annotated[
        str, typer.Option(help="Of Kaguya MI's format: 02 (attached labels) or 03.")
    ] = "03",
    bbox: Box = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another Moon.")] = None,
    dry_run: DryRun = False,
) -> None:
    """A SIMULATED Moon as tiles in the archives' PDS3 formats."""
    from lunarscale.bands import KAGUYA_MI, camera_name
    from lunarscale.engine.plan import giga
    from lunarscale.grid.raster import RasterGrid
    from lunarscale.simulated.archive import planned, write_archive
    from lunarscale.simulated.kaguya_archive import write_kaguya_archive
    from lunarscale.simulated.kaguya_tiling import MAPPED, kaguya_tiles
    from lunarscale.simulated.surface import SEED

    check_folder(str(out))
    is_kaguya, sown = camera_name(camera) == KAGUYA_MI.name, SEED if seed is None else seed
    whole = RasterGrid.whole(ppd)
    if bbox is not None:
        whole.crop(*bbox)  # refuses what is no part of the Moon
    if is_kaguya and ppd != int(ppd):
        raise SourceError(f"--ppd {ppd:g}: Kaguya MI's tiles have whole pixels a degree; round it")
    if dry_run:
        plans = (
            kaguya_tiles(int(ppd), bbox or MAPPED, version=tile_version)
            if is_kaguya
            else planned(ppd, bbox)
        )
        image_bytes = sum(plan.image_bytes for plan in plans)
        print_pairs([("tiles", f"{len(plans):,}, simulated"), ("to write", giga(image_bytes))])
        return
    with progress_bar("simulate", "tile") as update:
        if is_kaguya:
            made = write_kaguya_archive(
                out, ppd=int(ppd), bbox=bbox, version=tile_version, seed=sown, progress=update
            )
        else:
            made = write_archive(out, ppd=ppd, bbox=bbox, seed=sown, progress=update)
    out_console.print(f"wrote {several(len(made), 'simulated tile')} to {out}", markup=False)
