"""Many clients of one server, in one thread: each asks for its next tile when it has the last one.

A client that takes as long as the server would measure itself, so this one writes requests that are
ready and looks of the answers only at their lengths.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

#: Bytes that are taken at a time.
_PIECE = 2**18


@dataclass(frozen=True)
class Answers:
    """What all clients together have seen.

    Parameters
    ----------
    seconds : float
        From the first request to the last answer.
    latencies : ndarray of float64
        Seconds of each request.
    bytes : int
        Of all bodies.
    """

    seconds: float
    latencies: NDArray[np.float64]
    bytes: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Seconds within which a share of the answers came."""
        return float(np.quantile(self.latencies, share))


@dataclass
class _Client:
    """One connection, kept open."""

    line: socket.socket
    since: float = 0.0
    came: bytearray = field(default_factory=bytearray)
    whole: int = 0
    body: int = 0

    def ask(self, request: bytes) -> None:
        """Send the next request."""
        self.came.clear()
        self.whole, self.since = 0, time.perf_counter()
        self.line.sendall(request)

    def take(self) -> bool:
        """Take what has come; whether the answer is whole."""
        piece = self.line.recv(_PIECE)
        if not piece:
            raise ConnectionError("the server closed the connection")
        self.came += piece
        if not self.whole:
            self._measure()
        return 0 < self.whole <= len(self.came)

    def _measure(self) -> None:
        """Learn from the headers how long the answer is."""
        end = self.came.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.came[:end]).lower()
        if b" 200 " not in head.partition(b"\r\n")[0] + b" ":
            raise ConnectionError(f"the server answered {head.decode('latin-1')!r}")
        lines = (line.partition(b":") for line in head.split(b"\r\n"))
        (self.body,) = (int(value) for name, _, value in lines if name == b"content-length")
        self.whole = end + 4 + self.body


def ask_all(port: int, paths: Sequence[str], *, clients: int) -> Answers:
    """Ask for all paths, each client for the next one that nobody has asked for yet.

    Parameters
    ----------
    port : int
        Of this machine.
    paths : sequence of str
    clients : int
        Connections at a time.
    """
    waiting = deque(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode()
        for path in paths
    )
    latencies, size = [], 0
    with selectors.DefaultSelector() as watch:
        begun = time.perf_counter()
        for _ in range(min(clients, len(waiting))):
            client = _Client(socket.create_connection(("127.0.0.1", port)))
            client.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            watch.register(client.line, selectors.EVENT_READ, client)
            client.ask(waiting.popleft())
        while watch.get_map():
            for key, _ in watch.select():
                client = key.data
                if not client.take():
                    continue
                latencies.append(time.perf_counter() - client.since)
                size += client.body
                if waiting:
                    client.ask(waiting.popleft())
                else:
                    watch.unregister(client.line)
                    client.line.close()
        seconds = time.perf_counter() - begun
    return Answers(seconds, np.array(latencies), size)


def fetched(port: int, path: str) -> bytes:
    """The body of one answer.

    Parameters
    ----------
    port : int
        Of this machine.
    path : str
    """
    with urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return bytes(answer.read())
