"""Objects of a bucket through ours, obstore alone, s3fs and plain HTTP; and requests a shard.

``python -m benchmarks.graphs.bench_object_store`` prints both tables; under ``pytest`` they are
made small.

The server is moto's, in a process of its own on this machine, which answers in a millisecond or
two: what differs is what the client costs. Plain HTTP is the limit: one connection kept, no
signature, no check. All sides are interleaved in one run, and a figure is the median. Requests are
counted by a proxy before the server, in a run of its own.
"""

import argparse
import http.client
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import fsspec
import obstore
import pytest
from rich import box
from rich.console import Console
from rich.table import Table

from lunarscale.simulated.archive import plan_tile, simulated_tile, write_tile
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict
from lunarscale.steps.summarise import summarise
from lunarscale.steps.validate import validate
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

# the server and the proxy are those of the tests
sys.path += [str(Path(__file__).parents[2] / "tests" / room) for room in ("", "store")]
from s3_at_hand import Bucket, proxy_before, s3_server

SMALL, SHARD = 1_000, 4_000_000
THREADS = 8

#: The least share of ours that bare obstore takes on small objects, by the client's processor: the
#: server is in another process, and the clock shows what others do.
REQUIRED = 0.6

#: A signature that is none: moto looks whether there is one, and not at it.
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=made-up/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
}

Ask = Callable[[str], Any]


@dataclass(frozen=True)
class Side:
    """One way to objects."""

    put: Callable[[str, bytes], Any]
    get: Ask
    size: Ask


@pytest.mark.s3
def test_all_sides_read_what_any_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with s3_server() as server:
        found = sides(Bucket.new(server, "moon"))
        for name, side in found.items():
            side.put(name.replace(" ", "-"), name.encode())
        for side in found.values():
            for name in found:
                assert side.get(name.replace(" ", "-")) == name.encode()
                assert side.size(name.replace(" ", "-")) == len(name)
        counts = requests_a_shard(server, tmp_path, shard=32)
    assert counts["ingest again"]["PUT"] == 0
    assert counts["predict"]["PUT"] > counts["predict"]["shards"]


def sides(bucket: Bucket) -> dict[str, Side]:
    """All ways to one bucket."""
    place, client = Location(bucket.url("x"), bucket.options), bucket.client()
    files = fsspec.filesystem("s3", use_listings_cache=False, **bucket.options)
    plain = http.client.HTTPConnection(urlsplit(bucket.server).netloc)

    def ask(method: str, key: str, body: bytes | None = None) -> http.client.HTTPResponse:
        plain.request(method, f"/{bucket.name}/x/{key}", body, SIGNED)
        return plain.getresponse()

    def length(key: str) -> int:
        answer = ask("HEAD", key)
        answer.read()
        return int(answer.headers["Content-Length"])

    at = f"{bucket.name}/x/"
    return {
        "plain HTTP": Side(
            lambda key, blob: ask("PUT", key, blob).read(),
            lambda key: ask("GET", key).read(),
            length,
        ),
        "obstore": Side(
            lambda key, blob: obstore.put(client, f"x/{key}", blob, use_multipart=False),
            lambda key: bytes(obstore.get(client, f"x/{key}").bytes()),
            lambda key: obstore.head(client, f"x/{key}")["size"],
        ),
        "lunarscale": Side(place.put, place.get, place.size),
        "s3fs": Side(
            lambda key, blob: files.pipe_file(at + key, blob),
            lambda key: files.cat_file(at + key),
            lambda key: files.size(at + key),
        ),
    }


@dataclass(frozen=True)
class Took:
    """Medians: operations a second by the clock, and processor milliseconds of one."""

    rate: float
    processor_ms: float


def race(bucket: Bucket, *, count: int, size: int, repeats: int) -> dict[tuple[str, str], Took]:
    """Every side and operation, in turns; ours also in threads."""
    blob, keys = bytes(range(250)) * (size // 250), [f"{size}-{n}" for n in range(count)]
    runs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(repeats + 1):  # the first is a warm-up
        for name, side in sides(bucket).items():
            asked = {"put": lambda key, side=side: side.put(key, blob),
                     "get": side.get, "size": side.size}  # fmt: skip
            for what, each in asked.items():
                runs.setdefault((name, what), []).append(_taken(each, keys, threads=1))
                if name == "lunarscale":
                    label = f"lunarscale, {THREADS} threads"
                    runs.setdefault((label, what), []).append(_taken(each, keys, threads=THREADS))
    return {
        place: Took(
            count / median(clock for clock, _ in taken[1:]),
            1000 * median(processor for _, processor in taken[1:]) / count,
        )
        for place, taken in runs.items()
    }


def _taken(each: Ask, keys: list[str], *, threads: int) -> tuple[float, float]:
    before, start = time.process_time(), time.perf_counter()
    if threads == 1:
        for key in keys:
            each(key)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(each, keys))
    return time.perf_counter() - start, time.process_time() - before


