"""A worker that is to end: what it has begun it ends, and what it holds others have."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from distributed import Client, LocalCluster, get_worker

from lunarscale.clusters.retiring import retire

#: How often each job was done, and until when it waits.
done: list[str] = []
go_on = Event()


@pytest.fixture
def two_threads() -> Iterator[Client]:
    """A client of two workers in this process."""
    done.clear()
    go_on.clear()
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as local,
        Client(local.scheduler_address, set_as_default=False) as client,
    ):  # fmt: skip
        yield client


def note(job: str, *, waits: bool) -> str:
    """A job that is noted, and the worker that did it."""
    done.append(job)
    if waits:
        assert go_on.wait(60)
    return str(get_worker().name)


@pytest.mark.cluster
def test_nothing_is_done_twice_but_what_had_not_begun(two_threads: Client) -> None:
    client = two_threads
    mine = next(each["address"] for each in workers(client) if str(each["name"]) == "0")
    held = client.submit(note, "held", waits=False, workers=[mine], allow_other_workers=True)
    assert held.result() == "0"
    begun = client.submit(note, "begun", waits=True, workers=[mine], allow_other_workers=True)
    while "begun" not in done:
        assert not begun.done()
    with ThreadPoolExecutor(1) as other:
        retiring = other.submit(retire, client, "0")
        while any(each["status"] == "running" for each in workers(client) if each["name"] == 0):
            assert not retiring.done()
        new = client.submit(note, "new", waits=False)
        assert new.result() == "1", "it takes nothing new"
        go_on.set()
        retiring.result(timeout=60)
    assert [str(each["name"]) for each in workers(client)] == ["1"]
    assert client.gather([held, begun]) == ["0", "0"]
    assert sorted(done) == ["begun", "held", "new"]


@pytest.mark.cluster
def test_what_takes_too_long_is_done_elsewhere(two_threads: Client) -> None:
    client = two_threads
    mine = next(each["address"] for each in workers(client) if str(each["name"]) == "0")
    begun = client.submit(note, "long", waits=True, workers=[mine], allow_other_workers=True)
    while "long" not in done:
        assert not begun.done()
    with ThreadPoolExecutor(1) as other:
        retiring = other.submit(retire, client, "0", linger_s=0)
        while done != ["long", "long"]:
            assert not begun.done()
        go_on.set()
        retiring.result(timeout=60)
    assert begun.result() == "1"


@pytest.mark.cluster
def test_who_is_gone_already_is_nothing_to_do(two_threads: Client) -> None:
    retire(two_threads, "2")
    assert len(workers(two_threads)) == 2


def workers(client: Client) -> list[dict[str, object]]:
    """What the scheduler knows of its workers."""
    known = client.scheduler_info(n_workers=-1)["workers"]
    return [{"address": address, **each} for address, each in known.items()]
