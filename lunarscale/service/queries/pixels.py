"""Counts and flags of a dataset: at single pixels, and in windows, also over the seam.

What a dataset in the making has not finished yet reads as no-data, and is told apart from it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.ledger import Ledger
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import Window
from lunarscale.service.layers import Layer
from lunarscale.store.cube import Cube

#: Row and column of a pixel.
Pixel = tuple[int, int]

#: An array of a store, or one band of it.
_Array = tuple[str, int | None]


class Found(NamedTuple):
    """What lies at some pixels.

    Parameters
    ----------
    counts : ndarray of int16, (layer, pixel)
        ``NO_DATA`` where there is no value.
    flags : ndarray of uint32, (layer, pixel)
        As the store has them.
    is_finished : ndarray of bool, (pixel,)
        Whether the shard is there at all.
    """

    counts: NDArray[np.int16]
    flags: NDArray[np.uint32]
    is_finished: NDArray[np.bool_]


def read_pixels(cube: Cube, layers: Sequence[Layer], pixels: Sequence[Pixel]) -> Found:
    """Counts and flags of some layers at single pixels; each chunk is decoded once an array.

    Parameters
    ----------
    cube : Cube
    layers : sequence of Layer
    pixels : sequence of (int, int)
        Rows and columns within the cube.

    Raises
    ------
    TornError
        If a shard is not what was written.
    """
    is_finished = _finished(cube, pixels)
    chunks = _by_chunk(cube, pixels, is_finished)
    arrays: dict[_Array, NDArray[np.generic]] = {}
    for layer in layers:
        for place in ((layer.array, layer.band), (layer.flag, None)):
            if place not in arrays:
                arrays[place] = _at_pixels(cube, place, pixels, chunks)
    shape = len(layers), len(pixels)
    counts, flags = np.empty(shape, np.int16), np.empty(shape, np.uint32)
    for number, layer in enumerate(layers):
        counts[number] = arrays[layer.array, layer.band]
        flags[number] = arrays[layer.flag, None]
    counts[:, ~is_finished] = NO_DATA
    return Found(counts, flags, is_finished)


def _finished(cube: Cube, pixels: Sequence[Pixel]) -> NDArray[np.bool_]:
    ledger, edge = Ledger.of(cube), cube.layout.shard
    shards = {(row // edge, col // edge) for row, col in pixels}
    done = {
        (row, col): ledger.read(Window(row * edge, col * edge, 1, 1)) is not None
        for row, col in shards
    }
    return np.array([done[row // edge, col // edge] for row, col in pixels], np.bool_)


def _by_chunk(
    cube: Cube, pixels: Sequence[Pixel], is_finished: NDArray[np.bool_]
) -> dict[Window, list[int]]:
    """Numbers of the pixels in each chunk; shard by shard, so that each is opened once."""
    size, across = cube.layout.chunk, cube.layout.shard // cube.layout.chunk
    found: defaultdict[Pixel, list[int]] = defaultdict(list)
    for number, (row, col) in enumerate(pixels):
        if is_finished[number]:
            found[row // size, col // size].append(number)
    ordered = sorted(found, key=lambda place: (place[0] // across, place[1] // across, place))
    grid = cube.grid
    return {
        Window(
            row * size,
            col * size,
            min(size, grid.height - row * size),
            min(size, grid.width - col * size),
        ): found[row, col]
        for row, col in ordered
    }


def _at_pixels(
    cube: Cube, array: _Array, pixels: Sequence[Pixel], chunks: dict[Window, list[int]]
) -> NDArray[np.generic]:
    name, band = array
    dtype = cube.array(name).packing.dtype
    block = np.empty((cube.layout.chunk, cube.layout.chunk), dtype)
    out: NDArray[np.generic] = np.zeros(len(pixels), dtype)
    reader = cube.reads(name, band)
    for window, numbers in chunks.items():
        reader.read_into(window, block)
        rows = [pixels[number][0] - window.row for number in numbers]
        cols = [pixels[number][1] - window.col for number in numbers]
        out[numbers] = block[rows, cols]
    return out


class Part(NamedTuple):
    """The part of a window that lies in one shard.

    Parameters
    ----------
    window : Window
        In the store.
    within : tuple of slice
        In the window that was asked for.
    is_finished : bool
        Whether the shard is there.
    """

    window: Window
    within: tuple[slice, slice]
    is_finished: bool


def parts_of(cube: Cube, window: Window) -> Iterator[Part]:
    """A window shard by shard; in a cube that goes all the way around it may go over the seam."""
    edge, around, ledger = cube.layout.shard, cube.grid.width, Ledger.of(cube)
    top = 0
    while top < window.height:
        row = window.row + top
        height = min(edge - row % edge, window.height - top)
        left = 0
        while left < window.width:
            col = (window.col + left) % around
            width = min(edge - col % edge, around - col, window.width - left)
            yield Part(
                Window(row, col, height, width),
                (slice(top, top + height), slice(left, left + width)),
                ledger.read(Window(row, col, 1, 1)) is not None,
            )
            left += width
        top += height


def read_counts(cube: Cube, layer: Layer, window: Window) -> NDArray[np.int16]:
    """The counts of a window, ``(row, col)``; ``NO_DATA`` also where nothing is finished yet.

    Raises
    ------
    TornError
        If a shard is not what was written.
    """
    out = np.full((window.height, window.width), NO_DATA, np.int16)
    reader = cube.reads(layer.array, layer.band)
    for part in parts_of(cube, window):
        if part.is_finished:
            reader.read_into(part.window, out[part.within])
    return out


def values_of(counts: NDArray[np.int16], layer: Layer) -> NDArray[np.float64]:
    """Counts in units, NaN where there is none: as xarray decodes the store."""
    return np.where(counts == NO_DATA, np.nan, counts * layer.quantum)
