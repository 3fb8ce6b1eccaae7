"""A place for objects: on this machine and elsewhere it keeps the same promises."""

import errno
import os
import pickle
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from lunarscale.errors import StoreError
from lunarscale.store.location import Location


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


def test_an_object_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails half-way leaves what was there, and nothing beside it."""
    location = Location(str(tmp_path))
    location.put("shard", b"old")

    def half(self: Path, blob: bytes) -> int:
        with open(self, "wb") as file:
            file.write(blob[: len(blob) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(StoreError, match=r"the disk is full: 1,000 bytes of shard did not fit"):
        location.put("shard", bytes(1000))
    assert location.get("shard") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]


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
