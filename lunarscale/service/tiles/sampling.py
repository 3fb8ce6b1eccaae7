"""A tile's counts from the level whose pixels are next finer than the tile's own."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.errors import StoreError
from lunarscale.flags import NO_DATA
from lunarscale.grid.compiling import LOOP
from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.tiles.blocks import Blocks, Channel
from lunarscale.service.tiles.gathering import Parts
from lunarscale.service.tiles.matrices import AROUND_M, Tile
from lunarscale.service.tiles.places import Pixels, Places, nearest, neighbours, places_of
from lunarscale.store.cube import Cube

#: Pixels that are decoded for one tile at the most: a fifth of a second of a core.
MOST_PIXELS = 2**26

_NO_DATA = np.int16(NO_DATA)


class Sampled(NamedTuple):
    """A tile's pixels.

    Parameters
    ----------
    counts : ndarray of int16 or float32, (row, col)
        ``NO_DATA``, or NaN, where there is no value.
    whole : bool
        Whether all of the map that lies there is finished.
    """

    counts: NDArray[np.int16] | NDArray[np.float32]
    whole: bool


@dataclass(frozen=True)
class Sampler:
    """Draws pixels of one layer.

    Parameters
    ----------
    blocks : Blocks
    dataset : Dataset
    layer : Layer
    hidden : int
        Flags whose pixels are left out.
    """

    blocks: Blocks
    dataset: Dataset
    layer: Layer
    hidden: int = 0

    def nearest(self, tile: Tile) -> Sampled:
        """Each pixel's count is that of the level's pixel which holds its centre.

        Raises
        ------
        StoreError
            If too much of the map would have to be read, for want of coarser levels.
        """
        level, parts, _ = self._level(tile)
        return self._take(level, parts, tile.pixels)

    def bilinear(self, tile: Tile) -> Sampled:
        """Each pixel's count is a mean of the four about its centre, by their distances.

        Of the four those count that have a value. A pixel has one where the nearest has.
        """
        level, parts, places = self._level(tile)
        cube = self.dataset.levels[level]
        middle = self._take(level, parts, tile.pixels)
        corners, whole = [], middle.whole
        for pixels in neighbours(places, cube.grid):
            around = _parts(cube, pixels)
            if around is None:  # over the seam lies the other end of the map
                raise StoreError(_too_much(self.dataset))
            taken = self._take(level, around, tile.pixels)
            corners.append(taken.counts)
            whole &= taken.whole
        return Sampled(mixed(places, middle.counts, tuple(corners)), whole)

    def _level(self, tile: Tile) -> tuple[int, Parts, Places]:
        found = found_level(self.dataset.levels, tile)
        if found is None:
            raise StoreError(_too_much(self.dataset))
        return found

    def _take(self, level: int, parts: Parts, size: int) -> Sampled:
        """The counts of a level's pixels; what is hidden has none."""
        layer, whole = self.layer, True
        counts = np.full((size, size), _NO_DATA, np.int16)
        flags = np.zeros((size, size), np.uint8) if self.hidden else None
        values = Channel(self.dataset, level, layer.array, layer.band)
        reasons = Channel(self.dataset, level, layer.flag, None)
        for part in parts:
            block = self.blocks.block(values, part.row, part.col)
            marks = block if flags is None else self.blocks.block(reasons, part.row, part.col)
            if block is None or marks is None:
                whole = False
                continue
            parts.take(part, block, counts)
            if flags is not None:
                parts.take(part, marks, flags)
        if flags is not None:
            counts[flags & self.hidden != 0] = _NO_DATA
        return Sampled(counts, whole)


def level_for(levels: tuple[Cube, ...], tile: Tile) -> int:
    """The coarsest level whose pixels are no larger than a tile's; else the finest there is."""
    fine = [
        number
        for number, level in enumerate(levels)
        if AROUND_M / level.grid.around <= tile.cell_m * (1.0 + 1e-9)
    ]
    return fine[-1] if fine else 0


def found_level(levels: tuple[Cube, ...], tile: Tile) -> tuple[int, Parts, Places] | None:
    """The level that a tile is drawn from, its chunks, and where the tile's pixels are.

    It is the next finer one, or the first coarser one of which no more than ``MOST_PIXELS`` must be
    read: close to a pole a tile lies over all longitudes. None where there is no such level.
    """
    for number in range(level_for(levels, tile), len(levels)):
        cube = levels[number]
        places = places_of(tile, cube.grid.around)
        parts = _parts(cube, nearest(places, cube.grid))
        if parts is not None and len(parts) * cube.layout.chunk**2 <= MOST_PIXELS:
            return number, parts, places
    return None


def _parts(cube: Cube, pixels: Pixels) -> Parts | None:
    return Parts.of(pixels, cube.layout.chunk)


def _too_much(dataset: Dataset) -> str:
    base = dataset.cube
    advice = (
        f"a job `overview` of {dataset.name} makes them, or zoom in"
        if base.layout.kind == "maps"
        else "mosaics have no coarser levels, so zoom in"
    )
    return (
        f"{dataset.name}: at most {MOST_PIXELS:,} pixels are read for a tile but this one lies "
        f"over more of {base.grid.width:,} x {base.grid.height:,}; {advice}"
    )


def mixed(
    places: Places, middle: NDArray[np.generic], corners: tuple[NDArray[np.generic], ...]
) -> NDArray[np.float32]:
    """Means of the four counts about each place, NaN where the middle one is none.

    Parameters
    ----------
    places : Places
    middle : ndarray of int16, (row, col)
        The nearest counts.
    corners : tuple of ndarray of int16
        Upper left and right, lower left and right ones.
    """
    mixed = np.empty(middle.shape, np.float32)
    _mix(places, middle, corners, mixed)
    return mixed


@njit(error_model="numpy", **LOOP)
def _mix(places, middle, corners, mixed):  # type: ignore[no-untyped-def]
    upper_left, upper_right, lower_left, lower_right = corners
    for i in range(middle.shape[0]):
        for j in range(middle.shape[1]):
            down, east = places.down[i, j] - 0.5, places.east[i, j] - 0.5
            down -= np.floor(down)
            east -= np.floor(east)
            total = weight = 0.0
            for count, share in (
                (upper_left[i, j], (1.0 - down) * (1.0 - east)),
                (upper_right[i, j], (1.0 - down) * east),
                (lower_left[i, j], down * (1.0 - east)),
                (lower_right[i, j], down * east),
            ):
                if count != _NO_DATA:
                    total += share * count
                    weight += share
            is_there = middle[i, j] != _NO_DATA and weight > 0.0
            mixed[i, j] = total / weight if is_there else np.nan
