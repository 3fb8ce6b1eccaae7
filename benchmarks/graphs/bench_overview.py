"""Overviews of maps beside the decoding of the same maps alone, and beside GDAL's own.

``python -m benchmarks.graphs.bench_overview`` prints the table; under ``pytest`` all sides run on a
small Moon. One process, one thread, interleaved; a figure is the median processor time, in layer
pixels (pixels times layers) a second. GDAL averages counts of a GeoTIFF of the same blocks, which
lies uncompressed in memory (``gdaladdo -r average``): it reads no flags, weighs no areas, rounds at
every level, and needs its levels to be exact halves.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.inputs import make_mosaic
from lunarscale.engine.executors import Serial
from lunarscale.engine.sources import MapsSource
from lunarscale.laps import Lap
from lunarscale.steps.overview import overview
from lunarscale.steps.predict import predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Parts of a square's time that are none of the codec's and the disk's.
OURS = ("compute", "rest")


def test_all_sides_run(tmp_path: Path) -> None:
    """On a small Moon; what GDAL makes of equal pixels is what ours are, but at the poles."""
    maps = make_maps(tmp_path, width=1024, shard=128, chunk=64)
    laps = made(maps)
    assert laps["decode"].processor_s > 0
    decoded(maps)
    gdal = averaged(maps)
    level = Cube.open(Location(f"{maps}/overviews/2"))
    ours = level.read("FeO", level.grid.window)
    belt = slice(64, 192)  # 45 degrees on both sides: two rows of a pair weigh nearly the same
    near = np.abs(ours[belt].astype(int) - gdal[belt]) <= 8
    assert near.mean() > 0.99


def make_maps(folder: Path, *, width: int, shard: int, chunk: int) -> str:
    """Three maps of the simulated Moon."""
    mosaic, maps = str(folder / "mosaic.zarr"), str(folder / "maps.zarr")
    make_mosaic(mosaic, width=width, shard=shard, chunk=chunk, executor=Serial())
    predict(mosaic, out=maps)
    shutil.rmtree(mosaic)
    return maps


def made(maps: str) -> dict[str, Lap]:
    """Every level afresh; where the time went."""
    return dict(overview(maps, overwrite=True).laps)


def decoded(maps: str) -> int:
    """Every chunk of every layer, decoded and forgotten."""
    source = MapsSource(Cube.open(Location(maps)))
    return sum(chunk.counts.size for w in source.layout.windows() for chunk in source.chunks(w))


def averaged(maps: str) -> np.ndarray:
    """GDAL's overviews of every layer; the first one of FeO."""
    cube = Cube.open(Location(maps))
    profile = {
        "driver": "GTiff", "dtype": "int16", "count": 1, "nodata": -32768, "tiled": True,
        "height": cube.grid.height, "width": cube.grid.width, "blockxsize": 512, "blockysize": 512,
    }  # fmt: skip
    first: np.ndarray = np.empty(0)
    for layer in cube.layout.layers:
        with rasterio.MemoryFile() as memory:
            with memory.open(**profile) as file:
                file.write(cube.read(layer.name, cube.grid.window), 1)
            with rasterio.Env(GDAL_NUM_THREADS="1"), memory.open(mode="r+") as file:
                start = process_time()
                count = len(list(Path(maps, "overviews").glob("*/zarr.json")))
                file.build_overviews([2 << n for n in range(count)], Resampling.average)
                _gdal_s.append(process_time() - start)
            with memory.open(overview_level=0) as file:
                first = file.read(1) if layer.name == "FeO" else first
    return first


#: Seconds that GDAL took, layer by layer, the writing of its input not among them.
_gdal_s: list[float] = []


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        maps = make_maps(Path(folder), width=asked.width, shard=2048, chunk=512)
        made(maps)  # compiles
        _print(maps, asked.repeats)


def _print(maps: str, repeats: int) -> None:
    cube = Cube.open(Location(maps))
    pixels = cube.grid.height * cube.grid.width * len(cube.layout.layers) / 1e6
    spent: dict[str, list[float]] = {"overview": [], "decoding alone": [], "GDAL": []}
    laps: list[dict[str, Lap]] = []
    for _ in range(repeats):
        spent["overview"].append(_timed(lambda: laps.append(made(maps))))
        spent["decoding alone"].append(_timed(lambda: decoded(maps)))
        _gdal_s.clear()
        averaged(maps)
        spent["GDAL"].append(sum(_gdal_s))
    table = Table("", "layer Mpx/s", "of the decoding alone", box=box.MARKDOWN)
    limit = float(np.median(spent["decoding alone"]))
    for name, seconds in spent.items():
        median = float(np.median(seconds))
        table.add_row(name, f"{pixels / median:,.0f}", f"{limit / median:.0%}")
    console = Console()
    console.print(f"maps of {cube.grid.width:,} x {cube.grid.height:,} pixels")
    console.print(table)
    last = laps[-1]
    whole = sum(lap.processor_s for lap in last.values())
    shares = ", ".join(f"{part} {lap.processor_s / whole:.0%}" for part, lap in last.items())
    console.print(f"an overview's processor time: {shares}")


def _timed(run: Callable[[], object]) -> float:
    start = process_time()
    run()
    return process_time() - start


if __name__ == "__main__":
    main()
