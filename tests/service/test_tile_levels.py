"""Tiles of maps whose levels are of the past, torn or gone: never an old or a wrong pixel."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from maps_at_hand import open_cube, write_maps
from tile_twin import all_counts, nearest_counts, values

from lunarscale.clusters.opening import ClusterChoice
from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.engine.lock import RunLock
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.service.app import create_app
from lunarscale.service.settings import Settings
from lunarscale.service.tiles.matrices import Tile, matrix_set
from lunarscale.steps.overview import overview
from lunarscale.store.cube import Cube
from lunarscale.store.levels import levels

AROUND, EDGE = 1030, 128
#: All of one side of the Moon: drawn from the coarser level while there is one.
TILE = Tile(matrix_set("MoonCylindrical"), 0, 0, 0, 256)
NAMES = ("stale", "torn", "gone")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three times the same maps with levels, which are hurt one after the other."""
    made = tmp_path_factory.mktemp("levels")
    grid = RasterGrid(AROUND, 0, 0, AROUND // 2, AROUND)
    counts = np.random.default_rng(5).integers(0, 4000, (grid.height, grid.width), dtype=np.int16)
    overview(write_maps(made / "stale.zarr", {"FeO": counts}, grid, shard=EDGE, chunk=64))
    for name in NAMES[1:]:
        shutil.copytree(made / "stale.zarr", made / f"{name}.zarr")
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    """Of a service that has drawn a tile of each while all was well."""
    with serving(folder) as client:
        (tile,) = {drawn(client, name) for name in NAMES}
        assert_drawn_from(level_of(folder / "stale.zarr", 1), tile)
        yield client


@pytest.fixture(autouse=True)
def looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service looks at a store whenever it may have changed, not a moment later."""
    monkeypatch.setattr("lunarscale.service.catalogue.PATIENCE", 0)


def serving(folder: Path) -> TestClient:
    """A client of a service of its own."""
    settings = Settings(folder, cluster=ClusterChoice(workers=0), hosts=("testserver",))
    return TestClient(create_app(settings))


def level_of(store: Path, number: int) -> Cube:
    """A level as it is shown."""
    return levels(open_cube(str(store)))[number]


def ask(client: TestClient, name: str) -> httpx.Response:
    """The tile of one of the maps."""
    return client.get(f"/api/datasets/{name}.zarr/tiles/MoonCylindrical/0/0/0.npy")


def drawn(client: TestClient, name: str) -> bytes:
    """The same, which there must be."""
    answer = ask(client, name)
    assert answer.status_code == 200, answer.text
    return answer.content


def assert_drawn_from(level: Cube, tile: bytes) -> None:
    """Pixel by pixel."""
    expected, is_sure = nearest_counts(TILE, level.grid, all_counts(level, "FeO"))
    truth = np.where(expected == NO_DATA, np.nan, expected * 0.005).astype(np.float32)
    assert is_sure.mean() > 0.9
    assert np.array_equal(values(tile)[is_sure], truth[is_sure], equal_nan=True)


def test_a_stale_level_is_not_drawn(client: TestClient, folder: Path) -> None:
    """After another run has written to the maps, their own pixels are."""
    cube, corner = open_cube(str(folder / "stale.zarr")), Window(0, 0, EDGE, EDGE)
    with RunLock(cube.location, "rewritten", verb="predict", since="now"):
        Ledger.of(cube).withdraw(corner)
        with cube.making(corner) as shard:
            for at in np.ndindex(2, 2):
                shard.writer("FeO").put(*at, np.full((64, 64), 4321, np.int16))
                shard.writer("FeO_flag").put(*at, np.zeros((64, 64), np.uint8))
        Ledger.of(cube).write(corner, Entry("anew", shard.seals))
    tile = drawn(client, "stale")
    assert_drawn_from(cube, tile)
    assert values(tile)[1, 1] == np.float32(4321 * 0.005)


def test_a_level_that_is_gone_is_done_without(client: TestClient, folder: Path) -> None:
    """By a service that has drawn from it too; the next finer one that is there serves."""
    shutil.rmtree(folder / "gone.zarr" / "overviews" / "2")
    assert_drawn_from(open_cube(str(folder / "gone.zarr")), drawn(client, "gone"))


def test_a_torn_level_is_told(folder: Path) -> None:
    """Which, and not where; ``overview`` makes it good, and the service goes on."""
    store = folder / "torn.zarr"
    for shard in (store / "overviews" / "2" / "FeO" / "c").glob("*/*"):
        shard.write_bytes(shard.read_bytes()[:-7])
    with serving(folder) as client:
        answer = ask(client, "torn")
        assert answer.status_code == 503
        assert "torn.zarr" in answer.json()["detail"]
        assert str(folder) not in answer.text
        overview(str(store))
        assert_drawn_from(level_of(store, 1), drawn(client, "torn"))
