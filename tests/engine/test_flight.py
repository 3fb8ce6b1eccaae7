"""Nothing waits for ever: a cluster without workers, one that is frozen and one that is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from dask.base import annotate

from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine import flight
from lunarscale.engine.executors import OnDask
from lunarscale.engine.flight import Silence
from lunarscale.errors import ClusterError

pytestmark = pytest.mark.cluster


def add(total: int, result: int) -> int:
    """A merge that commutes."""
    return total + result


def run(verb: str, executor: OnDask, *, jobs: int, at_first: Callable[[], Any]) -> int:
    """Sum so many numbers, and do something when the first job has run."""
    first = iter([at_first])

    def once(*_: Any) -> None:
        next(first, lambda: None)()

    if verb == "reduce":
        return executor.reduce(abs, range(jobs), merge=add, initial=0, tell=once)

    def merge(total: int, result: int) -> int:
        once()
        return total + result

    return executor.fold(abs, range(jobs), merge=merge, initial=0)


async def dismiss(dask_scheduler: Any) -> None:
    """Close all workers of this scheduler for good."""
    for address in list(dask_scheduler.workers):
        await dask_scheduler.remove_worker(address, stimulus_id="dismissed", expected=True)


@pytest.mark.parametrize("verb", ["fold", "reduce"])
def test_all_workers_gone_for_good(verb: str) -> None:
    with open_cluster(ClusterChoice(workers=2, memory_limit="700MB")) as cluster:
        client = cluster.client
        with pytest.raises(ClusterError, match="the cluster has had no worker for 2 s") as error:
            run(
                verb,
                OnDask(client, patience_s=2),
                jobs=1000,
                at_first=lambda: client.run_on_scheduler(dismiss),
            )
        assert "what is stored is kept" in str(error.value)
        assert all(state.status == "cancelled" for state in client.futures.values())


@pytest.mark.parametrize("verb", ["fold", "reduce"])
def test_a_result_that_was_lost_with_the_last_worker(verb: str) -> None:
    """The one job may have run already; nobody is left to send what it made."""
    with open_cluster(ClusterChoice(workers=1, memory_limit="700MB")) as cluster:
        client = cluster.client

        def jobs() -> Iterator[int]:
            yield 1
            client.run_on_scheduler(dismiss)

        executor = OnDask(client, patience_s=2)
        with pytest.raises(ClusterError, match="the cluster has had no worker for 2 s"):
            getattr(executor, verb)(abs, jobs(), merge=add, initial=0)


def test_workers_that_come_in_time_are_waited_for() -> None:
    """Patience is with having no worker, not with slow ones: it begins anew with each."""
    with open_cluster(ClusterChoice(workers=2, memory_limit="700MB")) as cluster:
        client = cluster.client

        def kill_all() -> None:
            for pid in client.run(os.getpid).values():
                os.kill(pid, signal.SIGKILL)

        executor = OnDask(client)
        assert run("fold", executor, jobs=100, at_first=kill_all) == sum(range(100))
        assert run("reduce", executor, jobs=100, at_first=kill_all) == sum(range(100))


def test_a_clock_that_is_set_back_in_mid_run_ends_it() -> None:
    """Dask's timers then wait for hours; only this process's clock jumps here, and back again."""
    with (
        open_cluster(ClusterChoice(workers=1, memory_limit="700MB")) as cluster,
        pytest.MonkeyPatch.context() as patch,
    ):
        there = time.time

        def set_back() -> None:
            patch.setattr(time, "time", lambda: there() - 30 * 3600)

        with pytest.raises(
            ClusterError, match="clock was set back by 108000 s in mid-run"
        ) as error:
            run("fold", OnDask(cluster.client, patience_s=2), jobs=3000, at_first=set_back)
        assert "what is stored is kept, run the command again" in str(error.value)


@pytest.mark.parametrize(
    ("jump_s", "quiet_s", "ends"),
    [(0, 1e9, False), (3600, 1e9, False), (-5, 1e9, False), (-20, 9, False), (-20, 11, True)],
)
def test_silence_ends_a_run_only_where_the_clock_was_set_back(
    jump_s: float, quiet_s: float, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence, there, steady = Silence(patience_s=10), time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: there() + quiet_s + jump_s)
    monkeypatch.setattr(flight, "monotonic", lambda: steady() + quiet_s)
    with pytest.raises(ClusterError, match="set back by 20 s") if ends else nullcontext():
        silence.require_timers()
    silence.end()
    silence.require_timers()


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


@pytest.fixture
def foreign() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process of a cluster that is not ours, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["fold", "reduce"])
def test_a_cluster_that_goes_away_in_mid_run(
    verb: str, foreign: tuple[subprocess.Popen[str], str]
) -> None:
    process, address = foreign

    def kill() -> None:
        process.kill()
        process.wait()

    with (
        pytest.raises(ClusterError, match="the cluster went away in mid-run"),
        open_cluster(ClusterChoice(scheduler=address)) as cluster,
    ):
        run(verb, OnDask(cluster.client), jobs=1000, at_first=kill)


@pytest.mark.parametrize("verb", ["fold", "reduce"])
def test_a_scheduler_that_says_nothing_any_more(
    verb: str, foreign: tuple[subprocess.Popen[str], str]
) -> None:
    process, address = foreign
    with open_cluster(ClusterChoice(scheduler=address)) as cluster:
        try:
            with pytest.raises(ClusterError, match="the cluster went away in mid-run"):
                run(
                    verb,
                    OnDask(cluster.client, patience_s=2),
                    jobs=1000,
                    at_first=lambda: process.send_signal(signal.SIGSTOP),
                )
        finally:
            process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("verb", ["fold", "reduce"])
def test_a_worker_that_was_needed_leaves_while_others_live(verb: str) -> None:
    """Its tasks may run nowhere else; they would wait for ever."""
    with open_cluster(ClusterChoice(workers=2, memory_limit="700MB")) as cluster:
        client = cluster.client
        needed = sorted(client.nthreads())[:1]

        async def leave(dask_scheduler: Any) -> None:
            await dask_scheduler.remove_worker(needed[0], stimulus_id="dismissed", expected=True)

        with (
            pytest.raises(ClusterError, match="1 of the 1 workers that this was to run on left"),
            annotate(workers=needed),
        ):
            run(
                verb,
                OnDask(client, patience_s=2, needed=needed),
                jobs=1000,
                at_first=lambda: client.run_on_scheduler(leave),
            )
        assert OnDask(client, patience_s=2).fold(abs, range(5), merge=add, initial=0) == 10
