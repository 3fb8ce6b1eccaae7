"""Regions drawn as GeoJSON polygons in lunar longitude and latitude."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.polygons import Polygon, PolygonGrouping, Ring

#: Properties that may name a region, the first found wins.
NAME_KEYS = ("name", "Name", "NAME", "MARE_NAME", "id")

#: Pairs of edges held against each other in one step: some tens of megabytes.
PAIRS_AT_A_TIME = 1 << 18


def polygons_of(name: str, content: bytes) -> PolygonGrouping:
    """The grouping of a GeoJSON file's polygons.

    Features of one name are one region; without a name they are ``region 1``, ``region 2`` by
    their place in the file. Longitudes run from -360 to 540, so that a polygon over the seam can
    go on past 180; a region around a pole goes along the pole's parallel, 90 or -90.

    Parameters
    ----------
    name : str
    content : bytes
        The file.

    Raises
    ------
    RegionError
        If it is not GeoJSON, is of another body, or an outline bounds no part of the sphere.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise RegionError(f"{name} is not GeoJSON ({error}); give a FeatureCollection") from error
    if not isinstance(document, dict) or "type" not in document:
        raise RegionError(
            f"{name} is JSON but not GeoJSON: it has no type; give a FeatureCollection"
        )
    _check_body(name, document)
    numbers: dict[str, int] = {}
    polygons = []
    for position, feature in enumerate(_features(name, document), start=1):
        region = _name_of(feature) or f"region {position}"
        number = numbers.setdefault(region, len(numbers) + 1)
        for rings in _outlines(f"{name}, {region}", feature.get("geometry")):
            polygons.append(Polygon.of_rings(number, rings))
    if not polygons:
        raise RegionError(f"{name} has no polygon; give at least one region")
    return PolygonGrouping(name, tuple(numbers), tuple(polygons))


def _check_body(name: str, document: dict[str, Any]) -> None:
    crs = document.get("crs")
    if crs is not None and not any(word in json.dumps(crs).upper() for word in ("IAU", "MOON")):
        raise RegionError(
            f"{name} has the CRS {json.dumps(crs)}, which is not the Moon's; give lunar longitudes "
            "and latitudes, and leave the crs member out"
        )


def _features(name: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    kind = document["type"]
    if kind in ("Polygon", "MultiPolygon"):
        return [{"geometry": document}]
    features = [document] if kind == "Feature" else document.get("features")
    listed = isinstance(features, list) and all(isinstance(f, dict) for f in features)
    if kind not in ("Feature", "FeatureCollection") or not listed:
        raise RegionError(f"{name} is a '{kind}' without features; give a FeatureCollection")
    return list(features or [])


def _name_of(feature: dict[str, Any]) -> str:
    properties = feature.get("properties") or {}
    named = [properties.get(key) for key in NAME_KEYS] + [feature.get("id")]
    return next((str(word) for word in named if word not in (None, "")), "")


def _outlines(who: str, geometry: Any) -> Iterator[list[Ring]]:
    """The rings of each polygon of a geometry, checked."""
    kind = geometry.get("type") if isinstance(geometry, dict) else geometry
    if kind not in ("Polygon", "MultiPolygon"):
        raise RegionError(f"{who}: found the geometry '{kind}'; a region is made of polygons")
    outlines = geometry.get("coordinates")
    for rings in [outlines] if kind == "Polygon" else outlines or []:
        yield [_ring(who, ring) for ring in rings or [[]]]


def _ring(who: str, positions: Any) -> Ring:
    try:
        ring = np.array([position[:2] for position in positions], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RegionError(f"{who}: an outline is not a list of longitude, latitude") from error
    if ring.ndim != 2 or ring.shape[1] != 2 or len(ring) < 4 or (ring[0] != ring[-1]).any():
        raise RegionError(
            f"{who}: an outline of {len(ring)} places is not a closed ring; it has four or more, "
            "the last equal to the first"
        )
    off = ~((ring[:, 0] >= -360) & (ring[:, 0] <= 540) & (np.abs(ring[:, 1]) <= 90))
    if off.any():
        lon, lat = ring[off][0]
        raise RegionError(
            f"{who}: longitude {lon:g}, latitude {lat:g} is off the sphere; give degrees, "
            "longitude first, -180..180 or on past the seam"
        )
    distinct: Ring = ring[np.append(True, (np.diff(ring, axis=0) != 0).any(axis=1))]
    _check_simple(who, distinct)
    _check_area(who, distinct)
    return distinct


def _check_area(who: str, ring: Ring) -> None:
    lon, lat = (ring - ring[0]).T
    span = np.ptp(ring, axis=0).prod()
    if abs((lon[:-1] * lat[1:] - lon[1:] * lat[:-1]).sum()) <= 1e-12 * span:
        raise RegionError(
            f"{who}: an outline bounds no area; a region around a pole goes along its parallel, "
            "latitude 90 or -90"
        )


def _check_simple(who: str, ring: Ring) -> None:
    """Raise if two edges of the ring cross; touching is allowed."""
    west, east = np.minimum(ring[:-1, 0], ring[1:, 0]), np.maximum(ring[:-1, 0], ring[1:, 0])
    order = np.argsort(west, kind="stable")
    starts, ends = ring[:-1][order], ring[1:][order]
    # each edge is held against those that begin before it ends, going east
    first = np.arange(len(order)) + 1
    length = np.searchsorted(west[order], east[order], side="right") - first
    before = np.concatenate([[0], np.cumsum(length)])
    for start in range(0, int(before[-1]), PAIRS_AT_A_TIME):
        pair = np.arange(start, min(start + PAIRS_AT_A_TIME, int(before[-1])))
        edge = np.searchsorted(before, pair, side="right") - 1
        other = pair - before[edge] + first[edge]
        a, b, c, d = starts[edge], ends[edge], starts[other], ends[other]
        crosses = (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)
        if crosses.any():
            found = int(np.argmax(crosses))
            (lon0, lat0), (lon1, lat1) = a[found], b[found]
            raise RegionError(
                f"{who}: an outline crosses itself on its edge from {lon0:g}, {lat0:g} to "
                f"{lon1:g}, {lat1:g}; draw it without crossings"
            )


def _side(a: Ring, b: Ring, c: Ring) -> NDArray[np.int8]:
    """On which side of the line from a to b lies c: its sign, 0 if on it but for rounding."""
    u, v = b - a, c - a
    left, right = u[..., 0] * v[..., 1], u[..., 1] * v[..., 0]
    clear = np.abs(left - right) > 1e-12 * (np.abs(left) + np.abs(right))
    return np.where(clear, np.sign(left - right), 0).astype(np.int8)
