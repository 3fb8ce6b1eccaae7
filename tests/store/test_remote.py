"""Objects far away: options as users write them, secrets that stay secret, uploads in parts."""

import json
import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from s3_at_hand import (
    KEY,
    SECRET,
    Bucket,
    Fault,
    Proxy,
    cut_after,
    cut_before,
    proxy_before,
    says,
)

from lunarscale.errors import SourceError, StoreError, TileError, TornError
from lunarscale.readers.files import file_size, file_system, kind_of, read_ranges
from lunarscale.readers.sources import index_sources
from lunarscale.store import bucket as bucket_module
from lunarscale.store.bucket import TAIL_BYTES
from lunarscale.store.bucket_upload import PART_BYTES, UPLOAD_BYTES, WHOLE_BYTES
from lunarscale.store.location import Location
from lunarscale.urls.options import settings_of
from lunarscale.urls.patience import PassingError, Patience

pytestmark = [pytest.mark.s3]


@pytest.fixture(scope="module")
def bucket(s3: str, new_name: Callable[[], str]) -> Bucket:
    """A bucket of this module's own."""
    return Bucket.new(s3, new_name())


@pytest.fixture(scope="module")
def proxy(s3: str) -> Iterator[Proxy]:
    """A server that plays tricks."""
    with proxy_before(s3) as made:
        yield made


@pytest.fixture
def place(bucket: Bucket) -> Location:
    """An empty place, reached directly."""
    return Location(bucket.url(uuid.uuid4().hex), bucket.options)


@pytest.fixture
def tricky(bucket: Bucket, proxy: Proxy) -> Location:
    """An empty place behind the proxy; faults are waited for a few seconds at the most."""
    options = {**bucket.options, "endpoint_url": proxy.url, "patience_s": 3}
    return Location(bucket.url(uuid.uuid4().hex), options)


