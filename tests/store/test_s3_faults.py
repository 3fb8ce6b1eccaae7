"""Faults of an object store by table: answers that fail, are late or lost, listings that lie.

After each the run has completed, equal to the undisturbed one by the bit, or has refused with a
sentence and the next run completes. A proxy between us and a real S3 server plays the faults.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from s3_at_hand import (
    Bucket,
    Fault,
    Proxy,
    Trick,
    cut_after,
    cut_before,
    lists_also,
    lists_nothing,
    says,
    says_in_turn,
    truncates,
    waits,
)

from lunarscale.errors import LunarscaleError
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict
from lunarscale.steps.summarise import summarise
from lunarscale.steps.validate import validate
from lunarscale.store.location import Location

pytestmark = [pytest.mark.s3, pytest.mark.slow]

#: Two shards, one on either side of the seam.
RUN: dict[str, Any] = {"ppd": 1.0, "bbox": (150.0, 0.0, -150.0, 30.0), "shard": 32, "chunk": 16}

#: Seconds that a fault is waited for which lasts, and the longest silence where one is played.
PATIENCE_S, SILENCE_S = 1.5, 1.2

#: The same where a fault passes or nobody is silent: the machine may be busy with other things.
LONG_S = 60.0

#: Objects of a shard's data, an entry, the store's own document.
SHARD = r"(FeO|reflectance)\w*/c/\d"
ENTRY, ROOT = r"ledger/r\d+c\d+\.json", r"/zarr\.json"


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    Parameters
    ----------
    name : str
        What goes wrong.
    fault : tuple
        Trick, method, path and how often, as ``Fault`` takes them.
    ends : str or None
        The sentence in which the run ends, as a regular expression; None if it completes.
    verb : str
        The run that it befalls.
    silence_s : float
        Seconds that the run waits for an answer.
    """

    name: str
    fault: tuple[Trick, str, str, int]
    ends: str | None = None
    verb: str = "predict"
    silence_s: float = LONG_S

    @property
    def patience_s(self) -> float:
        """Seconds that the run tries."""
        return LONG_S if self.ends is None else PATIENCE_S


ALWAYS = 10**9
GONE = r"was tried \d+ times? in \d+\.\d s .*; see whether the server is up and reachable, then"

TABLE = (
    Scenario("busy in every way", (says_in_turn(500, 429, 502, 504), "GET|PUT|HEAD", "", 4)),
    Scenario("503 with Retry-After", (says(503, Retry_After="1"), "PUT", SHARD, 3)),
    Scenario("400 RequestTimeout", (says(400, "<Code>RequestTimeout</Code>"), "PUT", SHARD, 2)),
    Scenario("connection lost before a PUT", (cut_before, "PUT", SHARD, 2)),
    Scenario("answer lost after a shard's PUT", (cut_after, "PUT", SHARD, 2)),
    Scenario("answer lost after an entry's PUT", (cut_after, "PUT", ENTRY, 2)),
    Scenario("answer lost after the root's PUT", (cut_after, "PUT", ROOT, 1)),
    Scenario("answer lost after the lock's PUT", (cut_after, "PUT", r"ledger/lock/", 1)),
    Scenario("answer lost after a DELETE", (cut_after, "DELETE|POST", "", 1)),
    Scenario("a shard's body cut off", (truncates, "GET", SHARD, 3)),
    Scenario("an entry's body cut off", (truncates, "GET", ENTRY, 2)),
    Scenario("slow but there", (waits(0.2), "GET", SHARD, 4)),
    Scenario("silent for a while", (waits(1.5 * SILENCE_S), "PUT", SHARD, 1),
             silence_s=SILENCE_S),
    Scenario("listing shows nothing yet", (lists_nothing, "GET", "list-type", ALWAYS)),
    Scenario("writing fails for good", (says(500), "PUT", SHARD, ALWAYS), GONE),
    Scenario("reading fails for good", (says(503), "GET", SHARD, ALWAYS), GONE),
    Scenario("entries cannot be written", (says(503), "PUT", ENTRY, ALWAYS), GONE),
    Scenario("dead in mid-run", (cut_before, "PUT", SHARD, ALWAYS), GONE),
    Scenario("no right to write", (says(403), "PUT", SHARD, ALWAYS), "403 Forbidden .*the keys"),
    Scenario("500 in ingest", (says(500), "GET|PUT|HEAD", "", 4), verb="ingest"),
    Scenario("answer lost in ingest", (cut_after, "PUT", SHARD, 2), verb="ingest"),
    Scenario("body cut off in ingest", (truncates, "GET", r"tiles/", 3), verb="ingest"),
    Scenario("writing fails in ingest", (says(500), "PUT", SHARD, ALWAYS), GONE, verb="ingest"),
    Scenario("500 in summarise", (says(500), "GET|HEAD", "", 3), verb="summarise"),
    Scenario("body cut off in summarise", (truncates, "GET", SHARD, 3), verb="summarise"),
    Scenario("reading fails in summarise", (says(500), "GET", SHARD, ALWAYS), GONE, "summarise"),
    Scenario("silent in summarise", (waits(LONG_S), "GET", SHARD, ALWAYS), GONE, "summarise",
             silence_s=SILENCE_S),
)  # fmt: skip


