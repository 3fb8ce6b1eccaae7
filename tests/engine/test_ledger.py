"""The ledger: what it says is done is done."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.engine.ledger import Entry, Ledger, digest
from lunarscale.engine.lock import Ticket
from lunarscale.errors import BusyError, TornError
from lunarscale.grid.raster import Window
from lunarscale.store.location import Location

WINDOW = Window(64, 96, 32, 32)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger of shards of 32 pixels in an empty place."""
    return Ledger(Location(str(tmp_path)), 32)


def entry(**objects: list[int]) -> Entry:
    """An entry that names these objects."""
    return Entry("key", objects, [["UI03N003", "/tiles/ui03n003.img", 5, "ab"]], 7)


def test_an_entry_comes_back_as_it_was_written(ledger: Ledger) -> None:
    written = entry(flag=[12, 345], reflectance=[0, 0])
    assert ledger.read(WINDOW) is None
    ledger.write(WINDOW, written)
    assert ledger.read(WINDOW) == written
    ledger.write(WINDOW, written, b"\0statistics\xff")
    assert ledger.statistics(WINDOW) == b"\0statistics\xff"
    assert ledger.read(Window(64, 64, 32, 32)) is None


def test_statistics_are_sealed_as_the_data_are(ledger: Ledger) -> None:
    ledger.write(WINDOW, entry(), b"\0statistics\xff")
    found = ledger.read(WINDOW)
    assert found is not None
    assert ledger.is_whole(found)
    ledger.location.put("ledger/r0002c0003.statistics", b"torn")
    assert not ledger.is_whole(found)


def test_a_withdrawn_entry_is_none_but_tells_what_went_in(ledger: Ledger) -> None:
    ledger.withdraw(WINDOW)
    assert ledger.inputs(WINDOW) == []
    ledger.write(WINDOW, entry())
    for _ in range(2):
        ledger.withdraw(WINDOW)
        assert ledger.read(WINDOW) is None
        assert ledger.inputs(WINDOW) == entry().inputs


