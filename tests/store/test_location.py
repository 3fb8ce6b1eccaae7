"""A place for objects: on this machine and elsewhere it keeps the same promises."""

import contextlib
import errno
import os
import pickle
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import numpy as np
import pytest

from lunarscale.errors import FormatError, StoreError
from lunarscale.store.location import Location

#: The system's own, where a test puts another in their place.
WRITE, LINK = os.write, os.link


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Location]:
    """An empty place on this machine, and one of fsspec's own in memory."""
    if request.param == "local":
        yield Location(str(tmp_path / "store"))
        return
    location = Location(f"memory://{uuid.uuid4().hex}/store")
    yield location
    location.remove_tree("")


def test_what_is_put_is_got(place: Location) -> None:
    assert place.get("a/c/0/0") is None
    assert place.size("a/c/0/0") is None
    place.put("a/c/0/0", b"one")
    place.put("a/c/0/0", b"other")
    assert place.get("a/c/0/0") == b"other"
    assert place.size("a/c/0/0") == 5
    place.put("a/empty", b"")
    assert (place.get("a/empty"), place.size("a/empty")) == (b"", 0)


def test_an_object_is_no_folder(place: Location) -> None:
    place.put("a", b"one")
    assert place.get("a/b") is None
    assert place.size("a/b") is None


def test_deleting_twice_is_no_error(place: Location) -> None:
    place.put("a/b", b"one")
    place.delete("a/b")
    place.delete("a/b")
    assert place.get("a/b") is None


def test_keys_are_the_objects_of_one_folder(place: Location) -> None:
    for key in ("ledger/r1", "ledger/r0", "ledger/deep/r2", "zarr.json", "ledger/.r3.1f.partial"):
        place.put(key, b"x")
    assert place.keys("ledger") == ["r0", "r1"]
    assert place.keys("nothing") == []
    assert place.entries() == {"ledger", "zarr.json"}


def test_unfinished_objects_are_no_entries(place: Location) -> None:
    place.put(".zarr.json.1f.partial", b"{")
    assert place.entries() == set()
    assert place.exists()


def test_nothing_is_there_until_something_is(place: Location) -> None:
    assert not place.exists()
    assert place.entries() == set()
    place.put("a/b", b"x")
    assert place.exists()


def test_a_single_file_is_there_but_holds_nothing_of_ours(place: Location) -> None:
    """Its name may be one of ours; it is not taken for a store's beginnings."""
    place.put("flag", b"a file of the user's")
    file = Location(f"{place.url}/flag")
    assert file.exists()
    assert file.entries() == {file.path}


def test_a_tree_is_removed_and_nothing_else(place: Location) -> None:
    for key in ("a/c/0", "a/d", "b/c"):
        place.put(key, b"x")
    place.remove_tree("a")
    place.remove_tree("a")
    assert place.entries() == {"b"}
    place.remove_tree("")
    assert not place.exists()


def test_it_pickles_with_its_options() -> None:
    location = Location("s3://bucket/store", {"anon": True})
    again = pickle.loads(pickle.dumps(location))
    assert (again.url, again.storage_options) == (location.url, {"anon": True})


@pytest.mark.parametrize("form", ["{}", "file://{}", "local://{}", "file:{}", "{}/", "file://{}/"])
def test_a_folder_of_this_machine_has_many_names(form: str, tmp_path: Path) -> None:
    location = Location(form.format(tmp_path / "store"))
    assert location.is_local
    assert location.path == str(tmp_path / "store")
    location.put("a/b", b"x")
    assert (tmp_path / "store" / "a" / "b").read_bytes() == b"x"
    assert location.entries() == {"a"}
    location.remove_tree("")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("name", ["with space", "100%25", "[abc]*?", "a::b", "~", "Größe"])
