"""Ingest, tiles to Zarr, on two workers of one thread, beside GDAL's warper on the same cluster.

``python -m benchmarks.graphs.bench_ingest`` prints the table; under ``pytest`` both sides lay a few
small tiles. The tiles are simulated, of 100 m; they are laid at 200 m (a mean of some four native
pixels) and, a quarter of the area, at 100 m (nearest). The limit is the same two workers reading
the same bytes of the same tiles, and encoding and writing the same finished shards, nothing else.

All sides are warm and interleaved; figures are medians. Inputs come from the system's cache.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import zarr
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.options import carry_out
from benchmarks.graphs.peer_ingest import Warp, lay_plain
from benchmarks.graphs.timing import Timing, median, timed
from benchmarks.scaling.making_tiles import make_tiles, missing
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import Executor, OnDask, Serial
from lunarscale.engine.mosaicking import MosaicJob, needed_part
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared, complain
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import Window
from lunarscale.laps import Laps
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

CLUSTER = ClusterChoice(workers=2, threads=1)
PPD_100_M = 303.23349
#: How the peer is told to do what we do.
METHODS = {"mean": "average", "nearest": "nearest"}


@dataclass(frozen=True)
class Lay:
    """One way of laying the tiles, by all sides.

    Parameters
    ----------
    name : {"mean", "nearest"}
    folder : Path
    executor : Executor
    ppd : float
        Of the mosaic.
    degrees : float
        Edge of the square, north and east of 0, 0.
    shard, chunk : int
    """

    name: str
    folder: Path
    executor: Executor
    ppd: float
    degrees: float
    shard: int = 2048
    chunk: int = 512

    @property
    def tiles(self) -> Path:
        """Where the tiles are."""
        return self.folder / "tiles"

    def _place(self, side: str) -> str:
        return str(self.folder / f"{self.name}-{side}.zarr")

    def prepared(self, side: str = "ours") -> Prepared:
        """Our run over everything, not begun."""
        return prepare_ingest(
            [str(self.tiles)], out=self._place(side), ppd=self.ppd, shard=self.shard,
            chunk=self.chunk, bbox=(0.0, 0.0, self.degrees, self.degrees), overwrite=True,
        )  # fmt: skip

    def ours(self) -> Tale:
        """Our mosaic, afresh."""
        tale = self.prepared().run(self.executor)
        complain(tale, self._place("ours"))
        return tale

    def peer(self) -> None:
        """The peer's, afresh."""
        prepared, url = self.prepared("plain"), self._place("peer")
        grid = prepared.layout.grid
        bands = len(prepared.layout.camera_facts.wavelengths_nm)
        lay_plain(url, grid, bands=bands, shard=self.shard)
        task = Warp(grid, url, METHODS[self.name])
        self.executor.fold(task, prepared.jobs, merge=_count, initial=0)

    def limit(self) -> None:
        """Reading, encoding and writing alone; our mosaic must be made."""
        ours = Cube.open(Location(self._place("ours")))
        jobs = self.prepared("none").jobs
        scratch = Location(self._place("limit"))
        if scratch.exists():
            Cube.remove(scratch)
        task = Move(ours, Cube.create(scratch, ours.layout, {}))
        self.executor.fold(task, jobs, merge=_count, initial=0)

    def decoded(self) -> None:
        """What the limit must not be charged for: decoding our finished shards."""
        ours = Cube.open(Location(self._place("ours")))
        self.executor.fold(Decode(ours), ours.layout.windows(), merge=_count, initial=0)

    def agreement(self) -> tuple[float, float]:
        """Shares of the counts in which both sides are within 1 %, and of no-data in common."""
        ours = Cube.open(Location(self._place("ours")))
        theirs = zarr.open_array(self._place("peer"), path="reflectance", mode="r")
        near, empty = [], []
        for band in range(theirs.shape[0]):
            window = Window(0, 0, *theirs.shape[1:])
            mine = ours.read("reflectance", window, band).astype(np.float64)
            other = np.asarray(theirs[band]).astype(np.float64)
            both = (mine != NO_DATA) & (other != NO_DATA)
            near.append(np.mean(np.abs(mine - other)[both] <= np.maximum(1.0, 0.01 * mine[both])))
            empty.append(np.mean((mine == NO_DATA) == (other == NO_DATA)))
        return float(np.mean(near)), float(np.mean(empty))


def _count(total: int, pixels: int) -> int:
    return total + pixels


@dataclass(frozen=True)
class Decode:
    """Decodes the finished chunks of a shard, and drops them."""

    source: Cube

    def __call__(self, window: Window) -> int:
        """Returns the shard's pixels."""
        for _ in _chunks(self.source, window):
            pass
        return window.height * window.width


@dataclass(frozen=True)
class Move:
    """Reads what a shard needs of its tiles, and encodes and writes the finished shard again."""

    source: Cube
    target: Cube

    def __call__(self, job: MosaicJob) -> int:
        """Returns the shard's pixels."""
        grid, window = self.source.grid, job.window
        for strip in window.split_rows(self.source.layout.chunk):
            for tile in job.tiles:
                lines, samples = needed_part(tile, grid, strip)
                if lines.start < lines.stop and samples.start < samples.stop:
                    tile.raw(lines, samples)
        with self.target.making(window) as shard:
            for name, band, place, chunk in _chunks(self.source, window):
                shard.writer(name, band).put(*place, chunk)
        return window.height * window.width


