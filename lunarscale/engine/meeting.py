"""How many sets of groups a shard meets, found out before any pixel is read."""

import math
from collections.abc import Sequence

from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.atoms import atoms_of
from lunarscale.store.layout import Layout

#: Looks along a shard's edge, and shards that are looked at, at most.
LOOKS, SHARDS = 32, 64

#: How many more there may be than are seen: narrow ones lie between the looks.
UNSEEN = 1.25


def atoms_met(groupings: Sequence[Grouping], layout: Layout) -> int:
    """Most atoms that a shard meets, as told by some pixels of some shards.

    Parameters
    ----------
    groupings : sequence of Grouping
    layout : Layout
        Whose shards.
    """
    grid, windows = layout.grid, layout.windows()
    around = 2 * max(1, math.ceil(grid.around * LOOKS / layout.shard / 2))
    whole, ratio = RasterGrid(around, 0, 0, around // 2, around), around / grid.around
    most = 1
    for window in windows[:: math.ceil(len(windows) / SHARDS)]:
        row = min(int((grid.row + window.row) * ratio), around // 2 - 1)
        col = int((grid.col + window.col) * ratio) % around
        height = min(math.ceil(window.height * ratio), around // 2 - row)
        width = min(math.ceil(window.width * ratio), around - col)
        seen = atoms_of(groupings, whole, Window(row, col, height, width))
        most = max(most, len(seen.keys))
    return math.ceil(most * UNSEEN)
