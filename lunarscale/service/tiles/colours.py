"""From counts to 255 colours: palettes, and the table that gives each count its colour."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from cmcrameri import cm
from numba import njit
from numpy.typing import NDArray

from lunarscale.errors import UnknownError
from lunarscale.flags import NO_DATA
from lunarscale.grid.compiling import LOOP
from lunarscale.render.palettes import palette_of
from lunarscale.service.layers import Layer

#: Colours of a picture; one more index is left for what has no value, which is transparent.
COLOURS = 255

#: Index of what has no value.
CLEAR = 0

Kind = Literal["sequential", "diverging"]

#: F. Crameri's palettes that run from one end to another, and those with a middle.
_SEQUENTIAL = (
    "batlow", "batlowK", "batlowW", "acton", "bamako", "bilbao", "buda", "davos", "devon",
    "glasgow", "grayC", "hawaii", "imola", "lajolla", "lapaz", "lipari", "navia", "nuuk", "oslo",
    "tokyo", "turku",
)  # fmt: skip
_DIVERGING = (
    "bam",
    "berlin",
    "broc",
    "cork",
    "lisbon",
    "managua",
    "roma",
    "tofino",
    "vanimo",
    "vik",
)

#: All palettes by name.
PALETTES: dict[str, Kind] = {
    **dict.fromkeys(_SEQUENTIAL, "sequential"),
    **dict.fromkeys(_DIVERGING, "diverging"),
}

#: What reflectances are drawn in: they are what a camera saw.
_REFLECTANCE = "grayC"


@dataclass(frozen=True)
class Colours:
    """How values become colours.

    Parameters
    ----------
    palette : str
        A name of ``PALETTES``.
    low, high : float
        Values of both ends; those beyond have the ends' colours.
    """

    palette: str
    low: float
    high: float


def usual_palette(layer: Layer) -> str:
    """The palette of a layer that nobody has chosen another one for."""
    return _REFLECTANCE if layer.quantity == "reflectance" else palette_of(layer.name).name


def require_palette(name: str) -> str:
    """A palette's name, made sure of.

    Raises
    ------
    UnknownError
        If there is none of that name.
    """
    if name not in PALETTES:
        raise UnknownError(
            f"there is no palette {name[:80]!r}; /api/palettes lists them, {next(iter(PALETTES))} "
            "is one"
        )
    return name


@cache
def colours_of(palette: str) -> NDArray[np.uint8]:
    """The colours of a palette from the least value to the largest, (colour, red green blue)."""
    shades = getattr(cm, palette)((np.arange(COLOURS) + 0.5) / COLOURS)
    return np.array(np.rint(shades[:, :3] * 255.0), np.uint8)


def in_hex(palette: str, count: int = COLOURS) -> list[str]:
    """So many colours of a palette as a page has them: ``#011959``."""
    places = np.linspace(0, COLOURS - 1, count).round().astype(int)
    return ["#" + colours_of(palette)[place].tobytes().hex() for place in places]


def lines_of(counts: NDArray[np.int16], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colours' indices of a tile, each line after a zero, as ``indexed_png`` takes them.

    Parameters
    ----------
    counts : ndarray of int16, (row, col)
    table : ndarray of uint8
        Of ``index_table``.
    """
    lines = np.zeros((counts.shape[0], counts.shape[1] + 1), np.uint8)
    _look_up(counts.view(np.uint16), table, lines)
    return lines


@njit(error_model="numpy", **LOOP)
def _look_up(counts, table, lines):  # type: ignore[no-untyped-def]
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            lines[i, j + 1] = table[counts[i, j]]


@lru_cache(maxsize=64)
def index_table(quantum: float, low: float, high: float) -> NDArray[np.uint8]:
    """The colour's index of each count, by the count's 16 bits taken as a number without sign.

    Parameters
    ----------
    quantum : float
        Value of one count.
    low, high : float
        Values of the palette's ends.
    """
    counts = np.arange(2**16, dtype=np.uint16).view(np.int16)
    share = (counts * quantum - low) / (high - low)
    places = np.clip(np.floor(share * COLOURS), 0, COLOURS - 1)
    table = np.array(places + 1, np.uint8)
    table[counts == NO_DATA] = CLEAR
    table.flags.writeable = False
    return table
