"""Jobs that fail or are stopped say why, keep what is stored, and go on when they are started."""

import errno
import logging
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from jobs_at_hand import PREDICT, SUMMARISE, Caller, Gate, Service, folder_with, objects, wait_for
from service_at_hand import Tokens

from lunarscale.engine.mapping import MapTask
from lunarscale.engine.record import RunRecord
from lunarscale.errors import StoreError, UnavailableError
from lunarscale.service.jobs import scribe
from lunarscale.service.jobs.database import Database
from lunarscale.store.location import Location


def test_a_job_with_an_unfinished_mosaic_says_so(
    caller: Caller, jobs_folder: Path, service_data: Path, new: str
) -> None:
    name = f"part-of-{new}"
    shutil.copytree(service_data / "mosaic.zarr", jobs_folder / name)
    entry = next(
        path for path in sorted((jobs_folder / name / "ledger").iterdir()) if path.is_file()
    )
    entry.unlink()
    id = caller.make(dataset=name, output=new)
    caller.start(id)
    facts = caller.ended(id)
    assert facts["status"] == "error"
    assert "1 problem, the first of which is" in facts["message"]
    assert "finish it first by a job `ingest`" in facts["message"]
    assert str(jobs_folder) not in facts["message"]


def test_one_that_another_run_writes_to_is_told(
    caller: Caller, jobs_folder: Path, new: str
) -> None:
    id = caller.make(output=new)
    store = Location(str(jobs_folder / new))
    with RunRecord("predict", {}, []).lock(store):
        caller.start(id)
        facts = caller.ended(id)
    assert facts["status"] == "error"
    assert "one run at a time writes to a store" in facts["message"]
    caller.start(id)
    caller.finished(id)


def test_canceled_between_shards_and_started_again(
    caller: Caller, jobs_folder: Path, new: str, monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, bytes],
) -> None:  # fmt: skip
    gate = Gate(3).shut(monkeypatch)
    id, waiting = caller.make(output=new), caller.make(output=f"waiting-{new}")
    caller.start(id)
    caller.start(waiting)
    gate.wait()
    assert caller.show(waiting)["message"] == "waiting for 1 other job"
    caller.cancel(waiting)
    assert caller.ended(waiting)["status"] == "canceled"
    caller.cancel(id)
    facts = caller.show(id)
    assert (facts["status"], facts["message"]) == ("canceled", "canceled")
    caller.start(id)  # while the one that was canceled still has its shard in hand
    gate.opened.set()
    facts = caller.finished(id)
    # the fourth shard was on its way and counts: the second run goes on after it
    assert gate.passed == facts["todo"] or gate.passed > 4
    assert "stopped, as it was canceled; what is stored is kept" in caller.log(id)
    assert objects(jobs_folder / new) == undisturbed


def test_a_full_disk_is_an_error_that_start_mends(
    caller: Caller, jobs_folder: Path, new: str, monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, bytes], tmp_path: Path,
) -> None:  # fmt: skip
    full = tmp_path / "full"
    monkeypatch.setattr("lunarscale.store.local.os.write", _writes_unless(full, after=120))
    id = caller.make(output=new)
    caller.start(id)
    facts = caller.ended(id)
    assert facts["status"] == "error"
    assert "the disk is full" in facts["message"]
    assert str(jobs_folder) not in facts["message"]
    assert sum("the disk is full" in line for line in caller.log(id)) == 1  # no other was tried
    kept = caller.client.get(f"/api/datasets/{new}").json()["shards"]["done"]
    full.touch()  # there is room again
    caller.start(id)
    caller.finished(id)
    assert 0 < kept < 8
    assert objects(jobs_folder / new) == undisturbed


def _writes_unless(room: Path, *, after: int) -> Callable[..., int]:
    """``os.write`` on a disk that is full after so many writes until there is room."""
    write, written = os.write, count()

    def limited(descriptor: int, piece: Any) -> int:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return write(descriptor, piece)  # another thread's pipe, say
        if next(written) >= after and not room.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, piece)

    return limited


