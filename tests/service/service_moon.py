"""A small simulated Moon as the service's tests see it: a mosaic and maps made in this process."""

import fcntl
from itertools import pairwise
from pathlib import Path

from lunarscale.simulated.archive import simulated_tile, write_tile
from lunarscale.simulated.tiling import plan_tile
from lunarscale.steps.ingest import ingest
from lunarscale.steps.overview import overview
from lunarscale.steps.predict import predict

#: Rows of the mosaic, and edges of its shards and chunks: one coarser level.
ROWS, SHARD, CHUNK = 256, 128, 64

#: What the maps show: two equations' layers, and a network's with the ends of its intervals.
MODELS = ("qiu-2025-feo", "qiu-2025-tio2", "clementine-oxides", "clementine-intervals")


def make_service_data(folder: Path) -> Path:
    """Tiles to ``mosaic.zarr`` to ``maps.zarr`` with levels, in a folder, which it returns."""
    tiles = folder.parent / "tiles"
    tiles.mkdir()
    for west in range(0, 360, 60):
        for south, north in pairwise((-90, -40, 0, 40, 90)):
            name = (
                f"UI{abs(south + north) // 2:02d}{'S' if south + north < 0 else 'N'}{west + 30:03d}"
            )
            bounds = float(west), float(south), west + 60.0, float(north)
            plan = plan_tile(name, bounds, ppd=1.01 * ROWS / 180)
            write_tile(tiles / plan.file_name, plan, simulated_tile(plan))
    mosaic, maps = str(folder / "mosaic.zarr"), str(folder / "maps.zarr")
    ingest([str(tiles)], out=mosaic, ppd=ROWS / 180, shard=SHARD, chunk=CHUNK)
    predict(mosaic, out=maps, models=MODELS)
    overview(maps)
    return folder


def made_once(folder: Path) -> Path:
    """The data in a folder, made by the first of several processes that ask for them."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "data"
    with open(folder / "making", "w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)  # the others wait here
        if not data.exists():
            aside = folder / "aside"
            aside.mkdir()
            make_service_data(aside)
            aside.rename(data)
    return data
