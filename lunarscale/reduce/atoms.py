"""Atoms: the sets of pixels that have the same group numbers under all groupings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.groupings import Grouping, Seas, WholeMoon
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.stripes import Stripes
from lunarscale.reduce.statistics import Atom

#: Tables up to this many entries find the atoms without sorting.
SMALL_TABLE = 1 << 22

#: Windows whose atoms a process keeps: measures of one pass ask for a chunk's one after another,
#: and some threads may do so at once.
KEPT = 4

#: Most atoms in one chunk that their numbers can tell apart.
MOST_ATOMS = 0xFFFF


class Runs(NamedTuple):
    """A window's pixels as stretches of a row that lie in one atom, in the pixels' order.

    Parameters
    ----------
    starts : ndarray of int64, (run + 1,)
        First pixel of each run, counted row by row, and the number of pixels.
    atoms : ndarray of int64, (run,)
        Position in the window's keys.
    """

    starts: NDArray[np.int64]
    atoms: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Atoms:
    """The atoms of a window.

    Parameters
    ----------
    keys : sequence of tuple of int
        The different tuples of group numbers.
    shape : (int, int)
        Rows and columns.
    runs : Runs
    """

    keys: Sequence[Atom]
    shape: tuple[int, int]
    runs: Runs

    @classmethod
    def of_places(cls, keys: Sequence[Atom], places: NDArray[np.uint16]) -> Self:
        """The atoms of a window whose pixels have these positions in ``keys``, ``(row, col)``."""
        shape, stripes = (len(places), places.shape[1]), Stripes.of_numbers(places)
        if stripes.numbers.size == 1:
            atoms = np.repeat(stripes.numbers, shape[0]).astype(np.int64)
            return cls(keys, shape, Runs(np.arange(0, places.size + 1, shape[1]), atoms))
        runs = Runs(np.append(stripes.starts, places.size), stripes.numbers.astype(np.int64))
        return cls(keys, shape, runs)

    @cached_property
    def places(self) -> NDArray[np.uint16] | None:
        """Position in ``keys`` of each pixel, read-only; None if there is one key only."""
        if len(self.keys) == 1:
            return None
        atoms = self.runs.atoms.astype(np.uint16)
        places = np.repeat(atoms, np.diff(self.runs.starts)).reshape(self.shape)
        places.setflags(write=False)
        return places


def atoms_of(groupings: Sequence[Grouping], grid: RasterGrid, window: Window) -> Atoms:
    """The different tuples of group numbers in a window, and which one each pixel has.

    Raises
    ------
    ValueError
        If there are more than 65,535.
    """
    return _atoms_of(tuple(groupings), grid, window)


@lru_cache(maxsize=KEPT)
def _atoms_of(groupings: tuple[Grouping, ...], grid: RasterGrid, window: Window) -> Atoms:
    shape = window.height, window.width
    drawn: dict[Grouping, Stripes] = {}
    for by in map(_drawn_by, groupings):
        if by not in drawn:
            drawn[by] = _stripes(by, grid, window)
    starts = _common([by.starts for by in drawn.values() if by.numbers.size > 1])
    keys: list[Atom] = [()]
    atoms = np.zeros(len(starts), dtype=np.int64)
    for grouping, by in zip(groupings, map(_drawn_by, groupings), strict=True):
        stripes = drawn[by]
        numbers = stripes.numbers
        if isinstance(grouping, Maria) and grouping is not by:
            numbers = grouping.joined(numbers)
        if numbers.size == 1:
            keys = [(*key, int(numbers[0])) for key in keys]
            continue
        if len(numbers) != len(starts):
            numbers = numbers[np.searchsorted(stripes.starts, starts, side="right") - 1]
        radix = len(grouping.groups) + 1
        found, atoms = _ranked(atoms * radix + numbers, size=len(keys) * radix)
        keys = [(*keys[code // radix], code % radix) for code in found.tolist()]
    if len(keys) > MOST_ATOMS:
        raise ValueError(f"{len(keys):,} sets of groups meet in one chunk, over {MOST_ATOMS:,}")
    if len(starts) == 1:
        return Atoms(tuple(keys), shape, _one_run_a_row(shape))
    return Atoms(tuple(keys), shape, Runs(np.append(starts, shape[0] * shape[1]), atoms))


def _drawn_by(grouping: Grouping) -> Grouping:
    """What draws a grouping's borders: maria mostly join groups that are asked for beside them."""
    return grouping.of if type(grouping) is Maria else grouping


def _stripes(grouping: Grouping, grid: RasterGrid, window: Window) -> Stripes:
    if isinstance(grouping, (Seas, WholeMoon)):  # kinds of its own: protocols are slow to ask for
        return grouping.stripes(grid, window)
    return Stripes.of_numbers(grouping.numbers(grid, window))


def _common(starts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Where any of some stripes begin; one run if there are none."""
    if not starts:
        return np.zeros(1, dtype=np.int64)
    return starts[0] if len(starts) == 1 else np.unique(np.concatenate(starts))


@lru_cache(maxsize=KEPT)
def _one_run_a_row(shape: tuple[int, int]) -> Runs:
    """A window that is one atom."""
    height, width = shape
    runs = Runs(np.arange(0, height * width + 1, width), np.zeros(height, dtype=np.int64))
    for array in runs:
        array.setflags(write=False)
    return runs


def _ranked(codes: NDArray[np.int64], *, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different codes, all below ``size``, and the place of each one among them."""
    if size > SMALL_TABLE:
        found, places = np.unique(codes, return_inverse=True)
        return found, places
    there = np.zeros(size, dtype=bool)
    there[codes] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[codes]
