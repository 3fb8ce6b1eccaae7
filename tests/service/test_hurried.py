"""Connections that say or take nothing are closed, and so many let in; others are left alone."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest
from fastapi.responses import StreamingResponse
from jobs_at_hand import PATIENCE_S, wait_for
from service_at_hand import Live, Tokens, serving, settings_for

from lunarscale.service.crowds import Crowd
from lunarscale.service.hurried import HEADERS_S, HurriedProtocol, protocol_for
from lunarscale.service.settings import Settings

#: More than all buffers between a service and its client hold.
MUCH = 24 * 2**20


class Impatient(HurriedProtocol):
    """Waits for a third of a second."""

    seconds, look_s = 0.3, 0.3
    lines = Crowd(100, 100, what="connections")


class Much:
    """A large answer, and whether it is being sent just now."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    def send(self) -> StreamingResponse:
        return StreamingResponse(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        self.begun.set()
        for _ in range(MUCH // 2**18):
            yield bytes(2**18)
        self.ended.set()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, tokens: Tokens) -> Iterator[Live]:
    settings = settings_for(tmp_path_factory.mktemp("hurried"))
    with serving(settings, tokens.kept, http=Impatient) as live:
        yield live


@pytest.fixture
def much(live: Live) -> Much:
    """Given at ``/api/much``, anew for each test."""
    found = Much()
    live.app.router.routes[:] = [
        r for r in live.app.routes if getattr(r, "path", "") != "/api/much"
    ]
    live.app.add_api_route("/api/much", found.send, response_model=None)
    return found


def open_line(live: Live, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", live.port), PATIENCE_S, source_address=(address, 0)
    )


def is_open(line: socket.socket) -> bool:
    """Whether an answer comes; one that is refused says so and ends."""
    answer = b""
    with suppress(ConnectionResetError, BrokenPipeError):
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        while b"lives" not in answer and (piece := line.recv(1000)):
            answer += piece
    return answer.startswith(b"HTTP/1.1 200")


class Bounded(HurriedProtocol):
    """Lets in five, three of one address, and is in no hurry."""

    seconds = PATIENCE_S
    lines = Crowd(5, 3, what="connections")


def test_one_address_has_its_part_of_the_connections_and_others_the_rest(
    tmp_path: Path, tokens: Tokens
) -> None:
    with (
        serving(settings_for(tmp_path), tokens.kept, http=Bounded) as live,
        ExitStack() as stack,
    ):
        own = [stack.enter_context(open_line(live)) for _ in range(4)]
        assert [is_open(line) for line in own] == [True, True, True, False]
        others = [stack.enter_context(open_line(live, f"127.0.0.{n}")) for n in (2, 3, 4)]
        assert [is_open(line) for line in others] == [True, True, False]
        for line in own:
            line.close()
        wait_until_gone(Bounded, 2)
        assert is_open(stack.enter_context(open_line(live))), "who goes makes room"
        assert is_open(others[0]), "who is in stays in"


def wait_until_gone(protocol: type[HurriedProtocol], left: int) -> None:
    lines = protocol.lines
    assert lines is not None
    wait_for(lambda: len(lines) <= left, "the end of a connection")
    assert len(lines) == left


def test_where_all_come_from_one_address_it_may_have_all(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    for each in (settings, replace(settings, host="0.0.0.0", behind_proxy=True)):
        lines = protocol_for(each).lines
        assert lines is not None
        assert lines.each == lines.most == settings.limits.connections
    open_to_all = protocol_for(replace(settings, host="0.0.0.0")).lines
    assert open_to_all is not None
    assert open_to_all.each == settings.limits.connections_each


def test_who_takes_nothing_of_an_answer_is_left(live: Live, much: Much) -> None:
    with open_line(live) as line:
        line.sendall(b"GET /api/much HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert much.begun.wait(PATIENCE_S)
        wait_until_gone(Impatient, 0)
        came = 0
        with suppress(ConnectionResetError):
            while piece := line.recv(2**20):
                came += len(piece)
    assert came < MUCH


class Slow:
    """A transport whose client has left so much untaken, look after look."""

    def __init__(self, *owed: int) -> None:
        self.owed, self.is_aborted = list(owed), False

    def get_write_buffer_size(self) -> int:
        return self.owed.pop(0)

    def abort(self) -> None:
        self.is_aborted = True


@pytest.mark.parametrize(
    ("owed", "is_left"),
    [
        ([10**6, 10**6], True), ([10**6, 10**6 - 100], True), ([5, 5], True),
        ([10**6, 9 * 10**5, 8 * 10**5], False), ([0, 10**6, 0, 10**6, 0], False), ([0, 0], False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("moves", [False, True])
def test_who_takes_some_of_an_answer_between_two_looks_is_waited_for(
    owed: list[int], is_left: bool, moves: bool
) -> None:
    protocol: Any = HurriedProtocol.__new__(HurriedProtocol)
    protocol.transport, protocol.loop, protocol.flow = Slow(*owed), Mock(), Mock()
    for _ in owed:
        if moves:
            protocol.resume_writing()  # most of it was taken, and more has come
        if not protocol.transport.is_aborted:
            protocol._look()
    assert protocol.transport.is_aborted == (is_left and not moves)


@pytest.mark.parametrize(
    "said", [b"", b"GET /api HT", b"GET /api HTTP/1.1\r\nHost: a\r\nX-A: b\r\n"]
)
def test_who_never_finishes_asking_is_left(live: Live, said: bytes) -> None:
    begun = time.monotonic()
    with open_line(live) as line:
        line.sendall(said)
        with suppress(BrokenPipeError, ConnectionResetError):  # it is left already
            for _ in range(2):  # a letter now and then does not help
                time.sleep(0.05)
                if said:
                    line.sendall(b"a")
            assert line.recv(1000) == b""
    assert 0.2 < time.monotonic() - begun < HEADERS_S


def test_a_refused_body_does_not_go_on_for_ever(live: Live) -> None:
    head = b"POST /api HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"
    begun = time.monotonic()
    with open_line(live) as line:
        line.sendall(head)
        with suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - begun < HEADERS_S:
                line.sendall(b"x")
                time.sleep(0.02)
    assert 0.2 < time.monotonic() - begun < HEADERS_S


class Counted(HurriedProtocol):
    """Keeps its timers, so that one can see which were stopped."""

    begun: ClassVar[list[asyncio.TimerHandle]] = []

    def _count(self) -> None:
        super()._count()
        if self._timer is not None and self._timer not in self.begun:
            self.begun.append(self._timer)


def test_one_line_may_ask_again_and_again(tmp_path: Path, tokens: Tokens) -> None:
    """The time of each request is its own."""
    with serving(settings_for(tmp_path), tokens.kept, http=Counted) as live:
        line = HTTPConnection("127.0.0.1", live.port, timeout=PATIENCE_S)
        for _ in range(4):
            line.request("GET", "/api")
            answer = line.getresponse()
            assert (answer.status, len(answer.read()) > 100) == (200, True)
            assert Counted.begun
            assert all(timer.cancelled() for timer in Counted.begun), "who has asked is let be"
        line.close()
