"""The running sums of one shard."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce import kernels
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.statistics import Atom, Cell, Label, Statistics, Sums

#: Tables up to this many entries find the atoms without sorting.
SMALL_TABLE = 1 << 22

#: Atoms that a tally makes room for at first; a shard rarely has more.
ATOMS_AT_FIRST = 16

#: Most atoms in one chunk that their numbers can tell apart.
MOST_ATOMS = 0xFFFF


class Tally:
    """Adds up the chunks of one shard, layer by layer.

    Not for two threads at once: each shard has its own. Per layer and atom it reserves 0.5 MB of
    zeros, of which only the pages that counts fall on become memory. Which atom a pixel is in is
    found chunk by chunk, while the chunk is in the cache, and once for all layers.

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
        self._given, self._grid = tuple(groupings), grid
        self._row_weights = grid.row_weights(window)
        self._looked: dict[Window, _Look] = {}
        self._places: dict[Atom, int] = {}
        self._areas = np.zeros((len(self.layers), 0, 65536), dtype=np.int64)
        self._flag_areas = np.zeros((len(self.layers), 0, 256), dtype=np.int64)
        self._valid = np.zeros((len(self.layers), 0), dtype=np.int64)
        self._reserve(ATOMS_AT_FIRST)
        self._weights = np.zeros(0, dtype=np.int64)
        self._pixels = np.zeros(0, dtype=np.int64)

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
            In the grid's rows and columns, within the shard; the same for every layer.
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
        rows = _rows_within(self.window, chunk)
        if not counts.shape == flags.shape == (chunk.height, chunk.width):
            raise ValueError(f"{chunk} has counts of {counts.shape} and flags of {flags.shape}")
        if chunk not in self._looked:
            self._looked[chunk] = self._look(chunk, self._row_weights[rows])
        look, weights = self._looked[chunk], self._row_weights[rows]
        bits = np.ascontiguousarray(counts).view(np.uint16)
        flags = np.ascontiguousarray(flags)
        areas, flag_areas = self._areas[layer], self._flag_areas[layer]
        valid = self._valid[layer]
        if look.atoms is None:
            atom, add = look.places[0], kernels.add_one_atom()
            valid[atom] += add(bits, flags, weights, areas[atom], flag_areas[atom])
        else:
            add = kernels.add_atoms()
            add(bits, flags, look.atoms, look.places, weights, areas, flag_areas, valid)

    def partial(self) -> Statistics:
        """What has been added so far."""
        cells: dict[Atom, Cell] = {}
        for key, atom in sorted(self._places.items()):
            sums = tuple(self._sums(layer, atom) for layer in range(len(self.layers)))
            cells[key] = Cell(int(self._weights[atom]), int(self._pixels[atom]), sums)
        return Statistics(self.layers, self.groupings, cells)

    def _sums(self, layer: int, atom: int) -> Sums:
        # areas lie in the order of the counts' bits: the negative ones come last
        found = np.flatnonzero(self._areas[layer, atom])
        found = np.roll(found, -np.searchsorted(found, 32768))
        counts = Histogram(
            found.astype(np.uint16).view(np.int16),
            self._areas[layer, atom, found],
            int(self._valid[layer, atom]),
        )
        return Sums(counts, Histogram.of_dense(0, self._flag_areas[layer, atom]))

    def _look(self, chunk: Window, weights: NDArray[np.int64]) -> "_Look":
        """Which atoms a chunk's pixels are in; its area is added to theirs."""
        keys, atoms = _atoms(self._given, self._grid, chunk)
        places = np.array([self._places.setdefault(key, len(self._places)) for key in keys])
        new = len(self._places) - len(self._weights)
        self._weights, self._pixels = (np.pad(a, (0, new)) for a in (self._weights, self._pixels))
        if len(self._places) > self._areas.shape[1]:
            self._reserve(2 * len(self._places))
        if atoms is None:
            self._weights[places[0]] += int(weights.sum()) * chunk.width
            self._pixels[places[0]] += chunk.height * chunk.width
        else:
            kernels.measure_atoms()(atoms, places, weights, self._weights, self._pixels)
        return _Look(atoms, places)

    def _reserve(self, atoms: int) -> None:
        """Make room for the sums of so many atoms, and keep those that there are."""
        self._areas = _widened(self._areas, atoms)
        self._flag_areas = _widened(self._flag_areas, atoms)
        self._valid = _widened(self._valid, atoms)


class _Look(NamedTuple):
    """A chunk's atoms: of each pixel, or None where all are in one, and their places in the sums.

    ``atoms`` is uint16 (row, col) and counts from 0 in this chunk; ``places`` is int64 (atom,).
    """

    atoms: NDArray[np.uint16] | None
    places: NDArray[np.int64]


def _widened(sums: NDArray[np.int64], atoms: int) -> NDArray[np.int64]:
    """Sums with room for so many atoms, of which only what is not zero is written."""
    wide = np.zeros((sums.shape[0], atoms, *sums.shape[2:]), dtype=np.int64)
    found = np.nonzero(sums)
    wide[found] = sums[found]
    return wide


def _rows_within(shard: Window, chunk: Window) -> slice:
    """The chunk's rows, counted within the shard."""
    row, col = chunk.row - shard.row, chunk.col - shard.col
    if row < 0 or col < 0 or row + chunk.height > shard.height or col + chunk.width > shard.width:
        raise ValueError(f"{chunk} is not within the shard {shard}")
    return slice(row, row + chunk.height)


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
    if len(found) > MOST_ATOMS:
        raise ValueError(f"{len(found):,} sets of groups meet in one chunk, over {MOST_ATOMS:,}")
    return [int(code) for code in found]
