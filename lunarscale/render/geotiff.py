"""Cloud-optimised GeoTIFF of one layer, streamed window by window."""

import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

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

#: Counts of one layer, each pixel once.
Blocks = Iterable[tuple[Window, NDArray[np.int16]]]


class Level(NamedTuple):
    """An overview that is there already: its counts, and its height and width."""

    blocks: Blocks
    size: tuple[int, int]


def write_cog(
    path: Path,
    blocks: Blocks,
    *,
    size: tuple[int, int],
    transform: tuple[float, ...],
    wkt: str,
    quantum: float,
    tags: dict[str, Any],
    coarser: Sequence[Level] = (),
) -> None:
    """Write counts with their scale, no-data, CRS and overviews.

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
    coarser : sequence of Level
        The overviews, the finest first, on the same ground; where none are given, GDAL averages.

    Raises
    ------
    StoreError
        If GDAL cannot write it: the disk is full, say.
    """
    mark = f".{path.name}.{uuid.uuid4().hex}"
    plain, done, joined = (
        path.with_name(f"{mark}.{what}") for what in ("plain.tif", "cog.tif", "joined.vrt")
    )
    smaller = [path.with_name(f"{mark}.{number}.tif") for number in range(len(coarser))]
    crs, corner = rasterio.crs.CRS.from_wkt(wkt), Affine(*transform)
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            with _plain(plain, size, crs=crs, transform=corner) as file:
                file.scales, file.offsets = (quantum,), (0.0,)
                file.units = (tags.get("units", ""),)
                file.set_band_description(1, str(tags.get("long_name", "")))
                file.update_tags(**{key: str(value) for key, value in tags.items()})
                _fill(file, blocks)
            for each, level in zip(smaller, coarser, strict=True):
                rows, cols = size[0] / level.size[0], size[1] / level.size[1]
                larger = Affine(corner.a * cols, 0, corner.c, 0, corner.e * rows, corner.f)
                with _plain(each, level.size, crs=crs, transform=larger) as file:
                    _fill(file, level.blocks)
            if coarser:
                _join(plain, smaller, joined)
            copy_raster(
                joined if coarser else plain, done, driver="COG", compress="DEFLATE",
                predictor="YES", blocksize=BLOCK, overview_resampling="AVERAGE",
                overviews="FORCE_USE_EXISTING" if coarser else "IGNORE_EXISTING",
                BIGTIFF="IF_SAFER",
            )  # fmt: skip
        os.replace(done, path)
    except (RasterioError, CPLE_BaseError) as error:
        raise StoreError(
            f"{path}: GDAL cannot write it ({error.__cause__ or error}); free some room, or name "
            "another place"
        ) from error
    finally:
        for each in (plain, done, joined, *smaller):
            each.unlink(missing_ok=True)


def _plain(path: Path, size: tuple[int, int], **placed: Any) -> Any:
    """A new GeoTIFF of one band of counts, open for writing."""
    return rasterio.open(
        path, "w", driver="GTiff", dtype="int16", count=1, height=size[0], width=size[1],
        nodata=NO_DATA, tiled=True, blockxsize=BLOCK, blockysize=BLOCK, compress="LZW",
        BIGTIFF="IF_SAFER", SPARSE_OK="TRUE", **placed,
    )  # fmt: skip


def _fill(file: Any, blocks: Blocks) -> None:
    for window, counts in blocks:
        place = RasterWindow(window.col, window.row, window.width, window.height)
        file.write(counts, 1, window=place)


def _join(plain: Path, smaller: Sequence[Path], joined: Path) -> None:
    """A virtual file of GDAL's (VRT) that has other files as overviews."""
    copy_raster(plain, joined, driver="VRT")
    tree = ElementTree.parse(joined)
    (band,) = tree.getroot().iter("VRTRasterBand")
    for each in smaller:
        overview = ElementTree.SubElement(band, "Overview")
        name = ElementTree.SubElement(overview, "SourceFilename", relativeToVRT="1")
        name.text = each.name
        ElementTree.SubElement(overview, "SourceBand").text = "1"
    tree.write(joined)
