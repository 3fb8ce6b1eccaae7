"""Labels beside their places, where they cover no other label."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from lunarscale.render.figure import INK, SMALL_PT

#: Where a label may stand, in the order tried: direction from the place, and the text's anchor.
_SIDES: tuple[tuple[float, float, str, str], ...] = (
    (1.0, 0.0, "left", "center"),
    (-1.0, 0.0, "right", "center"),
    (0.0, 1.0, "center", "bottom"),
    (0.0, -1.0, "center", "top"),
    (0.7, 0.7, "left", "bottom"),
    (-0.7, 0.7, "right", "bottom"),
    (0.7, -0.7, "left", "top"),
    (-0.7, -0.7, "right", "top"),
)

#: Points between a place's rim and its label, and that labels keep from one another.
_GAP_PT, _APART_PT = 2.0, 1.5


@dataclass(frozen=True)
class Place:
    """Something with a name, as large as a circle about a point.

    Parameters
    ----------
    name : str
    x, y : float
        In the axes' units.
    radius : float
        In the axes' units, of what the label stands beside.
    """

    name: str
    x: float
    y: float
    radius: float


#: What it costs to cover a rectangle of the axes, in their units: x from and to, y from and to.
Cost = Callable[[float, float, float, float], float]


def place_labels(
    axes: Axes,
    places: Iterable[Place],
    *,
    obstacles: Sequence[Text] = (),
    cost: Cost = lambda x0, x1, y0, y1: 0.0,
) -> list[str]:
    """Write the names that find room, the first first; returns those that find none.

    Of the sides that are free the one of least cost is taken, the first of equals.

    Parameters
    ----------
    axes : Axes
        With its limits set and of equal scale along both axes.
    places : iterable of Place
        The most important first.
    obstacles : sequence of Text
        Other labels that are not to be covered.
    cost : callable
        Of covering what is drawn there.
    """
    canvas = FigureCanvasAgg(axes.figure)  # type: ignore[arg-type]
    renderer = canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    taken = [text.get_window_extent(renderer) for text in obstacles]
    points = axes.figure.dpi / 72.0
    scale = (axes.transData.transform((1.0, 0.0)) - axes.transData.transform((0.0, 0.0)))[0]
    to_data = axes.transData.inverted()
    left_out = []
    for place in places:
        reach = place.radius * scale / points + _GAP_PT
        free: list[tuple[float, Annotation, Bbox]] = []
        for side in _SIDES:
            label = _write(axes, place, side, reach=reach)
            box = label.get_window_extent(renderer).padded(_APART_PT * points)
            if _is_free(box, taken, frame):
                (x0, y0), (x1, y1) = to_data.transform(box.get_points())
                free.append((cost(x0, x1, y0, y1), label, box))
            else:
                label.remove()
        if free:
            _, best, box = min(free, key=lambda found: found[0])
            taken.append(box)
        else:
            left_out.append(place.name)
        for _, label, _ in free:
            if label is not best:
                label.remove()
    return left_out


def _write(
    axes: Axes,
    place: Place,
    side: tuple[float, float, str, str],
    *,
    reach: float,
) -> Annotation:
    """A label on one side of its place, that many points away."""
    right, up, horizontal, vertical = side
    return axes.annotate(
        place.name,
        (place.x, place.y),
        xytext=(right * reach, up * reach),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize=SMALL_PT,
        color=INK,
        parse_math=False,
        path_effects=[withStroke(linewidth=2.0, foreground="white")],
    )


def _is_free(box: Bbox, taken: Sequence[Bbox], frame: Bbox) -> bool:
    """Whether a box lies within the axes and on no other box."""
    corners = np.array([[box.x0, box.y0], [box.x1, box.y1]])
    inside = bool(
        (corners[0] >= [frame.x0, frame.y0]).all() and (corners[1] <= [frame.x1, frame.y1]).all()
    )
    return inside and not any(box.overlaps(other) for other in taken)