def test_statistics_are_written_before_the_entry(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []
    monkeypatch.setattr(Location, "put", lambda self, key, blob: keys.append(key))
    ledger.write(WINDOW, entry(), b"statistics")
    assert keys == ["ledger/r0002c0003.statistics", "ledger/r0002c0003.json"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\0" * 100,
        b'{"key": "k", "objects": {}',
        b"[]",
        b"null",
        b'"key"',
        b'{"key": "k"}',
        b'{"key": "k", "objects": {}, "colour": 1}',
        b'{"key": "k", "objects": [1]}',
        b'{"key": "k", "objects": {"flag": 3}}',
        b'{"key": "k", "objects": {"flag": ["3", 4]}}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_entry_is_as_good_as_none(ledger: Ledger, damage: bytes) -> None:
    ledger.location.put("ledger/r0002c0003.json", damage)
    assert ledger.read(WINDOW) is None


@given(cut=st.integers(min_value=0))
def test_an_entry_cut_anywhere_is_none(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    ledger = Ledger(Location(str(tmp_path_factory.mktemp("cut"))), 32)
    ledger.write(WINDOW, entry(flag=[12, 345]))
    blob = ledger.location.get("ledger/r0002c0003.json") or b""
    ledger.location.put("ledger/r0002c0003.json", blob[: cut % len(blob)])
    assert ledger.read(WINDOW) is None


@pytest.mark.parametrize(
    ("promised", "there", "whole"),
    [
        (5, b"12345", True),
        (5, b"1234", False),
        (5, b"123456", False),
        (5, b"", False),
        (5, None, False),
        (0, None, True),
        (0, b"1", False),
    ],
)
def test_whole_is_every_object_at_its_size(
    ledger: Ledger, promised: int, there: bytes | None, whole: bool
) -> None:
    ledger.location.put("FeO/c/0/1", b"other")
    if there is not None:
        ledger.location.put("FeO/c/0/0", there)
    made = Entry("key", {"FeO/c/0/1": [5, 1], "FeO/c/0/0": [promised, 1]})
    assert ledger.is_whole(made) is whole


def test_names_are_places_in_shards(ledger: Ledger) -> None:
    assert ledger.name(WINDOW) == "r0002c0003"
    names = {ledger.name(window) for window in Window(0, 0, 320, 640).split(32)}
    assert len(names) == 200


def test_content_is_what_the_objects_hold_whoever_made_them() -> None:
    one, same = Entry("a", {"flag": [1, 2]}), Entry("b", {"flag": [1, 2]}, [["x"]], 3)
    assert one.content == same.content
    assert one.content != Entry("a", {"flag": [1, 3]}).content


def test_digests_are_of_values_not_of_their_order_in_a_dict() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(1, 2) != digest([1, 2]) != digest(2, 1)
    # the same on every machine: nothing but this text goes in
    assert digest(["FeO"], {"b": 1, "a": 2}) == sha256(b'[["FeO"],{"a":2,"b":1}]').hexdigest()


def test_an_entry_of_another_store_in_the_same_place_is_none(ledger: Ledger) -> None:
    ours, theirs = replace(ledger, store="a1"), replace(ledger, store="b2")
    theirs.write(WINDOW, entry(flag=[12, 345]))
    assert ours.read(WINDOW) is None
    assert ours.inputs(WINDOW) == []
    ours.withdraw(WINDOW)
    assert theirs.read(WINDOW) is not None, "what is none is not touched"


@given(bit=st.integers(min_value=0))
def test_an_entry_any_of_whose_bits_is_another_is_none(
    bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger = Ledger(Location(str(tmp_path_factory.mktemp("bit"))), 32, "a1")
    ledger.write(WINDOW, entry(flag=[12, 345]))
    blob = bytearray(ledger.location.get("ledger/r0002c0003.json") or b"")
    bit %= 8 * len(blob)
    blob[bit // 8] ^= 1 << bit % 8
    ledger.location.put("ledger/r0002c0003.json", bytes(blob))
    assert ledger.read(WINDOW) is None


def test_a_run_that_lost_the_store_takes_nothing_back_and_enters_nothing(ledger: Ledger) -> None:
    ledger.write(WINDOW, entry(flag=[12, 345]))
    lost = replace(ledger, ticket=Ticket(1, "a run whose lock is gone"))
    with pytest.raises(BusyError, match="ledger/lock/000001 is gone"):
        lost.withdraw(WINDOW)
    assert ledger.read(WINDOW) is not None
    with pytest.raises(BusyError, match="ledger/lock/000001 is gone"):
        lost.write(WINDOW, entry(flag=[12, 346]), b"statistics")
    assert ledger.read(WINDOW) is None, "its objects may lie over another run's: none counts"


def test_statistics_that_are_others_are_refused(ledger: Ledger) -> None:
    ledger.write(WINDOW, entry(), b"statistics")
    ledger.location.put("ledger/r0002c0003.statistics", b"statistiks")
    with pytest.raises(TornError, match=r"r0002c0003\.statistics: these are not the statistics"):
        ledger.statistics(WINDOW)


def test_what_lies_under_a_window_is_told_by_its_shards(ledger: Ledger) -> None:
    assert ledger.under(Window(31, 64, 2, 32)) == [Window(0, 64, 1, 1), Window(32, 64, 1, 1)]
    places = [Window(0, 0, 32, 32), Window(0, 32, 32, 32)]
    assert ledger.content(places) is None
    for place in places:
        ledger.write(place, entry(flag=[12, place.col]))
    told = ledger.content(places)
    assert told is not None
    ledger.write(places[1], entry(flag=[12, 99]))
    assert ledger.content(places) not in (None, told)
    ledger.withdraw(places[0])
    assert ledger.content(places) is None


def test_a_scan_finds_what_reading_one_by_one_finds(ledger: Ledger) -> None:
    places = list(Window(0, 0, 320, 320).split(32))
    for place in places[::3]:
        ledger.write(place, entry(flag=[0, 0]))
    for place in places[::6]:
        ledger.write(place, entry(flag=[7, 0]))  # an object that is not there
    assert ledger.scan(places) == [ledger.read(place) for place in places]
    whole = ledger.scan(places, whole=True)
    assert [found is not None for found in whole] == [n % 6 == 3 for n in range(100)]
