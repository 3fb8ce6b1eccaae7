"""How often, how much, how long: and that every answer carries its headers."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from service_at_hand import Tokens

from lunarscale.errors import RateError
from lunarscale.service.patience import Patience
from lunarscale.service.rates import Rates

Service = Callable[..., TestClient]


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def count(rates: Rates, key: str, tries: int) -> int:
    """How many of some requests at one moment are let through."""
    through = 0
    for _ in range(tries):
        try:
            rates.take(key)
        except RateError:
            continue
        through += 1
    return through


def test_a_bucket_gives_what_it_holds_and_then_what_flows_in() -> None:
    clock = Clock()
    rates = Rates(60, 10, callers=5, clock=clock)
    assert count(rates, "a", 50) == 10
    assert count(rates, "b", 50) == 10  # another caller's bucket
    clock.now = 3.0
    assert count(rates, "a", 50) == 3
    clock.now = 1e6
    assert count(rates, "a", 50) == 10


def test_who_is_refused_is_told_when_to_come_again() -> None:
    clock = Clock()
    rates = Rates(6, 1, callers=5, clock=clock)
    rates.take("a")
    with pytest.raises(RateError, match="wait 10 s") as told:
        rates.take("a")
    clock.now += told.value.retry_after_s
    rates.take("a")


def test_callers_are_forgotten_and_memory_bounded() -> None:
    rates = Rates(60, 10, callers=3, clock=Clock())
    for number in range(100):
        rates.take(str(number))
    assert len(rates._buckets) == 3


def test_too_many_requests_are_refused_with_the_time_to_wait(
    service: Service, tokens: Tokens, tmp_path: Path
) -> None:
    client = service(tmp_path, limits={"requests_at_once": 3, "requests_a_minute": 6})
    answers = [client.get("/api") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) in range(1, 11)
    assert client.get("/api", headers=tokens.header("read")).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"Authorization": "Bearer none"}, {"Authorization": "Basic YTpi"},
        {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"X-Long": "a" * 40_000},
    ],
    ids=lambda headers: next(iter(headers)),
)  # fmt: skip
def test_who_is_refused_is_counted_too(
    service: Service, tmp_path: Path, wrong: dict[str, str]
) -> None:
    client = service(tmp_path, limits={"requests_at_once": 3, "requests_a_minute": 6})
    answers = [client.get("/api", headers=wrong).status_code for _ in range(5)]
    assert answers[3:] == [429, 429]
    assert not {200, 429} & set(answers[:3])


def test_those_who_watch_over_it_are_not_counted_but_where_it_costs(
    service: Service, tmp_path: Path
) -> None:
    client = service(tmp_path, limits={"requests_at_once": 2, "requests_a_minute": 6})
    assert {client.get("/healthz").status_code for _ in range(4)} == {200}
    assert [client.get("/metrics").status_code for _ in range(3)] == [200, 200, 429]


def test_a_link_from_another_site_leads_here(service: Service, tmp_path: Path) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    client = service(tmp_path)
    assert client.get("/", headers={**link, "Sec-Fetch-Dest": "document"}).status_code == 200
    asked = {"Origin": "https://a.example", "Sec-Fetch-Site": "cross-site"}
    allowed = service(tmp_path, cors=("https://a.example",))
    assert allowed.get("/api", headers=asked).status_code == 200


@pytest.mark.parametrize("promise", [True, False])
def test_too_large_a_body_is_refused_promised_or_not(
    service: Service, tmp_path: Path, promise: bool
) -> None:
    client = service(tmp_path, limits={"body_bytes": 1000})

    def pieces() -> "list[bytes]":
        return [b"x" * 600] * 3

    body = b"x" * 1800 if promise else iter(pieces())
    answer = client.post("/api/datasets", content=body)
    assert answer.status_code in ((413,) if promise else (413, 405))


def test_headers_stand_on_every_answer(service: Service, tmp_path: Path) -> None:
    client = service(tmp_path)
    for path in ("/api", "/nothing", "/api/datasets/%00"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "private, no-cache"
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_other_origins_read_only_what_is_allowed(service: Service, tmp_path: Path) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in service(tmp_path).get("/api", headers=asked).headers
    client = service(tmp_path, cors=("https://a.example",))
    assert (
        client.get("/api", headers=asked).headers["access-control-allow-origin"] == asked["Origin"]
    )
    other = {**asked, "Origin": "https://b.example"}
    assert "access-control-allow-origin" not in client.get("/api", headers=other).headers
    preflight = client.options("/api", headers=asked)
    assert preflight.status_code == 200
    # what a cache between keeps for a page of none is not for one that is allowed
    assert "Origin" in client.get("/api").headers["vary"]


def test_a_fault_of_ours_is_told_by_number_and_logged(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)  # a Dask cluster of this process may have silenced it
    client = service(tmp_path)
    app = client.app
    assert isinstance(app, FastAPI)

    def fail() -> None:
        raise ZeroDivisionError(f"{tmp_path}/secret")

    app.add_api_route("/api/fault", fail)
    answer = client.get("/api/fault")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    number = answer.json()["detail"].split()[-1]
    assert any(number in record.message and record.exc_info for record in caplog.records)


def test_an_answer_that_does_not_begin_is_given_up() -> None:
    sent = []

    async def slow(scope: object, receive: object, send: Callable[..., object]) -> None:
        while not sent:  # it has been given up
            await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"late"})  # type: ignore[misc]

    async def send(message: "dict[str, object]") -> None:
        sent.append(message)

    async def receive() -> "dict[str, object]":
        raise AssertionError("nothing is asked for")

    app = Patience(slow, 0.05)  # type: ignore[arg-type]
    scope = {"type": "http", "path": "/api", "method": "GET", "headers": []}
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    assert [message.get("status") for message in sent] == [503, None]
    assert b"late" not in b"".join(message.get("body", b"") for message in sent)  # type: ignore[misc]


def test_an_answer_that_began_may_take_its_time() -> None:
    sent = []

    async def slow(scope: object, receive: object, send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": b"late"})  # type: ignore[misc]

    async def send(message: "dict[str, object]") -> None:
        sent.append(message)

    asyncio.run(Patience(slow, 0.02)({"type": "http", "path": "/"}, None, send))  # type: ignore[arg-type]
    assert [message.get("status") for message in sent] == [200, None]
