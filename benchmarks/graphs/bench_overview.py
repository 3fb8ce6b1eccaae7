"""Overviews of maps on two workers of one thread, beside GDAL's, xarray's and the limit.

``python -m benchmarks.graphs.bench_overview`` prints the tables; under ``pytest`` all sides run on
a small Moon, and their means are held against each other.

GDAL averages the same counts in tiled, packed GeoTIFFs (what ``gdaladdo -r average`` does), two
layers at a time; xarray takes ``coarsen(...).mean()`` of the same store through Dask. Both take
means of means and weigh no areas, and neither reads or writes flags. The *limit* is the same two
workers decoding the maps once, and encoding and writing our finished levels, nothing else.

All sides are warm and interleaved; figures are medians, in layer pixels (pixels of the maps times
layers). Inputs come from the system's cache; what is unwritten is flushed between the timed runs.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dask
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.options import carry_out, moon_options
from benchmarks.graphs.overview_scene import Scene
from benchmarks.graphs.timing import Timing, as_the_command, median, timed
from benchmarks.kernels.bench_equations import processor
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask, Serial
from lunarscale.engine.outcome import Tale
from lunarscale.engine.plan import giga
from lunarscale.laps import Laps
from lunarscale.store.cube import Cube
from lunarscale.store.levels import levels
from lunarscale.store.location import Location

#: Ours over the faster peer; the limit's time over ours.
REQUIRED, OF_LIMIT = 2.0, 0.30
CLUSTER = ClusterChoice(workers=2, threads=1)
PEERS = ("gdal", "xarray")
#: Values that each peer must have within a count of ours, at least: of few rows areas tell more.
SAME = 0.97


def test_all_sides_make_the_same_means(tmp_path: Path) -> None:
    """Within a count nearly everywhere: peers round means of means, and weigh no areas."""
    scene = Scene(tmp_path, 1024, 256, 64, 256, Serial())
    scene.make()
    laps = scene.ours().laps
    assert {"read", "decode", "compute", "encode", "write", "ledger"} <= set(laps)
    scene.clear()
    scene.gdal()
    with dask.config.set(scheduler="synchronous"):
        scene.xarray()
    for name, (near, common) in scene.agreement().items():
        assert near >= SAME, name
        assert common == 1.0, name


def test_the_limit_moves_the_same_bytes(tmp_path: Path) -> None:
    """Every object of every level that it writes is ours, byte for byte."""
    scene = Scene(tmp_path, 1024, 256, 64, 256, Serial())
    scene.make()
    scene.ours()
    scene.limit()
    scene.decoded()
    objects = 0
    for number, level in enumerate(levels(Cube.open(Location(scene.maps)))[1:]):
        root = Path(level.location.path)
        for file in (path for path in root.glob("*/c/*/*") if path.is_file()):
            twin = tmp_path / "limit" / str(number) / file.relative_to(root)
            assert twin.read_bytes() == file.read_bytes()
            objects += 1
    assert objects >= 2 * 2 * len(scene.layers)


@dataclass
class Measured:
    """All figures of one run of the benchmark.

    Parameters
    ----------
    pixels : int
        Of the maps, times layers.
    timings : dict of str to Timing
        Medians by side; ``limit`` is without the decoding of the levels.
    agreement : dict of str to (float, float)
        Shares of the values that each peer has within a count of ours, and has at all.
    laps : mapping of str to Lap
        Where the time of our tasks went, warm.
    alone : Timing
        Ours on a cluster that has run nothing else.
    planned : int
        Bytes of a worker by the plan.
    """

    pixels: int
    timings: dict[str, Timing]
    agreement: dict[str, tuple[float, float]]
    laps: Laps
    alone: Timing
    planned: int


def measure(asked: argparse.Namespace, folder: Path) -> Measured:
    """Make the maps, warm all sides up, time them in turns, and compare."""
    cut = (asked.width, asked.shard, asked.chunk, asked.peer_chunk)
    with open_cluster(CLUSTER) as up:
        scene = Scene(folder, *cut, OnDask(up.client))
        scene.make()
        with dask.config.set(scheduler=up.client):  # where xarray's own computations run
            taken, laps = _race(scene, partial(timed, client=up.client), asked.repeats)
            agreement = scene.agreement()
    # memory that others left behind must not count as ours
    with as_the_command(folder), open_cluster(CLUSTER) as fresh:
        alone = timed(Scene(folder, *cut, OnDask(fresh.client)).ours, fresh.client)
    timings = {name: median(of) for name, of in taken.items()}
    whole, decoded = timings["limit"], timings.pop("decoded")
    timings["limit"] = Timing(
        whole.wall - decoded.wall, whole.processor - decoded.processor, whole.peak
    )
    planned = scene.prepared().plan.worker_bytes(CLUSTER.threads)
    return Measured(scene.pixels, timings, agreement, laps, alone, planned)


def _race(
    scene: Scene, timed: Callable[[Callable[[], object]], Timing], repeats: int
) -> tuple[dict[str, list[Timing]], Laps]:
    """Times of all sides, one after the other, again and again; our laps of the last turn."""
    taken: dict[str, list[Timing]] = {}
    tales: list[Tale] = []
    sides: dict[str, Callable[[], object]] = {
        "ours": lambda: tales.append(scene.ours()),
        "limit": scene.limit,
        "decoded": scene.decoded,
        "gdal": scene.gdal,
        "xarray": scene.xarray,
    }
    for turn in range(repeats + 1):  # the first one warms up
        scene.clear()
        for name, run in sides.items():
            timing = timed(run)
            taken.setdefault(name, [])
            taken[name] += [timing] if turn else []
            print(name, timing, file=sys.stderr)
    return taken, tales[-1].laps


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = moon_options(__doc__.splitlines()[0], room="5 GB")
    parser.add_argument("--peer-chunk", type=int, default=2048)
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if a requirement is not met."""
    return carry_out("overview", settings(), measure=measure, show=show)