@dataclass(frozen=True)
class Peace:
    """An undisturbed run."""

    bucket: Bucket
    tiles: str
    mosaic: str
    maps: str
    rows: list[Any]

    def objects(self, verb: str) -> dict[str, bytes]:
        """What it wrote."""
        return data(self.bucket.objects({"ingest": "peace/mosaic"}.get(verb, "peace/maps")))


def data(objects: dict[str, bytes]) -> dict[str, bytes]:
    """Shards, coordinates and statistics: what says nothing of when and by whom.

    An entry names its inputs by their place, so entries are compared in number.
    """
    told = re.compile(r"zarr\.json$|ledger/(runs/|lock/|tiles\.json|r\w+\.json$)")
    return {key: blob for key, blob in objects.items() if not told.search(key)}


@pytest.fixture(scope="module")
def peace(s3: str, new_name: Callable[[], str], moon_tiles: Path) -> Peace:
    """Tiles, mosaic, maps and table of a run that nothing befell."""
    bucket = Bucket.new(s3, new_name())
    options = {"storage_options": bucket.options}
    tiles, mosaic, maps = map(bucket.url, ("tiles", "peace/mosaic", "peace/maps"))
    for path in moon_tiles.iterdir():
        Location(tiles, bucket.options).put(path.name, path.read_bytes())
    ingest([tiles], out=mosaic, **RUN, **options)
    predict(mosaic, out=maps, **options)
    rows = summarise(maps, by=("latitude:30",), **options).rows
    return Peace(bucket, tiles, mosaic, maps, rows)


@dataclass(frozen=True)
class Runs:
    """A verb on a store of its own."""

    peace: Peace
    verb: str
    name: str

    def __call__(self, options: dict[str, Any]) -> list[Any]:
        """Run it; a table where it gives one."""
        out, given = self.peace.bucket.url(self.name), {"storage_options": options}
        if self.verb == "ingest":
            ingest([self.peace.tiles], out=out, **RUN, **given)
        elif self.verb == "predict":
            predict(self.peace.mosaic, out=out, **given)
        else:
            return list(summarise(self.peace.maps, by=("latitude:30",), **given).rows)
        return []

    def check(self) -> None:
        """Nothing is lost and nothing half-written."""
        if self.verb == "summarise":
            return
        bucket = self.peace.bucket
        assert data(bucket.objects(self.name)) == self.peace.objects(self.verb)
        assert validate(bucket.url(self.name), deep=True, storage_options=bucket.options).is_whole
        assert bucket.open_uploads() == 0


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_after_the_fault_every_byte_is_right(row: Scenario, peace: Peace, proxy: Proxy) -> None:
    run = Runs(peace, row.verb, f"faults/{uuid.uuid4().hex}")
    options = {
        **peace.bucket.options, "endpoint_url": proxy.url, "patience_s": row.patience_s,
        "config_kwargs": {"read_timeout": row.silence_s, "connect_timeout": row.silence_s},
    }  # fmt: skip
    fault, rows = Fault(*row.fault), None
    with proxy.playing(fault):
        if row.ends is None:
            rows = run(options)
        else:
            with pytest.raises(LunarscaleError, match=row.ends):
                run(options)
    assert fault.struck > 0
    if row.ends is not None:
        rows = run(peace.bucket.options)  # the next run completes
    if row.verb == "summarise":
        assert rows == peace.rows
    run.check()


def test_what_a_listing_still_shows_is_not_there(peace: Peace, proxy: Proxy) -> None:
    """A new store is made where an old one was removed a moment ago."""
    name = f"faults/{uuid.uuid4().hex}"
    options = {**peace.bucket.options, "endpoint_url": proxy.url}
    ghost = lists_also(peace.bucket.name, f"{name}/FeO/c/7/7")
    with proxy.playing(Fault(ghost, "GET", "list-type")):
        predict(peace.mosaic, out=peace.bucket.url(name), storage_options=options)
    Runs(peace, "predict", name).check()


def test_a_store_that_a_listing_does_not_show_is_gone_on_with(peace: Peace, proxy: Proxy) -> None:
    """And not laid anew over what is done."""
    options = {**peace.bucket.options, "endpoint_url": proxy.url}
    before = proxy.counted["PUT"]
    with proxy.playing(Fault(lists_nothing, "GET", "list-type")):
        predict(peace.mosaic, out=peace.maps, storage_options=options)
    assert proxy.counted["PUT"] == before


def test_what_a_listing_does_not_show_is_still_overwritten(peace: Peace, proxy: Proxy) -> None:
    """What such a listing leaves behind of the old store is never taken for the new one's."""
    name = f"faults/{uuid.uuid4().hex}"
    options = {**peace.bucket.options, "endpoint_url": proxy.url}
    given: dict[str, Any] = {"out": peace.bucket.url(name), "storage_options": options}
    predict(peace.mosaic, models=("qiu-2025-feo",), **given)
    with proxy.playing(Fault(lists_nothing, "GET", "list-type")):
        predict(peace.mosaic, overwrite=True, **given)
    Runs(peace, "predict", name).check()


def test_no_server_at_all_is_one_sentence(peace: Peace) -> None:
    nobody = {**peace.bucket.options, "endpoint_url": "http://127.0.0.1:1", "patience_s": 0.5}
    with pytest.raises(LunarscaleError, match=GONE) as told:
        summarise(peace.maps, by=("moon",), storage_options=nobody)
    assert "\n" not in str(told.value)
    assert "Connection refused" in str(told.value)
