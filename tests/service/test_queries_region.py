"""Boxes of values, against xarray's reading of the store."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fastapi.testclient import TestClient
from hypothesis import assume, given
from hypothesis import strategies as st
from maps_at_hand import open_cube, write_maps

from lunarscale.engine.ledger import Ledger
from lunarscale.grid.raster import RasterGrid
from lunarscale.service.catalogue import Catalogue
from lunarscale.service.dataset import Dataset
from lunarscale.service.queries.asked import Box, box_of
from lunarscale.service.queries.regions import region_of
from lunarscale.service.settings import Limits

Service = Callable[..., TestClient]


def ask(client: TestClient, bbox: str, **asked: Any) -> Any:
    asked = {"bbox": bbox, "layer": "FeO", **asked}
    return client.get("/api/datasets/maps.zarr/region", params=asked)


def rows_of(told: dict[str, Any]) -> np.ndarray:
    return np.array(told["value"], dtype=float)  # None becomes NaN


def pixels_at(store: xr.Dataset, told: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Rows and columns of a store whose centres are those that were told."""
    rows = [int(np.abs(store.lat.values - lat).argmin()) for lat in told["lat"]]
    away = [np.abs((store.lon.values - lon + 180) % 360 - 180) for lon in told["lon"]]
    assert max(each.min() for each in away) < 1e-9
    return rows, [int(each.argmin()) for each in away]


@pytest.mark.parametrize(
    "bbox",
    ["-15,-45,-5,-40", "-180,-90,180,90", "170,-10,-170,10", "170,-10,190,10", "0,80,360,90",
     "-180,-90,-179.9,-89.9", "179.9,89.9,180,90"],
)  # fmt: skip
def test_a_region_is_what_xarray_reads(service: Service, service_data: Path, bbox: str) -> None:
    answer = ask(service(service_data), bbox)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    with xr.open_zarr(service_data / "maps.zarr") as store:
        rows, cols = pixels_at(store, told)
        expected = store.FeO.values[np.ix_(rows, cols)]
    np.testing.assert_array_equal(rows_of(told), expected)
    west, south, east, north = map(float, bbox.split(","))
    left, bottom, right, top = told["bounds"]
    assert bottom <= south < north <= top
    assert ((west - left) % 360) < 0.704
    assert right - left >= (east - west) % 360 - 1e-9
    assert told["unit"] == "wt %"


EDGES = st.floats(-180, 180)


@pytest.fixture(scope="module")
def dataset(service_data: Path) -> Dataset:
    return Catalogue(service_data).dataset("maps.zarr")


@pytest.fixture(scope="module")
def twice(service_data: Path) -> np.ndarray:
    """The layer FeO, two times around the Moon."""
    with xr.open_zarr(service_data / "maps.zarr") as store:
        return np.concatenate([store.FeO.values] * 2, axis=1)


@given(west=EDGES, east=EDGES, south=st.floats(-90, 89), tall=st.floats(0.01, 40))
def test_no_box_is_read_wrongly(
    dataset: Dataset, twice: np.ndarray, west: float, east: float, south: float, tall: float
) -> None:
    assume((east - west) % 360 > 1e-3)  # in pixels: more than what is taken for rounding
    box = Box(west, south, east, min(south + tall, 90.0))
    found = region_of(dataset, dataset.layer("FeO"), box, level=1, limits=Limits())
    grid = found.grid
    rows = slice(grid.row, grid.row + grid.height)
    expected = twice[rows, grid.col : grid.col + grid.width]
    np.testing.assert_array_equal(found.values, expected)
    _, south_edge, _, north_edge = grid.bounds()
    assert south_edge <= box.south + 1e-5
    assert north_edge >= box.north - 1e-5


def test_a_coarser_level_is_the_pyramids(service: Service, service_data: Path) -> None:
    told = ask(service(service_data), "-60,-30,60,30", level=2).json()
    with xr.open_zarr(service_data / "maps.zarr" / "overviews" / "2") as store:
        rows, cols = pixels_at(store, told)
        np.testing.assert_array_equal(rows_of(told), store.FeO.values[np.ix_(rows, cols)])
    assert told["level"] == 2


