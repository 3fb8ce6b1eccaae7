"""Small panels that several figures are made of: a map, its colour bar."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from lunarscale.render.figure import Sheet, bare_ticks
from lunarscale.render.graticule import graticule_lines, graticule_step
from lunarscale.render.labels import degrees_east, degrees_north, round_number
from lunarscale.render.poles import Bounds

#: Type of the ticks of small panels, in points.
TICK_PT = 6.0


def draw_small_map(
    axes: Axes,
    values: NDArray[np.float32],
    bounds: Bounds,
    *,
    shown: ScalarMappable,
    latitudes: bool,
) -> None:
    """A simple cylindrical map some three inches wide.

    Parameters
    ----------
    axes : Axes
    values : ndarray of float32, (row, col)
        Row 0 north; NaN where there is no value.
    bounds : tuple of float
        West, south, east and north edge in degrees.
    shown : ScalarMappable
        Norm and palette.
    latitudes : bool
        Whether the parallels are labelled.
    """
    west, south, east, north = bounds
    axes.imshow(
        np.ma.masked_invalid(values),
        extent=(west, east, south, north),
        aspect="auto",
        norm=Normalize(*shown.get_clim()),
        cmap=shown.cmap,
        interpolation="antialiased",
        interpolation_stage="rgba",
    )
    # twice as wide apart as in a large map, that the labels have room
    lon_step = 2.0 * graticule_step(east - west, lines=12)
    lons = graticule_lines(west, east, lon_step)
    lats = graticule_lines(south, north, graticule_step(north - south, lines=6))
    axes.set_xticks(lons, [degrees_east(float(lon)) for lon in lons], parse_math=False)
    axes.set_yticks(lats, [degrees_north(float(lat)) for lat in lats], parse_math=False)
    axes.grid(color="white", linewidth=0.4, alpha=0.4)
    axes.set_xlim(west, min(east, west + 360.0))
    axes.set_ylim(max(south, -90.0), min(north, 90.0))
    bare_ticks(axes)
    axes.tick_params(labelsize=TICK_PT, labelleft=latitudes)


def draw_small_bar(
    sheet: Sheet, axes: Axes, shown: ScalarMappable, *, units: str, both: bool
) -> None:
    """A horizontal colour bar with its units at the end.

    Parameters
    ----------
    sheet : Sheet
    axes : Axes
        Of the bar alone.
    shown : ScalarMappable
    units : str
        ``1`` for pure numbers.
    both : bool
        Whether values go on beyond both ends.
    """
    bar = sheet.figure.colorbar(
        shown,
        cax=axes,
        orientation="horizontal",
        extend="both" if both else "neither",
        extendfrac=0.03,
        ticks=MaxNLocator(6),
    )
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: round_number(value)))
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(labelsize=TICK_PT, width=0.5, length=2.0)
    if units != "1":
        bar.ax.text(1.04, 0.5, units, transform=bar.ax.transAxes, fontsize=TICK_PT, va="center")
