"""The executors: one verb, two ways, and the ways in which a job or a cluster can fail."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask, Serial
from lunarscale.engine.flight import AHEAD, IN_FLIGHT
from lunarscale.engine.shipping import RETRIES
from lunarscale.errors import ClusterError, TileError


def square(job: int) -> int:
    """A task."""
    return job * job


def add(total: int, result: int) -> int:
    """A merge that commutes."""
    return total + result


def test_serial_merges_in_order() -> None:
    seen: list[int] = []
    folded = Serial().fold(
        square, range(5), merge=lambda t, r: (seen.append(r), t + r)[1], initial=7
    )
    assert seen == [0, 1, 4, 9, 16]
    assert folded == 37


def test_nothing_to_do_is_the_initial() -> None:
    assert Serial().fold(square, [], merge=add, initial=7) == 7


@pytest.mark.cluster
class TestOnDask:
    """On a cluster of two processes."""

    def test_any_number_of_jobs(self, two_workers: Client) -> None:
        for count in (0, 1, 3, 50):
            folded = OnDask(two_workers).fold(square, range(count), merge=add, initial=7)
            assert folded == Serial().fold(square, range(count), merge=add, initial=7)

    def test_jobs_are_taken_as_they_fit_and_let_go_when_merged(self, two_workers: Client) -> None:
        taken = 0

        def jobs() -> Any:
            nonlocal taken
            for job in range(40):
                taken += 1
                yield job

        def merge(total: int, result: int) -> int:
            assert taken - total <= 2 * AHEAD * IN_FLIGHT
            two_workers.sync(asyncio.sleep, 0)  # the client's loop has heard of the release
            assert len(two_workers.futures) < 2 * AHEAD * IN_FLIGHT, "a merged result is not kept"
            return total + 1

        assert OnDask(two_workers).fold(square, jobs(), merge=merge, initial=0) == 40

    def test_equal_jobs_are_jobs_of_their_own(self, two_workers: Client) -> None:
        assert OnDask(two_workers).fold(square, [3] * 9, merge=add, initial=0) == 81

    def test_a_passing_fault_is_tried_again(self, two_workers: Client, tmp_path: Path) -> None:
        folded = OnDask(two_workers).fold(
            Failing(tmp_path, times=RETRIES), range(4), merge=add, initial=0
        )
        assert folded == 14
        assert _attempts(tmp_path) == dict.fromkeys(range(4), RETRIES + 1)

    def test_a_lasting_fault_is_raised_as_it_is(self, two_workers: Client, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="Input/output error"):
            OnDask(two_workers).fold(Failing(tmp_path, times=99), range(1), merge=add, initial=0)
        assert _attempts(tmp_path) == {0: RETRIES + 1}

    def test_our_own_errors_cross_the_wire(self, two_workers: Client) -> None:
        with pytest.raises(TileError, match=r"^tile 3 is short$"):
            OnDask(two_workers).fold(short_tile, [3], merge=add, initial=0)

    def test_whatever_stops_the_fold_cancels_the_rest(self, two_workers: Client) -> None:
        def merge(total: int, result: int) -> int:
            raise KeyboardInterrupt

        before = set(two_workers.futures)
        with pytest.raises(KeyboardInterrupt):
            OnDask(two_workers).fold(square, range(40), merge=merge, initial=0)
        two_workers.sync(asyncio.sleep, 0)
        left = [state for key, state in two_workers.futures.items() if key not in before]
        assert all(state.status == "cancelled" for state in left)
        assert OnDask(two_workers).fold(square, range(5), merge=add, initial=0) == 30

    def test_a_job_that_kills_worker_after_worker(self) -> None:
        with (
            open_cluster(ClusterChoice(workers=1)) as cluster,
            pytest.raises(ClusterError, match="killed worker after worker") as error,
        ):
            OnDask(cluster.client).fold(suicide, [1], merge=add, initial=0)
        assert "needs more memory than a worker has" in str(error.value)


class Failing:
    """A task that fails the first times, for each job."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder, self.times = folder, times

    def __call__(self, job: int) -> int:
        """The square, or the error of a bad disk."""
        attempt = len(list(self.folder.glob(f"{job}-*")))
        (self.folder / f"{job}-{attempt}").touch()
        if attempt < self.times:
            raise OSError(5, os.strerror(5), "/mnt/disk")
        return job * job


def _attempts(folder: Path) -> dict[int, int]:
    jobs = [int(path.name.split("-")[0]) for path in folder.iterdir()]
    return {job: jobs.count(job) for job in jobs}


def short_tile(job: int) -> int:
    """A task that finds a bad tile."""
    raise TileError(f"tile {job} is short")


def suicide(job: int) -> int:
    """A task that kills its worker, every time."""
    os.kill(os.getpid(), signal.SIGKILL)
    return job
