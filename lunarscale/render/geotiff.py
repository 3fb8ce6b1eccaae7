"""Cloud-optimised GeoTIFF of one layer, streamed window by window."""

import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError  # what its copy raises: no public class is above it
from rasterio.errors import RasterioError
from rasterio.shutil import copy as copy_raster
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from lunarscale.errors import StoreError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import Window

#: Bytes of GDAL's block cache while a file is written: what bounds the memory.
CACHE_BYTES = 256_000_000

#: Edge of the file's internal tiles.
BLOCK = 512


def write_cog(
    path: Path,
    blocks: Iterable[tuple[Window, NDArray[np.int16]]],
    *,
    size: tuple[int, int],
    transform: tuple[float, ...],
    wkt: str,
    quantum: float,
    tags: dict[str, Any],
) -> None:
    """Write counts with their scale, no-data, CRS and overviews by averaging.

    The file appears under its name only when it is finished.

    Parameters
    ----------
    path : Path
    blocks : iterable of (Window, ndarray of int16)
        The counts, each pixel once.
    size : (int, int)
        Height and width in pixels.
    transform : tuple of float
        Pixel to metres, as in rasterio's ``Affine``.
    wkt : str
        The CRS.
    quantum : float
        Value of one count (the band's scale).
    tags : dict
        ``units``, ``long_name`` and what else describes the layer.

    Raises
    ------
    StoreError
        If GDAL cannot write it: the disk is full, say.
    """
    mark = uuid.uuid4().hex
    plain, done = (path.with_name(f".{path.name}.{mark}.{what}.tif") for what in ("plain", "cog"))
    profile = {
        "driver": "GTiff", "dtype": "int16", "count": 1, "height": size[0], "width": size[1],
        "nodata": NO_DATA, "crs": rasterio.crs.CRS.from_wkt(wkt), "transform": Affine(*transform),
        "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "LZW",
        "BIGTIFF": "IF_SAFER", "SPARSE_OK": "TRUE",
    }  # fmt: skip
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            with rasterio.open(plain, "w", **profile) as file:
                file.scales, file.offsets = (quantum,), (0.0,)
                file.units = (tags.get("units", ""),)
                file.set_band_description(1, str(tags.get("long_name", "")))
                file.update_tags(**{key: str(value) for key, value in tags.items()})
                for window, counts in blocks:
                    place = RasterWindow(window.col, window.row, window.width, window.height)
                    file.write(counts, 1, window=place)
            copy_raster(
                plain, done, driver="COG", compress="DEFLATE", predictor="YES", blocksize=BLOCK,
                overviews="IGNORE_EXISTING", overview_resampling="AVERAGE", BIGTIFF="IF_SAFER",
            )  # fmt: skip
        os.replace(done, path)
    except (RasterioError, CPLE_BaseError) as error:
        raise StoreError(
            f"{path}: GDAL cannot write it ({error.__cause__ or error}); free some room, or name "
            "another place"
        ) from error
    finally:
        plain.unlink(missing_ok=True)
        done.unlink(missing_ok=True)
