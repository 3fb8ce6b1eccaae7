"""Objects far away: patience with a server, one winner of many, processes, tiles as files."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from s3_at_hand import Bucket, Fault, Proxy, cut_after, cut_before, says

from lunarscale.errors import SourceError, StoreError, TileError
from lunarscale.readers.files import file_size, file_system, kind_of, read_ranges
from lunarscale.readers.sources import index_sources
from lunarscale.store import bucket as bucket_module
from lunarscale.store.location import Location
from lunarscale.urls.patience import PassingError, Patience

pytestmark = [pytest.mark.s3]


class TestPatience:
    """What passes is waited for, within a bound."""

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pauses take what they should, and nothing else takes any time."""
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
        monkeypatch.setattr("lunarscale.urls.patience.time", clock)

    def test_it_tries_again_and_tells_what_it_tried(self) -> None:
        tries = iter([PassingError("busy"), PassingError("busy"), None])

        def attempt() -> str:
            if (error := next(tries)) is not None:
                raise error
            return "done"

        assert Patience().persist(attempt, what="x: GET", advice="wait") == "done"

        def never() -> None:
            raise PassingError("503 Slow Down")

        sentence = (
            r"x: GET was tried 3 times in 0\.\d s \(of at most 3 in 9 s\) and failed in the end: "
            "503 Slow Down; wait$"
        )
        with pytest.raises(StoreError, match=sentence):
            Patience(seconds=9, tries=3).persist(never, what="x: GET", advice="wait")

    def test_it_ends_in_time(self) -> None:
        tried = 0

        def never() -> None:
            nonlocal tried
            tried += 1
            raise PassingError("no answer")

        with pytest.raises(StoreError, match=r"in 0\.[0-4] s \(of at most 20 in 0\.4 s\)"):
            Patience(seconds=0.4).persist(never, what="x", advice="wait")
        assert 2 <= tried <= 4

    def test_what_does_not_pass_is_told_at_once(self, tricky: Location, proxy: Proxy) -> None:
        fault = Fault(says(403))
        with proxy.playing(fault), pytest.raises(StoreError, match="403 Forbidden"):
            tricky.put("a", b"1")
        assert fault.struck == 1

    def test_a_bucket_that_is_not_there(self, bucket: Bucket) -> None:
        place = Location("s3://there-is-no-such-bucket/x", bucket.options)
        for ask in (lambda: place.put("a", b""), lambda: place.get("a"), place.exists):
            with pytest.raises(StoreError, match=r"make (it|the bucket) first"):
                ask()

    def test_a_dead_server_is_not_waited_for_again_and_again(
        self, tricky: Location, proxy: Proxy
    ) -> None:
        """A run asks for thousands of objects: after the first, each ends soon."""
        with proxy.playing(Fault(says(503))):
            with pytest.raises(StoreError, match="of at most 20 in 3 s"):
                tricky.get("a")
            for _ in range(3):
                with pytest.raises(StoreError, match=r"of at most 3 in 0\.3 s"):
                    tricky.get("a")
        tricky.put("a", b"1")
        with proxy.playing(Fault(says(503), times=4)):
            assert tricky.get("a") == b"1"  # it is back, and has the whole patience again


class TestPutNew:
    """One of many makes the object."""

    def test_one_of_many_wins(self, place: Location) -> None:
        together = threading.Barrier(8)

        def attempt(number: int) -> bool:
            together.wait()
            return place.put_new("lock", str(number).encode())

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(attempt, range(8)))
        assert won.count(True) == 1
        assert place.get("lock") == str(won.index(True)).encode()

    def test_a_winner_whose_answer_was_lost_has_won(self, patient: Location, proxy: Proxy) -> None:
        with proxy.playing(Fault(cut_after, "PUT", times=1)):
            assert patient.put_new("lock", b"mine")
        with proxy.playing(Fault(cut_before, "PUT", times=1)):
            assert not patient.put_new("lock", b"other")
        assert patient.get("lock") == b"mine"

    def test_of_two_with_one_word_one_wins(self, place: Location) -> None:
        assert place.put_new("lock", b"")
        assert not place.put_new("lock", b"")

    def test_a_server_that_ignores_the_condition_is_refused(
        self, place: Location, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bucket_module, "_refuses_second", set())
        monkeypatch.setattr(bucket_module, "_is_created", lambda client, name, blob: True)
        with pytest.raises(StoreError, match="does not follow If-None-Match"):
            place.put_new("lock", b"mine")

    def test_in_memory(self) -> None:
        place = Location(f"memory://{uuid.uuid4().hex}")
        assert place.put_new("lock", b"a")
        assert not place.put_new("lock", b"b")


def _read_in_child(place: Location, key: str) -> bytes | None:
    return place.get(key)


