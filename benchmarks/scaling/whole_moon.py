"""The whole simulated Moon from tiles to maps and statistics on two workers, and what it takes.

``python -m benchmarks.scaling.whole_moon`` makes tiles of 200 m, and from them a mosaic, three
maps, their statistics by all groupings and by the paper's cells: of a sixteenth of the Moon, of a
quarter and of all of it, each on a cluster of its own, so that time and memory can be held against
the size; then a gore of 30 degrees from tiles of 100 m, at 100 m and, by means of native pixels, at
200 m. Steps that were finished are kept in ``results.json``: killed, the same command with the same
``--folder`` goes on where it was.

Every step has a cluster of its own; its time has in it that workers get ready (imports, compiling),
so that times are extrapolated by a line through those of the three sizes. Peak memory is the
kernel's own figure (VmHWM). The share of the limit is the workers' processor time for reading,
decoding, encoding and writing over all they took.
"""

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from distributed import Client
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.timing import stored
from benchmarks.scaling.making_tiles import Box, make_tiles, missing
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor, OnDask
from lunarscale.engine.outcome import Tale
from lunarscale.engine.plan import giga
from lunarscale.engine.run import Prepared, complain
from lunarscale.engine.sources import MapsSource
from lunarscale.grid.cells import qiu_2025_cells
from lunarscale.grid.raster import RasterGrid
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

CLUSTER = ClusterChoice(workers=2, threads=1)
#: Pixels a degree at 100 m, the archive's own.
PPD_100_M = 303.23349
BY = ("moon", "maria", "seas", "hemispheres", "latitude:5", "spa")
#: Parts of the work that nobody can do without.
LIMIT = ("read", "decode", "encode", "write")
#: Bytes a pixel that tiles, mosaic and maps take on the disk, rounded up; tiles are sinusoidal.
TILE_BYTES, MOSAIC_BYTES, MAPS_BYTES = 7.5, 6.5, 4.5


@dataclass(frozen=True)
class Case:
    """One map: its resolution and its part of the Moon.

    Parameters
    ----------
    name : str
    ppd, tile_ppd : float
        Of the map, and of the tiles.
    bbox : (west, south, east, north) or None
        None is the whole Moon.
    shard, chunk : int
    """

    name: str
    ppd: float
    tile_ppd: float
    bbox: Box | None
    shard: int = 2048
    chunk: int = 512

    @property
    def grid(self) -> RasterGrid:
        """Where its pixels are."""
        whole = RasterGrid.whole(self.ppd)
        return whole if self.bbox is None else whole.crop(*self.bbox)

    @property
    def pixels(self) -> int:
        """Of the map."""
        return self.grid.height * self.grid.width


@dataclass
class Row:
    """What one step of one case took.

    Parameters
    ----------
    case, step : str
    pixels : int
        Done in this run of the step.
    seconds : float
        By the clock.
    processor : float
        Of both workers.
    laps : dict of str to float
        Processor seconds by part.
    peak, planned : int
        Bytes of the largest worker, and of the plan.
    read, written : int
        Bytes on the disk: inputs, outputs.
    """

    case: str
    step: str
    pixels: int
    seconds: float
    processor: float
    laps: dict[str, float] = field(default_factory=dict)
    peak: int = 0
    planned: int = 0
    read: int = 0
    written: int = 0

    @property
    def limit(self) -> float:
        """Share of the processor time that goes into ``LIMIT``."""
        return sum(self.laps.get(part, 0.0) for part in LIMIT) / max(self.processor, 1e-9)


@dataclass(frozen=True)
class Results:
    """The rows so far, kept in a file."""

    path: Path

    def rows(self) -> list[Row]:
        """All that are there."""
        return (
            [Row(**row) for row in json.loads(self.path.read_text())] if self.path.exists() else []
        )

    def has(self, case: Case, step: str) -> bool:
        """Whether a step is done."""
        return any((row.case, row.step) == (case.name, step) for row in self.rows())

    def add(self, row: Row) -> None:
        """Keep a row."""
        aside = self.path.with_suffix(".partial")
        aside.write_text(json.dumps([asdict(kept) for kept in [*self.rows(), row]], indent=1))
        aside.replace(self.path)


