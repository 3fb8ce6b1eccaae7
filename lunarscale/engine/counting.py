"""The task that counts one shard of finished maps under some groupings."""

from dataclasses import dataclass

import numpy as np

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.outcome import Outcome
from lunarscale.errors import LunarscaleError
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import Window
from lunarscale.reduce.tally import Tally
from lunarscale.store.cube import Cube


@dataclass(frozen=True)
class CountTask:
    """Counts shards of one store of maps.

    Parameters
    ----------
    maps : Cube
    groupings : tuple of Grouping
    """

    maps: Cube
    groupings: tuple[Grouping, ...]

    def __call__(self, window: Window) -> Outcome:
        """Read and count one shard; a problem of the input comes back, it does not raise."""
        name = Ledger(self.maps.location, self.maps.layout.shard).name(window)
        try:
            return self._count(window, name)
        except LunarscaleError as problem:
            return Outcome(name, problem=problem)

    def _count(self, window: Window, name: str) -> Outcome:
        maps = self.maps
        maps.require_seen()
        layers = [layer.name for layer in maps.layout.layers]
        tally = Tally(self.groupings, layers, grid=maps.grid, window=window)
        for index, layer in enumerate(layers):
            values, flags = maps.reads(layer), maps.reads(f"{layer}_flag")
            for chunk in window.split(maps.layout.chunk):
                counts = np.empty((chunk.height, chunk.width), np.int16)
                flag = np.empty(counts.shape, np.uint8)
                values.read_into(chunk, counts)
                flags.read_into(chunk, flag)
                tally.add(chunk, index, counts, flags=flag)
        pixels = window.height * window.width
        read = pixels * 3 * len(layers)
        return Outcome(name, pixels=pixels, bytes_read=read, statistics=tally.partial())
