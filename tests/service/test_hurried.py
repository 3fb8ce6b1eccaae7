"""Connections that say or take nothing are closed, and so many let in; others are left alone."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest
from fastapi.responses import StreamingResponse
from service_at_hand import Live, Tokens, serving, settings_for

from lunarscale.service.crowds import Crowd
from lunarscale.service.hurried import HurriedProtocol, protocol_for
from lunarscale.service.settings import Settings

#: More than all buffers between a service and its client hold.
MUCH = 24 * 2**20


class Impatient(HurriedProtocol):
    """Waits for a third of a second."""

    seconds, look_s = 0.3, 0.3
    lines = Crowd(5, 3, what="connections")


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
    return socket.create_connection(("127.0.0.1", live.port), 10, source_address=(address, 0))


def is_open(line: socket.socket) -> bool:
    """Whether an answer comes; one that is refused says so and ends."""
    line.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    try:
        return line.recv(1000).startswith(b"HTTP/1.1 200")
    except ConnectionResetError:
        return False


def test_one_address_has_its_part_of_the_connections_and_others_the_rest(live: Live) -> None:
    with ExitStack() as stack:
        own = [stack.enter_context(open_line(live)) for _ in range(4)]
        assert [is_open(line) for line in own] == [True, True, True, False]
        others = [stack.enter_context(open_line(live, f"127.0.0.{n}")) for n in (2, 3, 4)]
        assert [is_open(line) for line in others] == [True, True, False]
        assert is_open(own[0]), "who is in stays in"
    deadline = time.monotonic() + 10
    while len(Impatient.lines) and time.monotonic() < deadline:
        time.sleep(0.01)
    with open_line(live) as line:
        assert is_open(line), "who goes makes room"


def test_where_all_come_from_one_address_it_may_have_all(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    for each in (settings, replace(settings, host="0.0.0.0", behind_proxy=True)):
        lines = protocol_for(each).lines
        assert lines is not None
        assert lines.each == lines.most == settings.limits.connections
    open_to_all = protocol_for(replace(settings, host="0.0.0.0")).lines
    assert open_to_all is not None
    assert open_to_all.each == settings.limits.connections_each


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_who_takes_nothing_of_an_answer_is_left(live: Live, much: Much, more: bytes) -> None:
    with open_line(live) as line:
        line.sendall(b"GET /api/much HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more + b"\r\n")
        assert much.begun.wait(10)
        deadline = time.monotonic() + 10
        while len(Impatient.lines) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(Impatient.lines) == 0
        came = 0
        with suppress(ConnectionResetError):
            while piece := line.recv(2**20):
                came += len(piece)
    assert came < MUCH


def test_who_takes_an_answer_slowly_gets_all_of_it(live: Live, much: Much) -> None:
    begun, came = time.monotonic(), 0
    with open_line(live) as line:
        line.sendall(b"GET /api/much HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        while piece := line.recv(2**20):
            came += len(piece)
            if time.monotonic() - begun < 1.0:
                time.sleep(0.05)
    assert came > MUCH
    assert much.ended.is_set()


@pytest.mark.parametrize(
    "said", [b"", b"GET /api HT", b"GET /api HTTP/1.1\r\nHost: a\r\nX-A: b\r\n"]
)
def test_who_never_finishes_asking_is_left(live: Live, said: bytes) -> None:
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as line:
        line.sendall(said)
        for _ in range(2):  # a letter now and then does not help
            time.sleep(0.05)
            if said:
                line.sendall(b"a")
        assert line.recv(1000) == b""
    assert 0.2 < time.monotonic() - begun < 5


def test_a_refused_body_does_not_go_on_for_ever(live: Live) -> None:
    head = b"POST /api HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as line:
        line.sendall(head)
        with suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - begun < 5:
                line.sendall(b"x")
                time.sleep(0.02)
    assert 0.2 < time.monotonic() - begun < 5


def test_one_line_may_ask_again_and_again(live: Live) -> None:
    line = HTTPConnection("127.0.0.1", live.port)
    for _ in range(4):
        line.request("GET", "/api")
        answer = line.getresponse()
        assert (answer.status, len(answer.read()) > 100) == (200, True)
        time.sleep(0.15)
    line.close()
