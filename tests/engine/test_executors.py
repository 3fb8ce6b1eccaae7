"""The executors: one verb, two ways, and every way in which a job or a cluster can fail."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from distributed import Client, LocalCluster

from lunarscale.engine.clusters import ClusterChoice, open_cluster
from lunarscale.engine.executors import IN_FLIGHT, RETRIES, OnDask, Serial
from lunarscale.errors import ClusterError, PlanError, TileError


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
            assert taken - total <= 2 * IN_FLIGHT
            two_workers.sync(asyncio.sleep, 0)  # the client's loop has heard of the release
            assert len(two_workers.futures) < 2 * IN_FLIGHT, "a merged result is not kept"
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
            LocalCluster(
                n_workers=1, threads_per_worker=1, processes=True,
                dashboard_address="127.0.0.1:0", silence_logs=50,
            ) as local,
            Client(local, set_as_default=False) as client,
            pytest.raises(ClusterError, match="killed worker after worker") as error,
        ):  # fmt: skip
            OnDask(client).fold(suicide, [1], merge=add, initial=0)
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


@pytest.mark.cluster
@pytest.mark.slow
def test_no_scheduler_at_the_address() -> None:
    start = perf_counter()
    with (
        pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 "),
        open_cluster(ClusterChoice(scheduler="tcp://127.0.0.1:9")),
    ):
        pytest.fail("there is none")
    assert perf_counter() - start < 15


@pytest.mark.parametrize("address", ["nonsense://host", "tcp://127.0.0.1:notaport"])
def test_an_address_that_is_none(address: str) -> None:
    with (
        pytest.raises(ClusterError, match="no Dask scheduler answers at"),
        open_cluster(ClusterChoice(scheduler=address)),
    ):
        pytest.fail("there is none")


@pytest.mark.cluster
def test_a_scheduler_without_workers() -> None:
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50) as local:
        address = local.scheduler_address
        with (
            pytest.raises(ClusterError, match="has no workers") as error,
            open_cluster(ClusterChoice(scheduler=address)),
        ):
            pytest.fail("there are none")
    assert f"dask worker {address}" in str(error.value)


@pytest.mark.cluster
def test_a_running_scheduler_is_used_and_left_running(two_workers: Client) -> None:
    address = two_workers.scheduler.address
    with open_cluster(ClusterChoice(scheduler=address)) as cluster:
        assert (cluster.threads, cluster.client.scheduler.address) == (1, address)
        limits = [w["memory_limit"] for w in two_workers.scheduler_info()["workers"].values()]
        assert cluster.worker_bytes == min(limits)
        assert OnDask(cluster.client).fold(square, range(5), merge=add, initial=0) == 30
    assert OnDask(two_workers).fold(square, range(5), merge=add, initial=0) == 30


@pytest.mark.cluster
def test_our_own_cluster_is_as_asked_and_gone_after() -> None:
    with open_cluster(ClusterChoice(workers=1, threads=2, memory_limit="700MB")) as cluster:
        assert list(cluster.client.nthreads().values()) == [2]
        assert (cluster.threads, cluster.worker_bytes) == (2, 700_000_000)
        pid = OnDask(cluster.client).fold(process_of, [0], merge=add, initial=0)
        assert pid != os.getpid()
        assert cluster.dashboard.startswith("http://127.0.0.1:")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def process_of(job: int) -> int:
    """The worker's process."""
    return os.getpid()


#: A scheduler and one worker of its own, which die with it.
CLUSTER = """
from distributed import LocalCluster
import sys
if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0",
                      silence_logs=50, processes=False, protocol="tcp") as local:
        print(local.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.mark.cluster
@pytest.mark.slow
def test_a_cluster_that_goes_away_in_mid_run() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()

    def merge(total: int, result: int) -> int:
        if total == 0:
            process.kill()
            process.wait()
        return total + 1

    try:
        with (
            pytest.raises(ClusterError, match="the cluster went away in mid-run"),
            open_cluster(ClusterChoice(scheduler=address)) as cluster,
        ):
            OnDask(cluster.client).fold(abs, range(1000), merge=merge, initial=0)
    finally:
        process.kill()
        process.communicate()


def test_memory_limits_are_read_or_refused() -> None:
    assert ClusterChoice(memory_limit="4GiB").worker_bytes == 4 * 2**30
    assert ClusterChoice(memory_limit="500MB").worker_bytes == 500_000_000
    with pytest.raises(PlanError, match="--memory-limit plenty: not a number of bytes"):
        _ = ClusterChoice(memory_limit="plenty").worker_bytes


def test_the_default_cluster_shares_the_machine() -> None:
    cores = len(os.sched_getaffinity(0))
    assert ClusterChoice().worker_count == cores
    assert ClusterChoice(threads=10_000).worker_count == 1
    one, two = (ClusterChoice(workers=n).worker_bytes for n in (1, 2))
    assert 0.4 < two / one < 0.6
