"""What all figures share: size in inches, type, the mark of simulated data, saving.

Figures are made with matplotlib's objects on the Agg canvas: no pyplot state, no display, safe
in threads, and the same bytes from the same input.
"""

import io
import struct
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import lunarscale
from lunarscale.store.location import Location

PNG_DPI = 220
INK = "#1a1a1a"
FAINT = "#5a5a5a"
WARNING_INK = "#9b1c1c"
WARNING_PAPER = "#fdeceb"

#: Type sizes in points.
TITLE_PT, TEXT_PT, SMALL_PT = 13.0, 8.0, 7.0

# matplotlib takes the salt of an SVG's identifiers from its global settings only
_SVG_LOCK = threading.Lock()


@dataclass(frozen=True)
class Illustration:
    """A figure on disk, with what it shows in words.

    Parameters
    ----------
    path : Path
        The PNG.
    layer : str
        Layer that it shows.
    caption : str
        Printed below it.
    alt : str
        For readers who do not see it.
    width_px, height_px : int
        Size of the PNG.
    vector : Path or None
        The same as SVG, where there is one.
    """

    path: Path
    layer: str
    caption: str
    alt: str
    width_px: int
    height_px: int
    vector: Path | None = None


class Sheet:
    """A figure laid out in inches from its lower left corner.

    Parameters
    ----------
    width, height : float
        Size in inches.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(self.figure)

    def panel(self, left: float, bottom: float, *, width: float, height: float) -> Axes:
        """Axes at a place in inches."""
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def write(self, x: float, y: float, text: str, **style: object) -> None:
        """Literal text (no markup) at a place in inches."""
        look: dict[str, object] = {"fontsize": TEXT_PT, "color": INK, "parse_math": False}
        self.figure.text(x / self.width, y / self.height, text, **(look | style))  # type: ignore[arg-type]

    def head(
        self,
        title: str,
        lines: Iterable[str],
        *,
        left: float,
        simulated: bool = False,
        top: float = 0.2,
    ) -> None:
        """The title in the upper left corner with lines below it, and the mark of simulated data.

        Parameters
        ----------
        title : str
        lines : iterable of str
        left, top : float
            Inches from the edges to the title's corner.
        simulated : bool
        """
        y = self.height - top
        self.write(left, y, title, fontsize=TITLE_PT, fontweight="bold", va="top")
        for place, line in enumerate(lines):
            self.write(left, y - 0.28 - 0.17 * place, line, color=FAINT, va="top")
        if simulated:
            self.mark_simulated()

    def mark_simulated(self) -> None:
        """The words SIMULATED DATA, framed, in the upper right corner."""
        frame = {"boxstyle": "square,pad=0.45", "facecolor": WARNING_PAPER}
        self.write(
            self.width - 0.42,
            self.height - 0.2,
            "SIMULATED DATA, not a measurement",
            fontsize=9.0,
            fontweight="bold",
            color=WARNING_INK,
            ha="right",
            va="top",
            bbox=frame | {"edgecolor": WARNING_INK, "linewidth": 1.0},
        )

    def save(self, path: Path, *, title: str) -> tuple[tuple[int, int], Path]:
        """Write the PNG and, beside it, the SVG; returns the PNG's size and the SVG's path."""
        vector = path.with_suffix(".svg")
        size = self.save_png(path, title=title)
        self.save_svg(vector, title=title)
        return size, vector

    def save_png(self, path: Path, *, title: str) -> tuple[int, int]:
        """Write the PNG; returns its width and height in pixels."""
        software = f"lunarscale {lunarscale.__version__}"
        metadata = {"Software": software, "Title": title}
        # zlib level 4: measured at half the time of the usual 6, for 3 % more bytes
        level = {"compress_level": 4}
        made = io.BytesIO()
        self.figure.savefig(made, format="png", dpi=PNG_DPI, metadata=metadata, pil_kwargs=level)
        picture = made.getvalue()
        _whole(path, picture)
        width, height = struct.unpack(">II", picture[16:24])  # PNG begins with its size
        return width, height

    def save_svg(self, path: Path, *, title: str) -> None:
        """Write the SVG, without a date."""
        metadata = {"Date": None, "Title": title}
        with _SVG_LOCK, matplotlib.rc_context({"svg.hashsalt": "lunarscale"}):
            made = io.BytesIO()
            self.figure.savefig(made, format="svg", metadata=metadata)
        _whole(path, made.getvalue())


def _whole(path: Path, picture: bytes) -> None:
    """Write a picture whole or not at all."""
    Location(str(path.parent)).put(path.name, picture)


def bare_ticks(axes: Axes) -> None:
    """Thin frame and small ticks, as all panels have them."""
    axes.tick_params(labelsize=SMALL_PT, width=0.6, length=3.0, colors=INK)
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
        spine.set_edgecolor(INK)
