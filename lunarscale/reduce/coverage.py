"""Pixels that a border cuts, divided among groups by exact area."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.groupings import Covering, Grouping, Pieces
from lunarscale.reduce.atoms import Atoms
from lunarscale.reduce.tables import Singles

#: Shares are in 2**-32 of a pixel.
_SHARE_BITS = np.uint64(32)
_LOW_BITS = np.uint64(0xFFFF_FFFF)


def covering_of(groupings: Sequence[Grouping]) -> tuple[int, Covering] | None:
    """The grouping that divides pixels and its position, if there is one.

    Raises
    ------
    RegionError
        If there are several: how two borders cut one pixel together is not known.
    """
    found = [(place, g) for place, g in enumerate(groupings) if isinstance(g, Covering)]
    if len(found) > 1:
        names = " and ".join(grouping.name for _, grouping in found)
        raise RegionError(
            f"{names} would both divide pixels by exact coverage, but two borders in one pixel "
            "cannot be told apart; ask for them one after the other, or without coverage"
        )
    return found[0] if found else None


def require_whole(groupings: Sequence[Grouping], why: str) -> None:
    """Make sure that no grouping divides pixels.

    Parameters
    ----------
    groupings : sequence of Grouping
    why : str
        What is not divided, for the message.

    Raises
    ------
    RegionError
        If one does.
    """
    for grouping in groupings:
        if isinstance(grouping, Covering):
            raise RegionError(
                f"{grouping.name} divides pixels by exact coverage, but {why}; ask for it without "
                "coverage"
            )


def cut(
    atoms: Atoms, pieces: Pieces, *, position: int, width: int, row_weights: NDArray[np.int64]
) -> tuple[Atoms, Singles]:
    """Take the cut pixels out of a chunk's atoms, as parts that are counted one by one.

    Parameters
    ----------
    atoms : Atoms
        Of the chunk, from the groups that ``numbers`` gives.
    pieces : Pieces
        The chunk's cut pixels.
    position : int
        Which grouping divides them.
    width : int
        Columns of the chunk.
    row_weights : ndarray of int64, (row,)
        Area of one pixel of each of the chunk's rows.

    Returns
    -------
    atoms : Atoms
        With the parts' keys too; the place of a cut pixel is one past the last key.
    singles : Singles
        A pixel's weights sum exactly to its area, and its largest part stands for it in the
        number of pixels.
    """
    places = np.zeros((len(row_weights), width), np.uint16)
    if atoms.places is not None:
        places[...] = atoms.places
    pixels = pieces.rows, pieces.cols
    # the keys of the parts: the pixel's own, with the part's group in the one place
    codes, part = np.unique(
        places[pixels].astype(np.int64) << 16 | pieces.groups, return_inverse=True
    )
    keys, known = list(atoms.keys), {key: place for place, key in enumerate(atoms.keys)}
    made = np.empty(len(codes), np.intp)
    for at, code in enumerate(codes.tolist()):
        own = atoms.keys[code >> 16]
        key = (*own[:position], code & 0xFFFF, *own[position + 1 :])
        if key not in known:
            known[key] = len(keys)
            keys.append(key)
        made[at] = known[key]
    places[pixels] = len(keys)
    weights, stands = weights_of(pieces, row_weights[pieces.rows])
    return Atoms.of_places(keys, places), Singles(made[part], *pixels, weights, stands)


def weights_of(
    pieces: Pieces, whole: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Area of every part, and 1 for the largest part of each pixel.

    A part's area is rounded down, and what that leaves of a pixel goes to its largest part: the
    first of them, where some are equal.

    Parameters
    ----------
    pieces : Pieces
    whole : ndarray of int64, (part,)
        Area of each part's whole pixel.
    """
    weights = _shared(whole, pieces.shares)
    new = (np.diff(pieces.rows, prepend=-1) != 0) | (np.diff(pieces.cols, prepend=-1) != 0)
    starts, pixel = np.flatnonzero(new), np.cumsum(new) - 1
    order = np.lexsort((-pieces.shares, pixel))  # stable: the first of equal parts leads
    first = order[starts]
    weights[first] += whole[starts] - np.add.reduceat(weights, starts)
    largest = np.zeros(len(weights), np.int64)
    largest[first] = 1
    return weights, largest


def _shared(weights: NDArray[np.int64], shares: NDArray[np.int64]) -> NDArray[np.int64]:
    """``weights * shares >> 32`` without the overflow of the product."""
    weight, share = weights.astype(np.uint64), shares.astype(np.uint64)
    high = (weight >> _SHARE_BITS) * share
    return np.asarray(high + ((weight & _LOW_BITS) * share >> _SHARE_BITS), dtype=np.int64)
