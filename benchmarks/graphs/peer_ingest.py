"""The peer of ingest: GDAL's warper (rasterio) over the same tiles into a plain Zarr store."""

import math
from dataclasses import dataclass

import numpy as np
import rasterio
import zarr
from affine import Affine
from rasterio.enums import Resampling
from rasterio.warp import reproject

from lunarscale.engine.mosaicking import MosaicJob, needed_part
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import RADIUS_M
from lunarscale.readers.tile import Tile
from lunarscale.store.layout import affine

SPHERE = f"+R={RADIUS_M} +units=m +no_defs"


@dataclass(frozen=True)
class Warp:
    """Warps one shard's tiles, one after the other, and writes all its bands as one chunk each.

    Parameters
    ----------
    grid : RasterGrid
    url : str
        The plain store.
    method : {"nearest", "average"}
    """

    grid: RasterGrid
    url: str
    method: str

    def __call__(self, job: MosaicJob) -> int:
        """Returns the shard's pixels."""
        window = job.window
        bands = len(job.tiles[0].camera.wavelengths_nm)
        made = np.full((bands, window.height, window.width), NO_DATA, np.int16)
        a, b, west, d, e, north = affine(self.grid)
        place = Affine(a, b, west + window.col * a, d, e, north + window.row * e)
        for tile in job.tiles:
            lines, samples = needed_part(tile, self.grid, window)
            if lines.start == lines.stop or samples.start == samples.stop:
                continue
            with rasterio.open(tile.path, driver="PDS") as image:
                counts = image.read(
                    window=((lines.start, lines.stop), (samples.start, samples.stop))
                )
            reproject(
                counts,
                made,
                # GDAL's own placing of these labels is a pixel off
                src_transform=_transform(tile, lines.start, samples.start),
                src_crs=f"+proj=sinu +lon_0={tile.lattice.lon0} {SPHERE}",
                src_nodata=NO_DATA,
                dst_transform=place,
                dst_crs=f"+proj=eqc {SPHERE}",
                dst_nodata=NO_DATA,
                resampling=Resampling[self.method],
                init_dest_nodata=False,
                num_threads=1,
            )
        zarr.open_array(self.url, path="reflectance", mode="r+")[(slice(None), *window.slices)] = (
            made
        )
        return window.height * window.width


def _transform(tile: Tile, line: int, sample: int) -> Affine:
    """Pixel corners to metres of a sinusoidal tile, from a line and sample on (from 0)."""
    step, lattice = math.radians(1.0 / tile.lattice.ppd) * RADIUS_M, tile.lattice
    return Affine(
        step, 0.0, (sample + 0.5 - lattice.sample_offset) * step,
        0.0, -step, (lattice.line_offset - line - 0.5) * step,
    )  # fmt: skip


def lay_plain(url: str, grid: RasterGrid, *, bands: int, shard: int) -> None:
    """The peer's empty store: a chunk a shard and band, zarr-python's default codec."""
    zarr.create_group(url, zarr_format=3, overwrite=True).create_array(
        "reflectance",
        shape=(bands, grid.height, grid.width),
        chunks=(1, shard, shard),
        dtype="int16",
        fill_value=NO_DATA,
    )
