"""Export: one layer as a cloud-optimised GeoTIFF, for GDAL, QGIS and whoever reads no Zarr."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import SourceError, StoreError
from lunarscale.grid.raster import Window
from lunarscale.render.geotiff import write_cog
from lunarscale.steps.opening import open_maps, unchanged
from lunarscale.store.layout import affine, lunar_wkt


def export(
    maps: str,
    *,
    layer: str,
    out: str,
    bbox: tuple[float, float, float, float] | None = None,
    storage_options: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> Path:
    """Write one layer, or a part of it, as a GeoTIFF with overviews.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    layer : str
        Name of the layer, ``FeO``.
    out : str
        Path of the file.
    bbox : (west, south, east, north), optional
        Degrees, snapped outward to pixels.
    storage_options : dict, optional
    progress : callable, optional
        Told windows done and windows in all.

    Raises
    ------
    StoreError
        If there is no such layer.
    RegionError
        If the box reaches beyond the maps.
    """
    cube = open_maps(maps, storage_options)
    found = next((item for item in cube.layout.layers if item.name == layer), None)
    if found is None:
        has = ", ".join(item.name for item in cube.layout.layers)
        raise StoreError(f"{maps}: there is no layer {layer}; the store has {has}")
    path = Path(out)
    if path.is_dir():
        raise SourceError(f"{out}: a file is to be written but a folder is there; name another")
    if not path.absolute().parent.is_dir():
        raise SourceError(f"{out}: the folder {path.parent} is not there; make it first")
    grid, (row, col) = cube.within(bbox)
    windows = list(grid.window.split(cube.layout.shard))

    def blocks() -> Iterator[tuple[Window, NDArray[np.int16]]]:
        reader = cube.reads(layer)
        with unchanged(cube):
            for done, window in enumerate(windows):
                counts = np.empty((window.height, window.width), np.int16)
                at = Window(window.row + row, window.col + col, window.height, window.width)
                reader.read_into(at, counts)
                yield window, counts
                progress(done + 1, len(windows))

    tags = {
        **cube.array(layer).attributes,
        "title": cube.attributes["title"],
        "history": cube.attributes["history"],
        "simulated": cube.layout.simulated,
    }
    write_cog(
        path,
        blocks(),
        size=(grid.height, grid.width),
        transform=affine(grid),
        wkt=lunar_wkt(),
        quantum=found.quantum,
        tags=tags,
    )
    return path
