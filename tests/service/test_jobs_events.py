"""Events of a job over a real socket: live, in order, taken up again, bounded, and at an end."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jobs_at_hand import PATIENCE_S, Caller, Gate, folder_with, wait_for
from service_at_hand import Live, Tokens, serving, settings_for

from lunarscale.service.jobs import listeners


@pytest.fixture(scope="module")
def live(
    service_data: Path, tokens: Tokens, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    folder = folder_with(tmp_path_factory.mktemp("events"), service_data, "mosaic.zarr")
    limits = {"job_listeners_each": 2}
    with serving(settings_for(folder, limits=limits), tokens.kept) as live:
        yield live


@pytest.fixture
def caller(live: Live, tokens: Tokens) -> Iterator[Caller]:
    with httpx.Client(base_url=live.url, timeout=PATIENCE_S) as client:
        yield Caller(client, tokens.header("run"))


class Stream:
    """Events as they come, read by a thread of its own."""

    def __init__(self, caller: Caller, id: str, **headers: str) -> None:
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.comments = 0
        self.status = 0
        self.is_over = threading.Event()
        self._url = f"{caller.client.base_url}/api/jobs/{id}/events"
        self._headers = {**caller.header, **headers}
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        number = 0
        with httpx.stream("GET", self._url, headers=self._headers, timeout=PATIENCE_S) as answer:
            self.status = answer.status_code
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    number = int(line[4:])
                elif line.startswith("data: "):
                    self.events.append((number, json.loads(line[6:])))
                elif line.startswith(":"):
                    self.comments += 1
        self.is_over.set()

    def end(self) -> list[tuple[int, dict[str, Any]]]:
        """All events, once the stream has ended by itself."""
        assert self.is_over.wait(PATIENCE_S)
        self._thread.join()
        return self.events


def test_a_job_is_followed_to_its_end(
    caller: Caller, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "HEARTBEAT_S", 0.6)
    gate = Gate(3).shut(monkeypatch)
    id = caller.make(output="followed.zarr")
    stream = Stream(caller, id)
    wait_for(lambda: stream.events, "the first event")
    assert stream.events[0][1]["status"] == "created"
    caller.start(id)
    gate.wait()
    wait_for(lambda: stream.events[-1][1]["status"] == "running", "the word that it runs")
    wait_for(lambda: stream.comments, "a word that all is well")
    assert caller.client.get("/api").status_code == 200
    assert not stream.is_over.is_set(), "nobody waits for a stream"
    last = stream.events[-1][0]
    gate.opened.set()
    events = stream.end()
    numbers = [number for number, _ in events]
    assert numbers == sorted(set(numbers))
    assert events[-1][1]["status"] == "finished"
    assert {facts["status"] for _, facts in events} >= {"created", "running", "finished"}
    assert all(facts["id"] == id and facts["revision"] == n for n, facts in events)
    # who comes back is told what they do not know yet
    after = Stream(caller, id, **{"Last-Event-ID": str(last)}).end()
    assert [number for number, _ in after] == [numbers[-1]]
    known = Stream(caller, id, **{"Last-Event-ID": str(numbers[-1])})
    assert known.end() == []
    assert known.status == 204
    assert Stream(caller, id, **{"Last-Event-ID": "x; rm"}).end() == after
    assert not live.app.state.house.jobs.listeners._open


def test_no_more_streams_than_the_limit_and_room_again(caller: Caller, live: Live) -> None:
    id = caller.make(output="bounded.zarr")
    streams = [Stream(caller, id) for _ in range(2)]
    wait_for(lambda: all(stream.events for stream in streams), "two streams")
    answer = caller.ask("GET", f"/{id}/events")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "30"
    assert "2 streams of events are open at most" in answer.json()["detail"]
    assert caller.ask("DELETE", f"/{id}").status_code == 204  # a job that goes ends its streams
    for stream in streams:
        stream.end()
    assert not live.app.state.house.jobs.listeners._open, "who has read the end finds room at once"


def test_who_goes_away_is_not_listened_for(caller: Caller, live: Live) -> None:
    id = caller.make(output="left.zarr")
    for _ in range(4):  # more than there may be at a time
        with caller.client.stream("GET", f"/api/jobs/{id}/events", headers=caller.header) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert next(answer.iter_lines()) == "retry: 2000"
        wait_for(lambda: not live.app.state.house.jobs.listeners._open, "room")


def test_a_service_that_ends_does_not_wait_for_its_listeners(
    service_data: Path, tokens: Tokens, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path / "data", service_data, "mosaic.zarr")
    with (
        serving(settings_for(folder), tokens.kept) as live,
        httpx.Client(base_url=live.url, timeout=PATIENCE_S) as client,
    ):
        caller = Caller(client, tokens.header("run"))
        stream = Stream(caller, caller.make())
        wait_for(lambda: stream.events, "an event")
        live.app.state.house.leave()  # as the server says when a signal ends it
        stream.end()