@dataclass(frozen=True)
class Bench:
    """One case on one cluster."""

    case: Case
    folder: Path
    client: Client
    results: Results

    @property
    def executor(self) -> Executor:
        """The cluster's."""
        return OnDask(self.client)

    @property
    def tiles(self) -> Path:
        """Where the tiles of its resolution are."""
        return self.folder / f"tiles-{self.case.tile_ppd:.0f}"

    @property
    def mosaic(self) -> str:
        """Its mosaic."""
        return str(self.folder / self.case.name.replace(" ", "-") / "mosaic.zarr")

    @property
    def maps(self) -> str:
        """Its maps."""
        return str(self.folder / self.case.name.replace(" ", "-") / "maps.zarr")

    def simulate(self) -> None:
        """Make the tiles that are not there."""
        plans = missing(self.tiles, self.case.tile_ppd, self.case.bbox)
        if not plans:
            return
        with self._timed("simulate") as row:
            row.pixels = make_tiles(self.tiles, plans, executor=self.executor, tell=_tell)
            row.written = stored(str(self.tiles))

    def ingest(self) -> None:
        """Tiles to a mosaic."""
        self._run(
            "ingest",
            lambda: prepare_ingest(
                [str(self.tiles)], out=self.mosaic, ppd=self.case.ppd, bbox=self.case.bbox,
                shard=self.case.shard, chunk=self.case.chunk,
            ),
            out=self.mosaic,
        )  # fmt: skip

    def predict(self) -> None:
        """The mosaic to three maps."""
        self._run("predict", lambda: prepare_predict(self.mosaic, out=self.maps), out=self.maps)

    def summarise(self) -> None:
        """Statistics of the maps by all groupings."""
        self._sum("summarise", Histograms(tuple(read_grouping(word) for word in BY)))

    def cells(self) -> None:
        """Statistics of the paper's cells."""
        groupings = tuple(read_grouping(word) for word in BY[:3])
        self._sum("cells", SampledHistograms(qiu_2025_cells(), groupings))

    def _sum(self, step: str, measure: Measure) -> None:
        def prepare() -> Prepared:
            source = MapsSource(Cube.open(Location(self.maps)))
            return prepare_sums(source, {"sums": measure}, verb=step)

        self._run(step, prepare, out=None)

    def _run(self, step: str, prepare: Callable[[], Prepared], *, out: str | None) -> None:
        if self.results.has(self.case, step):
            return
        with self._timed(step) as row:
            prepared = prepare()
            tale = prepared.run(self.executor, _progress(self.case.name, step))
            complain(tale, f"{self.case.name}, {step}")
            row.pixels, row.read, row.written = tale.pixels, tale.bytes_read, tale.bytes_written
            row.laps = {part: lap.processor_s for part, lap in tale.laps.items()}
            row.planned = prepared.plan.worker_bytes(CLUSTER.threads)

    @contextmanager
    def _timed(self, step: str) -> Iterator[Row]:
        row = Row(self.case.name, step, 0, 0.0, 0.0)
        self.client.run(_forget_peak)
        before, start = sum(self.client.run(time.process_time).values()), time.perf_counter()
        yield row
        row.seconds = time.perf_counter() - start
        row.processor = sum(self.client.run(time.process_time).values()) - before
        row.peak = max(self.client.run(_peak).values())
        self.results.add(row)
        os.sync()  # what is unwritten is not the next step's


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _tell(done: int, todo: int) -> None:
    if done % max(1, todo // 20) == 0:
        print(f"  tiles {done:,} of {todo:,}", file=sys.stderr)


def _progress(case: str, step: str) -> Callable[[Tale, int], None]:
    def tell(tale: Tale, todo: int) -> None:
        if tale.done % max(1, todo // 10) == 0:
            print(f"  {case}: {step}, {tale.done:,} of {todo:,} shards", file=sys.stderr)

    return tell


def run(case: Case, folder: Path, results: Results, *, keep: bool) -> None:
    """All steps of a case, each on a cluster of its own; its stores are removed when all are done.

    What one step leaves in a worker's memory is so not the next one's peak.
    """
    if results.has(case, "cells"):
        return
    steps = (Bench.simulate, Bench.ingest, Bench.predict, Bench.summarise, Bench.cells)
    for step in steps:
        if not results.has(case, step.__name__):
            with open_cluster(CLUSTER) as up:
                bench = Bench(case, folder, up.client, results)
                step(bench)
    if not keep:
        shutil.rmtree(Path(bench.mosaic).parent, ignore_errors=True)


def cases(asked: argparse.Namespace) -> list[Case]:
    """From the smallest to the largest, and the gore from tiles of twice the resolution."""
    ppd, cut = PPD_100_M * 100.0 / asked.resolution_m, {"shard": asked.shard, "chunk": asked.chunk}
    made = [
        Case("a sixteenth", ppd, ppd, (0.0, -90.0, 22.5, 90.0), **cut),
        Case("a quarter", ppd, ppd, (0.0, -90.0, 90.0, 90.0), **cut),
        Case("the Moon", ppd, ppd, None, **cut),
    ]
    if asked.gore:
        gore = (0.0, -90.0, asked.gore, 90.0)
        made.append(Case("the gore", 2.0 * ppd, 2.0 * ppd, gore, **cut))
        made.append(Case("the gore by means", ppd, 2.0 * ppd, gore, **cut))
    return made


def needed(case: Case) -> int:
    """Bytes on the disk that a case takes at the most: its tiles, mosaic and maps."""
    tiles = case.pixels * TILE_BYTES * (case.tile_ppd / case.ppd) ** 2
    return math.ceil(tiles + case.pixels * (MOSAIC_BYTES + MAPS_BYTES))


def show(rows: list[Row], made: list[Case], console: Console) -> None:
    """Print the table, and what the whole Moon at twice the resolution would take."""
    sizes = {case.name: case.pixels for case in made}
    table = Table(title="two workers of one thread", box=box.SIMPLE_HEAD)
    for heading in ("", "Mpx", "s", "Mpx/s", "processor s", "by part", "limit", "peak", "plan",
                    "read", "written"):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=heading != "by part")
    for row in rows:
        parts = sorted(row.laps.items(), key=lambda item: -item[1])
        table.add_row(
            f"{row.case}: {row.step}",
            f"{row.pixels / 1e6:,.0f}",
            f"{row.seconds:,.1f}",
            f"{row.pixels / row.seconds / 1e6:,.1f}",
            f"{row.processor:,.1f}",
            ", ".join(f"{part} {seconds:,.1f}" for part, seconds in parts if seconds >= 0.05),
            f"{row.limit:.0%}" if row.laps else "",
            giga(row.peak),
            giga(row.planned) if row.planned else "",
            giga(row.read) if row.read else "",
            giga(row.written) if row.written else "",
        )
    console.print(table)
    for step in ("ingest", "predict", "summarise", "cells"):
        found = {row.case: row for row in rows if row.step == step and row.pixels}
        if "the Moon" in found:
            console.print(f"{step}: {_scaling(found, sizes)}")


def _scaling(found: dict[str, Row], sizes: dict[str, int]) -> str:
    """How time grows with the map, and four times the Moon's pixels by each case's own rate."""
    sized = [row for name, row in found.items() if not name.startswith("the gore")]
    pixels = 4 * sizes["the Moon"]
    whole, smallest = found["the Moon"], min(sized, key=lambda row: row.pixels)
    ready, slope = 0.0, whole.seconds / whole.pixels
    if len(sized) > 1:
        slope, ready = np.polyfit([r.pixels for r in sized], [r.seconds for r in sized], 1)
    by = [ready + pixels * slope, whole.seconds / whole.pixels * pixels]
    if "the gore" in found:
        by.append(found["the gore"].seconds / found["the gore"].pixels * pixels)
    return (
        f"ready in {ready:.1f} s, then {1e-6 / slope:,.1f} Mpx/s; {pixels / 1e9:.2f} Gpx, twice "
        f"the resolution: {by[0]:,.0f} s ({min(by):,.0f}-{max(by):,.0f} by single maps); "
        f"peak of a worker {whole.peak / smallest.peak:.2f} times the smallest map's"
    )


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolution-m", type=float, default=200.0, help="at the equator")
    parser.add_argument("--gore", type=float, default=30.0, help="degrees at twice that; 0: none")
    parser.add_argument("--shard", type=int, default=2048)
    parser.add_argument("--chunk", type=int, default=512)
    parser.add_argument("--folder", help="where all goes, and a killed run goes on")
    parser.add_argument("--keep", action="store_true", help="keep tiles and stores")
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if the disk is too small."""
    asked = settings()
    console, made = Console(width=170), cases(asked)
    folder = Path(asked.folder or tempfile.mkdtemp(prefix="whole-moon-"))
    folder.mkdir(parents=True, exist_ok=True)
    free, most = shutil.disk_usage(folder).free + stored(str(folder)), max(map(needed, made))
    console.print(f"{folder}: {giga(most)} are needed at the most, {giga(free)} are there")
    if free < most:
        console.print("too little room; name another --folder, or a coarser --resolution-m")
        return 1
    results = Results(folder / "results.json")
    for place, case in enumerate(made):
        run(case, folder, results, keep=asked.keep)
        if not asked.keep and case.tile_ppd not in {later.tile_ppd for later in made[place + 1 :]}:
            shutil.rmtree(folder / f"tiles-{case.tile_ppd:.0f}", ignore_errors=True)
    show(results.rows(), made, console)
    if not asked.keep:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
