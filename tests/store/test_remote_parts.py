"""Large objects far away: written piece by piece, read part by part."""

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from s3_at_hand import Bucket, Fault, Proxy, cut_after, cut_before, says

from lunarscale.errors import StoreError, TornError
from lunarscale.store.bucket import TAIL_BYTES
from lunarscale.store.bucket_upload import PART_BYTES, UPLOAD_BYTES, WHOLE_BYTES
from lunarscale.store.location import Location

pytestmark = [pytest.mark.s3]

#: A large object, of bytes that tell where they stand.
LARGE = np.arange(5 * PART_BYTES // 16 + 1234, dtype=np.uint64).tobytes()


class TestUploads:
    """Objects written piece by piece."""

    @pytest.mark.parametrize("size", [0, 1, WHOLE_BYTES, WHOLE_BYTES + 1, len(LARGE)])
    @pytest.mark.parametrize("piece", [PART_BYTES // 3, 10**9])
    def test_it_is_what_was_written(
        self, place: Location, bucket: Bucket, size: int, piece: int
    ) -> None:
        with place.writing("a") as upload:
            for first in range(0, size, piece):
                upload.write(np.frombuffer(LARGE[first : min(first + piece, size)], np.uint8))
            assert place.size("a") is None
        assert upload.size == size
        assert place.get("a") == LARGE[:size]
        assert bucket.open_uploads() == 0

    @pytest.mark.parametrize("size", [10, len(LARGE)])
    def test_after_an_error_nothing_is_left(
        self, place: Location, bucket: Bucket, size: int
    ) -> None:
        place.put("a", b"before")
        with pytest.raises(KeyboardInterrupt), place.writing("a") as upload:  # noqa: PT012
            upload.write(LARGE[:size])
            raise KeyboardInterrupt
        assert place.get("a") == b"before"
        assert bucket.open_uploads() == 0

    def test_it_holds_no_more_than_it_says(self, bucket: Bucket, tmp_path: Path) -> None:
        """In a process of its own: an object of four times the bound."""
        script = tmp_path / "uploads.py"
        script.write_text(
            "import json, resource, sys\n"
            "from lunarscale.store.location import Location\n"
            "place = Location(sys.argv[1], json.loads(sys.argv[2]))\n"
            "place.put('a', b'1')\n"
            "def most(): return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "piece, before = bytes(2**20), most()\n"
            "with place.writing('b') as upload:\n"
            "    for _ in range(int(sys.argv[3])): upload.write(piece)\n"
            "print(upload.size, most() - before)\n"
        )
        count = 4 * UPLOAD_BYTES // 2**20
        command = [sys.executable, str(script), bucket.url("big"), json.dumps(bucket.options)]
        told = subprocess.run(
            [*command, str(count)], capture_output=True, text=True, timeout=300, check=True
        )
        size, held = map(int, told.stdout.split())
        assert size == count * 2**20
        assert held < 1.25 * UPLOAD_BYTES
        assert bucket.open_uploads() == 0

    @pytest.mark.parametrize(
        ("trick", "method", "path"),
        [
            (says(503), "PUT", "partNumber=2"),
            (cut_before, "PUT", "partNumber=3"),
            (cut_after, "PUT", "partNumber=3"),
            (says(500), "POST", "uploads"),
            (says(500), "POST", "uploadId"),
            (cut_after, "POST", "uploadId"),
        ],
        ids=["busy", "cut before", "cut after", "no begin", "no end", "end lost"],
    )
    def test_a_part_that_is_lost_is_sent_again(
        self, patient: Location, proxy: Proxy, bucket: Bucket, trick: Any, method: str, path: str
    ) -> None:
        fault = Fault(trick, method, path, times=1)
        with proxy.playing(fault):
            patient.put("a", LARGE)
        assert fault.struck == 1
        assert patient.get("a") == LARGE
        assert bucket.open_uploads() == 0

    def test_a_part_that_never_goes_is_told(
        self, tricky: Location, proxy: Proxy, bucket: Bucket
    ) -> None:
        sentence = r"PUT in parts was tried up to \d+ times in at most 3 s and failed in the end: "
        with proxy.playing(Fault(says(503), "PUT")), pytest.raises(StoreError, match=sentence):
            tricky.put("a", LARGE)
        assert tricky.size("a") is None
        assert bucket.open_uploads() == 0


class TestParts:
    """Objects of which only parts are read."""

    def test_a_part_is_a_part(self, place: Location, proxy: Proxy, bucket: Bucket) -> None:
        place.put("a", LARGE)
        behind = Location(place.url, {**bucket.options, "endpoint_url": proxy.url})
        before = proxy.counted["GET"]
        with behind.opened("a", whole=False) as blob:
            assert blob.size == len(LARGE)
            assert bytes(blob.at(len(LARGE) - 100, 100)) == LARGE[-100:]  # at hand already
            assert proxy.counted["GET"] - before == 1
            assert bytes(blob.at(12345, 678)) == LARGE[12345 : 12345 + 678]
            astride = len(LARGE) - TAIL_BYTES - 10
            assert bytes(blob.at(astride, 20)) == LARGE[astride : astride + 20]
            assert bytes(blob.at(len(LARGE) - 5, 100)) == LARGE[-5:]
        assert proxy.counted["GET"] - before == 3
        before = proxy.counted["GET"]
        with behind.opened("a") as blob:
            assert bytes(blob.at(0, blob.size)) == LARGE
        assert proxy.counted["GET"] - before == 1
        assert behind.opened("b", whole=False) is None
        assert behind.opened("b") is None

    def test_parts_are_of_one_object(self, place: Location) -> None:
        place.put("a", LARGE)
        with place.opened("a", whole=False) as blob:
            place.put("a", LARGE[1:])
            with pytest.raises(TornError, match="was written anew or removed while it was read"):
                blob.at(0, 10)

    def test_small_ones_and_empty_ones(self, place: Location) -> None:
        for text in (b"abc", b""):
            place.put("a", text)
            with place.opened("a", whole=False) as blob:
                assert (blob.size, bytes(blob.at(0, 10))) == (len(text), text)

    def test_in_memory(self) -> None:
        place = Location(f"memory://{uuid.uuid4().hex}")
        place.put("a", LARGE)
        with place.opened("a", whole=False) as blob:
            assert bytes(blob.at(100, 50)) == LARGE[100:150]
