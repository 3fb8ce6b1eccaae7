"""What a fresh worker process takes before it is of use: start, imports, models, kernels, by verbs.

``python -m benchmarks.scaling.bench_startup`` prints the table; under ``pytest`` one verb starts.

Each row is a process of its own, started for it, with Dask's worker imported as a worker has it.
Seconds are the process's processor time, which others on the machine hardly change; the last two
columns are the first job after all that, and the second, which should be alike.
"""

import argparse
import json
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.inputs import make_mosaic
from benchmarks.kernels.bench_equations import processor
from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Serial
from lunarscale.engine.map_on_grid import StoredMap
from lunarscale.engine.pair_source import PairSource
from lunarscale.engine.run import Prepared, complain
from lunarscale.engine.sources import MapsSource
from lunarscale.grid.cells import qiu_2025_cells
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.products import Products
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.tally import Histograms
from lunarscale.simulated.archive import write_archive
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Seconds of processor time that imports, models and kernels may take together.
ALLOWED = 3.0
BY = ("moon", "maria", "seas", "hemispheres", "latitude:5", "spa")


class Start(NamedTuple):
    """Processor seconds of one fresh process, stage by stage."""

    process: float
    imports: float
    models: float
    kernels: float
    first: float
    second: float

    @property
    def ready(self) -> float:
        """Imports, models and kernels together."""
        return self.imports + self.models + self.kernels


def fresh(prepared: Prepared, folder: Path) -> Start:
    """The start of a process for this run, and two of its jobs."""
    middle = prepared.jobs[(len(prepared.jobs) - 1) // 2 :][:2]
    packed = folder / "task.pickle"
    packed.write_bytes(pickle.dumps((prepared.begin(), middle)))
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling.starting", str(packed)],
        check=True,
        stdout=subprocess.PIPE,
    )
    times = json.loads(told.stdout)
    return Start(times[0], *(later - earlier for earlier, later in pairwise(times)))


def verbs(folder: Path, *, width: int, shard: int, chunk: int) -> Iterator[tuple[str, Prepared]]:
    """A run of each verb, over a small simulated Moon."""
    mosaic, maps = str(folder / "mosaic.zarr"), str(folder / "maps.zarr")
    make_mosaic(mosaic, width=width, shard=shard, chunk=chunk, executor=Serial())
    complain(prepare_predict(mosaic, out=maps).run(Serial()), maps)
    yield "predict, equations", prepare_predict(mosaic, out=str(folder / "equations.zarr"))
    ready = ["clementine-oxides"]
    yield (
        "predict, network",
        prepare_predict(mosaic, out=str(folder / "network.zarr"), models=ready),
    )
    groupings = tuple(read_grouping(word) for word in BY)
    cube = Cube.open(Location(maps))
    source, areas = MapsSource(cube), Histograms(groupings)
    yield "summarise", prepare_sums(source, {"area": areas}, verb="bench")
    more: dict[str, Measure] = {
        "area": areas,
        "products": Products(groupings[1]),
        "samples": SampledHistograms(qiu_2025_cells(), groupings),
    }
    yield "with covariances, samples", prepare_sums(source, more, verb="bench")
    coarse, coarse_maps = str(folder / "coarse.zarr"), str(folder / "coarse_maps.zarr")
    make_mosaic(coarse, width=width // 2, shard=shard, chunk=chunk, executor=Serial())
    complain(prepare_predict(coarse, out=coarse_maps).run(Serial()), coarse_maps)
    other = StoredMap(Cube.open(Location(coarse_maps)), "FeO")
    pair = PairSource(StoredMap(cube, "FeO"), other)
    yield "compare", prepare_sums(pair, {"area": areas}, verb="bench")
    tiles = folder / "tiles"
    tiles.mkdir()
    write_archive(tiles, ppd=1)
    yield (
        "ingest",
        prepare_ingest([str(tiles)], out=str(folder / "laid.zarr"), ppd=2, shard=128, chunk=64),
    )


def test_a_fresh_process_gets_ready(tmp_path: Path) -> None:
    """After the rehearsal the first job takes about what the second does."""
    for name, prepared in verbs(tmp_path, width=256, shard=64, chunk=32):
        if name == "summarise":
            start = fresh(prepared, tmp_path)
            break
    assert min(start.process, start.imports, start.kernels) > 0
    assert start.first < start.kernels


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", help="where the stores go, a temporary folder if none")
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if a verb takes longer than allowed."""
    folder = Path(tempfile.mkdtemp(prefix="bench-startup-", dir=settings().folder))
    try:
        runs = verbs(folder, width=2048, shard=512, chunk=256)
        found = {name: fresh(prepared, folder) for name, prepared in runs}
    finally:
        shutil.rmtree(folder)
    table = Table(title=f"A fresh process, processor s, {processor()}", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for heading in (
        "Python, Dask", "imports", "models", "kernels", "together", "first job", "second",
    ):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=True)
    for name, start in found.items():
        stages = (*start[:4], start.ready, start.first, start.second)
        table.add_row(name, *(f"{seconds:.2f}" for seconds in stages))
    console = Console(width=110)
    console.print(table)
    console.print(f"allowed: {ALLOWED:g} s together")
    return 0 if max(start.ready for start in found.values()) <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
