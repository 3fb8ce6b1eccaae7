"""Polar stereographic panels, resampled from a simple cylindrical picture."""

import math
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.patches import Circle
from matplotlib.text import Text
from numpy.typing import NDArray

from lunarscale.grid.projections import inverse_polar_stereographic, polar_stereographic
from lunarscale.render.figure import FAINT, INK, SMALL_PT
from lunarscale.render.labels import degrees_east, degrees_north

Pole = Literal["north", "south"]
Bounds = tuple[float, float, float, float]

#: Latitudes, degrees from the equator, between which a panel's rim lies: where the map ends.
WIDEST_RIM, NARROWEST_RIM = 60.0, 80.0

#: Spacings of a panel's parallels, degrees.
_PARALLELS_DEG = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

#: Pixels across a panel, and samples of the picture averaged into each along both axes.
PANEL_PX, SAMPLES = 600, 3


def covers_pole(bounds: Bounds, pole: Pole) -> bool:
    """Whether a picture reaches a pole."""
    _, south, _, north = bounds
    return north >= 90.0 - 1e-6 if pole == "north" else south <= -90.0 + 1e-6


def rim_latitude(bounds: Bounds, pole: Pole) -> float:
    """Latitude of a panel's rim: 60 degrees, or nearer to the pole where the map ends there."""
    _, south, _, north = bounds
    edge = south if pole == "north" else -north
    rim = min(NARROWEST_RIM, max(WIDEST_RIM, edge))
    return rim if pole == "north" else -rim


def rim_radius_m(bounds: Bounds, pole: Pole) -> float:
    """Distance of the rim from the pole on the projection plane, in metres."""
    x, _ = polar_stereographic(90.0, rim_latitude(bounds, pole), pole=pole)
    return float(x)


