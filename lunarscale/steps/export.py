"""Export: one layer as a cloud-optimised GeoTIFF, for GDAL, QGIS and whoever reads no Zarr."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lunarscale.engine.plan import giga
from lunarscale.errors import SourceError, StoreError
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.render.geotiff import Blocks, Level, write_cog
from lunarscale.steps.opening import open_levels, open_maps, unchanged
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer, affine, lunar_wkt


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
    cube, found = _ask(maps, layer, Path(out), storage_options=storage_options)
    write_layer(cube, Path(out), array=layer, quantum=found.quantum, bbox=bbox, progress=progress)
    return Path(out)


def outline(
    maps: str,
    *,
    layer: str,
    out: str,
    bbox: tuple[float, float, float, float] | None = None,
    storage_options: dict[str, Any] | None = None,
) -> list[tuple[str, str]]:
    """What ``export`` would write, as label and figure; nothing is written.

    Parameters and errors are those of ``export``.
    """
    cube, _ = _ask(maps, layer, Path(out), storage_options=storage_options)
    grid, _ = cube.within(bbox)
    kept = sum(_same_ground(level.grid, grid) for level in open_levels(cube)[1:])
    counts = grid.height * grid.width * np.dtype(np.int16).itemsize
    return [
        ("export", f"{layer} of {grid.width:,} x {grid.height:,} pixels"),
        ("overviews", f"{kept}, as `overview` made them" if kept else "averaged by GDAL"),
        ("to read, decoded", giga(counts)),
        ("to write, decoded", giga(counts + counts // 3)),
        ("room there", giga(shutil.disk_usage(Path(out).absolute().parent).free)),
    ]


def _ask(
    maps: str, layer: str, path: Path, *, storage_options: dict[str, Any] | None
) -> tuple[Cube, MapLayer]:
    """The maps and the layer that are to be written, and whether the file can be."""
    cube = open_maps(maps, storage_options)
    found = next((item for item in cube.layout.layers if item.name == layer), None)
    if found is None:
        has = ", ".join(item.name for item in cube.layout.layers)
        raise StoreError(f"{maps}: there is no layer {layer}; the store has {has}")
    if path.is_dir():
        raise SourceError(f"{path}: a file is to be written but a folder is there; name another")
    if not path.absolute().parent.is_dir():
        raise SourceError(f"{path}: the folder {path.parent} is not there; make it first")
    return cube, found


def write_layer(
    cube: Cube,
    path: Path,
    *,
    array: str,
    quantum: float,
    band: int | None = None,
    bbox: tuple[float, float, float, float] | None = None,
    history: str | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> None:
    """Write the counts of one array, or of one of its bands, as a GeoTIFF with overviews.

    They are those of ``lunarscale overview`` where these cover what is written to the pixel, as of
    the whole Moon; else GDAL averages, without regard to areas and to how much is valid.

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
    history : str, optional
        What to say of it, where the cube's own would tell too much.
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
    whole = Window(row, col, grid.height, grid.width)
    todo = -(-grid.height // cube.layout.shard) * -(-grid.width // cube.layout.shard)

    def blocks() -> Blocks:
        with unchanged(cube, _shards(cube, whole)):
            for done, block in enumerate(_blocks(cube, array, whole, band=band)):
                yield block
                progress(done + 1, todo)

    tags = {
        **cube.array(array).attributes,
        "title": cube.attributes["title"],
        "history": cube.attributes["history"] if history is None else history,
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
        coarser=[
            Level(_blocks(level, array, level.grid.window), (level.grid.height, level.grid.width))
            for level in open_levels(cube)[1:]
            if _same_ground(level.grid, grid)
        ],
    )


def _blocks(cube: Cube, array: str, whole: Window, *, band: int | None = None) -> Blocks:
    """The counts of a window of a cube a shard's size at a time, placed from its corner on."""
    reader = cube.reads(array, band)
    for at in whole.split(cube.layout.shard):
        counts = np.empty((at.height, at.width), np.int16)
        reader.read_into(at, counts)
        yield at._replace(row=at.row - whole.row, col=at.col - whole.col), counts


def _same_ground(level: RasterGrid, grid: RasterGrid) -> bool:
    """Whether an overview covers what is written, and no more: to GDAL both have one frame."""
    coarse, fine = (
        (each.row, each.row + each.height, each.col, each.col + each.width)
        for each in (level, grid)
    )
    return all(
        one * grid.around == other * level.around for one, other in zip(coarse, fine, strict=True)
    )


def _shards(cube: Cube, window: Window) -> list[Window]:
    """The shards under a window that may go over the seam, as windows of a pixel each."""
    edge, around = cube.layout.shard, cube.grid.width
    rows = range(window.row // edge, (window.row + window.height - 1) // edge + 1)
    cols = {(col % around) // edge for col in range(window.col, window.col + window.width)}
    return [Window(row * edge, col * edge, 1, 1) for row in rows for col in sorted(cols)]
