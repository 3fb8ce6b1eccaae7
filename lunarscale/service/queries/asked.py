"""What a request says of places, read from its words: boxes, lines, levels."""

import math
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import LimitError, RegionError, RequestError, UnknownError
from lunarscale.moon import normalise_longitude
from lunarscale.service.dataset import Dataset
from lunarscale.store.cube import Cube

#: ``-12.5``, ``1e2``; not ``nan``, ``inf`` or ``1_000``, which Python would take too.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)

#: Digits of a number that still say something.
_LONGEST = 40


class Box(NamedTuple):
    """A bounding box in degrees; one whose east lies west of its west goes over the seam."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float) -> bool:
        """Whether a place lies in it, or on its edge."""
        wide = self.east - self.west >= 360.0
        away = (lon - self.west) % 360.0
        return self.south <= lat <= self.north and (wide or away <= (self.east - self.west) % 360.0)


def box_of(text: str) -> Box:
    """The box that ``w,s,e,n`` says.

    Raises
    ------
    RequestError
        If it is not four numbers.
    RegionError
        If it lies off the Moon.
    """
    edges = _numbers(text, "bbox", "west,south,east,north in degrees, as -15,-45,-5,-40")
    if len(edges) != 4:
        raise RequestError(
            f"bbox is four numbers but {len(edges)} came; send west,south,east,north in degrees"
        )
    box = Box(*edges)
    on_the_moon = -90 <= box.south < box.north <= 90 and all(
        -180 <= lon <= 360 for lon in (box.west, box.east)
    )
    if not on_the_moon or box.west == box.east:
        raise RegionError(
            f"bbox {text[: _LONGEST * 4]} is no part of the Moon: south lies below north within "
            "-90..90, and west and east are two longitudes within -180..360; west above east goes "
            "over the seam at 180"
        )
    return box


def turned(lon: float) -> float:
    """A longitude within -180..180, with its own digits where it lies there already."""
    return lon if -180.0 <= lon < 180.0 else normalise_longitude(lon)


def line_of(text: str, *, most: int) -> NDArray[np.float64]:
    """The places that ``lon,lat;lon,lat`` says, ``(place, 2)``.

    Parameters
    ----------
    text : str
    most : int
        Places that are taken.

    Raises
    ------
    RequestError
        If they are not two or more pairs of numbers.
    LimitError
        If they are too many.
    RegionError
        If one lies off the Moon.
    """
    pairs = text.split(";")
    if len(pairs) > most:
        raise LimitError(
            f"a line has {most:,} places at most but this one has {len(pairs):,}; leave some out"
        )
    form = "lon,lat;lon,lat in degrees, as -20,-43;0,-43"
    places = [_numbers(pair, "line", form) for pair in pairs]
    if len(places) < 2 or any(len(place) != 2 for place in places):
        raise RequestError(f"a line is two places or more, each of two numbers; send {form}")
    for lon, lat in places:
        if abs(lat) > 90:
            raise RegionError(
                f"longitude {lon:g}, latitude {lat:g} is off the Moon; a latitude lies in -90..90"
            )
    return np.array([(turned(lon), lat) for lon, lat in places])


def _numbers(text: str, name: str, form: str) -> list[float]:
    words = text.split(",")
    for word in words:
        is_number = len(word) <= _LONGEST and _NUMBER.fullmatch(word.strip())
        if not is_number or not math.isfinite(float(word)):
            raise RequestError(f"{name} has {word[:_LONGEST]!r}, which is no number; send {form}")
    return [float(word) for word in words]


def factors_of(dataset: Dataset) -> dict[int, Cube]:
    """The levels of a dataset by the base pixels along the edge of one of theirs, finest first."""
    around = dataset.cube.grid.around
    return {round(around / level.grid.around): level for level in dataset.levels}


def level_of(dataset: Dataset, factor: int) -> Cube:
    """The level of a factor.

    Raises
    ------
    UnknownError
        If there is none; the message lists those there are.
    """
    known = factors_of(dataset)
    if factor not in known:
        raise UnknownError(
            f"{dataset.name} has no level {factor}; it has {', '.join(map(str, known))}"
        )
    return known[factor]


def require_few(dataset: Dataset, box: Box | None, *, level: int, most: int, what: str) -> None:
    """Make sure that a window of a level has few enough pixels.

    Parameters
    ----------
    dataset : Dataset
    box : Box or None
        None for all of it.
    level : int
        Factor.
    most : int
        Pixels.
    what : str
        Whose limit it is, for the message.

    Raises
    ------
    LimitError
        If it has more; the message names the finest level where it would not.
    RegionError
        If the box reaches beyond the dataset.
    """
    if (pixels := _pixels(level_of(dataset, level), box)) <= most:
        return
    coarser = ((factor, _pixels(cube, box)) for factor, cube in factors_of(dataset).items())
    fits = next(((factor, few) for factor, few in coarser if few <= most), None)
    advice = (
        f"with level={fits[0]} it has {fits[1]:,}; ask for that, or for a smaller box"
        if fits
        else "ask for a smaller box"
    )
    raise LimitError(
        f"{what} has {most:,} pixels at most but this one, of {dataset.name} at level {level}, has "
        f"{pixels:,}; {advice}"
    )


def _pixels(cube: Cube, box: Box | None) -> int:
    grid, _ = cube.within(box)
    return grid.height * grid.width
