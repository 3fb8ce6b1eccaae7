"""A two-dimensional density as a panel: logarithmic colours, the 1:1 line, fitted lines."""

import numpy as np
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from lunarscale.render.figure import INK

#: Colours span this part of the densest bin and all above it.
FAINTEST = 1e-4

#: Fitted lines: ordinary least squares, reduced major axis (Okabe & Ito 2008).
OLS_COLOUR, RMA_COLOUR = "#d55e00", "#0072b2"


def draw_density_panel(
    axes: Axes,
    shares: NDArray[np.float64],
    edges: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    faintest: float = FAINTEST,
) -> ScalarMappable | None:
    """Colour the bins that hold some of the area, and draw the 1:1 line.

    Parameters
    ----------
    axes : Axes
        Its limits are left to the caller.
    shares : ndarray of float64, (bin of y, bin of x)
        Share of the area in each bin.
    edges : (ndarray of float64, ndarray of float64)
        Of the bins along x and along y.
    faintest : float
        Part of the densest bin at which colours begin.

    Returns
    -------
    ScalarMappable or None
        The colours, for a bar; None where no bin holds any.
    """
    across, up = edges
    ends = [min(across[0], up[0]), max(across[-1], up[-1])]
    axes.plot(ends, ends, color=INK, linewidth=0.7, zorder=2)
    filled = np.ma.masked_equal(shares, 0.0)
    if not filled.count():
        return None
    most = float(filled.max())
    norm = LogNorm(most * faintest, most, clip=True)
    return axes.pcolormesh(across, up, filled, cmap=cm.batlow_r, norm=norm, rasterized=True)


def draw_line(
    axes: Axes, line: tuple[float, float], *, colour: str, label: str, dashes: tuple[int, int]
) -> None:
    """Draw a straight line across the panel.

    Parameters
    ----------
    axes : Axes
        With its limits set.
    line : (float, float)
        Slope and intercept.
    colour, label : str
    dashes : (int, int)
    """
    slope, intercept = line
    ends = np.array(axes.get_xlim())
    axes.plot(
        ends, slope * ends + intercept, color=colour, linewidth=1.3, dashes=dashes, label=label,
        zorder=3,
    )  # fmt: skip


def middle_span(
    shares: NDArray[np.float64], edges: tuple[NDArray[np.float64], NDArray[np.float64]], tail: float
) -> tuple[float, float]:
    """Values between which both marginals lie, but for a share at either end; one for both axes."""
    lows, highs = [], []
    for axis, own in zip((0, 1), edges, strict=True):
        reached = np.cumsum(shares.sum(axis=axis))
        first, last = np.searchsorted(reached, (tail * reached[-1], (1 - tail) * reached[-1]))
        lows.append(own[first])
        highs.append(own[min(last, len(reached) - 1) + 1])
    low, high = float(min(lows)), float(max(highs))
    margin = 0.03 * max(high - low, 1e-6)
    return low - margin, high + margin
