"""Why a map has no value where a band it needs has none."""

from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from lunarscale.flags import BAND_MASK, BITS_PER_BAND, MapReason
from lunarscale.grid.compiling import LOOP, PART

_compiling = Lock()


def lacking(packed: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """Positions of the pixels that lack any band.

    Parameters
    ----------
    packed : ndarray of uint16 or uint32, (pixel,)
        The mosaic's flags.
    """
    return np.flatnonzero(packed != 0)


def explain(
    flags: NDArray[np.uint8],
    packed: NDArray[np.unsignedinteger],
    pixels: NDArray[np.int64],
    *,
    bands: tuple[int, ...],
    reasons: NDArray[np.uint8],
) -> None:
    """Put the worst reason of a model's bands where its flag says ``NO_INPUT``.

    A model that lacks a band gives none of its quantities: the first one's flag tells of all.

    Parameters
    ----------
    flags : ndarray of uint8, (quantity, pixel)
        Changed in place.
    packed : ndarray of uint16 or uint32, (pixel,)
        The mosaic's flags.
    pixels : ndarray of int64
        Those that lack any band (``lacking``).
    bands : tuple of int
        Positions of the model's bands in the mosaic.
    reasons : ndarray of uint8, (8,)
        ``MapReason`` of each of the camera's reasons (``bands.Camera.map_reasons``).
    """
    if not pixels.size:
        return
    shifts = np.array(bands, dtype=np.int64) * BITS_PER_BAND
    with _compiling:  # threads that meet here must not each compile the same loop
        loop = _loop(packed.dtype.name)
    loop(flags, packed, pixels, shifts, reasons)


@lru_cache(maxsize=2)
def _loop(packed: str) -> Any:
    no_input = np.uint8(MapReason.NO_INPUT)
    signature = types.void(
        types.uint8[:, ::1],
        getattr(types, packed)[::1],
        types.int64[::1],
        types.int64[::1],
        types.uint8[::1],
    )

    @njit(**PART)
    def worst_of(code, shifts, reasons):  # type: ignore[no-untyped-def]
        worst = no_input
        for band in range(shifts.size):
            reason = reasons[(code >> shifts[band]) & BAND_MASK]
            worst = reason if reason > worst else worst
        return worst

    @njit(signature, **LOOP)
    def loop(flags, packed, pixels, shifts, reasons):  # type: ignore[no-untyped-def]
        known = packed[pixels[0]]
        worst = worst_of(known, shifts, reasons)
        for place in range(pixels.size):
            pixel = pixels[place]
            if flags[0, pixel] == no_input:
                if packed[pixel] != known:  # neighbours mostly share their reasons
                    known = packed[pixel]
                    worst = worst_of(known, shifts, reasons)
                for quantity in range(flags.shape[0]):
                    flags[quantity, pixel] = worst

    return loop
