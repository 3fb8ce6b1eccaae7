"""Workers against plain processes: predict of the equations on the same shards, in turns.

``python -m benchmarks.scaling.bench_workers`` prints the table; under ``pytest`` a small Moon is
mapped in each way.

What two workers are held against are two independent processes of ``Serial``, each with half of the
shards, at the same time: no scheduler, no client, nothing between them. All are warm, interleaved;
figures are medians. Strong scaling: the same shards however many run; weak: half of them for one.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.inputs import make_mosaic
from benchmarks.graphs.options import moon_options
from benchmarks.kernels.bench_equations import processor
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask, Serial
from lunarscale.engine.mapping import MapJob, MapTask
from lunarscale.engine.outcome import Outcome, Tale
from lunarscale.engine.run import complain
from lunarscale.steps.predict import prepare_predict

#: Share of the two processes' rate that two workers must reach.
REQUIRED = 0.93
PLAIN = "two plain processes"
WAYS = {
    "2 workers x 1 thread": ClusterChoice(workers=2, threads=1),
    "1 worker x 2 threads": ClusterChoice(workers=1, threads=2),
    "1 worker x 1 thread": ClusterChoice(workers=1, threads=1),
}
ADAPTIVE = "adaptive, 1 to 2 workers"


@dataclass(frozen=True)
class Took:
    """Seconds of a run, by the clock and of the processors that did the work."""

    clock: float
    processor: float


def merged(tale: Tale, outcome: Outcome) -> Tale:
    """The tale with one more shard."""
    return tale.merge(Tale.of(outcome))


@dataclass(frozen=True)
class Way:
    """One way of running: makes jobs, and tells the processor time of those that run them."""

    run: Callable[[MapTask, list[MapJob]], Tale]
    spent: Callable[[], float]

    def time(self, task: MapTask, jobs: list[MapJob]) -> Took:
        """Run the jobs; all of them must be done."""
        os.sync()
        before, start = self.spent(), time.perf_counter()
        tale = self.run(task, jobs)
        took = Took(time.perf_counter() - start, self.spent() - before)
        complain(tale, task.maps.location.url)
        assert tale.done == len(jobs)
        return took


def serially(task: MapTask, jobs: list[MapJob]) -> Tale:
    """In this process."""
    return Serial().fold(task, jobs, merge=merged, initial=Tale())


def spent_by(pids: list[int]) -> float:
    """Processor seconds of some processes so far."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


@contextmanager
def plain_processes(count: int) -> Iterator[Way]:
    """Processes of ``Serial``, each with its share of the jobs; they know nothing of each other."""
    with ExitStack() as stack:
        pools = [
            stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
            for _ in range(count)
        ]
        pids = [pool.submit(os.getpid).result() for pool in pools]

        def run(task: MapTask, jobs: list[MapJob]) -> Tale:
            parts = [
                pool.submit(serially, task, jobs[number::count])
                for number, pool in enumerate(pools)
            ]
            tale = Tale()
            for part in parts:
                tale = tale.merge(part.result())
            return tale

        yield Way(run, partial(spent_by, pids))


def on_dask(client: Client) -> Way:
    """On a cluster; workers that have gone meanwhile are not counted."""

    def run(task: MapTask, jobs: list[MapJob]) -> Tale:
        return OnDask(client).fold(task, jobs, merge=merged, initial=Tale())

    return Way(run, lambda: spent_by(list(client.run(os.getpid).values())))


