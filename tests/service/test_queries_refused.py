"""What is no polygon, or too much of one, is refused in one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_at_hand import POLAR, ask, box, polygon
from fastapi.testclient import TestClient

Service = Callable[..., TestClient]

SQUARE = polygon(box(-14, -46, 30, -10))
NAMED = {"type": "Feature", "properties": {"name": "a"}, "geometry": polygon(box(0, 0, 1, 1))}


@pytest.fixture
def client(service: Service, service_data: Path) -> TestClient:
    return service(service_data, limits={"costly_a_minute": 100_000})


def scribble(count: int) -> list[list[float]]:
    """An outline each of whose edges crosses most of the others."""
    lats = np.random.default_rng(6).uniform(-40.0, 40.0, count).round(2).tolist()
    return [[60.0 * (i % 2), lat] for i, lat in enumerate(lats)]


def fan(blades: int) -> list[list[float]]:
    """An outline of blades that touch in one place."""
    around = np.linspace(0.0, 2.0 * np.pi, 2 * blades, endpoint=False)
    tips = np.stack([40.0 * np.cos(around), 40.0 * np.sin(around)], axis=1).round(4).tolist()
    return [place for two in zip(tips[::2], tips[1::2], strict=True) for place in ([0, 0], *two)]


def many(count: int, size: float) -> dict[str, Any]:
    boxes = [polygon(box(-170, -80, -170 + size, -80 + size))["coordinates"]] * count
    return {"type": "MultiPolygon", "coordinates": boxes}


LONG = b'{"type":"Polygon","coordinates":[[[' + b"9" * 5000 + b",0]]]}"
DEEP = b'{"type": "Polygon", "coordinates": ' + b"[" * 100_000


def named(crs: Any) -> dict[str, Any]:
    return {**SQUARE, "crs": crs}


REFUSED: dict[str, tuple[int, Any, str]] = {
    "nothing": (422, b"", "is not GeoJSON"),
    "no JSON": (422, b"\xff\xfe\x00", "is not GeoJSON"),
    "deep lists": (413, DEEP, "20,000 places at most"),
    "lists that are deep but few": (422, b"[" * 20_000 + b"]" * 20_000, "not GeoJSON"),
    "deep objects": (422, b'{"a":' * 100_000, "is not GeoJSON"),
    "a list": (422, [1, 2], "it has no type"),
    "a number": (422, 5, "it has no type"),
    "a point": (422, {"type": "Point", "coordinates": [0, 0]}, "'Point' without features"),
    "an empty polygon": (422, {"type": "Polygon", "coordinates": []}, "geometry is empty"),
    "no coordinates": (422, {"type": "Polygon"}, "geometry is empty"),
    "coordinates of a number": (422, {"type": "Polygon", "coordinates": 5}, "no lists of outlines"),
    "an outline of a number": (422, {"type": "Polygon", "coordinates": [5]}, "not a list of long"),
    "polygons of numbers": (422, {"type": "MultiPolygon", "coordinates": [5]}, "no lists of outl"),
    "coordinates of an object": (422, {"type": "Polygon", "coordinates": {"a": 1}}, "no lists of"),
    "places of objects": (422, {"type": "Polygon", "coordinates": [[{}, {}]]}, "not a list of lon"),
    "a geometry of a word": (422, {"type": "Feature", "geometry": "Polygon"}, "found the geometry"),
    "features of numbers": (422, {"type": "FeatureCollection", "features": [1]}, "without feat"),
    "no number": (422, polygon([[float("nan"), 0], [1, 0], [1, 1]]), "no pair of numbers"),
    "an infinite number": (422, polygon([[float("inf"), 0], [1, 0], [1, 1]]), "no pair of numbers"),
    "1e308": (422, polygon([[1e308, 0], [1, 0], [1, 1]]), "off the sphere"),
    "-1e308 of latitude": (422, polygon([[0, -1e308], [1, 0], [1, 1]]), "off the sphere"),
    "a number of 400 digits": (422, polygon([[10**400, 0], [1, 0], [1, 1]]), "not a list of"),
    "a number of 5000 digits": (422, LONG, "is not GeoJSON"),
    "two corners": (422, polygon([[0, 0], [1, 1]]), "not a closed ring"),
    "no area": (422, polygon([[0, 0], [1, 1], [2, 2]]), "bounds no area"),
    "one that crosses itself": (422, polygon([[0, 0], [9, 9], [9, 0], [0, 9]]), "crosses itself"),
    "a scribble": (422, polygon(scribble(19_000)), "more than 1,000 others on average"),
    "a fan": (422, polygon(fan(6_000)), "more than 1,000 others on average"),
    "a shorter scribble": (422, polygon(scribble(800)), "touches or crosses itself"),
    "a smaller fan": (422, polygon(fan(250)), "touches or crosses itself"),
    "an edge either way round": (422, polygon([[0, 0], [200, 0], [100, 50]]), "either way round"),
    "another body": (422, named({"type": "name", "properties": {"name": "EPSG:4326"}}),
                     "is not the Moon's"),
    "a CRS that is a path": (422, named({"type": "name", "properties": {"name": "/etc/passwd"}}),
                             "no name of one"),
    "a CRS with a file": (
        422, named({"type": "name", "properties": {"name": "+init=/etc/passwd:root"}}), "no name of"
    ),
    "a CRS of nobody": (422, named({"type": "name", "properties": {"name": "IAU_2015:99999999"}}),
                        "is not understood"),
    "a CRS of a list": (422, named([1]), "no name of one"),
    "many places": (413, polygon([[i / 1000, i % 7] for i in range(31_000)]), "20,000 places"),
    "many places on a map": (
        413, {**polygon([[i, 10.0 * (i % 9)] for i in range(3_000)]), "crs": POLAR}, "500 places at"
    ),
    "large ones over each other": (413, many(3_000, 150.0), "pixels at most"),
    "two regions": (
        422, {"type": "FeatureCollection", "features": [NAMED,
        {"type": "Feature", "properties": {}, "geometry": SQUARE}]}, "one region at a time"
    ),
    "a large body": (413, b" " * (2**20 + 1), "bytes at most"),
}  # fmt: skip


def test_a_few_blades_that_touch_are_a_polygon(client: TestClient) -> None:
    answer = ask(client, polygon(fan(20)))
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"][0]["pixels"] > 100


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_polygon_is_refused(client: TestClient, what: str) -> None:
    status, body, says = REFUSED[what]
    answer = ask(client, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    detail = answer.json()["detail"]
    assert says in detail, detail
    assert "\n" not in detail
    assert len(detail) < 500