def show(found: Measured, console: Console) -> bool:
    """Print everything; whether the requirements are met."""
    table = Table(title=f"{found.pixels / 1e6:,.0f} Mpx, {processor()}", box=box.SIMPLE_HEAD)
    for heading in ("", "s", "processor s", "layer Mpx/s", "a processor s", "peak of a worker"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, timing in found.timings.items():
        rates = (found.pixels / each / 1e6 for each in (timing.wall, timing.processor))
        seconds = (f"{timing.wall:.2f}", f"{timing.processor:.2f}")
        table.add_row(name, *seconds, *(f"{rate:,.0f}" for rate in rates), giga(timing.peak))
    console.print(table)
    ours, limit = found.timings["ours"], found.timings["limit"]
    ratios = {name: found.timings[name].wall / ours.wall for name in PEERS}
    for name, ratio in ratios.items():
        near, common = found.agreement[name]
        console.print(
            f"ours over {name}: {ratio:.1f} times by the clock, "
            f"{found.timings[name].processor / ours.processor:.1f} by processor time; it has "
            f"{near:.2%} of our values within a count (at least {SAME:.0%}), {common:.2%} at all"
        )
    share = limit.wall / ours.wall
    console.print(
        f"of the limit of the same bytes: {share:.0%} (required {OF_LIMIT:.0%}), "
        f"{limit.processor / ours.processor:.0%} by processor time"
    )
    peak = found.alone.peak
    console.print(
        f"peak of a worker, on a fresh cluster: {giga(peak)} of the {giga(found.planned)} planned"
    )
    _show_laps(found, console)
    is_same = all(near >= SAME for near, _ in found.agreement.values())
    return min(ratios.values()) >= REQUIRED and share >= OF_LIMIT and is_same


def _show_laps(found: Measured, console: Console) -> None:
    whole = sum(lap.processor_s for lap in found.laps.values())
    parts = ", ".join(
        f"{part} {lap.processor_s / found.pixels * 1e9:.2f}"
        for part, lap in sorted(found.laps.items(), key=lambda item: -item[1].processor_s)
    )
    console.print(f"processor ns a layer pixel: {whole / found.pixels * 1e9:.2f}; {parts}")


if __name__ == "__main__":
    sys.exit(main())
