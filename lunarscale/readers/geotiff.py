"""Five-band GeoTIFFs: the PDS4 form of the Clementine tiles and the USGS global mosaic.

The PDS4 form (sinusoidal, metres, a ``.xml`` label beside it) is a conversion of the PDS3 tiles
by GDAL; the USGS mosaic (``Lunar_Clementine_UVVIS_WarpMosaic_5Bands_200m.tif``) is geographic.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from lunarscale.bands import CLEMENTINE_UVVIS, Camera
from lunarscale.errors import TileError
from lunarscale.flags import NO_DATA
from lunarscale.grid.projections import Lattice
from lunarscale.moon import RADIUS_M
from lunarscale.readers.files import (
    Options,
    base_name,
    file_size,
    file_system,
    in_any_case,
    is_local,
    reaching,
    read_ranges,
)
from lunarscale.readers.tile import Tile, label_hash

#: Bytes that stand for the label of a GeoTIFF in its hash.
HEADER_BYTES = 64 * 1024

#: Bytes of a PDS4 label beside one, at most: they have some twenty thousand.
LARGEST_LABEL = 10_000_000

#: The cylindrical projections' method names in PROJ.
_CYLINDRICAL = ("Equidistant Cylindrical", "Equidistant Cylindrical (Spherical)", "Plate Carree")


@dataclass(frozen=True, kw_only=True)
class GeoTiffTile(Tile):
    """A GeoTIFF of one camera's counts, read by windows.

    Parameters
    ----------
    no_data : int or None
        The count that the file itself declares as no-data; read as the archive's null.
    """

    no_data: int | None

    def read(self, lines: slice, samples: slice) -> NDArray[np.int16]:
        """Counts of a rectangle; of the file only the blocks that it touches are read."""
        window = Window.from_slices(lines, samples, height=self.lines, width=self.samples)
        with _opened(self.path, self.storage_options) as image:
            counts: NDArray[np.int16] = image.read(window=window)
        if self.no_data is not None and self.no_data != NO_DATA:
            counts[counts == self.no_data] = NO_DATA
        return counts


def open_geotiff(
    path: str, storage_options: Options = None, camera: Camera = CLEMENTINE_UVVIS
) -> GeoTiffTile:
    """Index one GeoTIFF from its header (and its PDS4 label, if one lies beside it).

    Parameters
    ----------
    path : str
        Path or fsspec URL of the GeoTIFF.
    storage_options : dict, optional
        Options for fsspec.
    camera : Camera
        Whose counts these are; the file has its bands in the camera's order.

    Raises
    ------
    TileError
        If the file is no GeoTIFF, is truncated, or is not of this camera, of the Moon's sphere,
        and sinusoidal or simple cylindrical with north up and square pixels.
    """
    size = file_size(path, storage_options)
    if not size:
        raise TileError(f"{path}: the file is empty; fetch it again")
    header = read_ranges(path, [(0, HEADER_BYTES)], storage_options)[0]
    with _opened(path, storage_options) as image:
        _check_counts(path, image, camera)
        _check_size(path, image, size)
        lattice = _lattice(path, image)
        shape, no_data = image.shape, image.nodata
    _check_pds4_label(path, camera, storage_options)
    return GeoTiffTile(
        name=base_name(path).rpartition(".")[0].upper(),
        path=path,
        camera=camera,
        lattice=lattice,
        lines=shape[0],
        samples=shape[1],
        size_bytes=size,
        label_sha256=label_hash(header),
        storage_options=dict(storage_options or {}),
        no_data=None if no_data is None or not math.isfinite(no_data) else int(no_data),
    )


@contextmanager
def _opened(path: str, options: Options) -> Iterator[Any]:
    """The file as a rasterio dataset; any failure inside names the file."""
    with reaching(path), ExitStack() as stack:
        source: Any = path
        if not is_local(path):
            fs, inner = file_system(path, options)
            source = stack.enter_context(fs.open(inner, "rb"))
        try:
            yield stack.enter_context(rasterio.open(source, driver="GTiff"))
        except RasterioIOError as error:
            why = error.__cause__ or error  # rasterio's own words may only point to GDAL's
            raise TileError(
                f"{path}: should be a complete GeoTIFF but cannot be read as one ({why}); "
                "fetch the tile again"
            ) from error


def _check_counts(path: str, image: Any, camera: Camera) -> None:
    bands = len(camera.wavelengths_nm)
    if image.count != bands or set(image.dtypes) != {"int16"}:
        raise TileError(
            f"{path}: a {camera.title} image should have {bands} bands of int16 but the file has "
            f"{image.count} of {', '.join(sorted(set(image.dtypes)))}"
        )
    # GDAL gives 1 where the file declares no scale
    scales = {s for s in image.scales if s != 1 and not math.isclose(s, camera.scale, rel_tol=1e-6)}
    if scales or any(image.offsets):
        raise TileError(
            f"{path}: reflectance should be {camera.scale:g} x count + 0 but the file declares "
            f"scales {image.scales} and offsets {image.offsets}"
        )


def _check_size(path: str, image: Any, found: int) -> None:
    """Hold the end of every band's last block against the file's size."""
    promised = 0
    for band in image.indexes:
        height, width = image.block_shapes[band - 1]
        block = f"{(image.width - 1) // width}_{(image.height - 1) // height}"
        place, size = (
            image.get_tag_item(f"BLOCK_{what}_{block}", "TIFF", bidx=band)
            for what in ("OFFSET", "SIZE")
        )
        promised = max(promised, int(place or 0) + int(size or 0))  # none: a sparse file's block
    if found < promised:
        raise TileError(
            f"{path}: header promises {image.count} x {image.height} x {image.width} samples up to "
            f"byte {promised:,} but the file has {found:,} bytes; fetch the tile again"
        )


def _lattice(path: str, image: Any) -> Lattice:
    """The pixel lattice from transform and CRS: sample i + 1 is the centre of GDAL's pixel i."""
    if image.crs is None:
        raise TileError(f"{path}: the GeoTIFF says no projection, so its place is unknown")
    crs = pyproj.CRS.from_wkt(image.crs.to_wkt())
    _check_sphere(path, crs)
    place = image.transform
    if place.b or place.d or place.a <= 0 or not math.isclose(place.a, -place.e, rel_tol=1e-6):
        raise TileError(
            f"{path}: should have north up and square pixels but its transform is "
            f"{tuple(place)[:6]}; warp it with gdalwarp first"
        )
    factor = crs.axis_info[0].unit_conversion_factor  # radians or metres of one unit
    unit_deg = math.degrees(factor if crs.is_geographic else factor / RADIUS_M)
    method, parameters = _projection(path, crs)
    ppd = 1.0 / (place.a * unit_deg)
    west = (place.c - parameters.get("False easting", 0.0)) * unit_deg
    north = (place.f - parameters.get("False northing", 0.0)) * unit_deg
    centre = parameters.get("Longitude of natural origin", 0.0)
    if method == "Sinusoidal":
        return Lattice("sinusoidal", ppd, centre, north * ppd + 0.5, 0.5 - west * ppd)
    north += parameters.get("Latitude of natural origin", 0.0)
    south = north - image.height / ppd
    if max(north, -south) > 90.0 + 1.0 / ppd:
        raise TileError(
            f"{path}: latitudes should lie in -90..90 but its transform spans {south:g}.."
            f"{north:g}; it was written in other units than its CRS has"
        )
    # recentred, so that a longitude wrapped into +-180 about lon0 reaches every column
    middle = centre + west + image.width / (2.0 * ppd)
    return Lattice("simple-cylindrical", ppd, middle, north * ppd + 0.5, image.width / 2.0 + 0.5)


