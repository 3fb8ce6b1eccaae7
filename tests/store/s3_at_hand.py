"""A real S3 server over HTTP in a process of its own, and a proxy before it that plays tricks.

The server is moto's, on this machine; the credentials are made up.
"""

import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import obstore
import obstore.store
from ports_at_hand import free_port

KEY, SECRET = "made-up-key-id", "made-up-secret-key"

#: Variables that would lead to another server or other keys.
FOREIGN = (
    "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION",
    "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
)  # fmt: skip


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of an S3 server that is up."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 240
        while not _is_up(port):
            assert server.poll() is None, "the S3 server ended"
            assert time.monotonic() < deadline, "the S3 server does not come up"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)


def _is_up(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def request(server: str, method: str, path: str) -> bytes:
    """What the server itself answers to a plain request."""
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=30)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status < 300, (method, path, answer.status, body)
    return body


@dataclass(frozen=True)
class Bucket:
    """A bucket and how to reach it."""

    server: str
    name: str

    @classmethod
    def new(cls, server: str, name: str) -> "Bucket":
        """An empty one."""
        request(server, "PUT", f"/{name}")
        return cls(server, name)

    def url(self, path: str) -> str:
        """Of something in it."""
        return f"s3://{self.name}/{path}"

    @property
    def options(self) -> dict[str, Any]:
        """As users of s3fs write them."""
        return {"key": KEY, "secret": SECRET, "endpoint_url": self.server}

    def client(self) -> Any:
        """A client that knows nothing of ours."""
        return obstore.store.S3Store(
            self.name,
            config={"endpoint": self.server, "access_key_id": KEY, "secret_access_key": SECRET},
            client_options={"allow_http": True},
        )

    def objects(self, folder: str) -> dict[str, bytes]:
        """Every object below a folder, read past all that is ours."""
        client = self.client()
        paths = [found["path"] for page in obstore.list(client, folder) for found in page]
        return {
            path.removeprefix(f"{folder}/"): bytes(obstore.get(client, path).bytes())
            for path in paths
        }

    def open_uploads(self) -> int:
        """Uploads in parts that were begun and neither ended nor given up."""
        return request(self.server, "GET", f"/{self.name}?uploads").count(b"<Upload>")


#: What a trick does with a request: forwards it with ``ask`` or not, and answers or cuts.
Trick = Callable[["_Handler", Callable[[], "Answer"]], None]


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Fault:
    """A trick, and the requests that it is played on.

    Parameters
    ----------
    trick : callable
    method, path : str
        Regular expressions.
    times : int
        How often.
    """

    trick: Trick
    method: str = ".*"
    path: str = ".*"
    times: int = 10**9
    struck: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is one of them; it is counted."""
        meant = re.fullmatch(self.method, method) and re.search(self.path, path)
        if not meant or self.struck >= self.times:
            return False
        self.struck += 1
        return True


def says(status: int, body: str = "", **headers: str) -> Trick:
    """The request does not reach the server."""

    def trick(handler: "_Handler", ask: Callable[[], Answer]) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.answer(Answer(status, named, body.encode()))

    return trick


def says_in_turn(*statuses: int) -> Trick:
    """One status after the other."""
    turns = cycle(statuses)
    return lambda handler, ask: says(next(turns))(handler, ask)


def cut_before(handler: "_Handler", ask: Callable[[], Answer]) -> None:
    """The connection is lost before the request reaches the server."""
    handler.cut()


def cut_after(handler: "_Handler", ask: Callable[[], Answer]) -> None:
    """The server does what is asked; its answer is lost."""
    ask()
    handler.cut()


def truncates(handler: "_Handler", ask: Callable[[], Answer]) -> None:
    """Half of the body comes, then the connection is lost."""
    answer = ask()
    handler.answer(answer, upto=len(answer.body) // 2)
    handler.cut()


def waits(seconds: float) -> Trick:
    """The server is slow."""

    def trick(handler: "_Handler", ask: Callable[[], Answer]) -> None:
        handler.server_.released.wait(seconds)
        handler.answer(ask())

    return trick


def lists_nothing(handler: "_Handler", ask: Callable[[], Answer]) -> None:
    """A listing that does not show yet what is there."""
    answer = ask()
    body = re.sub(rb"<Contents>.*?</Contents>|<CommonPrefixes>.*?</CommonPrefixes>", b"",
                  answer.body, flags=re.DOTALL)  # fmt: skip
    handler.answer(Answer(answer.status, answer.headers, body))


def lists_also(bucket: str, key: str) -> Trick:
    """A listing that still shows what was removed."""
    ghost = (
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<ETag>&quot;0&quot;</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>"
    ).encode()

    def trick(handler: "_Handler", ask: Callable[[], Answer]) -> None:
        answer = ask()
        asked = parse_qs(urlsplit(handler.path).query).get("prefix", [""])[0]
        if not key.startswith(asked):
            handler.answer(answer)
            return
        body = answer.body.replace(b"</ListBucketResult>", ghost + b"</ListBucketResult>")
        handler.answer(Answer(answer.status, answer.headers, body))

    return trick


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.faults: list[Fault] = []
        self.counted: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_: _Server

    def handle_one_request(self) -> None:
        self.server_ = self.server  # type: ignore[assignment]
        super().handle_one_request()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def _play(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server = self.server_
        with server.lock:
            server.counted[_kind(self.command, self.path)] += 1
            fault = next((f for f in server.faults if f.strikes(self.command, self.path)), None)

        def ask() -> Answer:
            connection = http.client.HTTPConnection(server.target, timeout=60)
            connection.request(self.command, self.path, body or None, dict(self.headers))
            found = connection.getresponse()
            answer = Answer(found.status, dict(found.headers), found.read())
            connection.close()
            return answer

        if fault is None:
            self.answer(ask())
        else:
            fault.trick(self, ask)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _play

    def answer(self, answer: Answer, *, upto: int | None = None) -> None:
        """Send an answer, or the first bytes of it."""
        self.send_response_only(answer.status)
        dropped = {"connection", "transfer-encoding", "content-length"}
        for name, value in answer.headers.items():
            if name.lower() not in dropped:
                self.send_header(name, value)
        told = {name.lower(): value for name, value in answer.headers.items()}
        length = told.get("content-length", "0") if self.command == "HEAD" else len(answer.body)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:upto])

    def cut(self) -> None:
        """Lose the connection."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _kind(method: str, path: str) -> str:
    query = urlsplit(path).query
    if method == "GET" and "list-type" in query:
        return "LIST"
    return "DELETE" if method == "POST" and query.startswith("delete") else method


@dataclass
class Proxy:
    """A server between client and S3.

    Parameters
    ----------
    url : str
        Its address.
    """

    url: str
    _server: _Server = field(repr=False)

    @property
    def counted(self) -> Counter[str]:
        """Requests so far, by kind."""
        return self._server.counted

    @contextmanager
    def playing(self, *faults: Fault) -> Iterator[None]:
        """Play tricks within the block."""
        self._server.faults = list(faults)
        try:
            yield
        finally:
            self._server.faults = []
            self._server.released.set()
            self._server.released = threading.Event()


@contextmanager
def proxy_before(server: str) -> Iterator[Proxy]:
    """A proxy that plays no tricks yet."""
    made = _Server(server)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Proxy(f"http://127.0.0.1:{made.server_address[1]}", made)
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


class _Files(SimpleHTTPRequestHandler):
    """A folder as a plain web server shows it; the first answer to each path is 503."""

    asked: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        if self.asked[self.path] == 1:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a web server that shows a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
