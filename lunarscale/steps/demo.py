"""Demo: the whole way on a simulated Moon, from archive tiles to a paper's tables and figures."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.plan import giga
from lunarscale.engine.run import Execute, complain
from lunarscale.models.registry import BUILT_IN
from lunarscale.simulated.archive import planned, write_archive
from lunarscale.simulated.grs import write_grs
from lunarscale.simulated.mare import write_mare_mask
from lunarscale.steps.export import export
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.overview import prepare_overview
from lunarscale.steps.predict import prepare_predict
from lunarscale.steps.reporting.like import ask
from lunarscale.steps.reporting.page import make

#: Resolution of the simulated tiles: a fiftieth of the archive's.
TILE_PPD = 303.23349 / 50

#: What the paper's tables and figures need beside the equations: those before and with Chang'e-6,
#: and its network; and the ready model of the oxides.
FURTHER_MODELS = ("before-ce6", "with-ce6", "qiu-2025-cnn", "clementine-oxides")

#: The mosaic: 2048 x 1024 pixels in 32 shards.
ROWS, SHARD, CHUNK = 1024, 256, 128

#: Makes a progress bar of a verb and a noun, told what is done and all there is.
Watch = Callable[[str, str], AbstractContextManager[Callable[[int, int], None]]]


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Parameters
    ----------
    tiles, mare, grs, mosaic, maps, geotiff, page : Path
        ``mare`` and ``grs`` stand for a mask of the maria and Lunar Prospector's table; ``page``
        has the tables and figures of Qiu et al. 2025.
    """

    tiles: Path
    mare: Path
    grs: Path
    mosaic: Path
    maps: Path
    geotiff: Path
    page: Path

    @classmethod
    def within(cls, folder: Path) -> "Demo":
        """Where everything lies in a folder."""
        return cls(
            tiles=folder / "tiles",
            mare=folder / "simulated_mare.png",
            grs=folder / "simulated_lunar_prospector.tab",
            mosaic=folder / "mosaic.zarr",
            maps=folder / "maps.zarr",
            geotiff=folder / "FeO.tif",
            page=folder / "report" / "index.html",
        )


def outline(out: str) -> list[tuple[str, str]]:
    """What ``demo`` makes in a folder, as label and figure; nothing is made."""
    plans, models = planned(TILE_PPD), _models()
    shards = (2 * ROWS // SHARD) * (ROWS // SHARD)
    return [
        ("tiles", f"{len(plans)}, simulated, {giga(sum(plan.image_bytes for plan in plans))}"),
        ("mosaic", f"{2 * ROWS:,} x {ROWS:,} pixels, {shards} shards"),
        ("maps", f"by {len(models)} models: {', '.join(models)}"),
        ("page", str(Demo.within(Path(out)).page)),
    ]


def _models() -> list[str]:
    published = [m.name for m in BUILT_IN.values() if m.camera == CLEMENTINE_UVVIS.name]
    return [*published, *FURTHER_MODELS]


def demo(out: str, *, execute: Execute, tell: Callable[[str], None], watch: Watch) -> Demo:
    """Simulate tiles, ingest them, make maps and overviews, report like a paper, and export.

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
    made = Demo.within(Path(out))
    tell("Simulated Clementine UVVIS tiles, in the archive's PDS3 format")
    _simulate(made, watch)
    mosaic, maps = str(made.mosaic), str(made.maps)
    tell("Ingest: tiles onto the grid")
    ingest = prepare_ingest([str(made.tiles)], out=mosaic, ppd=ROWS / 180, shard=SHARD, chunk=CHUNK)
    complain(execute("ingest", ingest), mosaic)
    tell("Predict: every map and its statistics in one pass")
    predict = prepare_predict(mosaic, out=maps, models=_models(), mare=str(made.mare))
    complain(execute("predict", predict), maps)
    tell("Overviews: area means at a half, a quarter and an eighth, for tiles and views")
    complain(execute("overview", prepare_overview(maps)), maps)
    tell("Report: the tables and figures of Qiu et al. 2025, from these maps; and a GeoTIFF")
    asked = ask(maps, mare=str(made.mare), grs=str(made.grs))
    make(asked, str(made.page.parent), execute)
    export(maps, layer="FeO", out=str(made.geotiff))
    return made


def _simulate(made: Demo, watch: Watch) -> None:
    """The archive's tiles, and what a mask and a gamma-ray table would hold."""
    made.tiles.mkdir(parents=True, exist_ok=True)
    if len(list(made.tiles.rglob("*.img"))) < ARCHIVE_TILES:
        with watch("simulate", "tile") as progress:
            write_archive(made.tiles, ppd=TILE_PPD, progress=progress)
    if not made.mare.exists():
        write_mare_mask(made.mare, rows=ROWS)
    if not made.grs.exists():
        write_grs(made.grs)


#: Tiles of the Clementine UVVIS archive.
ARCHIVE_TILES = 996
