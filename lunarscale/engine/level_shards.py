"""Shards of several levels that are written side by side, a row of chunks at a time."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.raster import Window
from lunarscale.store.cube import Cube
from lunarscale.store.shard import ShardWriter

#: Bytes and checksum of objects, by key.
Seals = dict[str, list[int]]

#: First row and column of a shard.
Place = tuple[int, int]


@dataclass
class _Open:
    """A shard of one layer while it is written: what fills counts and flags, by their keys."""

    writers: dict[str, ShardWriter]
    stack: ExitStack


@dataclass
class LevelShards:
    """Writes one layer of one level's part of a square; a context.

    An object takes its place when the last of its rows is there, or when the block ends; after an
    error those that are not whole are not written.

    Parameters
    ----------
    level : Cube
    layer : str
    part : Window
        Whole shards of the level, but at its edges.
    """

    level: Cube
    layer: str
    part: Window
    #: Of the objects that are written, by the shards' first row and column.
    seals: dict[Place, Seals] = field(default_factory=dict)
    _rows: int = 0
    _open: dict[Window, _Open] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether all rows are there."""
        return self._rows == self.part.height

    def put(self, counts: NDArray[np.int16], flags: NDArray[np.uint8]) -> None:
        """Add the next row of chunks, ``(row, col)`` from one edge of the part to the other."""
        layout, top = self.level.layout, self.part.row + self._rows
        size, shard = layout.chunk, layout.shard
        for left in range(0, self.part.width, size):
            at = Window(top // shard * shard, (self.part.col + left) // shard * shard, shard, shard)
            if at not in self._open:
                self._open[at] = self._begun(at)
            place = (top - at.row) // size, (self.part.col + left - at.col) // size
            cols = slice(left, min(left + size, self.part.width))
            into_counts, into_flags = self._open[at].writers.values()
            into_counts.put(*place, counts[:, cols])
            into_flags.put(*place, flags[:, cols])
        self._rows += len(counts)
        if self.is_complete or (self.part.row + self._rows) % shard == 0:
            self._end()

    def _begun(self, at: Window) -> _Open:
        stack = ExitStack()
        writers = {
            self.level.key(name, at): stack.enter_context(self.level.writing(name, at))
            for name in (self.layer, f"{self.layer}_flag")
        }
        return _Open(writers, stack)

    def _end(self) -> None:
        """Let the open shards take their places."""
        while self._open:
            at, shard = self._open.popitem()
            with shard.stack:
                pass
            told = {key: writer.seal for key, writer in shard.writers.items()}
            self.seals.setdefault((at.row, at.col), {}).update(told)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._open:
            self._open.popitem()[1].stack.__exit__(kind, error, traceback)
