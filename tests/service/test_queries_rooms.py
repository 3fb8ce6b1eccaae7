"""Costly work: a few at a time, given up where nobody waits, and the loop goes on meanwhile."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from jobs_at_hand import PATIENCE_S
from service_at_hand import Live, Tokens, serving, settings_for
from starlette.requests import Request

from lunarscale.errors import RateError, UnavailableError
from lunarscale.service.access import Caller, Role
from lunarscale.service.queries import statistics
from lunarscale.service.queries.rooms import Rooms, Watch


def request(gone: asyncio.Event, who: str = "") -> Request:
    """A request whose client stays until an event."""
    state = {"caller": Caller("", Role.READ, who)}

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "headers": [], "state": state}, receive)  # type: ignore[arg-type]


def test_work_beyond_what_may_wait_is_refused_and_the_loop_goes_on() -> None:
    free = threading.Event()
    running = threading.Semaphore(0)

    def work(watch: Watch) -> str:
        running.release()
        assert free.wait(PATIENCE_S)
        return "done"

    async def go() -> None:
        rooms, here = Rooms(60, at_once=2, waiting=1), asyncio.Event()
        tasks = [asyncio.create_task(rooms.run(request(here), work)) for _ in range(3)]
        for _ in range(2):
            while not running.acquire(blocking=False):
                await asyncio.sleep(0.001)  # the loop is free
        with pytest.raises(UnavailableError, match="3 requests like this one") as told:
            await rooms.run(request(here), work)
        assert told.value.retry_after_s > 0
        assert not running.acquire(blocking=False)  # the third waits
        free.set()
        assert await asyncio.gather(*tasks) == ["done"] * 3
        assert await rooms.run(request(here), work) == "done"  # there is room again

    asyncio.run(go())


def test_one_caller_has_a_part_of_the_rooms_and_another_gets_in() -> None:
    free = threading.Event()

    def work(watch: Watch) -> str:
        assert free.wait(PATIENCE_S)
        return "done"

    async def go() -> None:
        rooms, here = Rooms(60, at_once=1, waiting=3, each=2), asyncio.Event()
        tasks = [asyncio.create_task(rooms.run(request(here, "a"), work)) for _ in range(2)]
        await asyncio.sleep(0)  # they are inside
        with pytest.raises(RateError, match="2 requests like this one of one caller"):
            await rooms.run(request(here, "a"), work)
        tasks.append(asyncio.create_task(rooms.run(request(here, "b"), work)))
        free.set()
        assert await asyncio.gather(*tasks) == ["done"] * 3

    asyncio.run(go())


def test_work_ends_where_its_client_goes_away() -> None:
    begun = threading.Event()

    def work(watch: Watch) -> None:
        begun.set()
        until = time.monotonic() + 2 * PATIENCE_S
        while time.monotonic() < until:
            watch.look()
            time.sleep(0.001)

    async def go() -> None:
        gone = asyncio.Event()
        task = asyncio.create_task(Rooms(60).run(request(gone), work))
        await asyncio.to_thread(begun.wait)
        gone.set()
        with pytest.raises(UnavailableError, match="went away"):
            await asyncio.wait_for(task, PATIENCE_S)

    asyncio.run(go())


def test_work_that_takes_too_long_is_given_up() -> None:
    watch = Watch(0.0)
    time.sleep(0.001)
    with pytest.raises(UnavailableError, match="more than 0 s"):
        watch.look()


def test_errors_come_through() -> None:
    def work(watch: Watch) -> None:
        raise ZeroDivisionError

    async def go() -> None:
        rooms = Rooms(60, at_once=1, waiting=0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await rooms.run(request(asyncio.Event()), work)

    asyncio.run(go())


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [40, 0], [40, 40], [0, 40], [0, 0]]]}


@pytest.fixture(scope="module")
def live(service_data: Path, tokens: Tokens) -> Iterator[Live]:
    limits = {"costly_a_minute": 100_000, "requests_at_once": 100_000, "answer_s": 600}
    with serving(settings_for(service_data, limits=limits), tokens.kept) as found:
        yield found


def ask(url: str, what: str) -> bytes:
    """One of the queries, by its name."""
    place = f"{url}/api/datasets/maps.zarr"
    asked: dict[str, str] = {
        "point": f"{place}/point?lon=12&lat=-43",
        "profile": f"{place}/profile?line=-20,-43;0,60&layer=FeO",
        "region": f"{place}/region?bbox=170,-20,-170,20&layer=FeO",
        "csv": f"{place}/download?format=csv&bbox=0,0,9,9&layer=FeO",
        "sites": f"{url}/api/sites?dataset=maps.zarr",
    }
    if what == "statistics":
        answer = httpx.post(f"{place}/statistics?layer=FeO", json=SQUARE, timeout=PATIENCE_S)
    else:
        answer = httpx.get(asked[what], timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_many_at_once_get_what_each_gets_alone(live: Live) -> None:
    names = ["point", "profile", "region", "statistics", "csv", "sites"]
    alone = {name: ask(live.url, name) for name in names}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: (name, ask(live.url, name)), names * 8))
    for name, answer in found:
        assert answer == alone[name], name


def test_a_client_that_hangs_up_frees_its_room(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(*_: Any, watch: Watch, **__: Any) -> None:
        begun.set()
        try:
            while True:
                watch.look()
                time.sleep(0.001)
        finally:
            ended.set()

    monkeypatch.setattr(statistics, "_summed", endless)
    body = json.dumps(SQUARE).encode()
    head = (
        "POST /api/datasets/maps.zarr/statistics?layer=FeO HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", live.port)) as line:
        line.sendall(head + body)
        assert begun.wait(PATIENCE_S)
        # the loop is free
        assert httpx.get(f"{live.url}/api", timeout=PATIENCE_S).status_code == 200
    assert ended.wait(PATIENCE_S)
