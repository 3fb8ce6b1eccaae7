"""The tree of merges on the workers: what ``Serial`` says, however it is cut, killed or stopped."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest
from distributed import Client, get_worker

from lunarscale.engine.executors import OnDask, Serial
from lunarscale.engine.flight import IN_FLIGHT
from lunarscale.engine.shipping import RETRIES
from lunarscale.engine.tree import FAN_IN

pytestmark = pytest.mark.cluster


@dataclass(frozen=True)
class Part:
    """Which jobs are in it, and where and how it was merged."""

    jobs: Counter[int] = field(default_factory=Counter)
    merges: int = 0
    processes: frozenset[int] = frozenset()

    def merge(self, other: "Part") -> "Part":
        """Both in one."""
        return Part(
            self.jobs + other.jobs,
            self.merges + other.merges + 1,
            self.processes | other.processes | {os.getpid()},
        )


def part(job: int) -> Part:
    """A task."""
    return Part(Counter([job]))


def grown(client: Client, jobs: Any, **options: Any) -> Part:
    """The reduction of a task over jobs; ``part`` unless another is given."""
    task = options.pop("task", part)
    return OnDask(client).reduce(task, jobs, merge=Part.merge, initial=Part(), **options)


@pytest.mark.parametrize(
    "count", [0, 1, 2, FAN_IN - 1, FAN_IN, FAN_IN + 1, 2 * FAN_IN - 1, FAN_IN**2 + 1, 100]
)
def test_the_same_as_serial(count: int, two_workers: Client) -> None:
    told: list[int] = []
    ours = grown(two_workers, range(count), tell=told.append)
    serial = Serial().reduce(part, range(count), merge=Part.merge, initial=Part())
    assert ours.jobs == serial.jobs == Counter(range(count))
    assert ours.merges == serial.merges == count, "every part is merged once, none twice"
    assert sorted(told) == list(range(count))


def test_any_order_and_equal_jobs(two_workers: Client) -> None:
    jobs = [job % 7 for job in range(40)]
    expected = Counter(jobs)
    for seed in range(3):
        Random(seed).shuffle(jobs)
        assert grown(two_workers, jobs).jobs == expected


def test_serial_tells_in_order_and_starts_from_the_initial() -> None:
    told: list[int] = []
    start = Part(Counter([99]))
    found = Serial().reduce(part, range(3), merge=Part.merge, initial=start, tell=told.append)
    assert found.jobs == Counter([99, 0, 1, 2])
    assert told == [0, 1, 2]


def test_parts_are_merged_on_the_workers(two_workers: Client) -> None:
    everywhere = grown(two_workers, range(FAN_IN)).processes
    workers = set(two_workers.run(os.getpid).values())
    assert everywhere - {os.getpid()}
    assert everywhere <= workers | {os.getpid()}
    (alone,) = grown(two_workers, range(1)).processes
    assert alone == os.getpid(), "but into the initial here"


def held(dask_scheduler: Any) -> int:
    """Parts that are made or kept on a cluster, whose scheduler this is."""
    states = Counter(task.state for task in dask_scheduler.tasks.values())
    return states.total() - states["released"] - states["forgotten"]


def test_what_waits_is_bounded(two_workers: Client) -> None:
    taken, told, most = 0, 0, 0
    bound = 2 * IN_FLIGHT + FAN_IN + 1  # the one merge in flight that there can be then, too

    def jobs() -> Iterator[int]:
        nonlocal taken
        for job in range(100):
            taken += 1
            yield job

    def tell(job: int) -> None:
        nonlocal told, most
        told += 1
        assert taken - told < 2 * IN_FLIGHT, "leaves in flight"
        end = monotonic() + 60.0
        while (now := two_workers.run_on_scheduler(held)) > bound and monotonic() < end:
            pass  # the scheduler has still to hear what was let go
        most = max(most, now)

    assert grown(two_workers, jobs(), tell=tell).jobs == Counter(range(100))
    assert FAN_IN <= most <= bound
    two_workers.sync(asyncio.sleep, 0)
    assert not two_workers.futures, "nothing is kept"


@dataclass(frozen=True)
class Murderous:
    """A task that kills its worker, once, when that holds some parts."""

    diary: Path

    def __call__(self, job: int) -> Part:
        """Note the start, and die if it is time."""
        self.diary.joinpath(f"{job}-{os.getpid()}-{len(list(self.diary.iterdir()))}").touch()
        if len(get_worker().data) >= 3 and not (self.diary / "killed").exists():
            (self.diary / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return part(job)


def test_a_killed_worker_s_parts_are_made_again(two_workers: Client, tmp_path: Path) -> None:
    told: list[int] = []
    found = grown(two_workers, range(60), task=Murderous(tmp_path), tell=told.append)
    assert found.jobs == Counter(range(60))
    assert sorted(told) == list(range(60)), "what is made again is not told again"
    assert (tmp_path / "killed").exists()
    starts = Counter(int(path.name.split("-")[0]) for path in tmp_path.glob("*-*"))
    assert set(starts) == set(range(60))
    assert starts.total() >= 60 + 1 + 3, "the job that killed it and what it held"


@dataclass(frozen=True)
class Failing:
    """A task that meets a bad disk in one job, the first times."""

    folder: Path
    times: int

    def __call__(self, job: int) -> Part:
        """Its part, or the error."""
        attempt = len(list(self.folder.iterdir()))
        if job == 30 and attempt < self.times:
            (self.folder / str(attempt)).touch()
            raise OSError(5, os.strerror(5), "/mnt/disk")
        return part(job)


def test_a_passing_fault_is_tried_again(two_workers: Client, tmp_path: Path) -> None:
    assert grown(two_workers, range(40), task=Failing(tmp_path, RETRIES)).jobs.total() == 40
    assert len(list(tmp_path.iterdir())) == RETRIES


def test_a_lasting_fault_is_raised_and_stops_all(two_workers: Client, tmp_path: Path) -> None:
    told: list[int] = []
    with pytest.raises(OSError, match="Input/output error"):
        grown(two_workers, range(1000), task=Failing(tmp_path, 99), tell=told.append)
    assert len(list(tmp_path.iterdir())) == RETRIES + 1
    assert len(told) < 100
    assert_nothing_is_left(two_workers)


def quarrel(one: Part, other: Part) -> Part:
    """A merge that fails on what is merged already."""
    if one.merges:
        raise ValueError("these do not merge")
    return one.merge(other)


def test_a_merge_that_fails(two_workers: Client) -> None:
    with pytest.raises(ValueError, match="these do not merge"):
        OnDask(two_workers).reduce(part, range(1000), merge=quarrel, initial=Part())
    assert_nothing_is_left(two_workers)


def test_ctrl_c_cancels_the_rest(two_workers: Client) -> None:
    told: list[int] = []

    def tell(job: int) -> None:
        told.append(job)
        if len(told) == FAN_IN + 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grown(two_workers, range(1000), tell=tell)
    assert_nothing_is_left(two_workers)
    assert grown(two_workers, range(20)).jobs == Counter(range(20))


def assert_nothing_is_left(client: Client) -> None:
    """The client wants nothing any more; the scheduler has heard of it or will."""
    client.sync(asyncio.sleep, 0)
    assert all(state.status == "cancelled" for state in client.futures.values())
    while client.run_on_scheduler(held):
        pass
