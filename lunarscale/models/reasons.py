"""Why a map has no value where a band it needs has none."""

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from lunarscale.flags import BAND_MASK, BITS_PER_BAND, MapReason
from lunarscale.grid.compiling import LOOP

#: Bytes of the mosaic's flags that are passed by at once where no pixel lacks a band.
_PASSED_BYTES = 64

_compiling = Lock()


class Reasons:
    """Tells the layers of some models why they have no value.

    A model that lacks a band gives none of its quantities: the first one's flag tells of all.

    Parameters
    ----------
    bands : sequence of tuple of int
        Positions of each model's bands in the mosaic.
    layers : sequence of int
        How many layers each model has.
    reasons : ndarray of uint8, (8,)
        ``MapReason`` of each of the camera's reasons (``bands.Camera.map_reasons``).
    """

    def __init__(
        self, bands: Sequence[tuple[int, ...]], layers: Sequence[int], reasons: NDArray[np.uint8]
    ) -> None:
        widest = max(map(len, bands))
        rows = [  # of equal length: a model's first band once more changes nothing
            [*of, *of[:1] * (widest - len(of))]
            for of, several in zip(bands, layers, strict=True)
            for _ in range(several)
        ]
        self._shifts = np.array(rows, np.uint64) * np.uint64(BITS_PER_BAND)
        self._reasons = reasons

    def explain(self, flags: NDArray[np.uint8], packed: NDArray[np.unsignedinteger]) -> None:
        """Put the worst reason of a model's bands where its flag says ``NO_INPUT``.

        Parameters
        ----------
        flags : ndarray of uint8, (layer, pixel)
            Of all models; changed in place.
        packed : ndarray of uint16 or uint32, (pixel,)
            The mosaic's flags.
        """
        with _compiling:  # threads that meet here must not each compile the same loop
            loop = _loop(packed.itemsize)
        pixels = _PASSED_BYTES // packed.itemsize
        blocks = packed[: packed.size // pixels * pixels].view(np.uint64)
        blocks = blocks.reshape(-1, _PASSED_BYTES // 8)
        worst = np.empty(len(self._shifts), np.uint8)
        loop(flags, packed, blocks, self._shifts, self._reasons, worst)


@lru_cache(maxsize=2)
def _loop(itemsize: int) -> Any:
    no_input = np.uint8(MapReason.NO_INPUT)
    passed = np.uint64(_PASSED_BYTES // itemsize)
    code_type: Any = {2: types.uint16, 4: types.uint32}[itemsize]
    signature = types.void(
        types.uint8[:, ::1],
        code_type[::1],
        *[types.uint64[:, ::1]] * 2,
        *[types.uint8[::1]] * 2,
    )

    @njit(signature, **LOOP)
    def loop(flags, packed, blocks, shifts, reasons, worst):  # type: ignore[no-untyped-def]
        # unsigned, so that nothing counts from an array's end
        known, says_more = code_type(0), False
        whole, pixels = np.uint64(blocks.shape[0]), np.uint64(packed.size)
        for block in range(whole + np.uint64(1)):
            if block < whole:
                some = blocks[block, 0]
                for word in range(1, blocks.shape[1]):
                    some |= blocks[block, word]
                if some == 0:
                    continue
            first = block * passed
            end = first + passed if block < whole else pixels
            for pixel in range(first, end):
                code = packed[pixel]
                if code == 0:
                    continue
                if code != known:  # neighbours mostly share their reasons
                    known, says_more = code, False
                    for layer in range(worst.size):
                        most = no_input
                        for band in range(shifts.shape[1]):
                            reason = reasons[(code >> shifts[layer, band]) & BAND_MASK]
                            most = reason if reason > most else most
                        worst[layer] = most
                        says_more |= most != no_input
                if says_more:
                    for layer in range(worst.size):
                        if flags[layer, pixel] == no_input:
                            flags[layer, pixel] = worst[layer]

    return loop
