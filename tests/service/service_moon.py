"""A small simulated Moon as the service's tests see it: a mosaic and maps made in this process."""

from itertools import pairwise
from pathlib import Path

from lunarscale.simulated.archive import simulated_tile, write_tile
from lunarscale.simulated.tiling import plan_tile
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict

#: Rows of the mosaic: two degrees a pixel.
ROWS = 90

#: What the maps show: two equations' layers, and a network's with the ends of its intervals.
MODELS = ("qiu-2025-feo", "qiu-2025-tio2", "clementine-intervals")


def make_service_data(folder: Path) -> Path:
    """Tiles to ``mosaic.zarr`` to ``maps.zarr`` in a folder, which it returns."""
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
    ingest([str(tiles)], out=mosaic, ppd=ROWS / 180, shard=48, chunk=24)
    predict(mosaic, out=maps, models=MODELS)
    return folder