def test_a_name_means_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No pattern, no home folder, no chain of filesystems."""
    monkeypatch.chdir(tmp_path)
    location = Location(name)
    location.put("a/b", b"x")
    assert (tmp_path / name / "a" / "b").read_bytes() == b"x"
    assert location.entries() == {"a"}
    assert location.exists()
    location.remove_tree("")
    assert list(tmp_path.iterdir()) == []


def test_a_store_elsewhere_shares_fsspecs_view() -> None:
    """What another program wrote is seen at once, though this one has listed before."""
    name = uuid.uuid4().hex
    location = Location(f"memory://{name}")
    location.put("a/one", b"1")
    assert location.keys("a") == ["one"]
    fsspec.filesystem("memory").pipe_file(f"/{name}/a/two", b"22")
    assert location.keys("a") == ["one", "two"]
    assert location.size("a/two") == 2
    location.remove_tree("")


def write(place: Location, key: str, *pieces: bytes) -> None:
    """An object piece by piece."""
    with place.writing(key) as upload:
        for piece in pieces:
            upload.write(piece)


def full(descriptor: int, piece: bytes) -> int:
    """A disk that takes a few bytes and then no more."""
    if os.fstat(descriptor).st_size < 512:
        return WRITE(descriptor, piece[:512])
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_object_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails half-way leaves what was there, and nothing beside it."""
    location = Location(str(tmp_path))
    location.put("shard", b"old")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match=r"the disk is full: all but 0 bytes of shard did not fit"):
        location.put("shard", bytes(1000))
    with pytest.raises(StoreError, match="all but 500 bytes of other did not fit"):
        write(location, "other", bytes(500), bytes(800))
    with pytest.raises(StoreError, match="the disk is full"):
        location.put_new("new", bytes(1000))
    assert location.get("shard") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]


def test_what_is_written_in_pieces_is_their_sum(place: Location) -> None:
    pieces = [b"", b"one", np.arange(300, dtype=np.uint8), b"\0" * 1000]
    place.put("a/shard", b"old")
    with place.writing("a/shard") as upload:
        upload.write(*pieces[:2])
        upload.write(*pieces[2:])
        assert place.get("a/shard") == b"old"
        assert place.keys("a") == ["shard"]
        room = np.arange(9, dtype=np.uint8)
        upload.write(room)
        room[:] = 0  # a writer's room is its own again
    whole = b"".join(map(bytes, pieces)) + bytes(range(9))
    assert place.get("a/shard") == whole
    assert upload.size == len(whole)


def test_an_error_within_leaves_what_was_there(place: Location) -> None:
    place.put("shard", b"old")
    for key in ("shard", "other"):
        with pytest.raises(AttributeError):
            write(place, key, b"half", "no bytes")
    assert place.all_keys() == {"shard"}
    assert place.get("shard") == b"old"
    if place.is_local:
        assert os.listdir(place.path) == ["shard"]


def test_an_open_object_is_read_in_parts(place: Location) -> None:
    assert place.opened("a/shard") is None
    place.put("a/shard", bytes(range(100)))
    with place.opened("a/shard") as blob:
        assert blob.size == 100
        assert bytes(blob.at(10, 5)) == bytes(range(10, 15))
        assert bytes(blob.at(95, 50)) == bytes(range(95, 100))
        assert bytes(blob.at(0, 100)) == bytes(range(100))
        assert (len(blob.at(100, 5)), len(blob.at(2**40, 5)), len(blob.at(3, 0))) == (0, 0, 0)


#: Ways to read an object.
READING = {"get": Location.get, "size": Location.size, "opened": Location.opened}


@pytest.mark.parametrize("way", READING)
@pytest.mark.parametrize(("kind", "told"), [
    (os.mkdir, "there is a folder"),
    (os.mkfifo, "there is a pipe"),
    (lambda path: os.symlink("shard", path), "Too many levels of symbolic links"),
    (lambda path: os.symlink("nowhere", path), "there is a link that leads nowhere"),
])  # fmt: skip
def test_what_lies_in_the_place_of_a_file_is_told(
    tmp_path: Path, kind: Callable[[Path], None], told: str, way: str
) -> None:
    location = Location(str(tmp_path))
    kind(tmp_path / "shard")
    with pytest.raises(FormatError, match=f"shard: this should be a file but .*{told}.*; put the"):
        READING[way](location, "shard")


