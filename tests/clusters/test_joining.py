"""A worker of another version is turned away whenever it joins, says why, and gets no task."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from distributed import Client, LocalCluster, Worker, get_worker
from distributed.protocol.pickle import loads

import lunarscale
from lunarscale.clusters.joining import TURNED_AWAY, SameVersions, dask_setup
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.errors import ClusterError


class Other(Worker):
    """A worker of an image of another version."""


class OfTwoVersions(SameVersions):
    """The plugin, for a process in which workers are of two versions."""

    async def setup(self, worker: Worker) -> None:
        """Want of the others what they are not."""
        if isinstance(worker, Other):
            self._wanted = {**self._wanted, "lunarscale": "99.1"}
        await super().setup(worker)


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of a scheduler with the plugin and no workers, all in this process."""
    with (
        LocalCluster(
            n_workers=0, processes=False, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as local,
        Client(local.scheduler_address, set_as_default=False) as client,
    ):
        client.register_plugin(OfTwoVersions())
        yield client


def join(client: Client, kind: type[Worker]) -> Worker:
    """A worker that joins; one that is turned away has ended, the other one works."""

    async def begin() -> Worker:
        worker = await kind(client.scheduler.address, nthreads=1, dashboard_address="127.0.0.1:0")
        if kind is Other:
            await worker.finished()
        return worker

    before = len(turned_away(client))
    found: Worker = client.sync(begin)
    if kind is Other:
        while len(turned_away(client)) == before:
            pass  # its word and its end go different ways
    return found


def turned_away(client: Client) -> list[str]:
    """What the scheduler was told of those that were turned away."""
    return [refusal for _, refusal in client.get_events(TURNED_AWAY)]


def kind_of_worker() -> str:
    """A job: who did it."""
    return type(get_worker()).__name__


@pytest.mark.cluster
def test_it_says_why_and_gets_nothing_to_do(client: Client) -> None:
    waiting = [client.submit(kind_of_worker, pure=False) for _ in range(5)]
    others = [join(client, Other) for _ in range(5)]
    assert [other.state.executed_count for other in others] == [0] * 5
    assert client.scheduler_info()["workers"] == {}
    told = turned_away(client)
    assert len(told) == 5
    versions = rf"lunarscale {re.escape(lunarscale.__version__)} but its cluster 99\.1"
    assert re.fullmatch(rf"worker \S+ at \S+ has {versions}; it is turned away: .*", told[0])

    ours = join(client, Worker)
    assert client.gather(waiting) == ["Worker"] * 5, "what was given to others is no task's fault"
    join(client, Other)
    assert list(client.scheduler_info()["workers"]) == [ours.address]
    assert client.submit(kind_of_worker, pure=False).result(timeout=60) == "Worker"


@pytest.mark.cluster
def test_a_command_says_who_was_turned_away(client: Client) -> None:
    join(client, Other)
    with (
        pytest.raises(ClusterError, match=r"has no workers: worker .* but its cluster 99\.1; it"),
        open_cluster(ClusterChoice(scheduler=client.scheduler.address)),
    ):
        pytest.fail("there are none")


@pytest.mark.cluster
def test_it_comes_with_a_command_or_with_the_scheduler(two_workers: Client) -> None:
    def ours(dask_scheduler: Any) -> bytes | None:
        found: bytes | None = dask_scheduler.worker_plugins.get("lunarscale-same-versions")
        return found

    async def preload(dask_scheduler: Any) -> None:
        dask_scheduler.worker_plugins.clear()
        await dask_setup(dask_scheduler)

    with open_cluster(ClusterChoice(scheduler=two_workers.scheduler.address)):
        assert isinstance(loads(two_workers.run_on_scheduler(ours)), SameVersions)
    two_workers.run_on_scheduler(preload)
    assert isinstance(loads(two_workers.run_on_scheduler(ours)), SameVersions)
    assert len(two_workers.scheduler_info()["workers"]) == 2, "who is of our version stays"