@pytest.fixture
def small_disk(tmp_path: Path, service_data: Path) -> Iterator[Path]:
    """A filesystem of its own with a mosaic; it is full as soon as somebody fills it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a filesystem of a few MB can be mounted by root only")
    try:
        yield folder_with(disk, service_data, "mosaic.zarr")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # read files stay open


def fill(path: Path) -> None:
    """Write a file until its disk is full."""
    with open(path, "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def test_a_disk_without_a_byte_left_for_the_jobs_own_file(
    small_disk: Path, service: Service, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scribe, "AGAIN_S", 0.02)
    caller = Caller(service(small_disk), tokens.header("run"))
    id = caller.make(levels=False)
    gate = Gate(3).shut(monkeypatch)
    caller.start(id)
    gate.wait()
    with pytest.raises(OSError, match="No space left"):
        fill(small_disk / "filler")
    gate.opened.set()
    said = (
        "ask who runs the service for room and try again; the service cannot write that down yet: "
    )
    wait_for(lambda: said in caller.show(id)["message"], "a word that it has ended")
    assert caller.show(id)["status"] == "running"
    other = {**PREDICT, "parameters": {**PREDICT["parameters"], "output": "other.zarr"}}
    assert "the service's disk is full" in caller.detail("POST", "", 503, json=other)
    (small_disk / "filler").unlink()
    message = caller.until(id, "error")["message"]
    assert "the disk is full" in message
    assert message.endswith("ask who runs the service for room and try again")
    caller.start(id)
    assert caller.finished(id)["done"] == 8


def test_an_end_that_cannot_be_kept_is_told_and_kept_later(
    caller: Caller, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scribe, "AGAIN_S", 0.02)
    full, writing = [True], Database.writing

    @contextmanager
    def written(database: Database) -> Iterator[Any]:
        with writing(database) as connection:
            if full:
                raise UnavailableError("the service's disk is full")
            yield connection

    id = caller.make(output=new, bbox=[-180, 0, 180, 90])
    gate = Gate(1).shut(monkeypatch)
    caller.start(id)
    gate.wait()
    monkeypatch.setattr(Database, "writing", written)
    gate.opened.set()
    words = "it has ended; the service cannot write that down yet: the service's disk is full"
    wait_for(lambda: caller.show(id)["message"] == words, "a word that it has ended")
    assert caller.show(id)["status"] == "running"
    full.clear()
    assert caller.finished(id)["message"] == ""


def test_a_fault_of_ours_is_told_by_number(
    caller: Caller, new: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)  # a Dask cluster of this process may have silenced it
    id = caller.make(output=new)
    monkeypatch.setattr(
        "lunarscale.service.jobs.mapping.prepare_overview", lambda out: 1 / 0
    )  # fmt: skip
    caller.start(id)
    facts = caller.ended(id)
    assert facts["status"] == "error"
    number = facts["message"].rpartition(" ")[2]
    assert number in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivisionError" not in "".join(caller.log(id))
    assert caller.run(SUMMARISE)["status"] == "finished"  # the next ones run


def test_a_problem_of_one_shard_ends_in_an_error_that_names_it(
    caller: Caller, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = MapTask._make, count()

    def sometimes(task: MapTask, *what: Any) -> Any:
        if next(made) in (2, 5):
            raise StoreError("this shard is not to be had")
        return make(task, *what)

    monkeypatch.setattr(MapTask, "_make", sometimes)
    id = caller.make(output=new)
    caller.start(id)
    facts = caller.ended(id)
    assert facts["status"] == "error"
    assert (
        f"{new} was finished but for 1 problem, the first of which is: this shard"
        in facts["message"]
    )
    assert (facts["done"], facts["todo"]) == (6, 8)
    caller.start(id)
    assert caller.finished(id)["done"] == caller.show(id)["todo"]