def test_numpy_reads_the_same(service: Service, service_data: Path) -> None:
    client = service(service_data)
    told = ask(client, "170,-10,-170,10").json()
    answer = ask(client, "170,-10,-170,10", format="npy")
    array = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, rows_of(told))
    bounds = [float(edge) for edge in answer.headers["x-lunarscale-bounds"].split(",")]
    assert bounds == told["bounds"]
    assert answer.headers["x-lunarscale-unit"] == "wt %"


def test_too_large_a_region_is_told_the_level_that_fits(
    service: Service, service_data: Path
) -> None:
    client = service(service_data, limits={"region_pixels": 40_000})
    refused = ask(client, "-180,-90,180,90")
    assert refused.status_code == 413
    detail = refused.json()["detail"]
    assert "40,000 pixels at most" in detail
    assert "131,072" in detail
    assert "level=2" in detail
    assert ask(client, "-180,-90,180,90", level=2).status_code == 200
    small = service(service_data, limits={"region_pixels": 10})
    assert ask(small, "-180,-90,180,90").json()["detail"].endswith("ask for a smaller box")


def test_what_is_not_finished_reads_as_none(service: Service, tmp_path: Path) -> None:
    grid = RasterGrid.whole(0.25)
    counts = np.full((grid.height, grid.width), 100, np.int16)
    cube = open_cube(write_maps(tmp_path / "maps.zarr", {"FeO": counts}, grid))
    Ledger.of(cube).withdraw(cube.layout.windows()[0])
    rows = rows_of(ask(service(tmp_path), "-180,-90,180,90").json())
    missing = np.zeros(rows.shape, bool)
    missing[:32, :32] = True
    np.testing.assert_array_equal(np.isnan(rows), missing)
    assert (rows[~missing] == 0.5).all()


def test_off_a_map_of_a_part_is_refused(service: Service, tmp_path: Path) -> None:
    grid = RasterGrid.whole(0.25).crop(170.0, -20.0, -170.0, 20.0)
    counts = np.arange(grid.height * grid.width, dtype=np.int16).reshape(grid.height, -1)
    write_maps(tmp_path / "maps.zarr", {"FeO": counts}, grid)
    client = service(tmp_path)
    refused = ask(client, "0,0,10,10")
    assert refused.status_code == 422
    assert "reaches beyond maps.zarr" in refused.json()["detail"]
    whole = ask(client, "170,-20,-170,20").json()
    np.testing.assert_allclose(rows_of(whole), counts * 0.005)


@pytest.mark.parametrize(
    ("status", "bbox"),
    [
        (400, "1,2,3"), (400, "1,2,3,4,5"), (400, "a,b,c,d"), (400, ""), (400, "nan,0,1,1"),
        (400, "0,0,1e400,1"), (400, "0;0;1;1"), (422, "0,10,10,0"), (422, "0,0,0,10"),
        (422, "0,-91,10,0"), (422, "1e300,0,10,10"), (422, "-1e300,-90,1e300,90"), (422, "0" * 300),
    ],
)  # fmt: skip
def test_what_is_no_box_is_refused(
    service: Service, service_data: Path, status: int, bbox: str
) -> None:
    answer = ask(service(service_data), bbox)
    assert answer.status_code == status, answer.text


def test_unknown_levels_and_layers_are_told(service: Service, service_data: Path) -> None:
    client = service(service_data)
    assert "it has 1, 2" in ask(client, "0,0,1,1", level=3).json()["detail"]
    assert ask(client, "0,0,1,1", level=3).status_code == 404
    assert ask(client, "0,0,1,1", layer="Au").status_code == 404
    assert ask(client, "0,0,1,1", format="pickle").status_code == 422


def test_a_box_holds_places_over_the_seam_too() -> None:
    box = box_of("170,-10,-170,10")
    assert box.holds(180, 0)
    assert box.holds(-175, 10)
    assert not box.holds(0, 0)
    assert not box.holds(175, 11)
    assert box_of("-180,-90,180,90").holds(13, -90)
