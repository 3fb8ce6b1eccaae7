"""The running sums of one shard."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce import kernels
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.statistics import Atom, Cell, Label, Statistics, Sums

#: Tables up to this many entries find the atoms without sorting.
SMALL_TABLE = 1 << 22


class Tally:
    """Adds up the chunks of one shard, layer by layer.

    Not for two threads at once: each shard has its own. Per layer and atom it reserves 0.5 MB of
    zeros, of which only the pages that counts fall on become memory.

    Parameters
    ----------
    groupings : sequence of Grouping
        At least one.
    layers : sequence of str
        Names of the maps.
    grid : RasterGrid
    window : Window
        The shard, in the grid's rows and columns.
    """

    def __init__(
        self,
        groupings: Sequence[Grouping],
        layers: Sequence[str],
        *,
        grid: RasterGrid,
        window: Window,
    ) -> None:
        self.layers = tuple(layers)
        self.groupings = tuple(Label(g.name, g.groups, g.digest) for g in groupings)
        self.window = window
        self._row_weights = grid.row_weights(window)
        self._keys, self._atoms = _atoms(groupings, grid, window)
        shape = (len(self.layers), len(self._keys))
        self._areas = np.zeros((*shape, 65536), dtype=np.int64)
        self._flag_areas = np.zeros((*shape, 256), dtype=np.int64)
        self._pixels = np.zeros(shape, dtype=np.int64)

    def add(
        self,
        chunk: Window,
        layer: int,
        counts: NDArray[np.int16],
        *,
        flags: NDArray[np.uint8],
    ) -> None:
        """Add one layer of a chunk; each pixel of the shard is to be added once a layer.

        Parameters
        ----------
        chunk : Window
            In the grid's rows and columns, within the shard.
        layer : int
            Position in ``layers``.
        counts : ndarray of int16, (row, col)
            ``NO_DATA`` where there is no value.
        flags : ndarray of uint8, (row, col)
            The map's flags.

        Raises
        ------
        ValueError
            If the arrays are not of the chunk's shape, or it is not within the shard.
        """
        rows, cols = _within(self.window, chunk)
        if not counts.shape == flags.shape == (chunk.height, chunk.width):
            raise ValueError(f"{chunk} has counts of {counts.shape} and flags of {flags.shape}")
        bits = np.ascontiguousarray(counts).view(np.uint16)
        flags = np.ascontiguousarray(flags)
        areas, flag_areas = self._areas[layer], self._flag_areas[layer]
        pixels, weights = self._pixels[layer], self._row_weights
        if self._atoms is None:
            add = kernels.add_one_atom()
            pixels[0] += add(bits, flags, weights[rows], areas[0], flag_areas[0])
        else:
            add, place = kernels.add_atoms(), (rows.start, cols.start)
            add(bits, flags, self._atoms, *place, weights, areas, flag_areas, pixels)

    def partial(self) -> Statistics:
        """What has been added so far, over the whole shard's area."""
        weights, pixels = self._measure()
        cells: dict[Atom, Cell] = {}
        for atom in sorted(range(len(self._keys)), key=lambda a: self._keys[a]):
            sums = tuple(self._sums(layer, atom) for layer in range(len(self.layers)))
            cells[self._keys[atom]] = Cell(int(weights[atom]), int(pixels[atom]), sums)
        return Statistics(self.layers, self.groupings, cells)

    def _sums(self, layer: int, atom: int) -> Sums:
        # areas lie in the order of the counts' bits: the negative ones come last
        found = np.flatnonzero(self._areas[layer, atom])
        found = np.roll(found, -np.searchsorted(found, 32768))
        counts = Histogram(
            found.astype(np.uint16).view(np.int16),
            self._areas[layer, atom, found],
            int(self._pixels[layer, atom]),
        )
        return Sums(counts, Histogram.of_dense(0, self._flag_areas[layer, atom]))

    def _measure(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self._atoms is None:
            height, width = self.window.height, self.window.width
            return self._row_weights.sum(keepdims=True) * width, np.array([height * width])
        weights = np.zeros(len(self._keys), dtype=np.int64)
        pixels = np.zeros(len(self._keys), dtype=np.int64)
        kernels.measure_atoms()(self._atoms, self._row_weights, weights, pixels)
        return weights, pixels


def _within(shard: Window, chunk: Window) -> tuple[slice, slice]:
    """The chunk's rows and columns, counted within the shard."""
    row, col = chunk.row - shard.row, chunk.col - shard.col
    if row < 0 or col < 0 or row + chunk.height > shard.height or col + chunk.width > shard.width:
        raise ValueError(f"{chunk} is not within the shard {shard}")
    return slice(row, row + chunk.height), slice(col, col + chunk.width)


def _atoms(
    groupings: Sequence[Grouping], grid: RasterGrid, window: Window
) -> tuple[list[Atom], NDArray[np.uint16] | None]:
    """The different tuples of group numbers in a window, and which one each pixel has.

    Returns
    -------
    keys : list of tuple of int
    atoms : ndarray of uint16, (height, width), or None
        Position in ``keys`` of each pixel; None if there is one key only.
    """
    keys: list[Atom] = [()]
    atoms: NDArray[np.uint16] | None = None
    for grouping in groupings:
        numbers = grouping.numbers(grid, window)
        low = int(numbers.flat[0])
        # a grouping that is one number all over a window may say so by strides of 0
        if not any(numbers.strides) or (low == int(numbers.min()) == int(numbers.max())):
            keys = [(*key, low) for key in keys]
            continue
        if atoms is None:
            atoms = np.zeros(numbers.shape, dtype=np.uint16)
        radix = len(grouping.groups) + 1
        found = _refine(atoms, numbers, radix=radix, size=len(keys) * radix)
        keys = [(*keys[code // radix], code % radix) for code in found]
    return keys, atoms


def _refine(
    atoms: NDArray[np.uint16], numbers: NDArray[np.uint16], *, radix: int, size: int
) -> list[int]:
    """Split atoms by one more grouping's numbers; the code of each new atom, in their order."""
    if size <= SMALL_TABLE:
        places = np.full(size, -1, dtype=np.int32)
        kernels.refine_atoms()(atoms, np.ascontiguousarray(numbers), radix, places)
        found = np.flatnonzero(places >= 0)
        found = found[np.argsort(places[found])]
    else:
        codes = atoms.astype(np.uint32) * np.uint32(radix) + numbers
        found, inverse = np.unique(codes, return_inverse=True)
        atoms[...] = inverse.reshape(atoms.shape)
    if len(found) > 0xFFFF:
        raise ValueError(f"{len(found):,} different sets of groups meet in one shard, over 65,535")
    return [int(code) for code in found]
