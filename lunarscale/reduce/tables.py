"""Dense tables of areas by count, one a layer and atom, with room for a bounded number of atoms."""

import math
import mmap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.reduce import kernels
from lunarscale.reduce.atoms import Runs
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.statistics import Atom, Cell, Sums, sum_cells
from lunarscale.reduce.sums import Chunk

#: Atoms that are counted in dense tables at a time; of those that leave, what is not zero is kept.
SLOTS = 24

#: The slot of what is not to be counted now.
NOWHERE = -1

#: Entry of count 0 in the areas.
FIRST = 32_768

#: Bytes of one count with its area, as it is kept.
BIN_BYTES = 10


class Singles(NamedTuple):
    """Pixels that are counted one by one, with weights of their own; one may come several times.

    Parameters
    ----------
    atoms : ndarray of intp, (single,)
        Position of its atom among the chunk's keys.
    rows, cols : ndarray of int64, (single,)
        Its pixel, in the chunk.
    weights : ndarray of int64, (single,)
    pixels : ndarray of int64, (single,)
        1 where it stands for its pixel in the number of pixels, else 0.
    """

    atoms: NDArray[np.intp]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    weights: NDArray[np.int64]
    pixels: NDArray[np.int64]


def _reserved(*shape: int) -> NDArray[np.int64]:
    """Zeros straight from the system, of which only the pages that are written become memory."""
    return np.frombuffer(mmap.mmap(-1, 8 * math.prod(shape)), np.int64).reshape(shape)


