"""Lines on the sphere, and values along them."""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import assume, given
from hypothesis import strategies as st

from lunarscale.errors import LimitError, RegionError
from lunarscale.gazetteer import distance_km
from lunarscale.moon import RADIUS_M
from lunarscale.service.catalogue import Catalogue
from lunarscale.service.queries.asked import line_of
from lunarscale.service.queries.lines import along
from lunarscale.service.queries.readings import read_point

Service = Callable[..., TestClient]

PLACES = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def vector(lon: float, lat: float) -> np.ndarray:
    """A place as a unit vector."""
    lon, lat = math.radians(lon), math.radians(lat)
    return np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])


def between(a: tuple[float, float], b: tuple[float, float], share: float) -> np.ndarray:
    """A place between two, the textbook's way: sin-weighted vectors."""
    angle = distance_km(a, b) / (RADIUS_M / 1000)
    weights = math.sin((1 - share) * angle), math.sin(share * angle)
    return (weights[0] * vector(*a) + weights[1] * vector(*b)) / math.sin(angle)


@given(a=PLACES, b=PLACES, samples=st.integers(2, 40))
def test_a_line_follows_the_great_circle(
    a: tuple[float, float], b: tuple[float, float], samples: int
) -> None:
    whole = distance_km(a, b)
    assume(0.001 < whole < math.pi * RADIUS_M / 1000 - 1)
    found = along(np.array([a, b]), samples)
    assert found.distance_km[-1] == pytest.approx(whole, rel=1e-9)
    for share, lon, lat, km in zip(
        np.linspace(0, 1, samples), found.lon, found.lat, found.distance_km, strict=True
    ):
        assert -180 <= lon < 180
        assert np.linalg.norm(vector(lon, lat) - between(a, b, share)) < 1e-9
        assert km == pytest.approx(share * whole, abs=1e-6)


@given(line=st.lists(PLACES, min_size=2, max_size=6), samples=st.integers(2, 60))
def test_samples_lie_evenly_along_all_parts(line: list[tuple[float, float]], samples: int) -> None:
    legs = [distance_km(a, b) for a, b in pairwise(line)]
    assume(max(legs) < math.pi * RADIUS_M / 1000 - 1)
    assume(sum(legs) > 0.01)
    found = along(np.array(line), samples)
    assert found.distance_km[-1] == pytest.approx(sum(legs), rel=1e-8)
    assert np.diff(found.distance_km) == pytest.approx(sum(legs) / (samples - 1), rel=1e-8)
    ends = zip(found.lon[[0, -1]], found.lat[[0, -1]], strict=True)
    for end, place in zip(ends, (line[0], line[-1]), strict=True):
        assert distance_km(end, place) < 1e-6
    # no step is longer on the sphere than along the line
    places = list(zip(found.lon, found.lat, strict=True))
    for a, b in pairwise(places):
        assert distance_km(a, b) <= sum(legs) / (samples - 1) + 1e-6


def test_a_line_over_a_pole_and_one_over_the_seam() -> None:
    over = along(np.array([(30.0, 80.0), (-150.0, 80.0)]), 3)
    assert over.lat[1] == pytest.approx(90.0, abs=1e-9)
    assert over.distance_km[-1] == pytest.approx(math.radians(20) * RADIUS_M / 1000)
    seam = along(np.array([(170.0, 0.0), (-170.0, 0.0)]), 5)
    assert seam.lon == pytest.approx([170, 175, -180, -175, -170])
    assert (seam.lat == 0.0).all()


def test_a_line_along_the_edge_of_pixels_keeps_to_one_side() -> None:
    found = along(np.array([(45.0, -80.0), (45.0, 80.0)]), 1001)
    assert (found.lon == 45.0).all()


@pytest.mark.parametrize(
    "line", [[(0, 0), (180, 0)], [(20, 30), (-160, -30)], [(0, 90), (50, -90)]]
)
def test_opposite_places_have_no_one_way(line: list[tuple[float, float]]) -> None:
    with pytest.raises(RegionError, match="opposite each other"):
        along(np.array(line, float), 5)


def test_a_line_of_one_place_is_none() -> None:
    with pytest.raises(RegionError, match="all of the line's places are one"):
        along(np.array([(5.0, 5.0)] * 3), 5)


def ask(client: TestClient, **asked: Any) -> Any:
    return client.get("/api/datasets/maps.zarr/profile", params=asked)


def test_a_profile_has_the_values_of_its_pixels(service: Service, service_data: Path) -> None:
    line = "160,-30;-150,40;-150,40;-100,89"
    answer = ask(service(service_data), line=line, layer=["FeO", "TiO2"], samples=77)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["layer"] == "FeO"
    assert told["unit"] == "wt %"
    (other,) = told["others"]
    assert other["layer"] == "TiO2"
    assert len(told["distance_km"]) == len(other["value"]) == 77
    dataset = Catalogue(service_data).dataset("maps.zarr")
    for lon, lat, *values in zip(
        told["lon"], told["lat"], told["value"], other["value"], strict=True
    ):
        at = {each.layer: each.value for each in read_point(dataset, lon, lat).values}
        assert values == [at["FeO"], at["TiO2"]]
    assert any(value is not None for value in told["value"])


@pytest.mark.parametrize(
    ("status", "asked", "says"),
    [
        (413, {"samples": 5001}, "5,000 samples at most"),
        (413, {"samples": 10**6}, "5,000 samples at most"),
        (413, {"samples": 10**60}, "5,000 samples at most"),
        (413, {"samples": 2000, "layer": ["FeO", "TiO2", "FeO_lower"]}, "of all its layers"),
        (414, {"line": ";".join(["0,0", "1,1"] * 2_000)}, "8,192 bytes at most"),
        (422, {"line": "1" * 8_001}, "line"),
        (422, {"samples": 1}, "samples"),
        (422, {"samples": "many"}, "samples"),
        (400, {"line": "0,0"}, "two places or more"),
        (400, {"line": "0,0;1"}, "two places or more"),
        (400, {"line": "0,0;nan,1"}, "'nan', which is no number"),
        (400, {"line": "0,0;1e999,1"}, "which is no number"),
        (400, {"line": f"0,0;{'9' * 400},1"}, "which is no number"),
        (400, {"line": "0,0;1_0,1"}, "which is no number"),
        (422, {"line": "0,0;1,91"}, "is off the Moon"),
        (422, {"line": "0,0;180,0"}, "opposite each other"),
        (404, {"layer": "Gold"}, "has no layer 'Gold'"),
        (422, {"layer": ["FeO"] * 21, "samples": 2}, "layer"),
    ],
)
def test_what_is_no_profile_is_refused(
    service: Service, service_data: Path, status: int, asked: dict[str, Any], says: str
) -> None:
    answer = ask(service(service_data), **{"line": "0,0;10,10", "layer": "FeO", **asked})
    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"]


def test_a_longitude_may_be_any_number(service: Service, service_data: Path) -> None:
    client = service(service_data)
    near = ask(client, line="10,0;20,0", layer="FeO", samples=5).json()
    far = ask(client, line="370,0;-340,0", layer="FeO", samples=5).json()
    assert far == near
    assert ask(client, line="1e300,0;20,0", layer="FeO").status_code == 200


def test_a_line_of_too_many_places_is_refused() -> None:
    with pytest.raises(LimitError, match="10 places at most but this one has 11"):
        line_of(";".join(["0,0"] * 11), most=10)
    assert line_of(";".join(["0,0"] * 10), most=10).shape == (10, 2)
