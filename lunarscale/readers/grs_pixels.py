"""The pixels of a gamma-ray table: bands of equal cells, or they are refused."""

from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import SourceError
from lunarscale.grid.cells import BandedCells

#: Degrees by which an edge may be off: the tables have one decimal, and a little for the sum.
ROUNDING = 0.05 + 1e-9


def order_of(edges: NDArray[np.float64]) -> NDArray[np.intp]:
    """Order of the lines that brings pixels band by band from the south, eastwards in each.

    Parameters
    ----------
    edges : ndarray of float64, (line, 4)
        Minimum and maximum latitude, minimum and maximum longitude in degrees.
    """
    return np.lexsort((edges[:, 2], edges[:, 0]))


def cells_of(pixels: NDArray[np.float64], *, name: str, where: str) -> BandedCells:
    """Cells of a table's pixels, checked to cover the sphere once.

    Parameters
    ----------
    pixels : ndarray of float64, (line, 5)
        In the order of ``order_of``: index, latitudes and longitudes as there.
    name : str
        Of the cells.
    where : str
        The file, for messages.

    Raises
    ------
    SourceError
        If pixels overlap, leave gaps, or are not equal within a band; the message names one.
    """
    starts = np.flatnonzero(np.diff(pixels[:, 1], prepend=-np.inf) > 0)
    bands = np.split(pixels, starts[1:])
    north = -90.0
    for band in bands:
        _check_band(band, where)
        _check_next(where, band[0], "south", (band[0, 1], north))
        north = band[0, 2]
    if abs(90.0 - north) > ROUNDING:
        raise SourceError(
            f"{where}: the pixels end at latitude {north:g} instead of 90: the file is truncated; "
            "fetch it again"
        )
    edges = (-90.0, *(float(band[0, 2]) for band in bands))
    return BandedCells(name, edges, tuple(len(band) for band in bands), west_deg=-180.0)


def _check_band(band: NDArray[np.float64], where: str) -> None:
    """Make sure that a band's pixels share their latitudes and part the circle evenly."""
    odd = np.flatnonzero(np.abs(band[:, 2] - band[0, 2]) > ROUNDING)
    if len(odd):
        _refuse(where, band[odd[0]], f"other latitudes than its neighbour {band[0, 0]:.0f}")
    if not band[0, 1] < band[0, 2]:
        _refuse(where, band[0], "no height")
    east = -180.0
    for pixel in band:
        _check_next(where, pixel, "west", (pixel[3], east))
        east = pixel[4]
    if abs(east - 180.0) > ROUNDING:
        _refuse(where, band[-1], f"an eastern edge of {east:g} as the last of its band, not 180")
    wanted = np.linspace(-180.0, 180.0, len(band) + 1)[1:]
    uneven = np.flatnonzero(np.abs(band[:, 4] - wanted) > ROUNDING)
    if len(uneven):
        place = uneven[0]
        told = f"{band[place, 4]:g} where {len(band)} equal pixels put {wanted[place]:.1f}"
        _refuse(where, band[place], f"an eastern edge of {told}")


def _check_next(
    where: str, pixel: NDArray[np.float64], side: str, edges: tuple[float, float]
) -> None:
    """Make sure that a pixel begins where the one before it ends."""
    begins, ended = edges
    if abs(begins - ended) > ROUNDING:
        fault = "a gap before it" if begins > ended else "an overlap with what is before it"
        _refuse(where, pixel, f"{fault}: its {side}ern edge is {begins:g} and not {ended:g}")


def _refuse(where: str, pixel: NDArray[np.float64], fault: str) -> NoReturn:
    raise SourceError(
        f"{where}: pixel {pixel[0]:.0f} has {fault}; the pixels must cover the Moon once, in bands "
        "of equal cells; fetch the table again"
    )