class Tables:
    """The sums of every atom that a shard has shown so far.

    ``areas`` (layer, slot, 65536), from count -32768 on, ``flag_areas`` (layer, slot, 256) and
    ``valid`` (layer, slot), the pixels with a value, are for the layers; ``weights`` and ``pixels``
    (slot,) for the atoms themselves; all int64. They are reserved as zeros, of which only the
    pages that counts fall on become memory.

    Parameters
    ----------
    layers : int
    """

    def __init__(self, layers: int) -> None:
        self.areas = _reserved(layers, SLOTS, 65536)
        self.flag_areas = np.zeros((layers, SLOTS, 256), dtype=np.int64)
        self.valid = np.zeros((layers, SLOTS), dtype=np.int64)
        self.weights = np.zeros(SLOTS, dtype=np.int64)
        self.pixels = np.zeros(SLOTS, dtype=np.int64)
        self._low, self._high = [0xFFFF] * layers, [-1] * layers
        self._slots: dict[Atom, int] = {}
        self._settled: dict[Atom, list[Cell]] = {}

    def places(self, keys: Sequence[Atom]) -> Iterator[NDArray[np.int64]]:
        """The slots of a chunk's atoms: all at once, or some at a time where they are too many.

        Yields
        ------
        ndarray of int64, (key + 1,)
            Slot of every key; ``NOWHERE`` where it is not this turn's, and at the end.
        """
        for start in range(0, len(keys), SLOTS):
            turn = keys[start : start + SLOTS]
            self._make_room(turn)
            places = np.full(len(keys) + 1, NOWHERE, dtype=np.int64)
            places[start : start + len(turn)] = [self._slots[key] for key in turn]
            yield places

    def add_singles(self, singles: Singles, places: NDArray[np.int64], chunk: Chunk) -> None:
        """Add single pixels of a chunk to the sums of their atoms."""
        of = places[singles.atoms]
        here = of != NOWHERE
        slots, ones = of[here], singles.pixels[here]
        at, weights = (singles.rows[here], singles.cols[here]), singles.weights[here]
        np.add.at(self.weights, slots, weights)
        np.add.at(self.pixels, slots, ones)
        add = kernels.add_singles()
        for layer, (counts, flags) in enumerate(zip(chunk.counts, chunk.flags, strict=True)):
            bits, flags = np.ascontiguousarray(counts).view(np.uint16), np.ascontiguousarray(flags)
            self.widen(layer, *kernels.range_of()(bits.reshape(-1)))
            sums = self.areas[layer], self.flag_areas[layer], self.valid[layer]
            add(bits, flags, at, slots, weights, ones, *sums)

    def add_runs(
        self,
        chunk: Chunk,
        runs: Runs,
        places: NDArray[np.int64],
        *,
        weights: NDArray[np.int64],
    ) -> None:
        """Add the pixels of a chunk, run by run, to the sums of their atoms.

        Parameters
        ----------
        chunk : Chunk
        runs : Runs
            Those of the chunk.
        places : ndarray of int64, (atom,)
            Slot of every atom that the runs name; those at ``NOWHERE`` are left out.
        weights : ndarray of int64, (row,)
            Area of one pixel of each of the chunk's rows.
        """
        width, (starts, atoms) = chunk.window.width, runs
        self._add_whole(runs, places, width=width, weights=weights)
        add = kernels.add_runs()
        # the last layer was made last, and the first will be packed first: both are in the cache
        for layer in reversed(range(len(chunk.counts))):
            flags = np.ascontiguousarray(chunk.flags[layer]).reshape(-1)
            pixels = *_by_words(chunk.counts[layer]), flags
            sums = self.areas[layer], self.flag_areas[layer], self.valid[layer]
            self.widen(layer, *add(*pixels, (starts, atoms), places, weights, width, *sums))

    def _add_whole(
        self, runs: Runs, places: NDArray[np.int64], *, width: int, weights: NDArray[np.int64]
    ) -> None:
        """Add all pixels of a chunk, valid or not, to the atoms themselves."""
        starts, atoms = runs
        lengths = np.diff(starts)
        if len(places) == 2 and len(atoms) == len(weights) and not atoms.any():
            # one atom, one run a row, and no pixel that is counted by itself
            self.weights[places[0]] += int(weights @ lengths)
            self.pixels[places[0]] += starts[-1]
            return
        slots = places[atoms]
        here = slots != NOWHERE
        slots, lengths = slots[here], lengths[here]
        np.add.at(self.weights, slots, weights[starts[:-1][here] // width] * lengths)
        np.add.at(self.pixels, slots, lengths)

    def widen(self, layer: int, low: int, high: int) -> None:
        """Note which entries of a layer's areas may not be zero: all others are never looked at."""
        if low <= high:
            self._low[layer] = min(self._low[layer], low)
            self._high[layer] = max(self._high[layer], high)

    def cells(self) -> dict[Atom, Cell]:
        """The sums of every atom that has any."""
        found: dict[Atom, Cell] = {}
        for key in sorted(self._slots.keys() | self._settled.keys()):
            parts = list(self._settled.get(key, []))
            if key in self._slots:
                parts.append(self._cell(self._slots[key]))
            cell = sum_cells(parts)
            if cell.weight or cell.pixels:
                found[key] = cell
        return found

    def _make_room(self, keys: Sequence[Atom]) -> None:
        """Give each of these atoms a slot; the ones that have been there longest make room."""
        new = [key for key in keys if key not in self._slots]
        missing = len(new) - (SLOTS - len(self._slots))
        staying = set(keys)
        leaving = [key for key in self._slots if key not in staying]
        for key in leaving[: max(missing, 0)]:
            self._settle(key)
        free = set(range(SLOTS)) - set(self._slots.values())
        self._slots.update(zip(new, sorted(free), strict=False))

    def _settle(self, key: Atom) -> None:
        """Keep what is not zero of an atom's sums, and empty its slot."""
        slot = self._slots.pop(key)
        self._settled.setdefault(key, []).append(self._cell(slot))
        for layer in range(len(self.areas)):
            self._used(layer, slot)[:] = 0
        self.flag_areas[:, slot] = self.valid[:, slot] = 0
        self.weights[slot] = self.pixels[slot] = 0

    def _cell(self, slot: int) -> Cell:
        layers = tuple(self._sums(layer, slot) for layer in range(len(self.areas)))
        return Cell(int(self.weights[slot]), int(self.pixels[slot]), layers)

    def _used(self, layer: int, slot: int) -> NDArray[np.int64]:
        """The areas that may not be zero."""
        return self.areas[layer, slot, self._low[layer] : self._high[layer] + 1]

    def _sums(self, layer: int, slot: int) -> Sums:
        first, valid = self._low[layer] - FIRST, int(self.valid[layer, slot])
        counts = Histogram.of_dense(first, self._used(layer, slot), pixels=valid)
        return Sums(counts, Histogram.of_dense(0, self.flag_areas[layer, slot]))


def _by_words(counts: NDArray[np.int16]) -> tuple[NDArray[np.uint16], NDArray[np.uint64]]:
    """Counts as their bits, row by row, and the same four at a time; the rest has no word."""
    flat = np.ascontiguousarray(counts).reshape(-1).view(np.uint16)
    words = flat[: flat.size // 4 * 4].view(np.uint64)
    return (flat, words) if words.flags.aligned else _by_words(counts.copy())
