"""Clusters that outlive their command: one of a name, found again, ended, and nobody else."""

import json
import operator
import os
import platform
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lunarscale.clusters import standing, standing_members
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.clusters.standing import start, state, stop
from lunarscale.clusters.standing_files import Standing, folder, read, records, running
from lunarscale.clusters.standing_members import MARK, end_all, left_of, members
from lunarscale.engine.executors import OnDask
from lunarscale.engine.processes import home, started
from lunarscale.errors import ClusterError, PlanError

#: Enough for a worker that does nothing much.
SMALL = ClusterChoice(workers=1, memory_limit="700MB")


def add(total: int, result: int) -> int:
    """A merge that commutes."""
    return total + result


@pytest.fixture(autouse=True)
def of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state folder for the test, in which nothing is left running."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    for left in records():
        end_all(left, end_s=5)


def record(**changes: object) -> Standing:
    """A record of a cluster that nobody has."""
    made = Standing(
        name="local", mark="0" * 32, process=os.getpid(), started="1", home=home(),
        address="tcp://127.0.0.1:9", dashboard="http://127.0.0.1:9/status", threads=1,
        worker_bytes=700_000_000, tls=None, join=None, since="2026-01-01T00:00:00+00:00",
        version="0",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.cluster
def test_from_its_start_to_its_end(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as both:
        tried = [both.submit(start, "moon", SMALL) for _ in range(2)]
    lost = [error for each in tried if (error := each.exception()) is not None]
    assert [type(error) for error in lost] == [ClusterError], "one wins"
    assert "a cluster of this name" in str(lost[0])

    found = running("moon")
    assert found.address.startswith("tcp://127.0.0.1:")
    assert os.getsid(found.process) == found.process, "no terminal's end reaches it"
    assert os.readlink(f"/proc/{found.process}/cwd") == "/"
    with pytest.raises(ClusterError, match=f"runs already at {found.address}, since"):
        start("moon", SMALL)

    with open_cluster(ClusterChoice(scheduler=found.address)) as cluster:
        assert OnDask(cluster.client).fold(operator.neg, range(4), merge=add, initial=0) == -6
    now = state(found)
    assert [(w.threads, w.limit_bytes, w.jobs) for w in now.workers] == [(1, 700_000_000, 0)]
    assert now.runs == {}
    everyone = members(found)
    assert len(everyone) == now.processes >= 2
    assert everyone[0].pid == found.process

    ended, count = stop("moon")
    assert (ended, count) == (found, len(everyone))
    assert left_of(everyone, within_s=0) == []
    assert records() == []
    with pytest.raises(ClusterError, match=r"moon: no cluster of this name runs on .*; start one"):
        stop("moon")


@pytest.mark.cluster
def test_one_that_was_killed_is_cleared_away() -> None:
    found = start("local", SMALL)
    everyone = members(found)
    os.kill(found.process, signal.SIGKILL)
    assert left_of(everyone, within_s=60) == [], "workers do not outlive their first process"
    with pytest.raises(ClusterError, match=r"any more \(it was started at .* and has ended\)"):
        running("local")
    again = start("local", SMALL)
    assert running("local") == again != found
    everyone = members(again)
    for process in everyone:
        with suppress(psutil.NoSuchProcess):  # it has ended with the first one already
            process.kill()
    assert left_of(everyone, within_s=60) == []
    assert stop("local") == (again, 0)
    assert records() == []


@pytest.mark.cluster
def test_one_that_does_not_hear_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = start("local", SMALL)
    everyone = members(found)
    for process in everyone:
        process.suspend()
    monkeypatch.setattr(standing_members, "KILL_S", 0.5)
    assert end_all(found, end_s=0.5) == len(everyone)
    assert left_of(everyone, within_s=60) == []


@pytest.fixture
def bystander() -> "Iterator[subprocess.Popen[bytes]]":
    """A process that is nobody's cluster."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("which", ["number", "machine", "mark"])
def test_another_process_with_its_number_is_let_be(
    which: str, bystander: "subprocess.Popen[bytes]"
) -> None:
    began = started(bystander.pid) or ""
    left = {
        "number": record(process=bystander.pid, started=str(int(began) - 1)),
        "machine": record(process=bystander.pid, started=began, home="moon 0 pid:[1]"),
        "mark": record(process=bystander.pid, started=began),
    }[which]
    left.write()
    assert left.lives == (which == "mark"), "the number alone says nothing"
    assert stop("local") == (left, 0)
    assert bystander.poll() is None
    assert read("local") is None


def test_marks_of_another_start_of_the_machine_are_nobodys() -> None:
    environment = {**os.environ, MARK: "0" * 32}
    waits = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
    with subprocess.Popen(waits, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert [each.pid for each in members(record())] == [process.pid]
        assert members(record(home="moon 0 pid:[1]")) == []
        assert members(record(mark="1" * 32)) == []
        assert end_all(record()) == 1, "what is left of one that was killed"
        assert members(record()) == []


@pytest.mark.parametrize("name", ["../up", "a/b", "", "1st", "a" * 41, "a.b", "tcp://x:1", "a b"])
def test_names_that_are_none(name: str) -> None:
    for use in (lambda: start(name, SMALL), lambda: stop(name), lambda: running(name)):
        with pytest.raises(ClusterError, match="has up to 40 letters, digits, - and _"):
            use()


def test_what_cannot_be_is_told_before_anything_starts() -> None:
    with pytest.raises(ClusterError, match="whoever reaches a Dask scheduler without certificates"):
        start("local", replace(SMALL, host="10.0.0.5"))
    for limit, workers, sentence in (
        ("plenty", 1, "not a number of bytes"),
        ("1MiB", 1, "one worker of 1 MiB each: a worker's programs alone take 300 MiB"),
        (None, 100_000, "100,000 workers of 0 MiB each: a worker's programs alone take"),
        ("100TiB", 1, "one worker of 102,400.0 GiB each may take .* but this machine has"),
        ("1TiB", 100, r"100 workers of 1,024.0 GiB each may take 102,400.0 GiB but this mach"),
    ):
        with pytest.raises(PlanError, match=sentence):
            start("local", replace(SMALL, memory_limit=limit, workers=workers))
    assert records() == []


def test_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "state"))
    with pytest.raises(ClusterError, match=r"cannot be kept there .*; set XDG_STATE_HOME to a fol"):
        start("local", SMALL)
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    with pytest.raises(ClusterError, match=r"~: what is known of .* \(no home\); set XDG_STATE_"):
        records()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_one_whose_scheduler_is_silent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*arguments: object) -> None:
        raise ClusterError("no Dask scheduler answers")

    monkeypatch.setattr(standing, "connect", silent)
    with pytest.raises(ClusterError, match=r"local: its first process \(\d+\) runs but its sched"):
        state(record())
    with pytest.raises(ClusterError, match="local: --tls /nowhere/keys: no certificates are there"):
        state(record(tls="/nowhere/keys"))


@pytest.mark.cluster
def test_why_it_did_not_start_is_told(tmp_path: Path) -> None:
    choice = replace(SMALL, host="192.0.2.77", tls=str(tmp_path / "keys"))
    with pytest.raises(ClusterError, match="no scheduler can listen there"):
        start("local", choice)
    assert records() == []


@pytest.mark.cluster
def test_with_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a folder that the cluster's process does not stand in
    found = start("local", replace(SMALL, tls="keys"))
    assert found.address.startswith("tls://")
    assert found.tls == str(tmp_path / "keys")
    assert len(state(found).workers) == 1


def test_records_are_for_nobody_else(tmp_path: Path) -> None:
    old = os.umask(0o002)  # as where each user has a group
    try:
        record().write()
    finally:
        os.umask(old)
    place = tmp_path / "state" / "lunarscale" / "clusters" / platform.node()
    assert folder() == place
    for each in (place, place.parent, place.parent.parent):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "local.json").stat().st_mode) == 0o600
    place.chmod(0o770)
    with pytest.raises(ClusterError, match="but others may write to it; `chmod 700"):
        running("local")
    place.chmod(0o700)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"x"', "[" * 90_000, '{"name": "x"}'])
def test_records_that_are_none(content: str) -> None:
    (folder() / "local.json").write_text(content)
    assert records() == []
    with pytest.raises(ClusterError, match="no cluster of this name runs"):
        running("local")


def test_a_record_comes_back_as_it_was() -> None:
    record(tls="/keys", join="dask worker").write()
    assert records() == [record(tls="/keys", join="dask worker")]
    record(mark="1" * 32).forget()
    assert records() != [], "it is another one's"
    record().forget()
    assert records() == []
    assert json.loads("[]") == sorted(path.name for path in folder().iterdir())