def requests_a_shard(server: str, folder: Path, *, shard: int) -> dict[str, dict[str, int]]:
    """Requests of each verb on a little store, by kind, and how many shards it has."""
    run: dict[str, Any] = {"ppd": 1.0, "bbox": (150.0, -30.0, -150.0, 30.0), "shard": shard}
    for name, west in (("UI00N165", 150), ("UI00N195", 180)):
        plan = plan_tile(name, (west, -30, west + 30, 30), ppd=1.0)
        write_tile(folder / plan.file_name, plan, simulated_tile(plan))
    counts: dict[str, dict[str, int]] = {}
    with proxy_before(server) as proxy:
        bucket = Bucket.new(proxy.url, f"moon-{shard}")
        mosaic, maps, options = bucket.url("mosaic"), bucket.url("maps"), bucket.options

        @contextmanager
        def counted(what: str) -> Iterator[None]:
            before = proxy.counted.copy()
            yield
            found = proxy.counted - before
            kinds = {kind: found[kind] for kind in ("GET", "HEAD", "PUT", "LIST", "DELETE")}
            shards = len(Cube.open(Location(mosaic, options)).layout.windows())
            counts[what] = {**kinds, "shards": shards}

        for again in ("", " again"):
            with counted(f"ingest{again}"):
                ingest([str(folder)], out=mosaic, chunk=16, storage_options=options, **run)
            with counted(f"predict{again}"):
                predict(mosaic, out=maps, storage_options=options)
        with counted("summarise, kept"):
            summarise(maps, by=("moon",), storage_options=options)
        with counted("summarise, a pass"):
            summarise(maps, by=("latitude:30",), storage_options=options)
        with counted("validate"):
            validate(maps, storage_options=options)
    return counts


def main() -> int:
    """Print both tables; 1 if ours takes too much more than obstore."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=200, help="small objects")
    parser.add_argument("--shards", type=int, default=12, help="objects as large as shards")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    console = Console(width=110)
    with s3_server() as server, TemporaryDirectory() as folder:
        bucket = Bucket.new(server, "moon")
        small = race(bucket, count=given.small, size=SMALL, repeats=given.repeats)
        large = race(bucket, count=given.shards, size=SHARD, repeats=given.repeats)
        few, many = (requests_a_shard(server, Path(folder), shard=edge) for edge in (32, 16))
    console.print(_rates(small, f"{SMALL:,} bytes", scale=1.0, unit="a second"))
    console.print(_rates(large, f"{SHARD:,} bytes", scale=SHARD / 1e6, unit="MB/s"))
    console.print(_requests(few, many))
    share = min(
        small["obstore", what].processor_ms / small["lunarscale", what].processor_ms
        for what in ("put", "get", "size")
    )
    console.print(
        f"for a small object ours takes {1 / share:.2f} times bare obstore's processor time "
        f"(at most {1 / REQUIRED:.2f} is required)"
    )
    return int(share < REQUIRED)


def _rates(found: dict[tuple[str, str], Took], title: str, *, scale: float, unit: str) -> Table:
    table = Table(title=f"objects of {title}", box=box.MARKDOWN)
    asked = ("put", "get", "size") if scale == 1.0 else ("put", "get")
    for head in ("", *(f"{what} {u}" for what in asked for u in (unit, "cpu ms"))):
        table.add_column(head, justify="right")
    for name in dict.fromkeys(name for name, _ in found):
        cells = []
        for what in asked:
            took = found[name, what]
            rate = took.rate * scale
            cells += [f"{rate:,.0f}", f"{took.processor_ms:.2f}"]
        table.add_row(name, *cells)
    return table


def _requests(few: dict[str, dict[str, int]], many: dict[str, dict[str, int]]) -> Table:
    """What a shard more asks for: the difference of two runs, so that what is asked once is out."""
    table = Table(title="requests a shard, and once a run", box=box.MARKDOWN)
    for head in ("", "GET", "HEAD", "PUT", "LIST", "DELETE", "once a run"):
        table.add_column(head, justify="right")
    for verb, more in many.items():
        less = few[verb]
        shards = more["shards"] - less["shards"]
        kinds = ("GET", "HEAD", "PUT", "LIST", "DELETE")
        each = {kind: (more[kind] - less[kind]) / shards for kind in kinds}
        once = sum(less[kind] - each[kind] * less["shards"] for kind in kinds)
        table.add_row(verb, *(f"{each[kind]:.1f}" for kind in kinds), f"{once:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
