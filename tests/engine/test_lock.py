"""One run at a time writes to a store; a holder that is gone is told from one that is slow."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.engine import lock as locks
from lunarscale.engine.lock import Claim, RunLock, Ticket
from lunarscale.engine.processes import home, started
from lunarscale.engine.seals import sealed, unsealed
from lunarscale.errors import BusyError, StoreError
from lunarscale.store.location import Location

#: Seconds of a beat, and of a watch, in these tests; users' are ``BEAT_S`` and ``WATCH_S``.
BEAT, WATCH = 0.02, 0.4


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """An empty place, on the disk and behind fsspec."""
    if request.param == "folder":
        return Location(str(tmp_path / "store"))
    return Location(f"memory://{tmp_path.name}")


def lock(place: Location, run: str = "run1", **times: float) -> RunLock:
    """A run's lock with short times."""
    times = {"beat_s": BEAT, "watch_s": WATCH, **times}
    return RunLock(place, run, verb="predict", since="2026-11-21T12:00:00+00:00", **times)


def claim(place: Location, number: int = 1) -> dict[str, Any]:
    """What a lock's object says."""
    found = unsealed(place.get(f"ledger/lock/{number:06d}"))
    assert found is not None
    return found


def put_claim(place: Location, number: int = 1, **changed: Any) -> None:
    """A lock of a run on another machine, or changed from that."""
    told = Claim("other-1", "ingest", "far", "far boot", 7, "1", "2026-11-21T11:00:00+00:00")
    place.put(f"ledger/lock/{number:06d}", sealed(asdict(replace(told, **changed))))


def test_the_second_is_refused_and_told_who_holds_it(place: Location) -> None:
    with lock(place) as held, pytest.raises(BusyError) as error, lock(place, "run2"):
        pass
    assert str(error.value) == (
        f"{place.url}: one run at a time writes to a store but another one does so now (predict "
        f"on {os.uname().nodename}, process {os.getpid()}, since 2026-11-21T12:00:00+00:00); "
        "wait for its end or stop it, then run this command again"
    )
    assert held.ticket == Ticket(1, claim(place)["run"])
    assert claim(place)["freed"] is True
    with lock(place, "run2") as next_one:
        assert next_one.ticket is not None
        assert next_one.ticket.number == 2
        assert next_one.remark == ""


def test_an_error_within_frees_it(place: Location) -> None:
    with pytest.raises(KeyboardInterrupt), lock(place):
        raise KeyboardInterrupt
    assert claim(place)["freed"] is True


