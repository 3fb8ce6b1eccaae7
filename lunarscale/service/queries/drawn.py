"""A polygon that somebody drew, as GeoJSON: bounded, then read as files of polygons are."""

import json
import re

from lunarscale.errors import LimitError, RegionError
from lunarscale.grid.polygons import PolygonGrouping
from lunarscale.readers.geojson import geojson_grouping
from lunarscale.readers.lunar_crs import lunar_crs
from lunarscale.readers.outlines import MOST_NEAR
from lunarscale.readers.wanted import Wanted

#: What the grouping is called, as the file that it might have been: ``--by polygon.geojson``.
NAME = "polygon"

#: CRSs by the names of authorities; what else pyproj understands might open files.
_CRS_NAME = re.compile(r"(urn:ogc:def:crs:)?\w{1,20}(:\w{0,20}){1,3}", re.ASCII)

#: Edges that are straight on a projected map become up to some thousand of them: so many times
#: fewer places are taken then.
_PROJECTED_SHARE = 40

#: Places of a polygon that touches itself: a thousand may keep a core for minutes.
_TOUCHING = 250

#: An outline has four places or more, so brackets of outlines are at most so many a place; and
#: those around all of them.
_BRACKETS_A_PLACE, _BRACKETS_AROUND = 1.5, 10


def drawn_polygon(body: bytes, *, most: int) -> PolygonGrouping:
    """The region that a body of GeoJSON draws.

    Parameters
    ----------
    body : bytes
        A Polygon, a MultiPolygon, or a Feature of one.
    most : int
        Places that it may have.

    Raises
    ------
    RegionError
        If it is none, or of several regions.
    LimitError
        If it has more places.
    """
    brackets = body.count(b"[")  # cheap, and before anything is made of it
    if brackets > _BRACKETS_A_PLACE * most + _BRACKETS_AROUND:
        raise _too_many(most, "")
    if _is_projected(body) and brackets > _BRACKETS_A_PLACE * most / _PROJECTED_SHARE:
        raise _too_many(most // _PROJECTED_SHARE, " in a projected CRS")
    grouping = geojson_grouping(NAME, body, Wanted(), touching=_TOUCHING, near=MOST_NEAR)
    if len(grouping.groups) > 1:
        raise RegionError(
            f"statistics are of one region at a time but this GeoJSON has {len(grouping.groups)}; "
            "send one after the other, or upload it and make them a job"
        )
    return grouping


def _is_projected(body: bytes) -> bool:
    """Whether the old ``crs`` member names a projected CRS; other faults are the reader's to tell.

    Raises
    ------
    RegionError
        If the member is not the name of a lunar CRS.
    """
    try:
        given = json.loads(body)["crs"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return False
    if given is None:
        return False
    properties = given.get("properties") if isinstance(given, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or _CRS_NAME.fullmatch(name) is None:
        raise RegionError(
            f"the polygon's crs is {json.dumps(given)[:80]}, which is no name of one; leave it out "
            "for lunar longitude and latitude, or name one as IAU_2015:30100"
        )
    return bool(lunar_crs(NAME, name).is_projected)


def _too_many(most: int, where: str) -> LimitError:
    return LimitError(
        f"a polygon{where} has {most:,} places at most but this one has more; simplify it, or "
        "upload it and make its statistics a job"
    )
