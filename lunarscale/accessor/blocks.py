"""Sums of the blocks of a dataset in units: back to counts and flags, then as of any map."""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA, REASON_MASK, MapReason
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import Quantity
from lunarscale.reduce.sums import Chunk, Measure, Sum, merge_sums, sum_chunks

#: Edge in pixels of the pieces that a block is shown to the tallies in: they stay in the cache.
PIECE = 512


@delayed(pure=True)
def partial_sums(
    measures: dict[str, Measure],
    layers: tuple[tuple[str, Quantity], ...],
    grid: RasterGrid,
    window: Window,
    arrays: list[NDArray[Any] | None],
) -> dict[str, Sum]:
    """The sums of one block."""
    window = Window(*window)
    names = tuple(name for name, _ in layers)
    shape = (len(layers), window.height, window.width)
    counts, flags = np.empty(shape, np.int16), np.empty(shape, np.uint8)
    for layer, (_, quantity) in enumerate(layers):
        values, given = arrays[2 * layer], arrays[2 * layer + 1]
        counts[layer], flags[layer] = counts_of(np.asarray(values), given, quantity)
    chunks = _pieces(window, counts, flags)
    return sum_chunks(measures, names, chunks, grid=grid, window=window)


def _pieces(window: Window, counts: NDArray[np.int16], flags: NDArray[np.uint8]) -> Iterator[Chunk]:
    for piece in window.split(PIECE):
        inside = Window(piece.row - window.row, piece.col - window.col, *piece[2:]).slices
        yield Chunk(
            piece,
            np.ascontiguousarray(counts[(slice(None), *inside)]),
            np.ascontiguousarray(flags[(slice(None), *inside)]),
        )


def counts_of(
    values: NDArray[Any], flags: NDArray[Any] | None, quantity: Quantity
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Counts and flags of a layer in units: NaN is no value, what int16 cannot hold neither.

    Parameters
    ----------
    values : ndarray
        In the quantity's units.
    flags : ndarray or None
        The maps' flags, where there are some.
    quantity : Quantity
    """
    steps = np.rint(np.asarray(values, dtype=np.float64) / quantity.quantum)
    fits = np.abs(steps) <= np.iinfo(np.int16).max
    counts = np.where(fits, steps, NO_DATA).astype(np.int16)
    reasons = np.where(fits, MapReason.HAS_VALUE, MapReason.NO_INPUT).astype(np.uint8)
    if flags is not None:
        stored = np.nan_to_num(np.asarray(flags)).astype(np.uint8)
        # arithmetic may have voided a value, or given one, that the flags do not know of
        keeps = (stored & np.uint8(REASON_MASK) == MapReason.HAS_VALUE) == fits
        reasons = np.where(keeps, stored, reasons)
    reasons[np.isfinite(steps) & ~fits] = MapReason.BEYOND_RANGE
    return counts, reasons


@delayed(pure=True)
def merged(parts: list[dict[str, Sum]]) -> dict[str, Sum]:
    """The sums of several blocks as one."""
    return functools.reduce(merge_sums, parts)
