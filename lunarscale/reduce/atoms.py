"""Atoms: the sets of pixels that have the same group numbers under all groupings."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce import kernels
from lunarscale.reduce.statistics import Atom

#: Tables up to this many entries find the atoms without sorting.
SMALL_TABLE = 1 << 22

#: Windows whose atoms a process keeps: measures of one pass ask for a chunk's one after another,
#: and some threads may do so at once.
KEPT = 4

#: Most atoms in one chunk that their numbers can tell apart.
MOST_ATOMS = 0xFFFF


class Atoms(NamedTuple):
    """The atoms of a window.

    Parameters
    ----------
    keys : sequence of tuple of int
        The different tuples of group numbers.
    places : ndarray of uint16, (row, col), or None
        Position in ``keys`` of each pixel, to be read only; None if there is one key only.
    """

    keys: Sequence[Atom]
    places: NDArray[np.uint16] | None


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
    if atoms is not None:
        atoms.setflags(write=False)
    return Atoms(tuple(keys), atoms)


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
