"""Meridians, parallels and the scale bar of a simple cylindrical map."""

import math

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lunarscale.moon import RADIUS_M
from lunarscale.render.labels import degrees_east, degrees_north

#: Kilometres of one degree of a great circle on the Moon.
KM_PER_DEG = math.radians(RADIUS_M / 1000.0)

_STEPS_DEG = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)


def graticule_step(span_deg: float, *, lines: int) -> float:
    """The finest usual spacing that draws at most the given number of lines over a span."""
    return next((step for step in _STEPS_DEG if span_deg / step <= lines), _STEPS_DEG[-1])


def graticule_lines(low: float, high: float, step: float) -> NDArray[np.float64]:
    """Multiples of a step within a span, both ends included."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return np.arange(first, last + 1, dtype=np.float64) * step


def draw_graticule(
    axes: Axes, bounds: tuple[float, float, float, float], *, inches: tuple[float, float]
) -> None:
    """Draw and label meridians and parallels.

    Parameters
    ----------
    axes : Axes
        In degrees; east may exceed 180.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    inches : tuple of float
        Width and height of the axes, which set how many lines fit.
    """
    west, south, east, north = bounds
    width, height = inches
    lon_step = graticule_step(east - west, lines=max(2, round(width / 0.7)))
    lat_step = graticule_step(north - south, lines=max(1, round(height / 0.6)))
    lons, lats = graticule_lines(west, east, lon_step), graticule_lines(south, north, lat_step)
    axes.set_xticks(lons, [degrees_east(float(lon)) for lon in lons], parse_math=False)
    axes.set_yticks(lats, [degrees_north(float(lat)) for lat in lats], parse_math=False)
    axes.grid(color="white", linewidth=0.5, alpha=0.5)


def scale_bar_km(room_km: float) -> float:
    """The longest 1, 2 or 5 times a power of ten that fits into the room."""
    power = 10.0 ** math.floor(math.log10(room_km))
    return next(k * power for k in (5.0, 2.0, 1.0) if k * power <= room_km)


def frame_of(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """West, south, east and north in degrees without what lies past a pole or the full turn."""
    west, south, east, north = bounds
    return west, max(south, -90.0), min(east, west + 360.0), min(north, 90.0)


def map_inches(
    bounds: tuple[float, float, float, float], most: tuple[float, float]
) -> tuple[float, float]:
    """Width and height of a map, true to scale along its parallel, within the most there is."""
    west, south, east, north = bounds
    ratio = (north - south) / ((east - west) * math.cos(math.radians(true_parallel(bounds))))
    width = min(most[0], most[1] / ratio)
    return width, width * ratio


def true_parallel(bounds: tuple[float, float, float, float]) -> float:
    """Latitude along which a map is drawn true to scale, in degrees.

    The equator on maps higher than 60 degrees or across it, else the middle latitude (at most
    80 degrees), so that small regions keep their shapes (equidistant cylindrical projection,
    Snyder 1987, section 12).
    """
    _, south, _, north = bounds
    if north - south > 60.0 or south < 0.0 < north:
        return 0.0
    return max(-80.0, min(80.0, (south + north) / 2.0))
