"""Several jobs a task: every job once, in small and smaller batches, none behind a long one."""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.engine import batches
from lunarscale.engine.batches import LONG_S, MOST, ROUNDS, Batches, Done, Together
from lunarscale.engine.executors import OnDask
from lunarscale.engine.shipping import RETRIES, Shipped
from lunarscale.errors import TileError


def sizes(waiting: Batches, threads: int) -> list[int]:
    """Of all batches, dealt one after the other."""
    found = []
    while dealt := waiting.deal(1, threads=threads):
        found.append(len(dealt[0]))
    return found


@pytest.mark.parametrize(("jobs", "threads"), [(32, 2), (1458, 2), (1458, 16), (7, 1), (8, 1000)])
def test_batches_become_smaller_towards_the_end(jobs: int, threads: int) -> None:
    found = sizes(Batches(range(jobs)), threads)
    assert sum(found) == jobs
    assert found == sorted(found, reverse=True)
    assert max(found) == min(MOST, max(1, jobs // (ROUNDS * threads)))
    assert set(found[-min(jobs, ROUNDS * threads) :]) == {1}, "no thread waits for a long last task"


def test_where_nobody_knows_how_many_are_left_jobs_go_one_by_one_and_when_asked_for() -> None:
    jobs = iter(range(9))
    waiting = Batches(jobs)
    assert waiting.deal(3, threads=1) == [[0], [1], [2]]
    assert next(jobs) == 3, "no more were taken"
    assert sizes(waiting, 1) == [1] * 5


@given(
    jobs=st.integers(0, 60), threads=st.integers(0, 5), room=st.integers(1, 9), seed=st.integers()
)
def test_every_job_comes_back_once(jobs: int, threads: int, room: int, seed: int) -> None:
    """Whatever part of a batch a task does, in whatever order and at whatever pace."""
    chance, waiting = random.Random(seed), Batches(range(jobs))
    flight: list[list[int]] = []
    done: list[int] = []
    while True:
        flight += waiting.deal(room - len(flight), threads=threads)
        if not flight:
            break
        batch = flight.pop(chance.randrange(len(flight)))
        assert 1 <= len(batch) <= MOST
        count = chance.randint(1, len(batch))
        done += batch[:count]
        waiting.settle(batch, Done(list(batch[:count]), count * chance.random()))
    assert sorted(done) == list(range(jobs))


def test_long_jobs_are_alone_and_short_ones_together_again() -> None:
    waiting = Batches(range(100))
    (first,) = waiting.deal(1, threads=1)
    waiting.settle(first, Done([None], 2 * LONG_S))
    assert waiting.deal(2, threads=1) == [[1], [2]], "what was left over goes first"
    waiting.settle([1], Done([None], LONG_S / 2))
    assert len(waiting.deal(1, threads=1)[0]) == 2
    waiting.settle([2], Done([None], 0.0))
    assert len(waiting.deal(1, threads=1)[0]) == MOST


def test_a_task_begins_no_other_job_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    together = Together(Shipped.of(square))
    assert together([3, 4, 5]).results == [9, 16, 25]
    monkeypatch.setattr(batches, "LONG_S", 0.0)
    assert together([3, 4, 5]).results == [9]


def square(job: int) -> int:
    """A task."""
    return job * job


def choosy(job: int) -> int:
    """A task that finds one bad tile."""
    if job % 10 == 5:
        raise TileError(f"tile {job} is short")
    return job


def test_a_job_that_fails_behind_others_is_left_over_and_tells_as_a_first_one() -> None:
    together = Together(Shipped.of(choosy))
    assert together([3, 4, 5, 6]).results == [3, 4]
    with pytest.raises(TileError, match=r"^tile 5 is short$"):
        together([5, 6])


class Failing:
    """A task that fails the first times, for each job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, job: int) -> Counter[int]:
        """The job, or the error of a bad disk."""
        attempt = len(list(self.folder.glob(f"{job}-*")))
        (self.folder / f"{job}-{attempt}").touch()
        if attempt < RETRIES:
            raise OSError(5, os.strerror(5), "/mnt/disk")
        return Counter([job])


def add(total: Any, result: Any) -> Any:
    """A merge."""
    return total + result


@pytest.mark.cluster
def test_passing_and_lasting_faults_among_many(two_workers: Client, tmp_path: Path) -> None:
    """The first are tried again, each job that came back is merged once; the others are raised."""
    none: Counter[int] = Counter()
    found = OnDask(two_workers).fold(Failing(tmp_path), range(40), merge=add, initial=none)
    assert found == Counter(range(40))
    with pytest.raises(TileError, match=r"^tile \d?5 is short$"):
        OnDask(two_workers).fold(choosy, range(40), merge=add, initial=0)
    assert OnDask(two_workers).fold(square, range(40), merge=add, initial=0) == 20540
