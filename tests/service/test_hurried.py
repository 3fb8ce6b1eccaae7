"""Connections that say nothing are closed; those that work are left alone."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection

import pytest
from service_at_hand import Live, Tokens, serving, settings_for

from lunarscale.service.hurried import HurriedProtocol


class Impatient(HurriedProtocol):
    """Waits for a third of a second."""

    seconds = 0.3


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, tokens: Tokens) -> Iterator[Live]:
    settings = settings_for(tmp_path_factory.mktemp("hurried"))
    with serving(settings, tokens.kept, http=Impatient) as live:
        yield live


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