def _chunks(cube: Cube, window: Window):  # type: ignore[no-untyped-def]
    across = cube.layout.shard // cube.layout.chunk
    for spec in cube.layout.arrays():
        for band in range(spec.bands) if spec.bands else (None,):
            reader = cube.reader(spec.name, window, band)
            for place in np.ndindex(across, across):
                yield spec.name, band, place, reader.chunk(*place)


def test_both_sides_lay_the_same_tiles(tmp_path: Path) -> None:
    """By nearest and by mean, the peer's counts are near ours."""
    for name, degrees in (("mean", 16.0), ("nearest", 8.0)):
        ppd = 8.0 if name == "mean" else 16.0
        lay = Lay(name, tmp_path, Serial(), ppd, degrees, shard=64, chunk=32)
        plans = missing(lay.tiles, 16.3, (0.0, 0.0, 16.0, 16.0))
        make_tiles(lay.tiles, plans, executor=Serial(), tell=lambda done, todo: None)
        lay.ours()
        lay.peer()
        lay.limit()
        near, empty = lay.agreement()
        assert near > (0.75 if name == "mean" else 0.95)  # GDAL weighs parts of native pixels
        assert empty > 0.98


@dataclass
class Measured:
    """One way of laying: medians by side, our laps, and the agreement with the peer."""

    pixels: int
    timings: dict[str, Timing]
    laps: Laps
    agreement: tuple[float, float]


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Measured]:
    """Make the tiles, warm up, time in turns."""
    found = {}
    with open_cluster(CLUSTER) as up:
        executor = OnDask(up.client)
        lays = [
            Lay("mean", folder, executor, PPD_100_M / 2, asked.degrees),
            Lay("nearest", folder, executor, PPD_100_M, asked.degrees / 2),
        ]
        plans = missing(lays[0].tiles, PPD_100_M, (0.0, 0.0, asked.degrees, asked.degrees))
        make_tiles(lays[0].tiles, plans, executor=executor, tell=_tell)
        for lay in lays:
            taken: dict[str, list[Timing]] = {"ours": [], "peer": [], "limit": [], "decoded": []}
            laps: Laps = {}
            for turn in range(asked.repeats + 1):
                for side, timings in taken.items():
                    tales: list[Tale | None] = []
                    run = partial(_keep, tales, getattr(lay, side))
                    timing = timed(run, up.client)
                    if turn:  # the first turn warms up
                        timings.append(timing)
                        laps = tales[0].laps if tales[0] is not None else laps
                        print(lay.name, side, timing, file=sys.stderr)
            window = lay.prepared("none").layout.grid.window
            medians = {side: median(timings) for side, timings in taken.items()}
            found[lay.name] = Measured(window.height * window.width, medians, laps, lay.agreement())
    return found


def _keep(results: list, run: Callable) -> None:
    results.append(run())


def _tell(done: int, todo: int) -> None:
    print(f"tiles {done} of {todo}", time.strftime("%X"), file=sys.stderr)


def show(found: dict[str, Measured], console: Console) -> None:
    """Print the table."""
    table = Table(title="two workers of one thread", box=box.SIMPLE_HEAD)
    for heading in ("", "s", "processor s", "Mpx/s", "Mpx/s a processor"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, measured in found.items():
        for side in ("ours", "peer"):
            timing = measured.timings[side]
            _add(table, f"{name}, {side}", timing.wall, timing.processor, measured.pixels)
        limit, decoded = measured.timings["limit"], measured.timings["decoded"]
        wall, processor = limit.wall - decoded.wall, limit.processor - decoded.processor
        _add(table, f"{name}, limit", wall, processor, measured.pixels)
    console.print(table)
    for name, measured in found.items():
        ours, peer = measured.timings["ours"], measured.timings["peer"]
        limit, decoded = measured.timings["limit"], measured.timings["decoded"]
        parts = ", ".join(
            f"{part} {lap.processor_s / measured.pixels * 1e9:.1f}"
            for part, lap in sorted(measured.laps.items(), key=lambda item: -item[1].processor_s)
        )
        console.print(
            f"{name}: {peer.wall / ours.wall:.1f} times GDAL's warper "
            f"({peer.processor / ours.processor:.1f} by processor time); "
            f"{(limit.wall - decoded.wall) / ours.wall:.0%} of the limit "
            f"({(limit.processor - decoded.processor) / ours.processor:.0%} by processor time); "
            f"processor ns a pixel: {parts}; within 1 % of the peer's counts in "
            f"{measured.agreement[0]:.1%}, no-data alike in {measured.agreement[1]:.2%}"
        )


def _add(table: Table, name: str, wall: float, processor: float, pixels: int) -> None:
    table.add_row(
        name, f"{wall:.2f}", f"{processor:.2f}", f"{pixels / wall / 1e6:,.1f}",
        f"{pixels / processor / 1e6:,.1f}",
    )  # fmt: skip


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--degrees", type=float, default=27.0, help="edge of the square at 200 m")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", help="where all goes, a temporary folder if none; 2 GB")
    return parser.parse_args()


def main() -> int:
    """Measure and print."""
    return carry_out("ingest", settings(), measure=measure, show=show)


if __name__ == "__main__":
    sys.exit(main())
