"""Tasks that make what is measured: simulated tiles, and a mosaic cut anew."""

from dataclasses import dataclass

import numpy as np

from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.grid.raster import Window
from lunarscale.simulated.archive import simulated_tile
from lunarscale.simulated.label import attached_label
from lunarscale.simulated.tiling import TilePlan, plan_tile
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location
from lunarscale.store.shard import ShardWriter

#: Simulated tiles across and down a piece, and how much finer than the mosaic they are.
TILES, FINER = 5, 1.01


def tile_plans(bounds: tuple[float, float, float, float], ppd: float) -> list[TilePlan]:
    """Tiles that cover a box (west, south, east, north in degrees), from the south."""
    west, south, east, north = bounds
    high, wide = (north - south) / TILES, (east - west) / TILES
    return [
        plan_tile(
            f"UI{row:02d}N{col:03d}",
            (
                west + wide * col,
                south + high * row,
                west + wide * (col + 1),
                south + high * (row + 1),
            ),
            ppd=FINER * ppd,
        )
        for row in range(TILES)
        for col in range(TILES)
    ]


@dataclass(frozen=True)
class SowTile:
    """Writes one simulated tile as the archive has it."""

    location: Location

    def __call__(self, plan: TilePlan) -> int:
        """Make it; returns its pixels."""
        counts = simulated_tile(plan)
        image = counts.astype(">i2").tobytes()
        self.location.put(plan.file_name, attached_label(plan, counts, image) + image)
        return plan.lines * plan.samples


@dataclass(frozen=True)
class Recut:
    """Writes one shard of a mosaic from another one of the same pixels.

    Parameters
    ----------
    source, target : Cube
    offset : (int, int)
        Row and column of the target within the source.
    """

    source: Cube
    target: Cube
    offset: tuple[int, int] = (0, 0)

    def __call__(self, window: Window) -> int:
        """Make it and enter it; returns its pixels."""
        with self.target.making(window) as shard:
            for spec in self.target.layout.arrays():
                for band in range(spec.bands) if spec.bands else (None,):
                    self._cut(shard.writer(spec.name, band), (spec.name, band), window)
        Ledger.of(self.target).write(window, Entry("cut anew", shard.seals))
        return window.height * window.width

    def _cut(self, writer: ShardWriter, layer: tuple[str, int | None], window: Window) -> None:
        size, (row, col) = self.target.layout.chunk, self.offset
        reader = self.source.reads(*layer)
        for chunk in window.split(size):
            place = Window(chunk.row + row, chunk.col + col, chunk.height, chunk.width)
            counts = np.empty((chunk.height, chunk.width), writer.layout.dtype)
            reader.read_into(place, counts)
            writer.put((chunk.row - window.row) // size, (chunk.col - window.col) // size, counts)
