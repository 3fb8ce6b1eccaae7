"""Statistics within a polygon are those of ``summarise``, and what is no polygon is refused."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from drawn_at_hand import POLAR, ask, box, polygon
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from maps_at_hand import open_cube, write_maps

from lunarscale.engine.ledger import Ledger
from lunarscale.flags import NO_DATA
from lunarscale.grid.polygons import PolygonGrouping
from lunarscale.grid.raster import RasterGrid
from lunarscale.readers.geojson import geojson_grouping
from lunarscale.readers.wanted import Wanted
from lunarscale.service.catalogue import Catalogue
from lunarscale.service.dataset import Dataset
from lunarscale.service.queries.ground import ground_of
from lunarscale.steps.summarise import summarise

Service = Callable[..., TestClient]

#: Kernels are compiled by the first that asks.
PATIENT = {"costly_a_minute": 100_000, "answer_s": 600}

DRAWN: dict[str, dict[str, Any]] = {
    "a box": polygon(box(-14, -46, 30, -10)),
    "a lopsided one": polygon([[-14, 40], [-30, 46], [-8.2, 71.3], [5, 50]]),
    "one with a hole": polygon(box(-60, -20, 0, 20), box(-50, -10, -10, 10)),
    "one over the seam": polygon(box(165, -30, 195, 40)),
    "one that steps over the seam": polygon(
        [[175, 0], [178, 0], [-178, 0], [-175, 0], [-175, 20], [-178, 20], [178, 20], [175, 20]]
    ),
    "one round the south pole": polygon([[lon, -70 - lon % 7] for lon in range(-180, 180, 5)]),
    "one of all the Moon": polygon(box(-180, -90, 180, 90)),
    "one that holds no pixel": polygon(box(10.0, 10.0, 10.01, 10.01)),
    "several in one": {
        "type": "MultiPolygon",
        "coordinates": [
            polygon(box(0, 0, 20, 20))["coordinates"], polygon(box(90, 50, 120, 89))["coordinates"],
        ],
    },
    "a feature with a name": {
        "type": "Feature",
        "properties": {"name": "Tycho's <b>floor</b>"},
        "geometry": polygon(box(-20, -50, 10, -30)),
    },
    "one on a polar map": {
        "type": "FeatureCollection",
        "crs": POLAR,
        "features": [
            {
                "type": "Feature",
                "properties": {},
                "geometry": polygon(box(-5e5, -4e5, 3e5, 6e5)),
            }
        ],
    },
}  # fmt: skip


@pytest.fixture
def client(service: Service, service_data: Path) -> TestClient:
    return service(service_data, limits=PATIENT)


def rows_of(maps: Path, body: Any, folder: Path, layer: str) -> list[dict[str, Any]]:
    """What ``summarise --by polygon.geojson`` tells of a layer."""
    file = folder / "polygon.geojson"
    file.write_text(json.dumps(body))
    return [asdict(row) for row in summarise(str(maps), by=[str(file)]).rows if row.layer == layer]


@pytest.mark.parametrize("what", DRAWN)
def test_the_rows_are_those_of_summarise(
    client: TestClient, service_data: Path, tmp_path: Path, what: str
) -> None:
    answer = ask(client, DRAWN[what])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["level"] == 1
    assert told["simulated"] is True
    assert told["rows"] == rows_of(service_data / "maps.zarr", DRAWN[what], tmp_path, "FeO")
    (row,) = told["rows"]
    bars = told["histogram"]
    assert sum(bars["area_km2"]) == pytest.approx(row["valid_area_km2"])
    if what != "one that holds no pixel":
        assert row["mean"] is not None
        assert len(bars["edges"]) == len(bars["area_km2"]) + 1
        assert bars["edges"][0] <= row["min"] <= row["max"] < bars["edges"][-1] + 1e-12
        fullest = int(np.argmax(bars["area_km2"]))
        assert sum(bars["edges"][fullest : fullest + 2]) / 2 == pytest.approx(row["mode"])
        assert any(mode["number"] == 1 for mode in told["modes"])
    else:
        assert row["pixels"] == 0
        assert bars["edges"] == bars["area_km2"] == []


def test_the_bars_are_the_areas_of_their_values(client: TestClient, service_data: Path) -> None:
    bars = ask(client, DRAWN["one over the seam"]).json()["histogram"]
    with xr.open_zarr(service_data / "maps.zarr", mask_and_scale=False) as kept:
        store = kept[["FeO"]].load()
    rows, cols = np.abs(store.lat.values - 5) < 35, np.abs(store.lon.values) > 165
    counts, half = store.FeO.values[np.ix_(rows, cols)], np.radians(180 / 512)
    band = np.sin(np.radians(store.lat.values[rows]) + half) - np.sin(
        np.radians(store.lat.values[rows]) - half
    )
    areas = np.broadcast_to(1737.4**2 * 2 * half * band[:, None], counts.shape)
    there = counts != NO_DATA
    bins = counts[there] // 20  # of 0.1 wt %, a count being 0.005
    assert np.array(bars["edges"]) * 10 == pytest.approx(np.arange(bins.min(), bins.max() + 2))
    expected = np.bincount(bins - bins.min(), areas[there])
    assert bars["area_km2"] == pytest.approx(expected, rel=1e-9)


def test_too_large_a_polygon_is_counted_on_a_coarser_level(
    service: Service, service_data: Path, tmp_path: Path
) -> None:
    client = service(service_data, limits={**PATIENT, "polygon_pixels": 40_000})
    body = DRAWN["one of all the Moon"]
    told = ask(client, body).json()
    assert told["level"] == 2
    assert told["pixels_read"] <= 40_000
    coarser = service_data / "maps.zarr" / "overviews" / "2"
    assert told["rows"] == rows_of(coarser, body, tmp_path, "FeO")
    assert ask(client, DRAWN["a box"]).json()["level"] == 1
    refused = ask(service(service_data, limits={"polygon_pixels": 10_000}), body)
    assert refused.status_code == 413
    assert "10,000 pixels at most" in refused.json()["detail"]
    assert "at its coarsest level, 2;" in refused.json()["detail"]


@pytest.fixture(scope="module")
def dataset(service_data: Path) -> Dataset:
    return Catalogue(service_data).dataset("maps.zarr")


@given(
    west=st.floats(-350, 350), south=st.floats(-90, 80), size=st.tuples(*[st.floats(0.1, 179)] * 2)
)
def test_no_pixel_of_a_polygon_is_left_out(
    dataset: Dataset, west: float, south: float, size: tuple[float, float]
) -> None:
    ring = box(west, south, west + size[0], min(south + size[1], 90.0))
    grouping = geojson_grouping("drawn", json.dumps(polygon(ring)).encode(), Wanted())
    assert isinstance(grouping, PolygonGrouping)
    ground = ground_of(dataset, grouping, most=10**9)
    grid = dataset.cube.grid
    rest = grouping.numbers(grid, grid.window)
    for window in ground.windows:
        assert rest[window.slices].shape == (window.height, window.width)  # none reaches beyond
        rest[window.slices] = 0
    assert not rest.any()
    assert ground.pixels >= sum(window.height * window.width for window in ground.windows)


def test_windows_share_no_pixel_and_follow_chunks(dataset: Dataset) -> None:
    grouping = geojson_grouping("d", json.dumps(DRAWN["one over the seam"]).encode(), Wanted())
    ground = ground_of(dataset, grouping, most=10**9)
    seen = np.zeros((256, 512), int)
    for window in ground.windows:
        seen[window.slices] += 1
        assert window.row % 64 == window.col % 64 == 0
    assert seen.max() == 1
    assert not seen[:, 128:384].any()  # nothing of the near side


def test_a_polygon_off_the_map_and_one_of_a_mosaic_are_refused(
    client: TestClient, service: Service, tmp_path: Path
) -> None:
    assert ask(client, DRAWN["a box"], name="mosaic.zarr", layer="R750").status_code == 409
    assert ask(client, DRAWN["a box"], layer="Au").status_code == 404
    grid = RasterGrid.whole(0.5).crop(100.0, 0.0, 120.0, 20.0)
    write_maps(tmp_path / "part.zarr", {"FeO": np.ones((grid.height, grid.width), np.int16)}, grid)
    refused = ask(service(tmp_path), DRAWN["a box"], name="part.zarr")
    assert refused.status_code == 422
    assert "touches the map" in refused.json()["detail"]


def test_unfinished_shards_stand_against_it_only_where_it_lies(
    service: Service, tmp_path: Path
) -> None:
    grid = RasterGrid.whole(0.5)
    counts = np.full((grid.height, grid.width), 100, np.int16)
    counts[:, :64] = NO_DATA
    cube = open_cube(write_maps(tmp_path / "maps.zarr", {"FeO": counts}, grid))
    Ledger.of(cube).withdraw(cube.layout.windows()[0])
    client = service(tmp_path)
    refused = ask(client, polygon(box(-175, 60, -150, 85)))
    assert refused.status_code == 409
    assert "1 of the 1 shards under the polygon" in refused.json()["detail"]
    fine = ask(client, polygon(box(80, -40, 120, 40)))
    assert fine.json()["rows"][0]["mean"] == 0.5
    (empty,) = ask(client, polygon(box(-170, -85, -150, -60))).json()["rows"]
    assert empty["mean"] is None
    assert empty["note"] == "no valid pixel"  # of the layer elsewhere nothing is said
