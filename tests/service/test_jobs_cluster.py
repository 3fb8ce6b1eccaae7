"""Jobs on a cluster: as in one process, waiting while it is away, going on when it is there."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from distributed import Client
from jobs_at_hand import Caller, Service, folder_with, objects, wait_for
from ports_at_hand import free_port
from service_at_hand import Tokens

from lunarscale.clusters import connecting, versions
from lunarscale.clusters.opening import Cluster, ClusterChoice, open_cluster
from lunarscale.service.jobs import runner

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def folder(service_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_with(tmp_path_factory.mktemp("cluster"), service_data, "mosaic.zarr")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of tenths of seconds instead of seconds."""
    monkeypatch.setattr(connecting, "_ANSWER_S", 2.0)
    monkeypatch.setattr(runner, "PATIENCE_S", 0.2)


def on(scheduler: str) -> ClusterChoice:
    return ClusterChoice(scheduler=scheduler)


def test_a_cluster_makes_the_same_bits(
    service: Service,
    tokens: Tokens,
    folder: Path,
    undisturbed: dict[str, bytes],
    cluster_of_two: str,
) -> None:
    caller = Caller(service(folder, cluster=on(cluster_of_two)), tokens.header("run"))
    estimate = caller.ask("GET", f"/{caller.make(output='x.zarr')}/estimate").json()
    assert (estimate["fits"], estimate["worker_bytes"]) == (None, None)  # not reached out yet
    facts = caller.run(output="on-two.zarr")
    assert facts["mpx_s"] > 0
    assert objects(folder / "on-two.zarr") == undisturbed
    assert caller.ask("GET", f"/{facts['id']}/estimate").json()["fits"] is True


def test_canceled_while_no_shard_comes_back(
    service: Service, tokens: Tokens, folder: Path, two_workers: Client, cluster_of_two: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    gate = tmp_path / "gate"
    gate.touch()
    caller = Caller(service(folder, cluster=on(cluster_of_two)), tokens.header("run"))
    with shut(two_workers, gate):
        id = caller.make(output="canceled.zarr")
        caller.start(id)
        wait_for(lambda: caller.show(id)["message"] == "making maps", "a job at its gate")
        caller.cancel(id)
        line = "stopped, as it was canceled; what is stored is kept"
        wait_for(lambda: line in caller.log(id), "its end")
    assert caller.show(id)["status"] == "canceled"


def put_up(client: Client, gate: Path) -> None:
    """All tasks of a cluster's workers wait from now on while a file is there."""

    def stand(place: str) -> None:
        import time
        from pathlib import Path

        from lunarscale.engine.mapping import MapTask

        call = MapTask.__call__

        def gated(task, job):  # type: ignore[no-untyped-def]
            while Path(place).exists():
                time.sleep(0.02)
            return call(task, job)

        gated.call = call  # type: ignore[attr-defined]
        MapTask.__call__ = gated  # type: ignore[method-assign]

    client.run(stand, str(gate))


@contextmanager
def shut(client: Client, gate: Path) -> Iterator[None]:
    """The same for as long as the block; the file is gone in the end."""

    def leave() -> None:
        from lunarscale.engine.mapping import MapTask

        MapTask.__call__ = MapTask.__call__.call  # type: ignore[attr-defined, method-assign]

    put_up(client, gate)
    try:
        yield
    finally:
        gate.unlink(missing_ok=True)
        client.run(leave)


def cluster_at(stack: ExitStack, port: int) -> Cluster:
    """A cluster of one worker whose scheduler listens at a port."""
    choice = ClusterChoice(workers=1, host=f"127.0.0.1:{port}")
    return stack.enter_context(open_cluster(choice))


@pytest.mark.slow
def test_a_scheduler_that_is_away_is_waited_for(
    service: Service, tokens: Tokens, folder: Path, undisturbed: dict[str, bytes],
    tmp_path: Path,
) -> None:  # fmt: skip
    port = free_port()
    scheduler = f"tcp://127.0.0.1:{port}"
    caller = Caller(service(folder, cluster=on(scheduler)), tokens.header("run"))
    id = caller.make(output="patient.zarr")
    caller.start(id)
    waiting = f"waiting for the cluster: no Dask scheduler answers at {scheduler}"
    wait_for(lambda: caller.show(id)["message"].startswith(waiting), "a word that it waits")
    assert caller.show(id)["status"] == "queued"
    other = caller.make(output="other.zarr")
    caller.start(other)
    caller.cancel(other)  # what waits can be canceled
    gate = tmp_path / "gate"
    with ExitStack() as first:
        cluster = cluster_at(first, port)
        gate.touch()
        put_up(cluster.client, gate)
        caller.until(id, "running")
        wait_for(lambda: caller.show(id)["message"] == "making maps", "a job at its gate")
    # the cluster has gone in mid-run, with a shard in hand
    facts = caller.until(id, "queued")
    assert facts["message"].startswith("waiting for the cluster: ")
    with ExitStack() as second:
        cluster_at(second, port)
        caller.finished(id)
    said = caller.log(id)
    assert any(line.startswith(waiting) for line in said)
    for one, next_one in pairwise(said):
        assert one != next_one, "said once each time, however often it was tried"
    assert objects(folder / "patient.zarr") == undisturbed


def test_workers_of_another_version_get_no_job(
    service: Service, tokens: Tokens, folder: Path, cluster_of_two: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    difference = "lunarscale 0.0.1 but this process 9.9.9"
    monkeypatch.setattr(versions, "first_difference", lambda ours, theirs: difference)
    caller = Caller(service(folder, cluster=on(cluster_of_two)), tokens.header("run"))
    id = caller.make(output="versions.zarr")
    caller.start(id)
    wait_for(lambda: difference in caller.show(id)["message"], "a word about the versions")
    assert caller.show(id)["status"] == "queued"
    assert not (folder / "versions.zarr").exists()
    caller.cancel(id)
