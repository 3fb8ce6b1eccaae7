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
from lunarscale.store.cube import Cube
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
    write_layer(cube, path, array=layer, quantum=found.quantum, bbox=bbox, progress=progress)
    return path


def write_layer(
    cube: Cube,
    path: Path,
    *,
    array: str,
    quantum: float,
    band: int | None = None,
    bbox: tuple[float, float, float, float] | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> None:
    """Write the counts of one array, or of one of its bands, as a GeoTIFF with overviews.

    Parameters
    ----------
    cube : Cube
        What is asked for is finished, and held against the ledger.
    path : Path
        A file.
    array : str
    quantum : float
        Value of one count.
    band : int, optional
    bbox : (west, south, east, north), optional
        Degrees, snapped outward to pixels.
    progress : callable, optional
        Told windows done and windows in all.

    Raises
    ------
    RegionError
        If the box reaches beyond the cube.
    TornError
        If a run writes there meanwhile.
    """
    grid, (row, col) = cube.within(bbox)
    windows = list(grid.window.split(cube.layout.shard))

    def blocks() -> Iterator[tuple[Window, NDArray[np.int16]]]:
        reader = cube.reads(array, band)
        with unchanged(cube, _shards(cube, Window(row, col, grid.height, grid.width))):
            for done, window in enumerate(windows):
                counts = np.empty((window.height, window.width), np.int16)
                at = Window(window.row + row, window.col + col, window.height, window.width)
                reader.read_into(at, counts)
                yield window, counts
                progress(done + 1, len(windows))

    tags = {
        **cube.array(array).attributes,
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
        quantum=quantum,
        tags=tags,
    )


def _shards(cube: Cube, window: Window) -> list[Window]:
    """The shards under a window that may go over the seam, as windows of a pixel each."""
    edge, around = cube.layout.shard, cube.grid.width
    rows = range(window.row // edge, (window.row + window.height - 1) // edge + 1)
    cols = {(col % around) // edge for col in range(window.col, window.col + window.width)}
    return [Window(row * edge, col * edge, 1, 1) for row in rows for col in sorted(cols)]
