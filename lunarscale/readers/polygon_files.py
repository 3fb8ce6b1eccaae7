"""Regions drawn as polygons in a GeoPackage or an ESRI shapefile, bare or zipped.

pyogrio is imported where it is used: it brings pandas, half a second and 40 MB that a run without
such a file need not take.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from lunarscale.errors import RegionError
from lunarscale.grid.polygons import PolygonGrouping, Ring
from lunarscale.readers.lunar_crs import lunar_crs
from lunarscale.readers.outlines import Drawn, grouping_of
from lunarscale.readers.shapefiles import shapefile_parts
from lunarscale.readers.wanted import NAME_COLUMNS, Wanted, as_name

_POLYGON, _MULTIPOLYGON = 3, 6
_SQLITE = b"SQLite format 3\x00"
_AGAIN = "fetch it again"


def geopackage_grouping(name: str, content: bytes, wanted: Wanted) -> PolygonGrouping:
    """The grouping of a GeoPackage's layer of polygons.

    Parameters
    ----------
    name : str
    content : bytes
        The file.
    wanted : Wanted
        The layer, which may be left out where there is one; the column that names the regions.

    Raises
    ------
    RegionError
        If it is no whole GeoPackage, lacks the layer or column, is of another body or of none,
        or an outline bounds no part of the Moon.
    """
    if not content.startswith(_SQLITE):
        raise RegionError(f"{name} is not a GeoPackage, whatever its suffix says; {_AGAIN}")
    page = int.from_bytes(content[16:18], "big")
    promised = int.from_bytes(content[28:32], "big") * (65_536 if page == 1 else page)
    if len(content) < promised:
        raise RegionError(
            f"{name} is cut off: it promises {promised:,} bytes but has {len(content):,}; {_AGAIN}"
        )
    with TemporaryDirectory() as folder:
        path = Path(folder, "regions.gpkg")
        path.write_bytes(content)
        layer = _layer(name, _layers_with_shapes(name, path), wanted.layer)
        return _grouping(name, path, wanted._replace(layer=layer))


def shapefile_grouping(name: str, content: bytes, wanted: Wanted) -> PolygonGrouping:
    """The grouping of a zipped shapefile's polygons.

    Parameters
    ----------
    name : str
    content : bytes
        A zip that holds a shapefile with its side files, or several.
    wanted : Wanted
        The shapefile's name without its suffix, which may be left out where there is one; the
        column that names the regions.

    Raises
    ------
    RegionError
        As ``geopackage_grouping``, and where a side file is missing.
    """
    with TemporaryDirectory() as folder:
        parts = shapefile_parts(name, content, lambda layers: _layer(name, layers, wanted.layer))
        while parts:  # one copy less in memory, part by part
            suffix, part = parts.popitem()
            Path(folder, f"regions{suffix}").write_bytes(part)
        del part
        return _grouping(name, Path(folder, "regions.shp"), wanted._replace(layer="regions"))


def _layer(name: str, layers: Sequence[str], asked: str) -> str:
    """The layer that is asked for, or the only one."""
    if not layers:
        raise RegionError(f"{name} has no layer of shapes; give a file with polygons")
    if asked and asked not in layers:
        raise RegionError(f"{name} has no layer '{asked}'; it has {', '.join(layers)}")
    if not asked and len(layers) > 1:
        raise RegionError(
            f"{name} has {len(layers)} layers, {', '.join(layers)}; name one after a #, as "
            f"<file>#{layers[0]}"
        )
    return asked or layers[0]


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Failures of GDAL in one sentence of ours; what it finds odd but reads is let pass."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except (RuntimeError, GEOSException) as error:  # all of pyogrio's errors are the first
        why = " ".join(str(error).split())
        raise RegionError(f"{name} cannot be read ({why}); {_AGAIN}") from error


def _layers_with_shapes(name: str, path: Path) -> list[str]:
    from pyogrio import list_layers

    with _reading(name):
        return [str(layer) for layer, kind in list_layers(path) if kind is not None]


def _grouping(name: str, path: Path, wanted: Wanted) -> PolygonGrouping:
    from pyogrio import raw

    with _reading(name):
        meta, _, blobs, columns = raw.read(path, layer=wanted.layer)
    if meta["crs"] is None:
        raise RegionError(
            f"{name} does not say its CRS, so it may be of any body (a shapefile says it in a "
            ".prj file); assign the Moon's, such as IAU_2015:30100"
        )
    crs = lunar_crs(name, meta["crs"])
    regions = _regions(name, list(meta["fields"]), columns, column=wanted.column, count=len(blobs))
    gone = next((region for region, blob in zip(regions, blobs, strict=True) if not blob), None)
    if gone is not None:
        raise RegionError(f"{name}, {gone}: it has no geometry; draw it, or leave it out")
    with _reading(name):
        shapes = shapely.from_wkb(blobs)
    del blobs  # one copy less in memory
    return grouping_of(name, _drawn(name, regions, shapes), crs=crs)


def _regions(
    name: str, fields: list[str], columns: Sequence[NDArray[Any]], *, column: str, count: int
) -> list[str]:
    """The region of each feature."""
    folded = {field.casefold(): field for field in reversed(fields)}
    usual = next((folded[key] for key in NAME_COLUMNS if key in folded), "")
    if column and column not in fields:
        raise RegionError(
            f"{name} has no column '{column}' to name its regions by; it has "
            f"{', '.join(fields) or 'none'}"
        )
    chosen = column or usual
    named = columns[fields.index(chosen)] if chosen else [None] * count
    return [as_name(value) or f"region {position}" for position, value in enumerate(named, start=1)]


def _drawn(name: str, regions: Sequence[str], shapes: NDArray[Any]) -> Iterator[Drawn]:
    """The polygons one after the other."""
    for region, shape in zip(regions, shapes, strict=True):
        if shapely.get_type_id(shape) not in (_POLYGON, _MULTIPOLYGON):
            raise RegionError(
                f"{name}, {region}: found a {shape.geom_type}; a region is made of polygons"
            )
        if shape.is_empty:
            raise RegionError(f"{name}, {region}: its geometry is empty; draw it, or leave it out")
        for part in shapely.get_parts(shape):
            yield Drawn(region, [_places(ring) for ring in shapely.get_rings(part)])


def _places(ring: Any) -> Ring:
    return np.asarray(shapely.get_coordinates(ring), dtype=np.float64)