@contextmanager
def adaptive() -> Iterator[Way]:
    """A cluster that starts its second worker when there is work, and ends it afterwards."""
    with (
        dask.config.set({"distributed.adaptive.interval": "250ms"}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as local,
        Client(local.scheduler_address, set_as_default=False) as client,
    ):
        local.adapt(minimum=1, maximum=2)
        yield on_dask(client)


@contextmanager
def all_ways() -> Iterator[dict[str, Way]]:
    """Every way, up at the same time: those that wait take next to nothing."""
    with ExitStack() as stack:
        ways = {PLAIN: stack.enter_context(plain_processes(2))}
        for name, choice in WAYS.items():
            cluster = stack.enter_context(open_cluster(replace(choice, memory_limit="3GB")))
            ways[name] = on_dask(cluster.client)
        ways[ADAPTIVE] = stack.enter_context(adaptive())
        yield ways


def planned(folder: Path) -> tuple[MapTask, list[MapJob]]:
    """All shards of the equations' maps, afresh."""
    maps = folder / "maps.zarr"
    shutil.rmtree(maps, ignore_errors=True)
    prepared = prepare_predict(str(folder / "mosaic.zarr"), out=str(maps))
    task = prepared.begin()
    assert isinstance(task, MapTask)
    return task, prepared.jobs


@pytest.mark.cluster
@pytest.mark.slow
def test_every_way_makes_all_shards(tmp_path: Path) -> None:
    """Whoever runs them, all shards are made, and nothing is left to do."""
    make_mosaic(str(tmp_path / "mosaic.zarr"), width=256, shard=64, chunk=64, executor=Serial())
    with plain_processes(2) as plain, adaptive() as elastic:
        for name, way in {PLAIN: plain, ADAPTIVE: elastic}.items():
            task, jobs = planned(tmp_path)
            assert len(jobs) == 8
            took = way.time(task, jobs)
            assert took.clock > 0, name
            again = prepare_predict(str(tmp_path / "mosaic.zarr"), out=str(tmp_path / "maps.zarr"))
            assert again.jobs == [], name


Rows = dict[str, tuple[Took, Took]]


def measure(folder: Path, repeats: int) -> tuple[Rows, int]:
    """Medians of every way, of all shards and of half of them, and the pixels of all."""
    taken: dict[str, tuple[list[Took], list[Took]]] = {}
    with all_ways() as ways:
        for turn in range(repeats + 1):
            for name, way in ways.items():
                task, jobs = planned(folder)
                whole = way.time(task, jobs)
                half = way.time(task, jobs[: len(jobs) // 2])
                print(turn, name, whole, half, file=sys.stderr)
                if turn:  # the first is for compiling
                    of = taken.setdefault(name, ([], []))
                    of[0].append(whole)
                    of[1].append(half)
    pixels = sum(job.window.height * job.window.width for job in jobs)
    return {name: (_median(of[0]), _median(of[1])) for name, of in taken.items()}, pixels


def _median(taken: list[Took]) -> Took:
    return Took(
        float(np.median([took.clock for took in taken])),
        float(np.median([took.processor for took in taken])),
    )


def main() -> int:
    """Measure and print; 1 if two workers are slower than they must be."""
    asked = moon_options(__doc__.splitlines()[0], room="2 GB").parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-workers-", dir=asked.folder))
    cut = {"width": asked.width, "shard": asked.shard, "chunk": asked.chunk}
    try:
        with open_cluster(ClusterChoice(workers=2)) as up:
            make_mosaic(str(folder / "mosaic.zarr"), **cut, executor=OnDask(up.client))
        rows, pixels = measure(folder, asked.repeats)
    finally:
        shutil.rmtree(folder)
    share = show(rows, pixels)
    return 0 if share >= REQUIRED else 1


def show(rows: Rows, pixels: int) -> float:
    """Print the table; the share of the plain processes' rate that two workers reach."""
    (plain, _), (one, one_half) = rows[PLAIN], rows["1 worker x 1 thread"]
    table = Table(title=f"{pixels / 1e6:,.0f} Mpx, {processor()}", box=box.SIMPLE_HEAD)
    headings = ("", "s", "Mpx/s", "of plain", "by processor", "strong", "weak")
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, (whole, _) in rows.items():
        hands = 1 if name == "1 worker x 1 thread" else 2
        table.add_row(
            name, f"{whole.clock:.2f}", f"{pixels / whole.clock / 1e6:.1f}",
            f"{plain.clock / whole.clock:.1%}", f"{plain.processor / whole.processor:.1%}",
            f"{one.clock / whole.clock / hands:.1%}",
            f"{(one_half if hands == 2 else one).clock / whole.clock:.1%}",
        )  # fmt: skip
    console = Console(width=100)
    console.print(table)
    share = plain.clock / rows["2 workers x 1 thread"][0].clock
    console.print(f"two workers: {share:.1%} of two plain processes (required {REQUIRED:.0%})")
    return share


if __name__ == "__main__":
    sys.exit(main())
