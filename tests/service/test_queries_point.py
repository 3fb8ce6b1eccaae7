"""All layers at a place: the store's own numbers, in the pixel that holds it."""

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from maps_at_hand import open_cube, write_maps

from lunarscale.engine.ledger import Ledger
from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, MapReason
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.service.catalogue import Catalogue
from lunarscale.service.dataset import Dataset
from lunarscale.service.queries.readings import read_point

Service = Callable[..., TestClient]

GRID = RasterGrid.whole(0.25)
LONS = st.floats(-1e6, 1e6) | st.sampled_from([-180.0, 180.0, 179.99999999999997, -1e308, 1e308])
LATS = st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, -0.0])


def ask(client: TestClient, lon: float, lat: float, name: str = "maps.zarr") -> dict[str, Any]:
    answer = client.get(f"/api/datasets/{name}/point", params={"lon": lon, "lat": lat})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_values_are_those_that_xarray_reads(service: Service, service_data: Path) -> None:
    client = service(service_data)
    with xr.open_zarr(service_data / "maps.zarr") as kept:
        store = kept.load()
    lons, lats = store.lon.values, store.lat.values
    places = product((-180, -60.3, 77.7, 179.99, 180), (-90, -44.4, 61.0, 90))
    seen = 0
    for lon, lat in places:
        told = ask(client, lon, lat)
        assert told["lon"] == (-180 if lon == 180 else lon)  # its own digits
        assert told["lat"] == lat
        row, col = told["row"], told["col"]
        assert abs(lats[row] - lat) <= 0.3515625 + 1e-9
        assert abs((lons[col] - lon + 180) % 360 - 180) <= 0.3515625 + 1e-9
        for reading in told["values"]:
            found = float(store[reading["layer"]].values[row, col])
            assert (reading["value"] is None) == math.isnan(found)
            assert (reading["reason"] is None) == (reading["value"] is not None)
            if reading["value"] is not None:
                assert reading["value"] == found  # bit for bit
                assert reading["unit"] == store[reading["layer"]].units
                seen += 1
    assert seen > 100


def test_a_mosaic_tells_its_bands(service: Service, service_data: Path) -> None:
    told = ask(service(service_data), -60.3, 10.0, "mosaic.zarr")
    with xr.open_zarr(service_data / "mosaic.zarr") as store:
        found = store.reflectance.values[:, told["row"], told["col"]]
    assert [reading["value"] for reading in told["values"]] == found.astype(float).tolist()
    assert [reading["layer"] for reading in told["values"]][:2] == ["R415", "R750"]


def test_a_value_comes_with_the_interval_that_is_its_own(
    service: Service, service_data: Path
) -> None:
    values = {each["layer"]: each for each in ask(service(service_data), 20.0, 5.0)["values"]}
    told = values["FeO_clementine_oxides"]["uncertainty"]
    assert told == {
        "lower": values["FeO_lower"]["value"],
        "upper": values["FeO_upper"]["value"],
        "meaning": "90% prediction intervals by CV+ by landing site",
    }
    assert told["lower"] <= values["FeO_clementine_oxides"]["value"] <= told["upper"]
    assert values["FeO"]["uncertainty"] is None


@pytest.fixture(scope="module")
def dataset(service_data: Path) -> Dataset:
    return Catalogue(service_data).dataset("maps.zarr")


@settings(max_examples=30)
@given(lon=LONS, lat=LATS)
def test_the_pixel_holds_the_place(dataset: Dataset, lon: float, lat: float) -> None:
    told = read_point(dataset, lon, lat)
    assert told.row is not None
    assert told.col is not None
    west, south, east, north = dataset.cube.grid.bounds(Window(told.row, told.col, 1, 1))
    assert -180 <= told.lon <= 180
    # a longitude that rounding brings to the seam lies on either side of it
    assert (told.lon - west + 1e-9) % 360 <= east - west + 2e-9
    assert south - 1e-9 <= lat <= north + 1e-9
    # whole turns on it is the same pixel, but where rounding brings it over an edge
    again = read_point(dataset, told.lon + 360, lat)
    at_an_edge = min((told.lon - edge + 1e-9) % 360 for edge in (west, east)) < 2e-9
    assert (again.row, again.col) == (told.row, told.col) or at_an_edge