def sample_picture(
    values: NDArray[np.float32],
    bounds: Bounds,
    *,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Values of a picture's pixels at given places, and which places lie inside it.

    Parameters
    ----------
    values : ndarray of float32, (row, col)
        Simple cylindrical, row 0 north; NaN where there is no value.
    bounds : tuple of float
        West, south, east and north edge in degrees; east may exceed 180.
    lon, lat : ndarray of float64
        Degrees, of one shape.

    Returns
    -------
    tuple of ndarray
        float32 values, NaN outside or without a value, and bool.
    """
    index, inside = _pixels_at(values.shape, bounds, lon=lon, lat=lat)
    return np.where(inside, values.ravel()[index], np.float32(np.nan)), inside


def _pixels_at(
    shape: tuple[int, ...], bounds: Bounds, *, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which pixel of a picture, counted row by row, holds each place, and which places any does."""
    west, south, east, north = bounds
    rows, cols = shape
    col = np.floor((lon - west) % 360.0 * (cols / (east - west))).astype(np.int64)
    row = np.floor((north - lat) * (rows / (north - south))).astype(np.int64)
    row = np.where(lat <= south + 1e-12, np.minimum(row, rows - 1), row)
    inside = (row >= 0) & (row < rows) & (col < cols) & (lat >= south)
    return np.clip(row, 0, rows - 1) * cols + np.clip(col, 0, cols - 1), inside


@lru_cache(maxsize=2)
def _samples(
    shape: tuple[int, ...], bounds: Bounds, pole: Pole
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The same for the samples of a pole's panel; a report's pictures are all of one shape."""
    fine = PANEL_PX * SAMPLES
    along = ((np.arange(fine) + 0.5) / fine * 2.0 - 1.0) * rim_radius_m(bounds, pole)
    lon, lat = inverse_polar_stereographic(along[None, :], -along[:, None], pole=pole)
    index, inside = _pixels_at(shape, bounds, lon=lon, lat=lat)
    return index.astype(np.int32), inside  # a picture that is looked at has no 2**31 pixels


def polar_picture(
    values: NDArray[np.float32], bounds: Bounds, pole: Pole
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A pole's square panel: means of the valid samples in each pixel, and what is on the map.

    Row 0 is at the largest y, so 0° E lies at the bottom in the north and at the top in the
    south, 90° E at the right in both: the Moon as seen from above each pole.

    Parameters
    ----------
    values : ndarray of float32, (row, col)
        Simple cylindrical picture, NaN where there is no value.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    pole : {"north", "south"}

    Returns
    -------
    tuple of ndarray, (row, col)
        float32 values, NaN without one, and bool: whether the picture covers the pixel.
    """
    index, inside = _samples(values.shape, bounds, pole)
    found = np.where(inside, values.ravel()[index], np.float32(np.nan))
    blocks = (PANEL_PX, SAMPLES, PANEL_PX, SAMPLES)
    counts = np.isfinite(found).reshape(blocks).sum(axis=(1, 3))
    sums = np.nan_to_num(found, nan=0.0).reshape(blocks).sum(axis=(1, 3), dtype=np.float64)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)
    covered: NDArray[np.bool_] = np.any(inside.reshape(blocks), axis=(1, 3))
    return means, covered


def draw_pole(
    axes: Axes, colours: ScalarMappable, *, values: NDArray[np.float32], bounds: Bounds, pole: Pole
) -> None:
    """Draw one polar panel with its graticule into square axes.

    Parameters
    ----------
    axes : Axes
    colours : ScalarMappable
        Norm and palette of the figure.
    values : ndarray of float32, (row, col)
        Simple cylindrical picture, NaN where there is no value.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    pole : {"north", "south"}
    """
    rim = rim_radius_m(bounds, pole)
    means, inside = polar_picture(values, bounds, pole)
    paint = colours.to_rgba(np.ma.masked_invalid(means))
    paint[..., 3] = inside
    image = axes.imshow(paint, extent=(-rim, rim, -rim, rim), interpolation="antialiased")
    disc = Circle((0.0, 0.0), rim, transform=axes.transData, facecolor="none", edgecolor=INK)
    disc.set_linewidth(0.8)
    axes.add_patch(disc)
    image.set_clip_path(disc)
    draw_polar_graticule(axes, rim_latitude(bounds, pole), pole)
    axes.set_axis_off()
    axes.set_xlim(-1.01 * rim, 1.01 * rim)
    axes.set_ylim(-1.01 * rim, 1.01 * rim)


def parallels(rim_lat: float) -> list[float]:
    """Latitudes, degrees from the equator and nearest to the pole first, that a panel is ruled at.

    Parameters
    ----------
    rim_lat : float
        Of the panel's edge, either sign.
    """
    span = 90.0 - abs(rim_lat)
    step = next((step for step in _PARALLELS_DEG if span / step <= 4.0), _PARALLELS_DEG[-1])
    rings = (90.0 - step * ring for ring in range(1, 10))
    return [lat for lat in rings if lat > abs(rim_lat) + min(1.0, step / 5.0)]


def draw_polar_graticule(
    axes: Axes, rim_lat: float, pole: Pole, *, colour: str = "white", alpha: float = 0.65
) -> list[Text]:
    """Rule and label a polar panel; returns the labels that lie on it.

    Parameters
    ----------
    axes : Axes
        In metres of the pole's stereographic projection.
    rim_lat : float
        Latitude of the panel's edge.
    pole : {"north", "south"}
    colour, alpha : str, float
        Of the lines.
    """
    sign = 1.0 if pole == "north" else -1.0
    line: dict[str, Any] = {"color": colour, "linewidth": 0.5, "alpha": alpha}
    turn = np.linspace(-180.0, 180.0, 361)
    circles, labels = parallels(rim_lat), []
    for lat in circles:
        axes.plot(*polar_stereographic(turn, np.full_like(turn, sign * lat), pole=pole), **line)
        x, y = polar_stereographic(45.0, sign * lat, pole=pole)
        label = axes.text(
            float(x),
            float(y),
            degrees_north(sign * lat),
            fontsize=SMALL_PT - 1,
            color=INK,
            ha="center",
            va="center",
            parse_math=False,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8},
        )
        labels.append(label)
    for lon in range(-180, 180, 30):
        # meridians but the four quarters stop short of the pole, where they would crowd it
        to_pole = lon % 90 == 0 or not circles
        reach = np.array([rim_lat, sign * (90.0 if to_pole else circles[0])])
        axes.plot(*polar_stereographic(np.full(2, float(lon)), reach, pole=pole), **line)
        _label_meridian(axes, lon, rim_lat, pole)
    return labels


def _label_meridian(axes: Axes, lon: int, rim_lat: float, pole: Pole) -> None:
    x, y = polar_stereographic(float(lon), rim_lat, pole=pole)
    rim = math.hypot(float(x), float(y))
    right, up = float(x) / rim, float(y) / rim
    quarter = lon % 90 == 0
    axes.annotate(
        degrees_east(lon),
        (float(x), float(y)),
        xytext=(right * 3.0, up * 3.0),
        textcoords="offset points",
        fontsize=SMALL_PT if quarter else SMALL_PT - 1,
        color=INK if quarter else FAINT,
        ha=_side(right, "right", "left"),
        va=_side(up, "top", "bottom"),
        annotation_clip=False,
        parse_math=False,
    )


def _side(direction: float, low: str, high: str) -> str:
    if abs(direction) < 0.1:
        return "center"
    return high if direction > 0 else low


def title_of(bounds: Bounds, pole: Pole) -> str:
    """Heading of a panel."""
    return f"{pole.capitalize()} pole, to {degrees_north(rim_latitude(bounds, pole))}"