class TestProcesses:
    """Threads share a client; processes have their own."""

    def test_threads(self, place: Location) -> None:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: place.put(f"k/{n}", str(n).encode()), range(64)))
            read = list(pool.map(lambda n: place.get(f"k/{n}"), range(64)))
        assert read == [str(n).encode() for n in range(64)]
        assert sorted(place.keys("k"), key=int) == [str(n) for n in range(64)]
        place.remove_tree("k")
        assert place.keys("k") == []

    def test_a_spawned_process_reads(self, place: Location) -> None:
        place.put("a", b"1")
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(_read_in_child, (place, "a")) == b"1"

    def test_a_forked_process_is_refused_instead_of_waiting_for_ever(
        self, bucket: Bucket, tmp_path: Path
    ) -> None:
        """In a process without other threads, as forks of such are not safe at all."""
        script = tmp_path / "forks.py"
        script.write_text(
            "import json, os, sys\n"
            "from lunarscale.store.location import Location\n"
            "place = Location(sys.argv[1], json.loads(sys.argv[2]))\n"
            "if sys.argv[3] == 'used': place.put('a', b'1')\n"
            "child = os.fork()\n"
            "if not child:\n"
            "    try:\n"
            "        print(place.get('zzz'), flush=True)\n"
            "    except Exception as error:\n"
            "        print(error, flush=True)\n"
            "    os._exit(0)\n"
            "os.waitpid(child, 0)\n"
        )
        for use, expected in (("used", "was forked from one that had used"), ("unused", "None")):
            url, options = bucket.url("forks"), json.dumps(bucket.options)
            command = [sys.executable, str(script), url, options, use]
            told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
            assert expected in told.stdout

    def test_folders_load_no_client(self, tmp_path: Path) -> None:
        script = (
            "import sys, lunarscale\n"
            "from lunarscale.store.cube import Cube\n"
            "from lunarscale.store.location import Location\n"
            f"place = Location({str(tmp_path)!r}); place.put('a', b'1'); place.get('a')\n"
            "place.all_keys(); place.exists(); place.put_new('b', b'')\n"
            "print([name for name in ('obstore', 's3fs', 'aiohttp') if name in sys.modules])\n"
        )
        told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert told.stdout.strip() == "[]", told.stderr
        assert os.listdir(tmp_path)


class TestFiles:
    """Tiles of a bucket, as readers see them."""

    @pytest.fixture
    def folder(self, place: Location) -> str:
        """Three files in two folders."""
        for key in ("a.img", "deep/b.img", "deep/c.lbl"):
            place.put(key, key.encode())
        return place.url

    def test_what_lies_where(self, folder: str, bucket: Bucket) -> None:
        files, inner = file_system(folder, bucket.options)
        assert sorted(files.find(inner)) == [f"{inner}/{k}" for k in
                                             ("a.img", "deep/b.img", "deep/c.lbl")]  # fmt: skip
        assert files.glob(f"{inner}/**/*.img") == [f"{inner}/a.img", f"{inner}/deep/b.img"]
        assert files.unstrip_protocol(f"{inner}/a.img") == f"{folder}/a.img"
        kinds = [kind_of(f"{folder}/{k}", bucket.options) for k in ("a.img", "deep", "nothing")]
        assert kinds == ["file", "directory", None]
        assert file_size(f"{folder}/a.img", bucket.options) == 5
        with files.open(f"{inner}/a.img", "rb") as file:
            assert (file.read(2), file.read()) == (b"a.", b"img")

    def test_parts_and_what_lies_behind_the_end(self, folder: str, bucket: Bucket) -> None:
        ranges = [(0, 2), (3, 4096), (5, 9), (700, 800), (2, 2)]
        read = read_ranges(f"{folder}/a.img", ranges, bucket.options)
        assert read == [b"a.", b"mg", b"", b"", b""]

    def test_failures_are_of_the_tile(self, folder: str, bucket: Bucket, proxy: Proxy) -> None:
        with pytest.raises(TileError, match="there is no such file"):
            read_ranges(f"{folder}/z.img", [(0, 4)], bucket.options)
        options = {**bucket.options, "endpoint_url": proxy.url}
        with proxy.playing(Fault(says(500), times=1)):
            assert read_ranges(f"{folder}/a.img", [(0, 2)], options) == [b"a."]
        options["patience_s"] = 0.3
        with (
            proxy.playing(Fault(says(500))),
            pytest.raises(TileError, match=r"a\.img: GET of a part was tried \d time"),
        ):
            read_ranges(f"{folder}/a.img", [(0, 2)], options)
        with pytest.raises(SourceError, match="this URL carries a signature") as told:
            index_sources([f"{folder}/a.img?X-Amz-Signature=hunter22"])
        assert "hunter22" not in str(told.value)
