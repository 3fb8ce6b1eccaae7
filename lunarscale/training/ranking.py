"""The r-th smallest of some channels inside a graph, as prediction intervals need it.

Whole rows are compared at once, by ``Min`` and ``Max``; onnxruntime's ``TopK`` sorts pixel by pixel
and takes some ten times as long.
"""

from collections.abc import Sequence

from lunarscale.training.graph import GraphBuilder, Rows


def smallest(builder: GraphBuilder, lists: Sequence[Sequence[Rows]], rank: int) -> Rows:
    """The ``rank``-th smallest of all lists together, counted from 1, in every pixel and channel.

    Parameters
    ----------
    builder : GraphBuilder
    lists : sequence of sequence of Rows
        Each ascending in every pixel and channel, all of as many channels.
    rank : int

    Raises
    ------
    ValueError
        If the lists are shorter than the rank.
    """
    if not 1 <= rank <= sum(len(rows) for rows in lists):
        raise ValueError(f"there is no {rank}-th smallest of {sum(map(len, lists))} rows")
    left = sorted((list(rows[:rank]) for rows in lists if rows), key=len)
    while len(left) > 2:
        first, second, *rest = left
        most = min(rank, len(first) + len(second))
        merged = [_merged(builder, first, second, place=place + 1) for place in range(most)]
        left = sorted([merged, *rest], key=len)
    first, second = (*left, [])[:2]
    return _merged(builder, first, second, place=rank)


def _merged(
    builder: GraphBuilder, first: Sequence[Rows], second: Sequence[Rows], *, place: int
) -> Rows:
    """One place, counted from 1, of two ascending lists merged.

    By Batcher's odd-even merge (Knuth, The Art of Computer Programming 3, 5.3.4): the first, third,
    ... of both are merged, and the second, fourth, ...; then neighbours are compared. A place needs
    few of the comparisons, and what several places need is in the graph once.
    """
    if not (first and second):
        return (first or second)[place - 1]
    if len(first) == len(second) == 1:
        return builder.op("Min" if place == 1 else "Max", first[0], second[0])
    half, found = place // 2, []
    for start, at in ((0, half + 1), (1, half)):
        lists = first[start::2], second[start::2]
        if 1 <= at <= len(lists[0]) + len(lists[1]):
            found.append(_merged(builder, *lists, place=at))
    return found[0] if len(found) == 1 else builder.op("Max" if place % 2 else "Min", *found)
