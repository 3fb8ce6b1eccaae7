"""Decoded chunks of datasets' levels, shared by all who draw tiles of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.ledger import Ledger
from lunarscale.errors import TornError
from lunarscale.grid.raster import Window
from lunarscale.service.dataset import Dataset
from lunarscale.service.tiles.kept import BESIDE, Kept
from lunarscale.store.shard import ShardReader

#: Shards whose objects are kept open.
OPEN_SHARDS = 64


class _Missing(Exception):
    """A shard is not finished: nothing is known of it yet."""


class Channel(NamedTuple):
    """One array of one level of a dataset, or one of its bands.

    Parameters
    ----------
    dataset : Dataset
    level : int
        0 is the map itself.
    array : str
    band : int or None
    """

    dataset: Dataset
    level: int
    array: str
    band: int | None

    @property
    def key(self) -> tuple[str, str, int, str, int | None]:
        """What tells it from any other, and from itself before a change."""
        return self.dataset.name, self.dataset.version, self.level, self.array, self.band


class Blocks:
    """Reads chunks; those that were asked for lately are kept decoded.

    Parameters
    ----------
    most_bytes : int
        Of the decoded chunks.
    """

    def __init__(self, most_bytes: int) -> None:
        self._chunks: Kept[NDArray[np.generic]] = Kept(
            most_bytes, lambda chunk: chunk.nbytes + BESIDE
        )
        # one that is let go is closed when nobody reads from it any more
        self._shards: Kept[ShardReader] = Kept(OPEN_SHARDS, lambda shard: 1)

    def block(self, channel: Channel, row: int, col: int) -> NDArray[np.generic] | None:
        """A chunk as a read-only array; None where its shard is not finished.

        Parameters
        ----------
        channel : Channel
        row, col : int
            Of the chunk in the level, counted in chunks.

        Raises
        ------
        TornError
            If what is there is not what was written.
        """
        try:
            return self._chunks.get(
                (*channel.key, row, col), lambda: self._decoded(channel, row, col)
            )
        except _Missing:
            return None

    def _decoded(self, channel: Channel, row: int, col: int) -> NDArray[np.generic]:
        across = channel.dataset.levels[channel.level].array(channel.array).packing.across
        place = row // across, col // across
        shard = self._shards.get((*channel.key, *place), lambda: _opened(channel, *place))
        chunk = shard.chunk(row % across, col % across)
        chunk.flags.writeable = False
        return chunk


def _opened(channel: Channel, row: int, col: int) -> ShardReader:
    cube = channel.dataset.levels[channel.level]
    edge = cube.layout.shard
    window = Window(row * edge, col * edge, 1, 1)
    try:
        return cube.reader(channel.array, window, channel.band)
    except TornError:
        # what is written just now, or was never, has no entry; what has one is torn indeed
        if Ledger.of(cube).read(window) is None:
            raise _Missing from None
        raise
