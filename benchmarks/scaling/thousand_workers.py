"""A thousand workers by simulation: the real scheduler and client loop, workers that only wait.

``python -m benchmarks.scaling.thousand_workers`` prints tables in about five minutes. The graphs
are those of the whole Moon at 100 m and of Kaguya's maps at 59 m, run by our own ``OnDask`` as in
production: where each worker has many shards to do, a few short ones go together in a task. A task
sleeps what its shards were measured to take. What bends is the scheduler, so the figure to look at
is its processor time a shard: a shard's seconds over it are the workers that one scheduler keeps
busy.
"""

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psutil
from distributed import Client
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.scaling.made_cluster import made_cluster
from lunarscale.engine.executors import OnDask
from lunarscale.engine.outcome import Outcome, Tale
from lunarscale.grid.raster import RasterGrid, Window

#: Edge of a shard.
SHARD = 2048

#: Cylindrical maps, and the seconds of one of their shards on one core: three equations, and five
#: networks (``bench_predict``, ``bench_networks_engine``).
GRAPHS = {
    "Moon, 100 m": RasterGrid.whole(303.23349),
    "Kaguya, 59 m": RasterGrid.whole(512).crop(-180, -65, 180, 65),
}
TASKS = {"equations": 0.1, "networks": 2.0}

#: A run of fewer tasks than the graph has, where it would take longer than this if nothing waited.
LONGEST_S = 8.0

#: Bytes that stand for what a task carries: a store's layout, the models, the run's ticket.
CARRIED = 4000


@dataclass(frozen=True)
class Sleep:
    """A shard's task that does nothing but take its time."""

    seconds: float
    carried: bytes = bytes(CARRIED)

    def __call__(self, window: Window) -> Outcome:
        """Sleep; returns an outcome as a real task's."""
        time.sleep(self.seconds)
        pixels = window.height * window.width
        return Outcome(f"r{window.row}c{window.col}", pixels, 6 * pixels, 9 * pixels)


@dataclass(frozen=True)
class SleepAndTell(Sleep):
    """The same for a reduction: what comes back is a tale, which merges."""

    def __call__(self, window: Window) -> Any:
        """Sleep; returns the tale of one shard."""
        return Tale.of(super().__call__(window))


@dataclass(frozen=True)
class Together:
    """Several shards in one task."""

    task: Sleep

    def __call__(self, windows: list[Window]) -> Outcome:
        """One after the other; returns the last outcome."""
        return [self.task(window) for window in windows][-1]


@dataclass(frozen=True)
class Run:
    """What one run took.

    Parameters
    ----------
    name : str
    workers, tasks : int
    seconds : float
        Of a task.
    elapsed : float
        By the clock.
    scheduler, client : float
        Seconds of processor time of their processes.
    memory : int
        Bytes resident in the scheduler afterwards.
    rest : float
        Share of a processor that the scheduler takes with these workers and no tasks.
    """

    name: str
    workers: int
    tasks: int
    seconds: float
    elapsed: float
    scheduler: float
    client: float
    memory: int
    rest: float

    @property
    def least(self) -> float:
        """Seconds of whole rounds of tasks, if nothing waited."""
        return math.ceil(self.tasks / self.workers) * self.seconds

    @property
    def a_task(self) -> float:
        """Seconds of the scheduler's processor a task, beyond what it takes at rest."""
        return max(self.scheduler - self.rest * self.elapsed, 1e-9) / self.tasks

    @property
    def fed(self) -> float:
        """Workers that the scheduler keeps busy with such tasks."""
        return self.seconds * (1.0 - self.rest) / self.a_task


@dataclass(frozen=True)
class Bench:
    """A cluster that runs are measured on.

    Parameters
    ----------
    client : distributed.Client
    workers : int
    rest : float
        Share of a processor that its scheduler takes without tasks.
    """

    client: Client
    workers: int
    rest: float

    @classmethod
    def at(cls, client: Client, workers: int, look_s: float = 2.0) -> "Bench":
        """Look at the scheduler while nothing runs."""
        before, _ = client.run_on_scheduler(_spent)
        time.sleep(look_s)
        after, _ = client.run_on_scheduler(_spent)
        return cls(client, workers, (after - before) / look_s)

    def fold(self, name: str, jobs: list[Any], seconds: float, task: Any = None) -> Run:
        """A run that writes: every outcome comes back and is merged here."""
        task = task or Sleep(seconds)
        return self.measured(
            name, jobs, seconds,
            lambda: OnDask(self.client).fold(task, jobs, merge=_told, initial=Tale()),
        )  # fmt: skip

    def reduce(self, name: str, jobs: list[Any], seconds: float) -> Run:
        """A run that sums: parts are merged on the workers, in a tree."""
        task = SleepAndTell(seconds)
        return self.measured(
            name, jobs, seconds,
            lambda: OnDask(self.client).reduce(task, jobs, merge=Tale.merge, initial=Tale()),
        )  # fmt: skip

    def measured(self, name: str, jobs: list[Any], seconds: float, run: Callable[[], Tale]) -> Run:
        """Run, and ask the scheduler's process and our own what it took."""
        own, start = time.process_time(), time.perf_counter()
        before, _ = self.client.run_on_scheduler(_spent)
        tale = run()
        after, memory = self.client.run_on_scheduler(_spent)
        elapsed, own = time.perf_counter() - start, time.process_time() - own
        assert tale.done == len(jobs), f"{tale.done} of {len(jobs)}"
        return Run(name, self.workers, len(jobs), seconds, elapsed, scheduler=after - before,
                   client=own, memory=memory, rest=self.rest)  # fmt: skip


