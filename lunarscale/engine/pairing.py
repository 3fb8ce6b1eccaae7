"""The task that counts one shard of two finished maps against each other."""

from dataclasses import dataclass

import numpy as np

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.outcome import Outcome
from lunarscale.engine.plan import CHUNK_BYTES, GROUP_BYTES, MASK_COPIES, Plan
from lunarscale.errors import LunarscaleError
from lunarscale.flags import EXTRAPOLATED
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import Window
from lunarscale.reduce.joint import Axis, JointTally
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout

#: Bytes a pixel that are read of two maps: their counts and their flags.
PAIR_BYTES = 2 * 3

#: Looking a count's bin up: 65,536 bins of two bytes, of either map.
LOOKUP_BYTES = 2 * 65_536 * 2


@dataclass(frozen=True)
class PairTask:
    """Counts shards of two maps of one store; a pair is qualified where either is extrapolated.

    Parameters
    ----------
    maps : Cube
    axes : (Axis, Axis)
        The two layers and their bins.
    grouping : Grouping
    """

    maps: Cube
    axes: tuple[Axis, Axis]
    grouping: Grouping

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
        readers = [(maps.reads(a.layer), maps.reads(f"{a.layer}_flag")) for a in self.axes]
        tally = JointTally(self.axes, self.grouping, grid=maps.grid)
        for chunk in window.split(maps.layout.chunk):
            shape = (chunk.height, chunk.width)
            counts = np.empty(shape, np.int16), np.empty(shape, np.int16)
            flag, qualified = np.empty(shape, np.uint8), np.zeros(shape, dtype=bool)
            for (values, flags), into in zip(readers, counts, strict=True):
                values.read_into(chunk, into)
                flags.read_into(chunk, flag)
                qualified |= (flag & np.uint8(EXTRAPOLATED)) != 0
            tally.add(chunk, counts, qualified=qualified)
        pixels = window.height * window.width
        read = pixels * PAIR_BYTES
        return Outcome(name, pixels=pixels, bytes_read=read, joint=tally.partial())


def plan_pairs(maps: Layout, axes: tuple[Axis, Axis], grouping: Grouping, *, verb: str) -> Plan:
    """The plan of counting two maps against each other.

    Parameters
    ----------
    maps : Layout
    axes : (Axis, Axis)
    grouping : Grouping
    verb : str
        Name of the step.
    """
    windows = maps.windows()
    pixels = sum(window.height * window.width for window in windows)
    blobs = [spec.packing.largest_blob for spec in maps.arrays()]
    chunk = maps.chunk**2 * (CHUNK_BYTES + GROUP_BYTES)
    areas = (len(grouping.groups) + 1) * 2 * axes[0].bins * axes[1].bins * 8
    return Plan(
        verb=verb,
        shards=len(windows),
        done=0,
        pixels=pixels,
        read_bytes=pixels * PAIR_BYTES,
        write_bytes=0,
        # four shards' objects are kept encoded; the areas once in the tally and once to send
        task_bytes=4 * max(blobs) + chunk + 2 * areas + LOOKUP_BYTES,
        process_bytes=MASK_COPIES * grouping.kept_bytes,
    )