@pytest.mark.parametrize("way", READING)
@pytest.mark.parametrize(("number", "error"), [(errno.EACCES, FormatError), (errno.EIO, OSError)])
def test_what_may_not_be_read_is_told_and_a_failing_disk_is_not_taken_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception], way: str
) -> None:
    location = Location(str(tmp_path))
    location.put("shard", b"whole")

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        patch.setattr(os, "stat", refused)
        with pytest.raises(error, match=os.strerror(number)):
            READING[way](location, "shard")


def test_an_open_object_stays_what_it_was(place: Location) -> None:
    place.put("a/shard", b"old")
    with place.opened("a/shard") as blob:
        place.put("a/shard", b"newer")
        assert (blob.size, bytes(blob.at(0, 9))) == (3, b"old")
        place.delete("a/shard")
        assert bytes(blob.at(0, 9)) == b"old"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no Linux /proc here")
def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    """Nor of a reader that was forgotten, nor of a write that failed."""
    location = Location(str(tmp_path))
    location.put("shard", b"old")
    for _ in range(3):
        location.opened("shard")
        with location.opened("shard") as blob:
            blob.at(0, 1)
        with contextlib.suppress(ZeroDivisionError), location.writing("shard"):
            raise ZeroDivisionError
    assert not [each for each in _open_files() if each.startswith(f"{tmp_path}/")]


def _open_files() -> Iterator[str]:
    """What this process has open, whichever thread opens and closes something meanwhile."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(descriptor)


def test_of_many_that_write_something_new_one_does(tmp_path: Path) -> None:
    """At once, and each would see it whole."""
    place = Location(str(tmp_path))
    blobs = [bytes([number]) * 50_000 for number in range(16)]

    def put(blob: bytes) -> bool:
        made = place.put_new("ledger/lock", blob)
        assert place.get("ledger/lock") in blobs
        return made

    with ThreadPoolExecutor(len(blobs)) as threads:
        made = list(threads.map(put, blobs))
    assert sum(made) == 1
    assert place.get("ledger/lock") == blobs[made.index(True)]
    assert not place.put_new("ledger/lock", b"late")
    assert os.listdir(Path(place.path, "ledger")) == ["lock"]


def test_something_new_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    location = Location(str(tmp_path))
    assert location.put_new("lock", b"first")
    assert not location.put_new("lock", b"second")
    assert location.get("lock") == b"first"
    assert os.listdir(tmp_path) == ["lock"]


def test_a_link_whose_answer_was_lost_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a network the request is sent again, and the second finds the first's file."""

    def linked_twice(source: Path, target: Path) -> None:
        LINK(source, target)
        LINK(source, target)

    monkeypatch.setattr(os, "link", linked_twice)
    assert Location(str(tmp_path)).put_new("lock", b"mine")
    monkeypatch.undo()
    assert not Location(str(tmp_path)).put_new("lock", b"theirs")


def test_a_killed_writer_leaves_the_old_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between writing and renaming: neither ``get`` nor ``keys`` sees what it left."""

    def killed(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    location = Location(str(tmp_path))
    location.put("a/shard", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            location.put("a/shard", b"new")
    assert location.get("a/shard") == b"old"
    assert location.keys("a") == ["shard"]
    location.put("a/shard", b"new")
    assert location.get("a/shard") == b"new"


@pytest.mark.parametrize(
    "url", ["nosuch://bucket/store", "http://127.0.0.1:1/store", "memory-no://x"]
)
def test_a_place_that_cannot_be_reached_is_one_sentence(url: str) -> None:
    with pytest.raises(StoreError, match=rf"^{url}: cannot be reached: \S") as caught:
        Location(url).get("zarr.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["../else", "a/../../else", "/else", "\\else", "a\\..\\..\\else"])
def test_no_key_leads_out_of_the_place(place: Location, key: str) -> None:
    def write() -> None:
        with place.writing(key) as upload:
            upload.write(b"moon")

    for what in (
        write,
        lambda: place.put(key, b"moon"),
        lambda: place.put_new(key, b"moon"),
        lambda: place.get(key),
        lambda: place.size(key),
        lambda: place.opened(key),
        lambda: place.delete(key),
        lambda: place.keys(key),
        lambda: place.remove_tree(key),
    ):
        with pytest.raises(StoreError, match="leads beyond the store"):
            what()
    assert not place.exists()
