"""From rings as a file has them to polygons on the grid: degrees, seam, poles, checks."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.polygons import Polygon, PolygonGrouping, Ring, to_step
from lunarscale.readers.lunar_crs import Unprojection

#: Groups that the grids' numbers can tell apart.
MOST_REGIONS = 0xFFFF

#: Degrees from which on an edge in longitude and latitude is a step over the seam, 179 to -179.
#: Shorter ones above 180 could be meant either way round, and are refused.
SEAM_DEG = 350.0

#: Pairs of edges that are looked at together: all of a scribble's may cross all others.
MOST_PAIRS = 2**18

#: Pairs of edges' boxes that are counted together.
PAIRS_AT_ONCE = 2**22

#: A bound for strangers' outlines: boxes of others that an edge's own may overlap, on average. To
#: find what crosses, each of these pairs is looked at; a coast's edges have a few.
MOST_NEAR = 1_000

#: Part of an area that rounding may take or add.
ROUNDING = 1e-9


class Drawn(NamedTuple):
    """One polygon as a file has it.

    Parameters
    ----------
    region : str
        The region it belongs to.
    rings : list of ndarray of float64, (vertex, 2)
        Its outline, then its holes, in the file's coordinates.
    """

    region: str
    rings: list[Ring]


def grouping_of(
    name: str, drawn: Iterable[Drawn], *, crs: pyproj.CRS | None = None,
    touching: int | None = None, near: int | None = None,
) -> PolygonGrouping:  # fmt: skip
    """The grouping of polygons; those of one region are one group.

    In longitude and latitude an edge is straight. One of 350 degrees or more is taken the short
    way, over the seam; one of exactly 360 goes all the way round; others of more than 180 could be
    meant either way and are refused. An outline that goes
    round a pole is closed along the pole's parallel: the pole that it holds on a projected map,
    else the nearer one.

    Parameters
    ----------
    name : str
        Name of the grouping, and of the file in messages.
    drawn : iterable of Drawn
    crs : pyproj.CRS, optional
        The Moon's (``lunar_crs``); longitude and latitude in degrees by default.
    touching : int, optional
        Places of a polygon that touches itself, at most: to tell that from crossing takes time as
        the square of them. So many as it has, by default.
    near : int, optional
        Boxes of others that the box about an edge may overlap, on average (``MOST_NEAR``); as many
        as do, by default.

    Raises
    ------
    RegionError
        If an outline bounds no part of the Moon, or there is none.
    """
    projection = Unprojection(crs) if crs is not None and crs.is_projected else None
    numbers: dict[str, int] = {}
    polygons = []
    for region, rings in drawn:
        number = numbers.setdefault(region, len(numbers) + 1)
        if near is not None:
            _require_few_near(f"{name}, {region}", rings, near)
        placed = _placed(f"{name}, {region}", rings, projection, touching=touching)
        polygons.append(Polygon.of_rings(number, placed))
    if not polygons:
        raise RegionError(f"{name} has no polygon; give at least one region")
    if len(numbers) > MOST_REGIONS:
        raise RegionError(
            f"{name} has {len(numbers):,} regions where {MOST_REGIONS:,} can be told apart; name "
            "them by a column that gathers them"
        )
    return PolygonGrouping(name, tuple(numbers), tuple(polygons))


def _placed(
    who: str, rings: list[Ring], projection: Unprojection | None, *, touching: int | None
) -> list[Ring]:
    """The rings in unwrapped degrees, checked."""
    for ring in rings:
        _check_ring(who, ring)
    if projection is None:
        for ring in rings:
            _check_degrees(who, ring)
        placed = [_closed(who, _unwrapped(to_step(ring)), pole=None) for ring in rings]
        _check_bounds_area(who, _beside(placed), touching)
        return placed
    # crossings show on the map that the polygon was drawn on
    _check_bounds_area(who, rings, touching)
    return [_unprojected(who, ring, projection) for ring in rings]


def _unprojected(who: str, ring: Ring, projection: Unprojection) -> Ring:
    degrees = projection.dense_degrees(ring)
    off = ~np.isfinite(degrees).all(axis=1)
    if off.any():
        raise RegionError(
            f"{who}: a place of its outline is off the Moon on the map '{projection.crs.name}'; "
            "cut it at the map's edge"
        )
    return _closed(who, _unwrapped(to_step(degrees)), pole=projection.pole_within(ring))


def _unwrapped(ring: Ring) -> Ring:
    """Longitudes that go on past the seam, each within 180 degrees of the one before."""
    steps = np.diff(ring[:, 0])
    turns = np.where(np.abs(steps) == 360.0, 0.0, np.rint(steps / 360.0))
    on = ring.copy()
    on[1:, 0] -= 360.0 * np.cumsum(turns)
    return on


def _closed(who: str, ring: Ring, *, pole: float | None) -> Ring:
    """A ring that goes round a pole is closed along the pole's parallel; others are as they were.

    It is cut where it comes nearest to the pole, so that the way to the pole and back crosses
    none of it.
    """
    turn = ring[-1, 0] - ring[0, 0]
    if turn == 0.0:
        return ring
    if abs(turn) != 360.0:
        raise RegionError(
            f"{who}: an outline goes round the Moon {abs(turn) / 360:g} times; draw it without "
            "crossings"
        )
    if pole is None:
        # the mean of sin(latitude) along it tells how much of the Moon lies on either side
        sines = np.sin(np.radians(ring[:, 1]))
        mean = ((sines[:-1] + sines[1:]) / 2.0 * np.diff(ring[:, 0])).sum() / turn
        pole = 90.0 if mean > 0 else -90.0
    cut = int(np.argmin(np.abs(pole - ring[:-1, 1])))
    again = _moved(ring[: cut + 1], turn)
    way = np.concatenate([ring[cut:-1], again])
    ends = [[way[-1, 0], pole], [way[0, 0], pole], way[0]]
    closed: Ring = np.concatenate([way, ends])
    return closed


def _beside(rings: list[Ring]) -> list[Ring]:
    """Holes moved by whole turns to where their outline is."""
    west = rings[0][:, 0].min()
    holes = [_moved(r, 360.0 * np.ceil((west - r[:, 0].min()) / 360.0)) for r in rings[1:]]
    return [rings[0], *holes]


def _moved(ring: Ring, east: float) -> Ring:
    moved: Ring = ring + np.array([east, 0.0])
    return moved


def _check_ring(who: str, ring: Ring) -> None:
    if (
        ring.ndim != 2
        or ring.shape[1] != 2
        or len(ring) < 4
        or (np.isfinite(ring).all() and (ring[0] != ring[-1]).any())
    ):
        raise RegionError(
            f"{who}: an outline of {len(ring)} places is not a closed ring; it has four or more, "
            "the last equal to the first"
        )
    if not np.isfinite(ring).all():
        raise RegionError(
            f"{who}: an outline has a place that is no pair of numbers; draw it again"
        )


def _check_degrees(who: str, ring: Ring) -> None:
    off = ~((ring[:, 0] >= -360) & (ring[:, 0] <= 540) & (np.abs(ring[:, 1]) <= 90))
    if off.any():
        lon, lat = ring[off][0]
        raise RegionError(
            f"{who}: longitude {lon:g}, latitude {lat:g} is off the sphere; give degrees, "
            "longitude first, -180..180 or on past the seam"
        )
    steps = np.abs(np.diff(ring[:, 0]))
    unsure = (steps > 180.0) & (steps < SEAM_DEG)
    if unsure.any():
        at = int(np.argmax(unsure))
        west, east = ring[at, 0], ring[at + 1, 0]
        raise RegionError(
            f"{who}: an edge from longitude {west:g} to {east:g} could go either way round the "
            "Moon; set a place between them, or go on past 180 where it crosses the seam"
        )


def _check_bounds_area(who: str, rings: list[Ring], touching: int | None) -> None:
    """Raise if the rings do not bound one area: touching is allowed, crossing is not."""
    if any(np.ptp(hole[:, 0]) >= 360.0 for hole in rings[1:]):
        # rings round a pole are cut at meridians of their own: each is looked at by itself
        for ring in rings:
            _check_bounds_area(who, [ring], touching)
        return
    shape = shapely.polygons(rings[0], holes=rings[1:] or None)
    if not (valid := bool(shapely.is_valid(shape))):
        if touching is not None and sum(map(len, rings)) > touching:
            raise RegionError(
                f"{who}: an outline touches or crosses itself or its holes "
                f"({shapely.is_valid_reason(shape)}), which only polygons of {touching:,} places "
                "or fewer may; draw it without, or with fewer places"
            )
        for ring in rings:
            _check_crossings(who, ring)
    for ring in rings:
        if abs(_area(ring)) <= 1e-12 * np.ptp(ring, axis=0).prod():
            raise RegionError(
                f"{who}: an outline bounds no area; a region around a pole goes along its "
                "parallel, latitude 90 or -90"
            )
    if valid:
        return
    # outlines may touch themselves and their holes: what is bounded shows whether they only do
    signed = abs(_area(rings[0])) - sum(abs(_area(ring)) for ring in rings[1:])
    if not np.isclose(signed, shapely.make_valid(shape).area, rtol=ROUNDING, atol=0.0):
        why = shapely.is_valid_reason(shape)
        raise RegionError(
            f"{who}: an outline crosses itself or its holes ({why}); draw it without crossings, "
            "with holes within"
        )


def _require_few_near(who: str, rings: list[Ring], most: int) -> None:
    """Raise if the boxes of edges overlap too often: those of a comb of long slanted teeth do."""
    for ring in rings:
        _check_ring(who, ring)
    lines = _lines(np.concatenate([r[:-1] for r in rings]), np.concatenate([r[1:] for r in rings]))
    tree, some = shapely.STRtree(lines), max(1, PAIRS_AT_ONCE // len(lines))
    left = most * len(lines)
    for at in range(0, len(lines), some):
        left -= tree.query(lines[at : at + some]).shape[1]
        if left < 0:
            raise RegionError(
                f"{who}: its {len(lines):,} edges are so long and close that the box about one "
                f"overlaps those of more than {most:,} others on average, as in a scribble or a "
                "comb of slanted teeth, which takes too long to check; draw it with fewer or "
                "shorter edges"
            )


def _lines(starts: Ring, ends: Ring) -> NDArray[np.object_]:
    lines: NDArray[np.object_] = shapely.linestrings(np.stack([starts, ends], axis=1))
    return lines


def _area(ring: Ring) -> float:
    """Area in the plane, above 0 for a ring that turns left."""
    x, y = (ring - ring[0]).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2.0)


def _check_crossings(who: str, ring: Ring) -> None:
    distinct = ring[np.append(True, (np.diff(ring, axis=0) != 0).any(axis=1))]
    starts, ends = distinct[:-1], distinct[1:]
    lines = _lines(starts, ends)
    tree, some = shapely.STRtree(lines), max(1, MOST_PAIRS // len(lines))
    for at in range(0, len(lines), some):
        edge, other = tree.query(lines[at : at + some], predicate="crosses")
        a, b, c, d = starts[edge + at], ends[edge + at], starts[other], ends[other]
        crosses = (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)
        if crosses.any():
            first = int(np.argmax(crosses))
            (x0, y0), (x1, y1) = a[first], b[first]
            raise RegionError(
                f"{who}: an outline crosses itself on its edge from {x0:g}, {y0:g} to {x1:g}, "
                f"{y1:g}; draw it without crossings"
            )


def _side(a: Ring, b: Ring, c: Ring) -> NDArray[np.int8]:
    """On which side of the line from a to b lies c: its sign, 0 if on it but for rounding."""
    u, v = b - a, c - a
    left, right = u[..., 0] * v[..., 1], u[..., 1] * v[..., 0]
    clear = np.abs(left - right) > 1e-12 * (np.abs(left) + np.abs(right))
    return np.where(clear, np.sign(left - right), 0).astype(np.int8)
