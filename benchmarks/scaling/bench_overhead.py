"""What running many tasks costs beside the tasks: 2,048 jobs on two workers of one thread.

``python -m benchmarks.scaling.bench_overhead`` prints the table; under ``pytest`` few jobs run.

The first row's jobs hold a processor for as long as a shard of 2048 x 2048 takes, and their task is
as heavy as a real one; the second row's are real shards, tiny ones, of which the cost of a task is
much. Idle is what the workers' threads were without a task, by the clock; beside is the processor
time of workers, scheduler and client that no task took, of all processor time.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client, LocalCluster
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.inputs import make_mosaic
from benchmarks.kernels.bench_equations import processor
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import Executor, OnDask, Serial
from lunarscale.engine.run import Prepared
from lunarscale.steps.predict import prepare_predict

CLUSTER = ClusterChoice(workers=2, threads=1)
#: Share of the threads' time that may pass without a task.
ALLOWED = 0.03
TINY = 64


@dataclass(frozen=True)
class Work:
    """What one task took: seconds by the clock and of its thread's processor."""

    clock: float = 0.0
    processor: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.clock + other.clock, self.processor + other.processor)


@dataclass(frozen=True)
class Timed:
    """A task that tells what it took."""

    task: Callable[[Any], Any]

    def __call__(self, job: Any) -> Work:
        """Run it; what it makes is not sent."""
        clock, spent = time.perf_counter(), time.thread_time()
        self.task(job)
        return Work(time.perf_counter() - clock, time.thread_time() - spent)


@dataclass(frozen=True)
class Spin:
    """Holds the processor for so many seconds of it, and carries as much as a real task does."""

    seconds: float
    carried: Any

    def __call__(self, job: Any) -> None:
        """Spin."""
        end = time.thread_time() + self.seconds
        while time.thread_time() < end:
            pass


@dataclass(frozen=True)
class Cost:
    """A run's: jobs, seconds by the clock, the tasks' own, and all processor time."""

    jobs: int
    wall: float
    work: Work
    processor: float

    def idle(self, threads: int) -> float:
        """Share of the threads' time by the clock without a task."""
        return 1.0 - self.work.clock / (threads * self.wall)

    @property
    def beside(self) -> float:
        """Share of all processor time that no task took."""
        return 1.0 - self.work.processor / self.processor


def cost(client: Client, task: Callable[[Any], Any], jobs: list[Any]) -> Cost:
    """Run all jobs and tell what it took."""
    # the workers', the scheduler's and the client's
    processes = [psutil.Process(pid) for pid in {*client.run(os.getpid).values(), os.getpid()}]

    def spent() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    before, start = spent(), time.perf_counter()
    work = OnDask(client).fold(Timed(task), jobs, merge=Work.__add__, initial=Work())
    return Cost(len(jobs), time.perf_counter() - start, work, spent() - before)


def tiny_shards(folder: Path, jobs: int, executor: Executor) -> Prepared:
    """A run of real shards of 64 x 64 pixels over a simulated Moon, at least so many."""
    width = TINY
    while (width // TINY) * (width // 2 // TINY) < jobs:
        width *= 2
    url = str(folder / "mosaic.zarr")
    make_mosaic(url, width=width, shard=TINY, chunk=TINY, executor=executor)
    return prepare_predict(url, out=str(folder / "maps.zarr"))


@pytest.mark.cluster
def test_tasks_are_told_from_what_is_beside_them(tmp_path: Path) -> None:
    """All jobs run once, and neither share is outside of what can be."""
    prepared = tiny_shards(tmp_path, 8, Serial())
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None)
        as local,
        Client(local, set_as_default=False) as client,
    ):  # fmt: skip
        task, jobs = prepared.begin(), prepared.jobs
        assert len(jobs) == 8
        spun = cost(client, Spin(0.02, task), jobs * 2)
        real = cost(client, task, jobs)
    assert spun.jobs == 16
    assert 16 * 0.02 <= spun.work.processor <= spun.work.clock * 1.02 + 0.01
    assert all(0 < of.idle(2) < 1 for of in (spun, real))
    assert (
        prepare_predict(str(tmp_path / "mosaic.zarr"), out=str(tmp_path / "maps.zarr")).jobs == []
    ), "the real shards are done"


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2048)
    parser.add_argument("--milliseconds", type=float, default=80, help="processor time a shard")
    parser.add_argument("--folder", help="where the stores go, a temporary folder if none")
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if threads are idle for longer than allowed."""
    asked = settings()
    folder = Path(tempfile.mkdtemp(prefix="bench-overhead-", dir=asked.folder))
    try:
        with open_cluster(CLUSTER) as up:
            prepared = tiny_shards(folder, asked.jobs, OnDask(up.client))
            task, jobs = prepared.begin(), prepared.jobs
            cost(up.client, task, jobs[:8])  # compiles
            spun = cost(up.client, Spin(asked.milliseconds / 1e3, task), jobs[: asked.jobs])
            real = cost(up.client, task, jobs[: asked.jobs])
    finally:
        shutil.rmtree(folder)
    show({f"spinning {asked.milliseconds:g} ms": spun, f"shards of {TINY} x {TINY}": real})
    return 0 if spun.idle(CLUSTER.worker_count) <= ALLOWED else 1


def show(found: dict[str, Cost]) -> None:
    """Print the table."""
    table = Table(title=f"Tasks and what is beside them, {processor()}", box=box.SIMPLE_HEAD)
    for heading in ("", "jobs", "s", "idle", "idle ms a job", "beside", "beside ms a job"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    threads = CLUSTER.worker_count
    for name, of in found.items():
        idle, beside = of.idle(threads), of.beside
        table.add_row(
            name, f"{of.jobs:,}", f"{of.wall:.1f}",
            f"{idle:.1%}", f"{idle * threads * of.wall / of.jobs * 1e3:.2f}",
            f"{beside:.1%}", f"{beside * of.processor / of.jobs * 1e3:.2f}",
        )  # fmt: skip
    console = Console(width=100)
    console.print(table)
    console.print(f"allowed: {ALLOWED:.0%} of the threads' time idle in the first row")


if __name__ == "__main__":
    sys.exit(main())
