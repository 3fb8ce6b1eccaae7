"""Atoms: the sets of pixels that have the same group numbers under all groupings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.groupings import Grouping
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid, Window
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
        shape = len(places), places.shape[1]
        starts = _starts([places], shape)
        atoms = places.reshape(-1)[starts].astype(np.int64)
        return cls(keys, shape, Runs(np.append(starts, places.size), atoms))

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
    shape, pixels = (window.height, window.width), window.height * window.width
    drawn: dict[Grouping, NDArray[np.uint16]] = {}
    for by in map(_drawn_by, groupings):
        if by not in drawn:
            drawn[by] = by.numbers(grid, window)
    varied = {by: numbers for by, numbers in drawn.items() if not _is_one_number(numbers)}
    starts = _starts(list(varied.values()), shape)
    at = np.divmod(starts, window.width)
    keys: list[Atom] = [()]
    atoms = np.zeros(len(starts), dtype=np.int64)
    for grouping, by in zip(groupings, map(_drawn_by, groupings), strict=True):
        numbers = drawn[by][at] if by in varied else drawn[by][:1, :1].ravel()
        if isinstance(grouping, Maria) and grouping is not by:
            numbers = grouping.joined(numbers)
        if by not in varied:
            keys = [(*key, int(numbers[0])) for key in keys]
            continue
        radix = len(grouping.groups) + 1
        found, atoms = _ranked(atoms * radix + numbers, size=len(keys) * radix)
        keys = [(*keys[code // radix], code % radix) for code in found.tolist()]
    if len(keys) > MOST_ATOMS:
        raise ValueError(f"{len(keys):,} sets of groups meet in one chunk, over {MOST_ATOMS:,}")
    return Atoms(tuple(keys), shape, Runs(np.append(starts, pixels), atoms))


def _drawn_by(grouping: Grouping) -> Grouping:
    """What draws a grouping's borders: maria mostly join groups that are asked for beside them."""
    return grouping.of if type(grouping) is Maria else grouping


def _starts(varied: Sequence[NDArray[np.uint16]], shape: tuple[int, int]) -> NDArray[np.int64]:
    """First pixels of the runs in which none of some numbers changes."""
    if not varied:
        return np.arange(0, shape[0] * shape[1], shape[1])
    new = np.zeros(shape, dtype=bool)
    new[:, 0] = True
    for numbers in varied:
        if numbers.strides[1]:  # else it is the same all along a row
            new[:, 1:] |= numbers[:, 1:] != numbers[:, :-1]
    return np.flatnonzero(new)


def _ranked(codes: NDArray[np.int64], *, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different codes, all below ``size``, and the place of each one among them."""
    if size > SMALL_TABLE:
        found, places = np.unique(codes, return_inverse=True)
        return found, places
    there = np.zeros(size, dtype=bool)
    there[codes] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[codes]


def _is_one_number(numbers: NDArray[np.uint16]) -> bool:
    """Whether all pixels have one number; a grouping may say so by strides of 0."""
    if not any(numbers.strides):
        return True
    ends = numbers[:, :1] if not numbers.strides[1] else numbers
    return bool(numbers.flat[0] == ends.min() == ends.max())
