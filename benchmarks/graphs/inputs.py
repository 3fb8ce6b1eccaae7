"""The same simulated counts for both sides: a lunarscale mosaic and plain Zarr stores."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import zarr
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.executors import Executor
from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.flags import BITS_PER_BAND, NO_DATA
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.readers.tile import band_reasons
from lunarscale.simulated import surface
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout
from lunarscale.store.location import Location

#: Bands that the three maps need, all that the plain stores hold, in nanometres.
BANDS_NM = (415, 750, 950)

Form = Literal["float32", "int16"]


@dataclass(frozen=True)
class MakeShard:
    """Writes one shard of simulated counts and flags, and its entry."""

    cube: Cube

    def __call__(self, window: Window) -> int:
        """Make the shard strip by strip; returns its pixels."""
        with self.cube.making(window) as shard:
            for strip in window.split_rows(self.cube.layout.chunk):
                seen, reasons = self._see(strip)
                for chunk in strip.split(self.cube.layout.chunk):
                    part = Window(0, chunk.col - strip.col, chunk.height, chunk.width).slices
                    place = (
                        (chunk.row - window.row) // self.cube.layout.chunk,
                        (chunk.col - window.col) // self.cube.layout.chunk,
                    )
                    for band, counts in enumerate(seen):
                        shard.writer("reflectance", band).put(*place, counts[part])
                    shard.writer("flag").put(*place, reasons[part])
        ledger = Ledger(self.cube.location, self.cube.layout.shard)
        ledger.write(window, Entry("made", shard.seals))
        return window.height * window.width

    def _see(self, strip: Window) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
        grid = self.cube.grid
        lons, lats = grid.lons(strip)[None, :], grid.lats(strip)[:, None]
        seen = surface.counts(lons, lats, detail_deg=grid.pixel_deg)
        reasons = band_reasons(seen, CLEMENTINE_UVVIS).astype(np.uint16)
        seen[reasons != 0] = NO_DATA
        shifts = np.arange(len(seen), dtype=np.uint16) * BITS_PER_BAND
        return seen, np.bitwise_or.reduce(reasons << shifts[:, None, None], axis=0)


def make_mosaic(url: str, *, width: int, shard: int, chunk: int, executor: Executor) -> Cube:
    """A finished mosaic of the whole simulated Moon, ``width`` pixels around."""
    layout = Layout(
        kind="mosaic",
        grid=RasterGrid(width, 0, 0, width // 2, width),
        shard=shard,
        chunk=chunk,
        camera=CLEMENTINE_UVVIS.name,
        simulated=True,
    )
    cube = Cube.create(Location(url), layout, {})
    executor.fold(MakeShard(cube), layout.windows(), merge=count, initial=0)
    return cube


@dataclass(frozen=True)
class CopyWindow:
    """Writes the counts of one chunk of a plain store, or their reflectances."""

    cube: Cube
    url: str
    form: Form

    def __call__(self, window: Window) -> int:
        """Copy the three bands; returns the chunk's pixels."""
        array = zarr.open_array(self.url, path="reflectance", mode="r+")
        for index, band in enumerate(CLEMENTINE_UVVIS.band_indices(BANDS_NM, "the peer")):
            counts = self.cube.read("reflectance", window, band)
            if self.form == "float32":
                reflectance = counts.astype(np.float32) * np.float32(CLEMENTINE_UVVIS.scale)
                reflectance[counts == NO_DATA] = np.nan
                counts = reflectance
            array[(index, *window.slices)] = counts
        return window.height * window.width


def make_plain(cube: Cube, url: str, *, form: Form, chunk: int, executor: Executor) -> None:
    """The same counts as xarray users keep them: one array, zarr-python's default codec."""
    packed = {"scale_factor": CLEMENTINE_UVVIS.scale, "_FillValue": NO_DATA}
    zarr.create_group(url, zarr_format=3).create_array(
        "reflectance",
        shape=(len(BANDS_NM), cube.grid.height, cube.grid.width),
        chunks=(1, chunk, chunk),
        dtype=form,
        fill_value=NO_DATA if form == "int16" else np.nan,
        dimension_names=("band", "y", "x"),
        attributes=packed if form == "int16" else {},
    )
    windows = list(cube.grid.window.split(chunk))
    executor.fold(CopyWindow(cube, url, form), windows, merge=count, initial=0)


def count(total: int, pixels: int) -> int:
    """Pixels of the shards so far and of one more."""
    return total + pixels
