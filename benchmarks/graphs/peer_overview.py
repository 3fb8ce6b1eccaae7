"""The peers of overviews: GDAL's own averaging of a GeoTIFF, and xarray's coarsen through Dask."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import dask
import numpy as np
import rasterio
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling

from lunarscale.flags import NO_DATA
from lunarscale.store.cube import Cube
from lunarscale.store.layout import affine, lunar_wkt

#: The quickest that GDAL packs well with; its overviews are packed as the file is.
PACKING = {"compress": "zstd", "zstd_level": 1, "predictor": 2, "bigtiff": "if_safer"}
BLOCK = 512


@dataclass(frozen=True)
class Tiff:
    """Keeps one layer's counts as a tiled GeoTIFF, and has GDAL average them.

    Parameters
    ----------
    maps : Cube
    folder : str
        Where the files are.
    factors : tuple of int
        Of the overviews.
    threads : int
        What GDAL may use.
    """

    maps: Cube
    folder: str
    factors: tuple[int, ...]
    threads: int

    def path(self, layer: str) -> Path:
        """The file of a layer, without overviews."""
        return Path(self.folder, f"{layer}.tif")

    def made(self, layer: str) -> Path:
        """The same with overviews."""
        return Path(self.folder, f"{layer}-overviews.tif")

    def write(self, layer: str) -> int:
        """Write a layer without overviews; returns its pixels."""
        grid = self.maps.grid
        profile = {
            "driver": "GTiff", "dtype": "int16", "count": 1, "nodata": NO_DATA, "tiled": True,
            "height": grid.height, "width": grid.width, "blockxsize": BLOCK, "blockysize": BLOCK,
            "transform": Affine(*affine(grid)), "crs": lunar_wkt(),
        }  # fmt: skip
        with rasterio.open(self.path(layer), "w", **profile, **PACKING) as file:
            for strip in grid.window.split_rows(BLOCK):
                window = ((strip.row, strip.row + strip.height), (0, grid.width))
                file.write(self.maps.read(layer, strip), 1, window=window)
        return grid.height * grid.width

    def copy(self, layer: str) -> None:
        """A copy that has no overviews yet."""
        shutil.copyfile(self.path(layer), self.made(layer))

    def __call__(self, layer: str) -> int:
        """Make the overviews of a layer within its copy; returns the map's pixels."""
        with (
            rasterio.Env(GDAL_NUM_THREADS=str(self.threads)),
            rasterio.open(self.made(layer), "r+") as file,
        ):
            file.build_overviews(list(self.factors), Resampling.average)
            return int(file.height * file.width)

    def overview(self, layer: str, number: int) -> NDArray[np.int16]:
        """The counts of an overview that was made."""
        with rasterio.open(self.made(layer), overview_level=number) as file:
            return np.asarray(file.read(1))


def coarsened(maps: str, out: str, *, layers: tuple[str, ...], levels: int, chunk: int) -> None:
    """Means of 2 x 2 of the same store, again and again, by xarray on Dask's current scheduler.

    All levels are computed together, so each layer is read once; they are float32 and packed by
    zarr-python's default codec.
    """
    store = xr.open_zarr(maps, chunks=None)[list(layers)]
    level = store.drop_vars(store.coords).chunk({"y": chunk, "x": chunk}).astype("float32")
    level = level.drop_encoding()
    written = []
    for number in range(levels):
        level = level.coarsen(y=2, x=2, boundary="trim").mean()
        place = f"{out}/{2 << number}"
        written.append(level.to_zarr(place, mode="w", consolidated=False, compute=False))
    dask.compute(*written)
