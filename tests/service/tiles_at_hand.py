"""Moons of noise to draw tiles of, and asking for them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from maps_at_hand import open_cube, write_maps
from numpy.typing import NDArray

from lunarscale.clusters.opening import ClusterChoice
from lunarscale.flags import EXTRAPOLATED, NO_DATA, OUTSIDE_MARE
from lunarscale.grid.raster import RasterGrid
from lunarscale.service.app import create_app
from lunarscale.service.settings import Settings
from lunarscale.service.tiles.matrices import AROUND_M, Tile, matrix_set
from lunarscale.steps.overview import overview
from lunarscale.store.cube import Cube
from lunarscale.store.levels import levels

#: A whole Moon that no power of two divides, in chunks of which a tile at a pole touches dozens.
AROUND = 2060
QUANTUM = 0.005

#: Where each set is looked at: everything, the seam, the poles, beyond the map's own pixels.
PLACES = {
    "MoonCylindrical": [(0, 0, 0), (0, 1, 0), (1, 0, 1), (2, 7, 0), (2, 0, 3), (4, 31, 8)],
    "MoonNorthPolar": [(0, 0, 0), (1, 0, 0), (1, 1, 1), (2, 1, 2), (4, 8, 7)],
    "MoonSouthPolar": [(0, 0, 0), (1, 1, 0), (2, 2, 1), (3, 0, 7)],
}
CASES = [(name, place) for name, places in PLACES.items() for place in places]


def moon(grid: RasterGrid, seed: int = 6) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Noise with holes and flags."""
    rng = np.random.default_rng(seed)
    shape = (grid.height, grid.width)
    counts, flags = rng.integers(0, 4000, shape).astype(np.int16), np.zeros(shape, np.uint8)
    flags[rng.random(shape) < 0.3] = EXTRAPOLATED
    flags[rng.random(shape) < 0.1] |= OUTSIDE_MARE
    holes = rng.random(shape) < 0.2
    counts[holes], flags[holes] = NO_DATA, 2
    return counts, flags


@pytest.fixture(scope="session")
def tile_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``noise.zarr`` with levels, ``bare.zarr`` without, ``part.zarr`` over the seam."""
    made = tmp_path_factory.mktemp("tiles")
    whole = RasterGrid(AROUND, 0, 0, AROUND // 2, AROUND)
    counts, flags = moon(whole)
    kept = {"flags": {"FeO": flags}, "shard": 256, "chunk": 64}
    overview(write_maps(made / "noise.zarr", {"FeO": counts}, whole, **kept))
    write_maps(made / "bare.zarr", {"FeO": counts}, whole, **kept, simulated=False)
    part = RasterGrid(AROUND, 900, AROUND - 100, 120, 200)
    write_maps(made / "part.zarr", {"FeO": moon(part)[0]}, part, shard=64, chunk=32)
    return made


@pytest.fixture(scope="session")
def tile_client(tile_data: Path) -> Iterator[TestClient]:
    """A client of the service of ``tile_data``, which all tests share that look at tiles only."""
    settings = Settings(tile_data, cluster=ClusterChoice(workers=0), hosts=("testserver",))
    app = create_app(settings)
    app.openapi()  # before there are threads, as in ``service_at_hand.serving``
    with TestClient(app) as client:
        yield client


def tile_at(name: str, place: tuple[int, int, int], size: int = 256) -> Tile:
    return Tile(matrix_set(name), *place, size)


def url(dataset: str, tile: Tile, kind: str = "npy") -> str:
    place = f"{tile.zoom}/{tile.col}/{tile.row}.{kind}"
    return f"/api/datasets/{dataset}/tiles/{tile.set.name}/{place}"


def asked(client: TestClient, path: str, **query: Any) -> httpx.Response:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer


def level_by_rule(path: Path, tile: Tile) -> Cube:
    """The coarsest level that is no coarser than the tile's pixels, else the map."""
    found = levels(open_cube(str(path)))
    fine = [level for level in found if AROUND_M / level.grid.around <= tile.cell_m]
    return fine[-1] if fine else found[0]