def _check_sphere(path: str, crs: pyproj.CRS) -> None:
    if (ball := crs.ellipsoid) is None:
        raise TileError(f"{path}: the GeoTIFF's CRS {crs.name!r} names no sphere")
    axes = ball.semi_major_metre, ball.semi_minor_metre
    if not all(math.isclose(axis, RADIUS_M, rel_tol=1e-9) for axis in axes):
        raise TileError(
            f"{path}: the sphere should have the radius {RADIUS_M / 1000:g} km but the CRS "
            f"{crs.name!r} has {axes[0] / 1000:g} x {axes[1] / 1000:g} km; it is another body's map"
        )


def _projection(path: str, crs: pyproj.CRS) -> tuple[str, dict[str, float]]:
    """The projection's name and parameters as PROJ has them, once it is one that we read."""
    operation = crs.coordinate_operation
    if crs.is_geographic or operation is None:
        return "none", {}
    method, values = operation.method_name, {p.name: float(p.value) for p in operation.params}
    cylindrical = method in _CYLINDRICAL and not values.get("Latitude of 1st standard parallel")
    if method != "Sinusoidal" and not cylindrical:
        raise TileError(
            f"{path}: should be sinusoidal, geographic or simple cylindrical (true to scale at "
            f"the equator) but the CRS {crs.name!r} is {method}; warp it with gdalwarp first"
        )
    return method, values


def _check_pds4_label(path: str, camera: Camera, options: Options) -> None:
    """Hold the PDS4 label beside the file, where there is one, against the camera."""
    stem = base_name(path).rpartition(".")[0]
    if (label_path := in_any_case(path, [f"{stem}.xml"], options)) is None:
        return
    if (size := file_size(label_path, options)) > LARGEST_LABEL:
        raise TileError(
            f"{label_path}: a PDS4 label has {LARGEST_LABEL:,} bytes at most but this has "
            f"{size:,}; it is no label, so remove it or fetch it again"
        )
    text = read_ranges(label_path, [(0, size)], options)[0]
    with reaching(label_path, advice="; it should be the PDS4 label of the image beside it"):
        label = ElementTree.fromstring(text)
        targets = [e.text or "" for e in label.iterfind(".//{*}Target_Identification/{*}name")]
        filters = [float(e.text or "nan") for e in label.iterfind(".//{*}center_filter_wavelength")]
    if any(target.strip().upper() != "MOON" for target in targets):
        raise TileError(f"{label_path}: the target should be the Moon but is {targets[0]}")
    if filters and tuple(filters) != camera.wavelengths_nm:
        should, found = (", ".join(f"{w:g}" for w in ws) for ws in (camera.wavelengths_nm, filters))
        raise TileError(
            f"{label_path}: the bands should be {should} nm in this order but the label has "
            f"{found} nm; it is no such tile of the {camera.title}"
        )
