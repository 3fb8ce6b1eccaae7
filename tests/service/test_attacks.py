"""What strangers try, over a real socket: each is refused with its status, and the service lives.

Requests are written byte by byte, as no client library would send them.
"""

import io
import json
import re
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from jobs_at_hand import PATIENCE_S, wait_for
from service_at_hand import Live, Tokens, serving, settings_for

from lunarscale.service.settings import Limits

OUTSIDE = "root:x:0:0"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, tokens: Tokens) -> Iterator[Live]:
    """A service of small limits beside files that nobody may see."""
    root = tmp_path_factory.mktemp("attacked")
    data = root / "data"
    (data / ".lunarscale").mkdir(parents=True)
    (data / ".lunarscale" / "secret.json").write_text(OUTSIDE)
    (root / "secret.json").write_text(OUTSIDE)
    limits = {
        "body_bytes": 10_000, "upload_bytes": 20_000, "costly_a_minute": 6_000,
        "upload_vertices": 100,
    }  # fmt: skip
    with serving(settings_for(data, limits=limits), tokens.kept) as live:
        yield live


def ask(live: Live, head: str, body: bytes = b"", *, headers: str = "") -> tuple[int, bytes]:
    """Send a request as it is; returns the answer's status and all of its bytes."""
    lines = f"{head} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}"
    if body:
        lines += f"Content-Length: {len(body)}\r\n"
    return exchange(live, lines.encode("latin-1") + b"\r\n" + body)


def exchange(live: Live, *pieces: bytes, pause: float = 0.0) -> tuple[int, bytes]:
    """Send bytes in pieces; a server that answers early may close before all are sent."""
    with socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered already
        answer = b""
        while piece := received(line):
            answer += piece
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
    return status, answer


def received(line: socket.socket) -> bytes:
    try:
        return line.recv(65_536)
    except ConnectionResetError:
        return b""


SECRETS = (
    "secret.json", ".lunarscale", "../secret.json", ".lunarscale/secret.json", "/etc/passwd",
    "../../../../../../etc/passwd", "..", ".", "....//secret.json", "..\\secret.json",
    "secret.json\0.zarr", "file:///etc/passwd", "~/.ssh/id_rsa",
)  # fmt: skip


def test_no_way_out_of_the_folder(live: Live) -> None:
    paths = live.app.openapi()["paths"].items()
    places = [path for path, methods in paths if "get" in methods and "{" in path]
    assert len(places) >= 2
    for place in places:
        for name in SECRETS:
            once, twice = quote(name, safe=""), quote(quote(name, safe=""), safe="")
            for written in {quote(name), once, twice}:  # many are written alike
                asked = re.sub(r"{\w+}", lambda _, written=written: written, place)
                status, answer = ask(live, f"GET {asked}")
                assert 400 <= status < 500, (asked, answer)
                assert OUTSIDE.encode() not in answer


def test_a_name_that_goes_into_a_file_is_no_path(live: Live, tokens: Tokens) -> None:
    header = f"Authorization: Bearer {tokens.admin}\r\n"
    square = json.dumps(
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    ).encode()
    for name in SECRETS:
        asked = f"POST /api/polygons?name={quote(name, safe='')}"
        status, answer = ask(live, asked, square, headers=header)
        assert status == 400, (name, answer)
    folder = live.app.state.house.settings.data_dir
    assert not list((folder / ".lunarscale").rglob("*.geojson"))


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.geojson", content)
    return packed.getvalue()


RUN = "Authorization: Bearer {run}\r\n"
POLYGONS = "POST /api/polygons?name=a"
ELSEWHERE = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: {}\r\nSec-Fetch-Dest: {}\r\n"
HUGE = {"type": "Polygon", "coordinates": [[[n % 9, n % 7] for n in range(2_000)]]}

