"""Polygons that somebody might draw, and asking for their statistics."""

import json
from typing import Any

from fastapi.testclient import TestClient

POLAR = {"type": "name", "properties": {"name": "IAU_2015:30135"}}  # stereographic, south


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]] for ring in rings]}


def box(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north]]


def ask(client: TestClient, body: Any, layer: str = "FeO", name: str = "maps.zarr") -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        f"/api/datasets/{name}/statistics", params={"layer": layer}, content=sent,
        headers={"Content-Type": "application/geo+json"},
    )  # fmt: skip
