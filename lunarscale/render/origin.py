"""The R2 of every origin of a search: the whole grid, and what is as good as the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from cmcrameri import cm
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from lunarscale.render.figure import (
    INK,
    SMALL_PT,
    TEXT_PT,
    Illustration,
    Sheet,
    bare_ticks,
)
from lunarscale.render.labels import number, pretty_name
from lunarscale.render.palettes import NO_DATA_COLOUR

#: Contours: R2 this much below the best, and how each is drawn.
BELOW_BEST: dict[float, Literal["dotted", "dashed", "solid"]] = {
    1e-2: "dotted",
    1e-3: "dashed",
    1e-4: "solid",
}

#: Colours reach this far below the best, on the whole grid and in the close-up.
_WHOLE_DEPTH, _CLOSE_DEPTH = 0.25, 0.02

_PANEL_W, _PANEL_H, _GAP_X, _GAP_Y = 3.1, 2.6, 1.35, 0.95
_BEST = {"marker": "o", "markersize": 5.5, "markerfacecolor": "white", "markeredgecolor": INK}
_PUBLISHED = {"marker": "X", "markersize": 6.0, "markerfacecolor": "#d55e00",
              "markeredgecolor": "white"}  # fmt: skip


@dataclass(frozen=True)
class OriginSurface:
    """R2 over the origins of one quantity.

    Parameters
    ----------
    quantity : str
        ``FeO``.
    ratio : str
        What ``y0`` is an origin of, ``R950/R750``; ``x0`` is one of its second band.
    x0, y0 : ndarray of float64
        Rising.
    r2 : ndarray of float64, (x0, y0)
        NaN where an origin is not admissible.
    best : (float, float)
    published : (float, float) or None
        An origin to compare with.
    stations : int
    """

    quantity: str
    ratio: str
    x0: NDArray[np.float64]
    y0: NDArray[np.float64]
    r2: NDArray[np.float64]
    best: tuple[float, float]
    published: tuple[float, float] | None
    stations: int

    @property
    def top(self) -> float:
        """The best R2."""
        return float(np.nanmax(self.r2))

    def window(self, depth: float) -> tuple[float, float, float, float]:
        """Ends in x0 and y0 of what is within ``depth`` of the best, and of what was published."""
        near = self.r2 >= self.top - depth
        ends: list[float] = []
        for axis, values in ((0, self.x0), (1, self.y0)):
            hit = values[np.flatnonzero(near.any(axis=1 - axis))]
            low, high = hit[0], hit[-1]
            if self.published is not None:
                low, high = min(low, self.published[axis]), max(high, self.published[axis])
            margin = max(0.12 * (high - low), 0.002)
            ends += [max(low - margin, values[0]), min(high + margin, values[-1])]
        return ends[0], ends[1], ends[2], ends[3]


def draw_origin_surfaces(
    surfaces: Sequence[OriginSurface], *, title: str, published: str, path: Path
) -> Illustration:
    """Draw the surfaces as PNG and, beside it, as SVG: a row a quantity.

    Parameters
    ----------
    surfaces : sequence of OriginSurface
    title : str
        What was fitted, for the line below the heading.
    published : str
        Whose origins are compared with, ``Qiu et al. 2025``.
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    """
    width = 0.75 + 2 * _PANEL_W + _GAP_X + 0.95
    height = 0.75 + len(surfaces) * (_PANEL_H + _GAP_Y)
    sheet = Sheet(width, height)
    heading = "Where the origin may lie"
    sheet.head(heading, (title,), left=0.75)
    for place, surface in enumerate(surfaces):
        bottom = height - 1.15 - place * (_PANEL_H + _GAP_Y) - _PANEL_H
        _draw_whole(sheet, surface, bottom)
        _draw_close(sheet, surface, bottom)
    _legend(sheet, surfaces, published)
    size, vector = sheet.save(path, title=heading)
    caption = (
        f"R² of the best fit at every origin, {title}. Left: the grid; grey origins are not "
        "admissible, as a station has no angle there. Right: the origins near the best; contours "
        "enclose those whose R² is less than 0.01, 0.001 and 0.0001 below it."
    )
    names = ", ".join(surface.quantity for surface in surfaces)
    return Illustration(path, "", caption, f"Maps of R² over origins for {names}", *size, vector)


def _draw_whole(sheet: Sheet, surface: OriginSurface, bottom: float) -> None:
    axes = sheet.panel(0.75, bottom, width=_PANEL_W, height=_PANEL_H)
    admissible = ~np.isnan(surface.r2)
    last = (surface.x0[admissible.any(axis=1)][-1], surface.y0[admissible.any(axis=0)][-1])
    right, top = (
        min(float(end + 0.15 * (end - values[0])), float(values[-1]))
        for end, values in zip(last, (surface.x0, surface.y0), strict=True)
    )
    _paint(sheet, axes, surface, depth=_WHOLE_DEPTH)
    axes.set_xlim(float(surface.x0[0]), right)
    axes.set_ylim(float(surface.y0[0]), top)
    west, east, south, north = surface.window(_CLOSE_DEPTH)
    axes.add_patch(
        Rectangle((west, south), east - west, north - south, fill=False, edgecolor="white", lw=1.0)
    )
    name = f"{pretty_name(surface.quantity)}, {surface.stations} stations: the grid"
    _finish(axes, surface, name)


def _draw_close(sheet: Sheet, surface: OriginSurface, bottom: float) -> None:
    left = 0.75 + _PANEL_W + _GAP_X
    axes = sheet.panel(left, bottom, width=_PANEL_W, height=_PANEL_H)
    _paint(sheet, axes, surface, depth=_CLOSE_DEPTH)
    axes.contour(
        surface.x0, surface.y0, surface.r2.T, levels=[surface.top - below for below in BELOW_BEST],
        colors=[INK], linewidths=0.9, linestyles=list(BELOW_BEST.values()),
    )  # fmt: skip
    west, east, south, north = surface.window(_CLOSE_DEPTH)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.plot(*surface.best, linestyle="none", zorder=5, clip_on=False, **_BEST)  # type: ignore[arg-type]
    if surface.published is not None:
        axes.plot(*surface.published, linestyle="none", zorder=6, clip_on=False, **_PUBLISHED)  # type: ignore[arg-type]
    _finish(axes, surface, f"near the best, R² {number(surface.top, 4)}")


def _paint(sheet: Sheet, axes: Axes, surface: OriginSurface, *, depth: float) -> None:
    """The surface in colour, with its bar at the right of the axes."""
    half_x, half_y = (0.5 * (values[1] - values[0]) for values in (surface.x0, surface.y0))
    palette = cm.batlow.with_extremes(bad=NO_DATA_COLOUR)
    image = axes.imshow(
        surface.r2.T, origin="lower", aspect="auto", interpolation="nearest", cmap=palette,
        extent=(surface.x0[0] - half_x, surface.x0[-1] + half_x,
                surface.y0[0] - half_y, surface.y0[-1] + half_y),
        vmin=surface.top - depth, vmax=surface.top,
    )  # fmt: skip
    box = axes.get_position()
    right, bottom = box.x1 * sheet.width + 0.08, box.y0 * sheet.height
    bar = sheet.panel(right, bottom, width=0.11, height=_PANEL_H)
    drawn = sheet.figure.colorbar(image, cax=bar, extend="min")
    drawn.outline.set_linewidth(0.6)
    bar.set_title("R²", fontsize=SMALL_PT, pad=4.0)
    bar.tick_params(labelsize=SMALL_PT, width=0.6, length=2.0, colors=INK)


def _finish(axes: Axes, surface: OriginSurface, name: str) -> None:
    base = surface.ratio.split("/")[-1]
    axes.set_xlabel(f"x0 ({base})", fontsize=TEXT_PT)
    axes.set_ylabel(f"y0 ({surface.ratio})", fontsize=TEXT_PT)
    axes.set_title(name, fontsize=TEXT_PT + 1, fontweight="bold", loc="left")
    bare_ticks(axes)


def _legend(sheet: Sheet, surfaces: Sequence[OriginSurface], published: str) -> None:
    handles: list[Artist] = [Line2D([], [], linestyle="none", label="best here", **_BEST)]  # type: ignore[arg-type]
    if any(surface.published is not None for surface in surfaces):
        handles.append(Line2D([], [], linestyle="none", label=published, **_PUBLISHED))  # type: ignore[arg-type]
    handles.append(Patch(facecolor=NO_DATA_COLOUR, label="not admissible"))
    if len(handles) < len(BELOW_BEST):  # the contours keep a column of their own
        handles.append(Line2D([], [], linestyle="none", label=" "))
    for below, style in BELOW_BEST.items():
        text = f"{below:g}" if below > 5e-4 else "0.0001"
        label = f"R² {text} below the best"
        handles.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=style, label=label))
    sheet.figure.legend(
        handles=handles, loc="upper right", ncols=2, frameon=False, fontsize=SMALL_PT + 0.5,
        bbox_to_anchor=(1.0 - 0.3 / sheet.width, 1.0 - 0.1 / sheet.height),
    )  # fmt: skip
