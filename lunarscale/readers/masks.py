"""Raster masks: a PNG of the whole Moon's width, or a GeoTIFF on the lunar sphere."""

import math
import warnings
import zlib

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from pyproj.exceptions import CRSError
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from lunarscale.errors import RegionError
from lunarscale.grid.masks import MaskGrouping
from lunarscale.moon import RADIUS_M

#: Masks of more pixels than this are refused: each worker process keeps them in memory.
MOST_PIXELS = 2**31

#: What a PNG begins with.
_PNG = b"\x89PNG\r\n\x1a\n"


def mask_of(name: str, content: bytes) -> MaskGrouping:
    """The grouping of a mask's values.

    Without georeferencing (PNG) the raster spans -180..180 with square pixels and the equator in
    its middle; with it the place follows from the transform and a lunar CRS, geographic or
    simple cylindrical. The GeoTIFF's no-data value is in no group.

    Parameters
    ----------
    name : str
    content : bytes
        The file.

    Raises
    ------
    RegionError
        If it is no raster of one band of whole numbers that lies on the Moon.
    """
    _check_png(name, content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            # by name: GDAL has formats that are a text which names other files and servers
            driver = "PNG" if content.startswith(_PNG) else "GTiff"
            with rasterio.MemoryFile(content) as file, file.open(driver=driver) as image:
                west, north, pixel_deg = _place(name, image)
                no_data = None if image.nodata is None else round(image.nodata)
                raster = _band(name, image)
    except RasterioError as error:
        raise RegionError(
            f"mask {name} cannot be read as an image; give a whole PNG or GeoTIFF"
        ) from error
    return MaskGrouping.of_raster(
        name, raster, west=west, north=north, pixel_deg=pixel_deg, no_data=no_data
    )


def _check_png(name: str, content: bytes) -> None:
    """Refuse a PNG that is cut or damaged: GDAL reads what is missing as zeros.

    A PNG is chunks of length, type, data and a CRC-32 of the latter two, of which the last is
    IEND (PNG specification, 5.3).
    """
    view, at = memoryview(content), len(_PNG)
    if view[:at] != _PNG:
        return
    kind = b""
    while kind != b"IEND":
        end = at + 8 + int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        found = int.from_bytes(view[end : end + 4], "big")
        if len(view) < end + 4 or zlib.crc32(view[at + 4 : end]) != found:
            raise RegionError(
                f"mask {name}: the PNG is cut or damaged at byte {at:,} of {len(view):,}; fetch "
                "it again"
            )
        at = end + 4


def _band(name: str, image: DatasetReader) -> NDArray[np.integer]:
    kind = np.dtype(image.dtypes[0])
    if image.count != 1 or not np.issubdtype(kind, np.integer):
        raise RegionError(
            f"mask {name}: found {image.count} bands of {kind} where a mask has one band of whole "
            "numbers; convert it to one band of classes"
        )
    if image.width * image.height > MOST_PIXELS:
        raise RegionError(
            f"mask {name}: {image.width:,} x {image.height:,} pixels are more than the "
            f"{MOST_PIXELS:,} that a worker keeps in memory; give it at a lower resolution"
        )
    raster: NDArray[np.integer] = image.read(1)
    return raster


def _place(name: str, image: DatasetReader) -> tuple[float, float, float]:
    """West edge, north edge and pixel size, degrees."""
    to = image.transform
    if image.crs is None and to.is_identity:
        pixel_deg = 360.0 / image.width
        return -180.0, image.height * pixel_deg / 2.0, pixel_deg
    square = to.b == to.d == 0 and to.a > 0 and math.isclose(to.a, -to.e, rel_tol=1e-6)
    if not square:
        raise RegionError(
            f"mask {name}: its pixels are {to.a:g} x {-to.e:g}, turned by ({to.b:g}, {to.d:g}); a "
            "mask has square pixels and its north at the top, so warp it to that"
        )
    scale, lon0 = _degrees_per_unit(name, image)
    return lon0 + to.c * scale, to.f * scale, to.a * scale


def _degrees_per_unit(name: str, image: DatasetReader) -> tuple[float, float]:
    """Degrees to a unit of the CRS, and its central longitude."""
    advice = "warp it to IAU_2015:30100 or 30110"
    if image.crs is None:
        raise RegionError(f"mask {name} has a transform but no CRS; {advice}")
    try:
        crs = pyproj.CRS.from_wkt(image.crs.to_wkt())
    except CRSError as error:
        raise RegionError(f"mask {name} has a CRS that is not understood; {advice}") from error
    radius = crs.ellipsoid.semi_major_metre if crs.ellipsoid else math.nan
    if not math.isclose(radius, RADIUS_M, rel_tol=1e-3):
        raise RegionError(
            f"mask {name} is on the body of '{crs.name}', radius {radius:,.0f} m, where the Moon "
            f"has {RADIUS_M:,.0f} m; {advice}"
        )
    if crs.is_geographic:
        return 1.0, 0.0
    operation = crs.coordinate_operation
    method = operation.method_name if operation else "none"
    given = {p.name.lower(): float(p.value) for p in operation.params} if operation else {}
    parallel = given.get("latitude of 1st standard parallel", 0.0)
    shifted = given.get("false easting", 0.0) or given.get("false northing", 0.0)
    if "equidistant cylindrical" not in method.lower() or parallel or shifted:
        raise RegionError(
            f"mask {name} is projected by '{method}', standard parallel {parallel:g}, "
            f"not in simple cylindrical; {advice}"
        )
    return math.degrees(1.0 / RADIUS_M), given.get("longitude of natural origin", 0.0)
