"""Demo: the whole way on a simulated Moon, from archive tiles to a report."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared, complain
from lunarscale.models.registry import BUILT_IN
from lunarscale.simulated.archive import write_archive
from lunarscale.steps.export import export
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict
from lunarscale.steps.report import report

#: Resolution of the simulated tiles: a fiftieth of the archive's.
TILE_PPD = 303.23349 / 50

#: The ready model of the oxides that no equation gives.
OXIDES_MODEL = "clementine-oxides"

#: The mosaic: 2048 x 1024 pixels in 32 shards.
ROWS, SHARD, CHUNK = 1024, 256, 128

#: Runs a prepared step on a cluster and shows how it goes.
Execute = Callable[[str, Prepared], Tale]

#: Makes a progress bar of a verb and a unit, told what is done and all there is.
Watch = Callable[[str, str], AbstractContextManager[Callable[[int, int], None]]]


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Parameters
    ----------
    tiles, mosaic, maps, geotiff, page : Path
    """

    tiles: Path
    mosaic: Path
    maps: Path
    geotiff: Path
    page: Path


def demo(out: str, *, execute: Execute, tell: Callable[[str], None], watch: Watch) -> Demo:
    """Simulate tiles, ingest them, make every built-in map, report and export.

    Parameters
    ----------
    out : str
        Folder.
    execute : callable
        Runs a prepared step.
    tell : callable
        Told, in words, what is done.
    watch : callable
        Makes a progress bar.
    """
    folder = Path(out)
    made = Demo(
        tiles=folder / "tiles",
        mosaic=folder / "mosaic.zarr",
        maps=folder / "maps.zarr",
        geotiff=folder / "FeO.tif",
        page=folder / "report" / "index.html",
    )
    tell("Simulated Clementine UVVIS tiles, in the archive's PDS3 format")
    made.tiles.mkdir(parents=True, exist_ok=True)
    if len(list(made.tiles.rglob("*.img"))) < ARCHIVE_TILES:
        with watch("simulate", "tiles") as progress:
            write_archive(made.tiles, ppd=TILE_PPD, progress=progress)
    mosaic = str(made.mosaic)
    tell("Ingest: tiles onto the grid")
    ingest = prepare_ingest([str(made.tiles)], out=mosaic, ppd=ROWS / 180, shard=SHARD, chunk=CHUNK)
    complain(execute("ingest", ingest), mosaic)
    tell("Predict: every map and its statistics in one pass")
    models = [m.name for m in BUILT_IN.values() if m.camera == CLEMENTINE_UVVIS.name]
    models.append(OXIDES_MODEL)
    maps = prepare_predict(mosaic, out=str(made.maps), models=models)
    complain(execute("predict", maps), str(made.maps))
    tell("Report and GeoTIFF")
    with watch("report", "layers") as progress:
        report(str(made.maps), out=str(made.page.parent), progress=progress)
    export(str(made.maps), layer="FeO", out=str(made.geotiff))
    return made


#: Tiles of the Clementine UVVIS archive.
ARCHIVE_TILES = 996