@pytest.fixture
def flagged(tmp_path: Path) -> Path:
    """A folder with maps whose first row has each reason, and the second each qualifier."""
    counts = np.full((GRID.height, GRID.width), 3264, np.int16)
    flags = np.zeros(counts.shape, np.uint8)
    reasons = [reason for reason in MapReason if reason]
    counts[0, : len(reasons)], flags[0, : len(reasons)] = NO_DATA, reasons
    flags[1, :3] = NEGATIVE, EXTRAPOLATED, NEGATIVE | EXTRAPOLATED
    flags[2, 0], counts[2, 0] = 7, NO_DATA
    write_maps(tmp_path / "maps.zarr", {"FeO": counts}, GRID, flags={"FeO": flags})
    return tmp_path


def test_flags_and_reasons_are_told_in_words(service: Service, flagged: Path) -> None:
    client = service(flagged)

    def at(row: int, col: int) -> dict[str, Any]:
        lon, lat = GRID.lons()[col], GRID.lats()[row]
        reading: dict[str, Any] = ask(client, lon, lat)["values"][0]
        return reading

    for col, reason in enumerate([reason for reason in MapReason if reason]):
        told = at(0, col)
        assert told["value"] is None
        assert told["flags"] == [reason.name.lower()]
        assert len(told["reason"].split()) > 3
    assert [at(1, col)["flags"] for col in range(4)] == [
        ["negative"], ["extrapolated"], ["negative", "extrapolated"], [],
    ]  # fmt: skip
    assert at(1, 0)["value"] == 3264 * 0.005
    assert at(2, 0)["reason"] == "there is no value"


def test_what_is_not_finished_says_so(service: Service, flagged: Path) -> None:
    cube = open_cube(str(flagged / "maps.zarr"))
    Ledger.of(cube).withdraw(cube.layout.windows()[0])
    client = service(flagged)
    told = ask(client, -179.0, 89.0)["values"][0]
    assert told["value"] is None
    assert "not finished" in told["reason"]
    assert ask(client, 10.0, -89.0)["values"][0]["value"] == 3264 * 0.005


def test_off_a_map_of_a_part_there_is_no_pixel(service: Service, tmp_path: Path) -> None:
    grid = GRID.crop(170.0, -20.0, -170.0, 20.0)  # over the seam
    counts = np.arange(grid.height * grid.width, dtype=np.int16).reshape(grid.height, -1)
    write_maps(tmp_path / "maps.zarr", {"FeO": counts}, grid)
    client = service(tmp_path)
    outside = ask(client, 0.0, 0.0)
    assert outside["row"] is outside["col"] is outside["values"][0]["value"] is None
    assert "does not reach" in outside["values"][0]["reason"]
    for lon in (175.0, -175.0, 185.0, 180.0, -180.0):
        told = ask(client, lon, 1.0)
        assert told["values"][0]["value"] == counts[told["row"], told["col"]] * 0.005
    assert ask(client, 185.0, 1.0)["col"] == ask(client, -175.0, 1.0)["col"]


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        ("0", "90.1"),
        ("0", "-91"),
        ("nan", "0"),
        ("inf", "0"),
        ("0", "nan"),
        ("east", "0"),
        ("", ""),
    ],
)
def test_what_is_no_place_is_refused(
    service: Service, service_data: Path, lon: str, lat: str
) -> None:
    asked = {"lon": lon, "lat": lat}
    answer = service(service_data).get("/api/datasets/maps.zarr/point", params=asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