ATTACKS: dict[str, tuple[int, str, bytes, str]] = {
    "a token that is none": (401, "GET /api", b"", "Authorization: Bearer nothing\r\n"),
    "a token of bytes": (401, "GET /api", b"", "Authorization: Bearer \xff\xfe\r\n"),
    "another scheme": (401, "GET /api", b"", "Authorization: Basic YTpi\r\n"),
    "no token for an upload": (401, "POST /api/models?name=a", b"x", ""),
    "too large a body": (413, "POST /api/models?name=a", b"x" * 20_001, ""),
    "a packed body": (415, "POST /api/polygons?name=a", b"x", "Content-Encoding: gzip\r\n"),
    "a long address": (414, f"GET /api/datasets/{'a' * 9_000}", b"", ""),
    "a long query": (414, f"GET /api?{'a' * 9_000}", b"", ""),
    "a method of its own": (405, "TRACE /api", b"", ""),
    "a way to another host": (404, "GET http://169.254.169.254/latest/meta-data", b"", ""),
    "a header too long": (431, "GET /api", b"", f"X-Bomb: {'a' * 40_000}\r\n"),
    "headers too many": (431, "GET /api", b"", "".join(f"X-{n}: a\r\n" for n in range(200))),
    "a header that goes on": (400, "GET /api", b"", "X-A: b\r\nX-B : c\r\n"),
    "two hosts": (400, "GET /api", b"", "Host: evil.example\r\n"),
    "two lengths": (400, "POST /api/polygons?name=a", b"x", "Content-Length: 7\r\n"),
    "a negative length": (400, "POST /api/polygons?name=a", b"", "Content-Length: -1\r\n"),
    "a length of many digits": (400, POLYGONS, b"", f"Content-Length: {'9' * 5000}\r\n"),
    "a length and chunks": (
        400,
        POLYGONS,
        b"",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ),
    "chunks of another kind": (400, POLYGONS, b"", "Transfer-Encoding: gzip, chunked\r\n"),
    "a picture on another site's page": (
        403,
        "GET /api",
        b"",
        ELSEWHERE.format("no-cors", "image"),
    ),
    "a frame in another site's page": (403, "GET /", b"", ELSEWHERE.format("navigate", "iframe")),
    "a form of another site": (403, POLYGONS, b"", ELSEWHERE.format("navigate", "document")),
    "too small a role": (403, "POST /api/models?name=a", b"x", RUN),
    "deep polygons": (422, POLYGONS, b"[" * 19_000, RUN),
    "a huge polygon": (422, POLYGONS, json.dumps(HUGE).encode(), RUN),
    "a zip that unfolds to ten megabytes": (422, POLYGONS, zipped(b" " * 10_000_000), RUN),
    "half a character": (404, "GET /api/datasets/%ff%fe%ud800", b"", ""),
    "line ends in a name": (404, "GET /api/datasets/a%0d%0aSet-Cookie:%20a=b", b"", ""),
}


@pytest.mark.parametrize("what", ATTACKS)
def test_it_is_refused_with_its_status(live: Live, tokens: Tokens, what: str) -> None:
    status, head, body, headers = ATTACKS[what]
    headers = headers.replace("{run}", tokens.run)
    told, answer = ask(live, head, body, headers=headers)
    assert told == status, answer[:300]
    assert b"Traceback" not in answer
    assert b"set-cookie:" not in answer.partition(b"\r\n\r\n")[0].lower()
    assert ask(live, "GET /api")[0] == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("[::1", 400), ("a b", 400),
        ("127.0.0.1:99999999", 400), ("", 400), ("user@127.0.0.1", 400),
    ],
)  # fmt: skip
def test_another_host_is_not_this_one(live: Live, host: str, status: int) -> None:
    asked = f"GET /api HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    assert exchange(live, asked)[0] == status


def test_a_body_without_an_end_is_cut_off(live: Live) -> None:
    head = (
        b"POST /api/polygons?name=a HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    status, _ = exchange(live, head, *[chunk] * 8)
    assert status in (401, 413)


def test_a_body_of_chunks_is_counted(live: Live, tokens: Tokens) -> None:
    head = (
        f"POST /api/polygons?name=a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Authorization: Bearer {tokens.run}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    status, answer = exchange(live, head, *[chunk] * 8)
    assert status == 413, answer


def test_a_slow_body_is_given_up(tmp_path: Path, tokens: Tokens) -> None:
    head = (
        f"POST /api/polygons?name=a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Authorization: Bearer {tokens.run}\r\nContent-Length: 1000\r\n\r\n"
    ).encode()
    with serving(settings_for(tmp_path, limits={"body_s": 0.5}), tokens.kept) as live:
        begun = time.monotonic()
        status, answer = exchange(live, head, *[b"x"] * 3, pause=0.1)
    assert status == 408, answer
    assert time.monotonic() - begun < Limits().body_s


def test_a_body_that_breaks_off_leaves_nothing(live: Live, tokens: Tokens, tmp_path: Path) -> None:
    head = (
        f"POST /api/polygons?name=a HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {tokens.run}\r\nContent-Length: 1000\r\n\r\n"
    ).encode()
    incoming = live.app.state.house.settings.own_folder / "uploads" / ".incoming"
    with socket.create_connection(("127.0.0.1", live.port)) as line:
        line.sendall(head + b"x")
        wait_for(lambda: list(incoming.glob("*")), "a place for what comes")
    wait_for(lambda: not list(incoming.iterdir()), "its end")