def _settings(url: str, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    settings, _ = settings_of(url, options)
    return json.loads(settings.config), json.loads(settings.client)


class TestOptions:
    """What users of s3fs, gcsfs and adlfs write."""

    @pytest.mark.parametrize(
        ("options", "config"),
        [
            ({"key": "a", "secret": "b", "token": "c"},
             {"access_key_id": "a", "secret_access_key": "b", "session_token": "c"}),
            ({"anon": True}, {"skip_signature": True}),
            ({"anon": True, "client_kwargs": {"region_name": "eu-west-1"}},
             {"skip_signature": True, "region": "eu-west-1"}),
            ({"anon": True, "endpoint_url": "https://s3.example.org"},
             {"skip_signature": True, "endpoint": "https://s3.example.org"}),
            ({"anon": True, "config_kwargs": {"s3": {"addressing_style": "virtual"}}},
             {"skip_signature": True, "virtual_hosted_style_request": True}),
            ({"anon": True, "s3_additional_kwargs": {"ServerSideEncryption": "AES256"}},
             {"skip_signature": True, "server_side_encryption": "AES256"}),
            ({"anon": True, "use_listings_cache": False, "default_block_size": 5},
             {"skip_signature": True}),
            ({"anon": True, "requester_pays": True, "token": None},
             {"skip_signature": True, "request_payer": True}),
        ],
    )  # fmt: skip
    @pytest.mark.usefixtures("s3")
    def test_of_s3fs(self, options: dict[str, Any], config: dict[str, Any]) -> None:
        assert _settings("s3://moon/x", options)[0] == config

    @pytest.mark.parametrize(
        ("url", "options", "config"),
        [
            ("gs://moon/x", {"token": "anon"}, {"skip_signature": True}),
            ("gcs://moon/x", {"token": {"type": "service_account"}, "project": "p"},
             {"service_account_key": '{"type": "service_account"}'}),
            ("az://moon/x", {"account_name": "a", "account_key": "b"},
             {"account_name": "a", "account_key": "b"}),
            ("abfs://moon@lunar.dfs.core.windows.net/x", {"anon": True},
             {"account_name": "lunar", "skip_signature": True}),
            ("abfss://moon/x", {"connection_string": "AccountName=a;AccountKey=b==;X=y"},
             {"account_name": "a", "account_key": "b=="}),
        ],
    )  # fmt: skip
    def test_of_gcsfs_and_adlfs(
        self, url: str, options: dict[str, Any], config: dict[str, Any]
    ) -> None:
        """Translated only: no server of theirs is at hand."""
        settings, prefix = settings_of(url, options)
        assert json.loads(settings.config) == config
        assert (settings.bucket, prefix) == ("moon", "x")

    @pytest.mark.parametrize(
        ("url", "options", "sentence"),
        [
            ("s3://moon/x", {"anonymous": True}, "the storage option anonymous is not known here; "
             "known are anon, client_kwargs, .*endpoint_url"),
            ("s3://moon/x", {"client_kwargs": {"regoin": "x"}}, "regoin is not known"),
            ("s3://moon/x", {"client_kwargs": "eu"}, "client_kwargs should hold options by name"),
            ("s3://moon/x", {"patience_s": "long"}, "patience_s should be seconds"),
            ("s3://moon/x", {"client_kwargs": {"verify": "/nowhere.pem"}}, "no file of certif"),
            ("gs://moon/x", {"token": "browser"}, "token cannot be followed"),
            ("az://moon/x", {"credential": object()}, "credential is not known"),
            ("s3:///x", {}, "names no bucket"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_followed_is_refused(
        self, url: str, options: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(StoreError, match=sentence):
            Location(url, options).get("zarr.json")

    @pytest.mark.usefixtures("s3")
    def test_waiting_is_set_in_botocores_words(self) -> None:
        words = {"connect_timeout": 1, "read_timeout": 2.5, "retries": {"max_attempts": 4}}
        options = {"anon": True, "config_kwargs": words}
        settings, _ = settings_of("s3://moon/x", {**options, "patience_s": 7})
        assert settings.patience == Patience(seconds=7.0, tries=5)
        client = json.loads(settings.client)
        assert (client["connect_timeout"], client["read_timeout"]) == ("1000ms", "2500ms")

    def test_a_profile_gives_keys_region_and_endpoint(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: str
    ) -> None:
        """Options come before the environment, and the environment before the profile's files."""
        config, keys = tmp_path / "config", tmp_path / "credentials"
        config.write_text(
            "[default]\nregion = us-east-2\n[profile moon]\nregion = eu-west-1\n"
            f"endpoint_url = {s3}\n[profile sso]\nsso_session = mine\n"
        )
        keys.write_text("[moon]\naws_access_key_id = from-file\naws_secret_access_key = s%cret\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
        found, client = _settings("s3://moon/x", {"profile": "moon"})
        assert found == {
            "access_key_id": "from-file", "secret_access_key": "s%cret", "region": "eu-west-1",
            "endpoint": s3,
        }  # fmt: skip
        assert client["allow_http"]
        monkeypatch.setenv("AWS_PROFILE", "moon")
        assert _settings("s3://moon/x", {})[0] == found
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-environment")
        monkeypatch.setenv("AWS_REGION", "eu-north-1")
        assert _settings("s3://moon/x", {})[0] == {"endpoint": s3}
        with pytest.raises(StoreError, match=r"the AWS profile sso has no keys but sso_session"):
            settings_of("s3://moon/x", {"profile": "sso"})
        with pytest.raises(StoreError, match="the AWS profile mars is not there"):
            settings_of("s3://moon/x", {"profile": "mars"})
        keys.write_text(f"{SECRET}\n")
        with pytest.raises(StoreError, match="no file of AWS profiles") as told:
            settings_of("s3://moon/x", {"profile": "moon"})
        assert SECRET not in str(told.value)


class TestSecrets:
    """Keys are in no message, no log, no name."""

    def test_errors_and_logs_have_none(
        self, tricky: Location, proxy: Proxy, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not even where the server sends them back, as S3 does when a signature is wrong."""
        body = (
            f"<Error><Code>SignatureDoesNotMatch</Code><Message>key {KEY} with {SECRET}</Message>"
            f"<AWSAccessKeyId>{KEY}</AWSAccessKeyId></Error>"
        )
        with (
            caplog.at_level(logging.DEBUG),
            proxy.playing(Fault(says(403, body))),
            pytest.raises(StoreError, match=r"GET failed: .*403.*SignatureDoesNotMatch") as told,
        ):
            tricky.get("a")
        shown = [str(told.value), repr(told.value), repr(tricky), caplog.text]
        error: BaseException | None = told.value
        while error is not None:  # what a traceback shows
            shown.append(str(error))
            error = None if error.__suppress_context__ else error.__cause__ or error.__context__
        assert "key *** with ***" in str(told.value)
        assert not [text for text in shown if KEY in text or SECRET in text]
        assert "AWS_ACCESS_KEY_ID" in str(told.value)

    @pytest.mark.parametrize(
        "url",
        [
            "https://moon:hunter22@example.org/tiles/a.img",
            "https://moon.s3.amazonaws.com/a?X-Amz-Credential=x&X-Amz-Signature=hunter22",
            "https://moon.blob.core.windows.net/a?sv=1&sig=hunter22",
            "s3://key:hunter22@moon/x",
        ],
    )
    def test_a_url_that_carries_a_key_is_refused(self, url: str) -> None:
        with pytest.raises(SourceError, match="this URL carries a") as told:
            Location(url).get("zarr.json")
        assert "hunter22" not in str(told.value)

    def test_a_pickled_place_carries_nothing_of_the_environment(
        self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.server)
        place = Location(bucket.url(uuid.uuid4().hex))
        place.put("a", b"1")
        packed = pickle.dumps(place)
        assert KEY.encode() not in packed
        assert SECRET.encode() not in packed
        assert len(packed) < 300
        assert pickle.loads(packed).get("a") == b"1"


class TestPatience:
    """What passes is waited for, within a bound."""

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

    def test_a_winner_whose_answer_was_lost_has_won(self, tricky: Location, proxy: Proxy) -> None:
        with proxy.playing(Fault(cut_after, "PUT", times=1)):
            assert tricky.put_new("lock", b"mine")
        with proxy.playing(Fault(cut_before, "PUT", times=1)):
            assert not tricky.put_new("lock", b"other")
        assert tricky.get("lock") == b"mine"

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
            [*command, str(count)], capture_output=True, text=True, timeout=120, check=True
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
        self, tricky: Location, proxy: Proxy, bucket: Bucket, trick: Any, method: str, path: str
    ) -> None:
        fault = Fault(trick, method, path, times=1)
        with proxy.playing(fault):
            tricky.put("a", LARGE)
        assert fault.struck == 1
        assert tricky.get("a") == LARGE
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
            told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
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
        options = {**bucket.options, "endpoint_url": proxy.url, "patience_s": 0.3}
        with proxy.playing(Fault(says(500), times=1)):
            assert read_ranges(f"{folder}/a.img", [(0, 2)], options) == [b"a."]
        with (
            proxy.playing(Fault(says(500))),
            pytest.raises(TileError, match=r"a\.img: GET of a part was tried \d time"),
        ):
            read_ranges(f"{folder}/a.img", [(0, 2)], options)
        with pytest.raises(SourceError, match="this URL carries a signature") as told:
            index_sources([f"{folder}/a.img?X-Amz-Signature=hunter22"])
        assert "hunter22" not in str(told.value)
