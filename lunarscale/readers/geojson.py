"""Regions drawn as GeoJSON polygons, in lunar longitude and latitude or a CRS that they name."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from lunarscale.errors import RegionError
from lunarscale.grid.polygons import PolygonGrouping, Ring
from lunarscale.readers.lunar_crs import lunar_crs
from lunarscale.readers.outlines import Drawn, grouping_of
from lunarscale.readers.wanted import NAME_COLUMNS, Wanted, as_name


def geojson_grouping(
    name: str, content: bytes, wanted: Wanted, *, touching: int | None = None,
    near: int | None = None,
) -> PolygonGrouping:  # fmt: skip
    """The grouping of a GeoJSON file's polygons.

    Features of one name are one region; without a name they are ``region 1``, ``region 2`` by
    their place in the file. A file without the old ``crs`` member is taken for lunar longitudes
    and latitudes; they may run from -360 to 540.

    Parameters
    ----------
    name : str
    content : bytes
        The file.
    wanted : Wanted
        The property that names the regions, by default the first of ``NAME_COLUMNS`` that a
        feature has, or its id; no layer.
    touching : int, optional
        Places of a polygon that touches itself, at most.
    near : int, optional
        Boxes of others that the box about an edge may overlap, on average (``outlines``).

    Raises
    ------
    RegionError
        If it is not GeoJSON, is of another body, or an outline bounds no part of the sphere.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RegionError(f"{name} is not GeoJSON ({error}); give a FeatureCollection") from error
    if not isinstance(document, dict) or "type" not in document:
        raise RegionError(
            f"{name} is JSON but not GeoJSON: it has no type; give a FeatureCollection"
        )
    given = document.get("crs")
    crs = None if given is None else lunar_crs(name, _crs_name(given))
    features, column = _features(name, document), wanted.column
    if wanted.layer:
        raise RegionError(f"{name} is GeoJSON, which has no layers; leave '#{wanted.layer}' out")
    if column and features and not any(column in _properties(feature) for feature in features):
        listed = dict.fromkeys(key for feature in features for key in _properties(feature))
        raise RegionError(
            f"{name} has no property '{column}' to name its regions by; it has "
            f"{', '.join(listed) or 'none'}"
        )
    drawn = _drawn(name, features, column)
    return grouping_of(name, drawn, crs=crs, touching=touching, near=near)


def _crs_name(given: Any) -> str:
    """What the old ``crs`` member names, ``{"type": "name", "properties": {"name": ...}}``."""
    properties = given.get("properties") if isinstance(given, dict) else None
    named = properties.get("name") if isinstance(properties, dict) else None
    return str(named or json.dumps(given))


def _drawn(name: str, features: list[dict[str, Any]], column: str) -> Iterator[Drawn]:
    for position, feature in enumerate(features, start=1):
        region = _name_of(feature, column) or f"region {position}"
        for rings in _outlines(f"{name}, {region}", feature.get("geometry")):
            yield Drawn(region, rings)


def _features(name: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    kind = document["type"]
    if kind in ("Polygon", "MultiPolygon"):
        return [{"geometry": document}]
    features = [document] if kind == "Feature" else document.get("features")
    listed = isinstance(features, list) and all(isinstance(f, dict) for f in features)
    if kind not in ("Feature", "FeatureCollection") or not listed:
        raise RegionError(f"{name} is a '{kind}' without features; give a FeatureCollection")
    return list(features or [])


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def _name_of(feature: dict[str, Any], column: str) -> str:
    properties = _properties(feature)
    if column:
        return as_name(properties.get(column))
    folded = {key.casefold(): value for key, value in properties.items()}
    named = [*(folded.get(key) for key in NAME_COLUMNS), feature.get("id")]
    return next((word for word in map(as_name, named) if word), "")


def _outlines(who: str, geometry: Any) -> Iterator[list[Ring]]:
    """The rings of each polygon of a geometry."""
    kind = geometry.get("type") if isinstance(geometry, dict) else geometry
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        raise RegionError(f"{who}: found the geometry '{kind}'; a region is made of polygons")
    outlines = geometry.get("coordinates")
    if not outlines:
        raise RegionError(f"{who}: its geometry is empty; draw it, or leave it out")
    polygons = [outlines] if kind == "Polygon" else outlines
    if not (isinstance(polygons, list) and all(isinstance(rings, list) for rings in polygons)):
        raise RegionError(f"{who}: its coordinates are no lists of outlines; draw it again")
    for rings in polygons:
        yield [_ring(who, ring) for ring in rings or [[]]]


def _ring(who: str, positions: Any) -> Ring:
    try:
        return np.array([position[:2] for position in positions], dtype=np.float64)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise RegionError(f"{who}: an outline is not a list of longitude, latitude") from error
