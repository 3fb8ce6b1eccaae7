"""Why a map has no value where a band it needs has none."""

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from lunarscale.flags import BAND_MASK, BITS_PER_BAND, MapReason
from lunarscale.grid.compiling import LOOP, PART

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
        self._shifts = np.array([band for of in bands for band in of], np.int64) * BITS_PER_BAND
        self._bands = np.cumsum([0, *map(len, bands)], dtype=np.int64)
        self._layers = np.cumsum([0, *layers], dtype=np.int64)
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
        words = packed[: packed.size // pixels * pixels].view(np.uint64)
        worst = np.empty(len(self._bands) - 1, np.uint8)
        loop(flags, packed, words, self._bands, self._layers, self._shifts, self._reasons, worst)


@lru_cache(maxsize=2)
def _loop(itemsize: int) -> Any:
    no_input = np.uint8(MapReason.NO_INPUT)
    passed, passed_words = _PASSED_BYTES // itemsize, _PASSED_BYTES // 8
    code_type: Any = {2: types.uint16, 4: types.uint32}[itemsize]
    integers, bytes_ = types.int64[::1], types.uint8[::1]
    signature = types.void(
        types.uint8[:, ::1], code_type[::1], types.uint64[::1],
        integers, integers, integers, bytes_, bytes_,
    )  # fmt: skip

    @njit(**PART)
    def find_worst(code, bands, shifts, reasons, worst):  # type: ignore[no-untyped-def]
        says_more = False
        for model in range(worst.size):
            worst[model] = no_input
            for band in range(bands[model], bands[model + 1]):
                worst[model] = max(worst[model], reasons[(code >> shifts[band]) & BAND_MASK])
            says_more |= worst[model] != no_input
        return says_more

    @njit(signature, **LOOP)
    def loop(  # type: ignore[no-untyped-def]
        flags, packed, words, bands, layers, shifts, reasons, worst
    ):
        known = packed[0]
        says_more = find_worst(known, bands, shifts, reasons, worst)
        for block in range(-(-packed.size // passed)):
            word = block * passed_words
            if word < words.size:
                some = words[word]
                for after in range(1, passed_words):
                    some |= words[word + after]
                if some == 0:
                    continue
            for pixel in range(block * passed, min((block + 1) * passed, packed.size)):
                code = packed[pixel]
                if code == 0:
                    continue
                if code != known:  # neighbours mostly share their reasons
                    known = code
                    says_more = find_worst(known, bands, shifts, reasons, worst)
                if not says_more:
                    continue
                for model in range(worst.size):
                    if flags[layers[model], pixel] == no_input:
                        for layer in range(layers[model], layers[model + 1]):
                            flags[layer, pixel] = worst[model]

    return loop