def _told(tale: Tale, outcome: Outcome) -> Tale:
    return tale.merge(Tale.of(outcome))


def _spent() -> tuple[float, int]:
    return time.process_time(), psutil.Process(os.getpid()).memory_info().rss


def _windows(grid: RasterGrid, seconds: float, workers: int) -> list[Window]:
    most = max(workers, int(LONGEST_S / seconds) * workers)
    return list(grid.window.split(SHARD))[:most]


def runs(workers: int, tasks: dict[str, float]) -> Iterator[Run]:
    """All graphs and tasks on one cluster of so many workers."""
    with made_cluster(workers) as client:
        bench = Bench.at(client, workers)
        for task, seconds in tasks.items():
            for graph, grid in GRAPHS.items():
                yield bench.fold(f"{graph}, {task}", _windows(grid, seconds, workers), seconds)
            windows = _windows(GRAPHS["Moon, 100 m"], seconds, workers)
            yield bench.reduce(f"sums, {task}", windows, seconds)


def remedies(workers: int, seconds: float, *, together: int = 8) -> Iterator[Run]:
    """The short task on many workers: as it is, and what may help."""
    windows = _windows(GRAPHS["Moon, 100 m"], seconds, workers)
    with made_cluster(workers) as client:
        bench = Bench.at(client, workers)
        yield bench.fold("as it is", windows, seconds)
        address = client.scheduler.address
        with Client(address, set_as_default=False, direct_to_workers=True) as straight:
            direct = replace(bench, client=straight)
            yield direct.fold("results straight from the workers", windows, seconds)
        batches = [windows[start : start + together] for start in range(0, len(windows), together)]
        task = Together(Sleep(seconds))
        yield bench.fold(f"{together} shards a task", batches, together * seconds, task)
        client.run_on_scheduler(_stop_stealing)
        yield bench.fold("no work stealing", windows, seconds)


def _stop_stealing(dask_scheduler: Any = None) -> None:
    dask_scheduler.periodic_callbacks["stealing"].stop()


def show(found: Iterator[Run], title: str, console: Console) -> list[Run]:
    """Print the runs as they come."""
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for heading in ("", "workers", "tasks", "s a task", "s", "at least", "idle", "scheduler",
                    "client", "memory", "at rest", "it feeds"):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=True)
    kept = []
    for run in found:
        kept.append(run)
        table.add_row(
            run.name,
            f"{run.workers:,}",
            f"{run.tasks:,}",
            f"{run.seconds:g}",
            f"{run.elapsed:.1f}",
            f"{run.least:.1f}",
            f"{1 - run.least / run.elapsed:.0%}",
            f"{run.a_task * 1e3:.2f} ms",
            f"{run.client / run.tasks * 1e3:.2f} ms",
            f"{run.memory / 1e6:.0f} MB",
            f"{run.rest:.0%}",
            f"{run.fed:,.0f}",
        )
    console.print(table)
    return kept


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", default="10,100,300,1000", help="commas between")
    parser.add_argument("--no-remedies", action="store_true")
    asked = parser.parse_args()
    console, counts = Console(width=150), [int(word) for word in asked.workers.split(",")]
    for graph, grid in GRAPHS.items():
        console.print(f"{graph}: {len(list(grid.window.split(SHARD))):,} shards of {SHARD}")
    console.print(
        "at least: whole rounds of tasks, if nothing waited; idle: the workers' time beyond that; "
        "scheduler and client: their processor time a task, the scheduler's beyond its share of a "
        "processor at rest; it feeds: workers that a scheduler keeps busy with such tasks"
    )
    for workers in counts:
        show(runs(workers, TASKS), f"{workers:,} workers", console)
    if not asked.no_remedies:
        seconds = TASKS["equations"]
        show(remedies(counts[-1], seconds), f"what helps, at {counts[-1]:,} workers", console)


if __name__ == "__main__":
    main()