def test_of_many_at_once_one_has_it(place: Location) -> None:
    barrier, done = Barrier(8), Barrier(8)
    had: list[str] = []

    def try_it(run: str) -> None:
        barrier.wait()
        try:
            with lock(place, run):
                had.append(run)
                done.wait()
        except BusyError:
            done.wait()

    threads = [Thread(target=try_it, args=(f"run{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(had) == 1


def test_the_counter_rises_and_a_ticket_is_good_meanwhile(place: Location) -> None:
    with lock(place) as held:
        assert held.ticket is not None
        while claim(place)["beat"] < 3:
            held.ticket.require(place)
        held.require_held()
    with pytest.raises(BusyError, match=r"this run's lock ledger/lock/000001 has ended"):
        held.ticket.require(place)


@given(numbers=st.integers(1, 40))
def test_the_highest_is_found_without_a_listing(numbers: int) -> None:
    keys = {f"ledger/lock/{n + 1:06d}" for n in range(numbers)}

    class Blind(Location):
        def size(self, key: str) -> int | None:
            return 1 if key in keys else None

        def keys(self, folder: str) -> list[str]:
            raise AssertionError("a listing was asked for")

    assert locks._highest(Blind("memory://blind")) == numbers


SLEEPER = """
import sys
from lunarscale.engine.lock import RunLock
from lunarscale.store.location import Location
with RunLock(Location(sys.argv[1]), "killed", verb="ingest", since="then", beat_s=0.02):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the store at ``tmp_path / "store"`` until its input ends."""
    command = [sys.executable, "-c", SLEEPER, str(tmp_path / "store")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_holder_that_was_killed_here_is_followed_at_once(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    place = Location(str(tmp_path / "store"))
    with pytest.raises(BusyError, match=rf"process {holder.pid}, since then"), lock(place):
        pass
    holder.send_signal(signal.SIGSTOP)  # as good as a machine that is asleep: it still lives
    with pytest.raises(BusyError), lock(place):
        pass
    holder.kill()
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody has asked after it
    with lock(place, watch_s=3600) as held:
        assert held.ticket is not None
        assert held.ticket.number == 2
        assert held.remark == (
            f"{place.url}: ingest on {os.uname().nodename}, process {holder.pid}, since then, is "
            "gone without an end; this run goes on in its place"
        )


def test_another_process_of_the_same_number_is_not_the_holder(place: Location) -> None:
    put_claim(place, home=home(), process=os.getppid(), started="0")
    with lock(place, watch_s=3600):
        pass


def test_one_elsewhere_that_stands_still_is_followed(place: Location) -> None:
    put_claim(place)
    with lock(place) as held:
        assert "ingest on far, process 7" in held.remark


def test_one_elsewhere_that_beats_is_respected(place: Location) -> None:
    put_claim(place)
    over = Event()

    def beat() -> None:
        for number in count():
            if over.wait(BEAT):
                return
            put_claim(place, beat=number)

    beating = Thread(target=beat)
    beating.start()
    with pytest.raises(BusyError, match=r"ingest on far, process 7"), lock(place, watch_s=3600):
        pass
    over.set()
    beating.join()


def test_one_elsewhere_that_ends_while_it_is_watched_makes_room(
    place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_claim(place)
    asked = locks.monotonic

    def end_it() -> float:
        put_claim(place, freed=True)
        return asked()

    monkeypatch.setattr(locks, "monotonic", end_it)
    with lock(place, watch_s=3600):
        pass


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"run": "x"}'])
def test_a_lock_that_cannot_be_read_is_watched(place: Location, damage: bytes) -> None:
    place.put("ledger/lock/000001", damage)
    with lock(place) as held:
        assert "a run whose lock cannot be read" in held.remark


def test_who_was_taken_for_dead_is_refused(place: Location) -> None:
    with lock(place) as held:
        assert held.ticket is not None
        put_claim(place, 2)
        with pytest.raises(BusyError, match=r"taken for dead .* \(ingest on far, process 7"):
            held.ticket.require(place)
        _until_lost(held, "another one took the store over")
    assert claim(place, 1)["freed"] is False, "what is not held any more is not written to"


def test_a_lock_removed_by_hand_is_lost_and_not_made_again(place: Location) -> None:
    with lock(place) as held:
        assert held.ticket is not None
        place.delete("ledger/lock/000001")
        with pytest.raises(BusyError, match=r"ledger/lock/000001 is gone"):
            held.ticket.require(place)
        _until_lost(held, "is gone")
        with lock(place, "run2") as other:
            assert other.ticket is not None
            assert other.ticket.number == held.ticket.number
            with pytest.raises(BusyError):
                held.ticket.require(place)
            other.ticket.require(place)
    assert claim(place)["run"].startswith("run2")


def _until_lost(held: RunLock, words: str) -> None:
    assert held._thread is not None
    held._thread.join()
    with pytest.raises(BusyError, match=words):
        held.require_held()


def test_a_hold_that_cannot_be_renewed_is_given_up_before_others_take_it(
    place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    def gone(self: Location, key: str, blob: bytes) -> None:
        nonlocal tried
        tried += 1
        raise StoreError("out of reach")

    with monkeypatch.context() as patch:
        # each try takes its share of the time that there is, however long it really takes
        patch.setattr(locks, "monotonic", lambda: 0.3 * WATCH * tried)
        with lock(place) as held:
            patch.setattr(Location, "put", gone)
            _until_lost(held, r"could not renew its hold on the store for 0 s \(out of reach\)")
    assert tried > 1, "one fault is none"


def test_a_put_whose_answer_was_lost_is_seen(
    place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_new = Location.put_new

    def told_wrong(self: Location, key: str, blob: bytes) -> bool:
        put_new(self, key, blob)
        return False

    monkeypatch.setattr(Location, "put_new", told_wrong)
    with lock(place) as held:
        assert held.ticket is not None
        assert held.ticket.number == 1


def test_a_full_disk_at_the_end_holds_nobody_up(
    place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Location, key: str, blob: bytes) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch, lock(place, beat_s=3600):
        patch.setattr(Location, "put", full)
    with lock(place, watch_s=3600) as held:
        assert held.remark == ""


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_jumps_changes_nothing(
    place: Location, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Jumped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(1.8e9 + 3600 * hours, tz or UTC)

    with lock(place) as held:
        monkeypatch.setattr("time.time", lambda: 1.8e9 + 3600 * hours)
        monkeypatch.setattr("lunarscale.engine.record.datetime", Jumped)
        assert held.ticket is not None
        held.ticket.require(place)
        with pytest.raises(BusyError), lock(place, "run2"):
            pass


def test_the_mark_of_a_process_is_its_own() -> None:
    assert started(os.getpid()) == started(os.getpid()) is not None
    assert started(2**22 + 1) is None, "Linux has no process of that number"


@given(bit=st.integers(0, 8 * 400), made=st.dictionaries(st.text(), st.integers() | st.text()))
def test_no_bit_of_a_sealed_document_changes_unseen(bit: int, made: dict[str, Any]) -> None:
    made = {key: value for key, value in made.items() if key != "crc32c"}
    blob = bytearray(sealed(made))
    bit %= 8 * len(blob)
    blob[bit // 8] ^= 1 << bit % 8
    found = unsealed(bytes(blob))
    try:
        told = json.loads(blob)
    except ValueError:
        assert found is None
        return
    if "crc32c" in told:
        assert found in (None, made)
    else:  # the seal's own name was hit: its number is then a fact that is no fact of ours
        assert found is not None
        assert found.keys() - made.keys()
