"""How a store's coarser levels are cut, so that each of their shards is one task's: pure."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

from lunarscale.engine.plan import PACKED_BYTES, Plan
from lunarscale.engine.sources import LAYER_BYTES
from lunarscale.grid.area_means import KINDS
from lunarscale.grid.halving import Cut, halved, lattices
from lunarscale.grid.raster import Window
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout

#: Shards of the map along the edge of a square, at least and, where the rest allows, at most: a
#: square costs a worker some seconds.
_LEAST_SHARDS, _MOST_SHARDS = 2, 8

#: Pixels along the edge of the coarsest level's shards, at least.
_LEAST_EDGE = 64

_SUM_BYTES = 8


@dataclass(frozen=True)
class Pyramid:
    """The levels of one store, and the squares that the work is cut into.

    A level's shard is the map's, or the level's part of a square where that is smaller. All levels
    cover the same ground, in whole pixels of the coarsest.

    Parameters
    ----------
    base : Layout
        Of the maps.
    """

    base: Layout

    @cached_property
    def count(self) -> int:
        """Levels: until all is one shard, or has as few pixels as a pyramid ends with."""
        most = len(lattices(self.base.grid.around))
        return next((count for count in range(most) if self._is_one_shard(count)), most)

    def _is_one_shard(self, count: int) -> bool:
        grid = halved(self.base.grid, count)[-1] if count else self.base.grid
        return max(grid.height, grid.width) <= self.base.shard

    @property
    def factors(self) -> tuple[int, ...]:
        """About how many of the map's pixels make the edge of each level's."""
        return tuple(2 << level for level in range(self.count))

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """Pixels of each level along the edge of a square."""
        shard, chunk, factor = self.base.shard, self.base.chunk, 1 << self.count
        edge = _LEAST_SHARDS * shard
        while edge < min(chunk * factor, _MOST_SHARDS * shard):
            edge *= 2
        while edge < _LEAST_EDGE * factor or edge % factor:
            edge *= 2
        return tuple(edge // factor for factor in self.factors)

    @cached_property
    def layouts(self) -> tuple[Layout, ...]:
        """The levels, the finest first."""
        grids = halved(self.base.grid, self.count)
        return tuple(
            replace(self.base, grid=grid, shard=shard, chunk=math.gcd(shard, self.base.chunk))
            for grid, edge in zip(grids, self.edges, strict=True)
            for shard in (min(self.base.shard, edge),)
        )

    @cached_property
    def cut(self) -> Cut:
        """How the map's pixels lie in the first level's."""
        return Cut.of(self.base.grid.around)

    def squares(self) -> list[Window]:
        """The squares, as windows of the first level."""
        return list(self.layouts[0].grid.window.split(self.edges[0])) if self.count else []

    def part(self, square: Window, level: int) -> Window:
        """A square as a window of a level."""
        return Window(*(pixels >> level for pixels in square))

    def under(self, square: Window) -> list[Window]:
        """What of the map lies under a square; in two parts where that is both its ends."""
        top, height, left, width = self.reach(square)
        own = self.base.grid
        first, last = max(top, own.row), min(top + height, own.row + own.height)
        return [
            Window(first - own.row, col, last - first, length)
            for _, col, length in self.runs(left, width)
        ]

    def reach(self, square: Window) -> tuple[int, int, int, int]:
        """First and number of the rows and columns, of the whole grid, that a square touches."""
        grid = self.layouts[0].grid
        top, bottom = self.cut.under(grid.row + square.row, square.height)
        left, right = self.cut.under(grid.col + square.col, square.width)
        return top, bottom - top, left, right - left

    def runs(self, left: int, width: int) -> list[tuple[int, int, int]]:
        """Runs of columns that the map has of some: the first there, the map's own, the length."""
        own, found = self.base.grid, []
        for at in range((own.col - left) % own.around - own.around, width, own.around):
            start, stop = max(at, 0), min(at + own.width, width)
            if start < stop:
                found.append((start, start - at, stop - start))
        return found


def plan_overview(base: Cube, pyramid: Pyramid, *, todo: list[Window], squares: int) -> Plan:
    """The plan of making a store's levels.

    Parameters
    ----------
    base : Cube
        The maps.
    pyramid : Pyramid
    todo : list of Window
        Squares that are to be made.
    squares : int
        All there are.
    """
    layers = len(base.layout.layers)
    pixels = sum(
        window.height * window.width for square in todo for window in pyramid.under(square)
    )
    made = sum(
        (square.height * square.width) >> (2 * n) for square in todo for n in range(pyramid.count)
    )
    return Plan(
        verb="overview",
        shards=squares,
        done=squares - len(todo),
        pixels=pixels,
        read_bytes=pixels * layers * LAYER_BYTES,
        write_bytes=made * layers * LAYER_BYTES,
        task_bytes=_task_bytes(base, pyramid) if pyramid.count else 0,
    )


def _task_bytes(base: Cube, pyramid: Pyramid) -> int:
    """Most memory of a square: a row of the map's chunks, their sums, and a row of the levels'."""
    layout, around = base.layout, base.grid.around
    first = pyramid.layouts[0].grid.around
    columns = min(pyramid.edges[0], pyramid.layouts[0].grid.width) * around // first + 2
    widths = [
        min(edge, level.grid.width)
        for edge, level in zip(pyramid.edges, pyramid.layouts, strict=True)
    ]
    sums = KINDS * _SUM_BYTES * (columns + sum(widths))
    settled = sum(
        width * level.chunk * LAYER_BYTES
        for width, level in zip(widths, pyramid.layouts, strict=True)
    )
    held = 0
    if not base.location.is_local:
        layer = layout.layers[0].name
        held = (columns // layout.shard + 2) * base.held_bytes(layer, f"{layer}_flag") + sum(
            -(-width // level.shard) * spec.packing.largest_blob
            for width, level in zip(widths, pyramid.layouts, strict=True)
            for spec in level.arrays()[:2]
        )
    # a chunk at either end, and a blank one
    strip = (columns // layout.chunk + 3) * layout.chunk**2 * LAYER_BYTES
    return strip + sums + settled + PACKED_BYTES * layout.chunk**2 + held
