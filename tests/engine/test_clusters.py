"""Clusters: one of our own as it was asked for, one that runs already, and none at all."""

import os
import signal
from time import perf_counter

import dask
import pytest
from dask.utils import parse_timedelta
from distributed import Client, LocalCluster

from lunarscale.engine.clusters import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask
from lunarscale.errors import ClusterError, PlanError


def square(job: int) -> int:
    """A task."""
    return job * job


def add(total: int, result: int) -> int:
    """A merge that commutes."""
    return total + result


@pytest.mark.cluster
@pytest.mark.slow
def test_no_scheduler_at_the_address() -> None:
    start = perf_counter()
    with (
        pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 "),
        open_cluster(ClusterChoice(scheduler="tcp://127.0.0.1:9")),
    ):
        pytest.fail("there is none")
    assert perf_counter() - start < 60, "it is not waited for for ever"


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


@pytest.mark.cluster
@pytest.mark.slow
def test_no_worker_of_our_own_cluster_is_given_up() -> None:
    setting = "distributed.deploy.lost-worker-timeout"
    before = dask.config.get(setting)
    with open_cluster(ClusterChoice(workers=1, memory_limit="700MB")) as cluster:
        assert parse_timedelta(dask.config.get(setting)) > 30 * 86400
        assert cluster.client.cluster is None, "or it would wait for workers through the cluster"
        for _ in range(3):
            (pid,) = cluster.client.run(os.getpid).values()
            os.kill(pid, signal.SIGKILL)
            assert OnDask(cluster.client).fold(process_of, [0], merge=add, initial=0) != pid
    assert dask.config.get(setting) == before


def process_of(job: int) -> int:
    """The worker's process."""
    return os.getpid()


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
