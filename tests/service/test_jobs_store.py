"""Jobs as they are kept: the life cycle by table and by a machine, the file and what is none."""

import errno
import hashlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lunarscale.errors import (
    ConflictError,
    LimitError,
    ServiceError,
    UnavailableError,
    UnknownError,
)
from lunarscale.service.jobs import database as database_file
from lunarscale.service.jobs.database import SCHEMA_VERSION, Database
from lunarscale.service.jobs.holding import Hold
from lunarscale.service.jobs.jobs import check_jobs
from lunarscale.service.jobs.lifecycle import ACTIVE, OVER, Action, Status
from lunarscale.service.jobs.records import Asset, Level, Records
from lunarscale.service.jobs.store import JobStore
from lunarscale.service.settings import Limits, Settings

LIMITS = Limits(jobs_waiting=5, jobs_kept=3)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "jobs.sqlite")) as database:
        yield database


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database, LIMITS)


def make(store: JobStore, **options: Any) -> str:
    usual: dict[str, Any] = {"title": "a title", "output": None, "owner": "Anna"}
    parameters = {"dataset": options.pop("dataset", "a")}
    return store.create("overview", parameters, **{**usual, **options}).id


def brought_to(store: JobStore, status: Status, **options: Any) -> str:
    """A job that has come to a status as jobs do."""
    id = make(store, **options)
    if status is not Status.CREATED:
        store.start(id)
    if status in (Status.RUNNING, Status.FINISHED, Status.ERROR):
        assert store.take(id)
    ends = {Status.FINISHED: store.finish, Status.ERROR: store.fail}
    if status in ends:
        assert ends[status](id, "an end")
    if status is Status.CANCELED:
        store.cancel(id)
    assert store.find(id).status is status
    return id


def do(store: JobStore, action: Action, id: str) -> object:
    match action:
        case Action.START:
            return store.start(id)
        case Action.CANCEL:
            return store.cancel(id)
        case Action.CHANGE:
            return store.change(id, {"dataset": "b"}, output=None)
        case Action.RENAME:
            return store.rename(id, "another")
        case Action.DELETE:
            return store.remove(id)
        case Action.FETCH:
            return store.find(id).require(action)


#: What each action makes of each status; None: it is refused. As openEO has it, but that what was
#: never started or has ended is not canceled, and what is finished is not started again.
C, Q, R, F, E, X = Status
TABLE: dict[Action, dict[Status, Status | str | None]] = {
    Action.START: {C: Q, Q: None, R: None, F: None, E: Q, X: Q},
    Action.CANCEL: {C: None, Q: X, R: X, F: None, E: None, X: None},
    Action.CHANGE: {C: C, Q: None, R: None, F: None, E: None, X: None},
    Action.RENAME: {C: C, Q: None, R: None, F: F, E: E, X: X},
    Action.DELETE: {C: "gone", Q: None, R: None, F: "gone", E: "gone", X: "gone"},
    Action.FETCH: {C: None, Q: None, R: None, F: F, E: None, X: None},
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("status", Status)
def test_what_may_be_done_in_each_state(store: JobStore, status: Status, action: Action) -> None:
    id = brought_to(store, status)
    before = store.find(id)
    wanted = TABLE[action][status]
    if wanted is None:
        with pytest.raises(ConflictError, match=f"the job {id} is {status} and cannot be"):
            do(store, action, id)
        assert store.find(id) == before
        return
    do(store, action, id)
    if wanted == "gone":
        with pytest.raises(UnknownError):
            store.find(id)
    else:
        after = store.find(id)
        assert after.status is wanted
        assert after.revision == before.revision + (action is not Action.FETCH)


def test_the_runner_moves_only_what_is_where_it_thinks(store: JobStore) -> None:
    for status in Status:
        id = brought_to(store, status, owner=f"of {status}")
        assert store.take(id) is (status is Status.QUEUED)
        if status is Status.QUEUED:
            assert not store.take(id)
        elif status is not Status.RUNNING:
            assert not store.finish(id, "")
            assert not store.fail(id, "")
            assert not store.tell(id, done=1, todo=2, mpx_s=0.0, message="")
            assert not store.put_back(id, "")
            assert store.find(id).status is status
        if status in ACTIVE:
            do(store, Action.CANCEL if status is not Status.CREATED else Action.DELETE, id)


def sharing(store: JobStore, status: Status, **named: Any) -> bool:
    """Whether a dataset of a failed job is shared with a job of a status that names it."""
    id = brought_to(store, Status.ERROR, output="a.zarr")
    assert not store.is_shared(store.find(id))  # it does not share with itself
    other = brought_to(store, status, **named)
    found = store.is_shared(store.find(id))
    for each in (other, id):
        if store.find(each).status in (Status.QUEUED, Status.RUNNING):
            store.cancel(each)
        store.remove(each)
    return found


@pytest.mark.parametrize("status", Status)
def test_who_shares_a_dataset(store: JobStore, status: Status) -> None:
    # what failed or was canceled may be started again, and what is finished may not
    assert sharing(store, status, output="A.zarr") is (status is not Status.FINISHED)
    assert sharing(store, status, dataset="A.zarr") is (status in ACTIVE)
    assert not sharing(store, status, output="b.zarr", dataset="b.zarr")


class Life(RuleBasedStateMachine):
    """Three names of outputs, jobs that make them, and a model of what is allowed."""

    outputs = ("a.zarr", "A.zarr", "b.zarr")

    def __init__(self) -> None:
        super().__init__()
        self.open()
        self.jobs: dict[str, tuple[Status, str]] = {}
        self.turns: list[str] = []

    folder = ""

    def open(self) -> None:
        self.database = Database(Path(self.folder) / "jobs.sqlite")
        with self.database.reading() as connection:
            connection.execute("PRAGMA synchronous = OFF")  # nobody cuts the power here
        self.store = JobStore(self.database, LIMITS)

    def teardown(self) -> None:
        for id in list(self.jobs):
            if self.jobs[id][0] in (Status.QUEUED, Status.RUNNING):
                self.store.cancel(id)
            self.store.remove(id)
        self.database.close()

    def taken(self, output: str, but: str = "") -> bool:
        return output != "" and any(  # what was changed writes to nothing any more
            status in ACTIVE and of.lower() == output.lower()
            for id, (status, of) in self.jobs.items()
            if id != but
        )

    @rule(output=st.sampled_from(outputs))
    def create(self, output: str) -> None:
        if sum(status in ACTIVE for status, _ in self.jobs.values()) >= LIMITS.jobs_waiting:
            with pytest.raises(LimitError, match="5 jobs"):
                make(self.store, output=output)
        elif self.taken(output):
            with pytest.raises(ConflictError, match=f"writes to {output}"):
                make(self.store, output=output)
        else:
            self.jobs[make(self.store, output=output)] = (Status.CREATED, output)

    @precondition(lambda self: self.jobs)
    @rule(action=st.sampled_from(Action), data=st.data())
    def act(self, action: Action, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(list(self.jobs)))  # ids are random, their order is not
        status, output = self.jobs[id]
        wanted = TABLE[action][status]
        blocked = action is Action.START and self.taken(output, but=id)
        if wanted is None or blocked:
            with pytest.raises(ConflictError):
                do(self.store, action, id)
            return
        do(self.store, action, id)
        if action is Action.START:
            self.turns.append(id)
        if status is Status.QUEUED:
            self.turns.remove(id)
        if wanted == "gone":
            del self.jobs[id]
        else:
            assert isinstance(wanted, Status)
            self.jobs[id] = (wanted, output if action is not Action.CHANGE else "")

    @rule()
    def take(self) -> None:
        job = self.store.next()
        assert (job.id if job else None) == (self.turns[0] if self.turns else None)
        if job is not None:
            assert self.store.take(job.id)
            self.jobs[job.id] = (Status.RUNNING, self.jobs[job.id][1])
            self.turns.pop(0)

    @precondition(lambda self: any(s is Status.RUNNING for s, _ in self.jobs.values()))
    @rule(end=st.sampled_from(["finish", "fail", "put_back"]), data=st.data())
    def end(self, end: str, data: st.DataObject) -> None:
        running = [id for id, (s, _) in self.jobs.items() if s is Status.RUNNING]
        id = data.draw(st.sampled_from(running))
        assert getattr(self.store, end)(id, "so it ended")
        found = {"finish": Status.FINISHED, "fail": Status.ERROR, "put_back": Status.QUEUED}[end]
        self.jobs[id] = (found, self.jobs[id][1])
        if end == "put_back":
            self.requeue()

    @rule()
    def die_and_come_back(self) -> None:
        self.database.close()
        self.open()
        found = self.store.recover()
        assert set(found) == {id for id, (s, _) in self.jobs.items() if s is Status.RUNNING}
        for id in found:
            self.jobs[id] = (Status.QUEUED, self.jobs[id][1])
        self.requeue()

    @rule()
    def prune(self) -> None:
        for id in self.store.prune():
            assert self.jobs.pop(id)[0] in OVER
        assert sum(status in OVER for status, _ in self.jobs.values()) <= LIMITS.jobs_kept

    def requeue(self) -> None:
        """The order is the store's own: what was put back stands where it stood."""
        waiting: list[str] = []
        while job := self.store.next(waiting):
            waiting.append(job.id)
        kept = [id for id in waiting if id in self.turns]
        assert kept == self.turns
        self.turns = waiting

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        found = {job.id: job.status for job in self.store.listed(None, limit=1000)}
        assert found == {id: status for id, (status, _) in self.jobs.items()}


def test_a_life_of_any_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # what ended in one second is pruned in the order it came: no second may pass on one way of two
    monkeypatch.setattr("lunarscale.service.jobs.store.now", lambda: "2026-01-01T00:00:00Z")
    machine = type("LifeHere", (Life,), {"folder": str(tmp_path)})
    test = machine.TestCase
    test.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
    test("runTest").debug()


def test_two_at_once_make_one_output_once(database: Database) -> None:
    store, made, refused = JobStore(database, Limits()), [], []

    def ask() -> None:
        for number in range(20):
            try:
                made.append(make(store, output=f"{number}.zarr"))
            except ConflictError:
                refused.append(number)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(set(made)) == 20
    assert len(refused) == 60


def test_a_request_that_comes_again_is_the_same_job(store: JobStore) -> None:
    first = make(store, request="key")
    assert make(store, request="key") == first
    assert make(store, request="key", owner="Bert") != first
    with pytest.raises(ConflictError, match="sent before with another job"):
        store.create("overview", {"dataset": "b"}, title="", output=None, owner="Anna",
                     request="key")  # fmt: skip


def test_logs_are_bounded_and_go_with_their_job(store: JobStore, database: Database) -> None:
    records, id = Records(database, 5), make(store)
    for number in range(9):
        records.log(id, Level.ERROR if number == 1 else Level.INFO, f"line {number}")
    every = records.logs(id, offset=0, limit=100, level=Level.DEBUG)
    assert [line.id for line in every] == [1, 2, 3, 4, 5]
    assert every[-1].message == "more was said than is kept; this is the last line"
    after = records.logs(id, offset=2, limit=2, level=Level.DEBUG)
    assert [line.message for line in after] == ["line 2", "line 3"]
    assert [line.id for line in records.logs(id, offset=0, limit=9, level=Level.WARNING)] == [2, 5]
    store.remove(id)
    records.log(id, Level.INFO, "nobody is there")
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM logs").fetchone()[0] == 0


def test_assets_are_what_lies_there(store: JobStore, database: Database, tmp_path: Path) -> None:
    records, id = Records(database, 5), make(store)
    (tmp_path / "a.csv").write_text("x\n1\n")
    asset = Asset.of(tmp_path / "a.csv", "a table")
    assert (asset.type, asset.bytes) == ("text/csv", 4)
    assert asset.sha256 == hashlib.sha256(b"x\n1\n").hexdigest()
    records.keep(id, [asset])
    assert records.assets(id) == [asset]
    assert records.asset(id, "a.csv") == asset
    for name in ("b.csv", "../a.csv", "A.csv", "a.csv\0", ""):
        with pytest.raises(UnknownError, match=r"it made a\.csv"):
            records.asset(id, name)
    records.keep(id, [])
    assert records.assets(id) == []


def test_paces_are_of_like_runs_first(database: Database) -> None:
    records = Records(database, 5)
    assert records.expected("predict", "x", 100) == (
        None, "no predict has run on this service yet, so its rate is not known"
    )  # fmt: skip
    for seconds in (1.0, 2.0, 4.0):
        records.pace("predict", "y", pixels=4_000_000, seconds=seconds)
    seconds, basis = records.expected("predict", "x", 8_000_000)
    assert seconds == 4.0
    assert basis == "the median rate of 3 earlier runs with other parameters, 2 Mpx/s"
    records.pace("predict", "x", pixels=8_000_000, seconds=1.0)
    assert records.expected("predict", "x", 8_000_000) == (
        1.0, "the median rate of 1 earlier run like this one, 8 Mpx/s"
    )  # fmt: skip
    for _ in range(20):
        records.pace("predict", "y", pixels=1, seconds=1.0)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM paces").fetchone()[0] == 6


def test_the_file_is_of_its_owner_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(Database(path)) as database:
        id = make(JobStore(database, LIMITS), owner="Änne")
        assert {each.stat().st_mode & 0o077 for each in tmp_path.iterdir()} == {0}
    with closing(Database(path)) as database:
        assert JobStore(database, LIMITS).find(id).owner == "Änne"


def test_a_file_of_an_earlier_version_is_brought_on(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(Database(path)) as database:
        id = make(JobStore(database, LIMITS))
    with closing(sqlite3.connect(path)) as earlier:
        earlier.execute("ALTER TABLE jobs DROP COLUMN made")
        earlier.execute("PRAGMA user_version = 1")
    with closing(Database(path)) as database:
        store = JobStore(database, LIMITS)
        assert store.find(id).made is None
        store.claim(id, "0123")
        assert store.find(id).made == "0123"


def test_the_hold_is_one_processs_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "jobs.lock"
    words = "import sys; from pathlib import Path; from lunarscale.service.jobs.holding import Hold"
    code = f"{words}; assert Hold(Path(sys.argv[1])).take(); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        hold = Hold(path)
        assert not hold.take()
        assert not hold.is_ours
        other.kill()
        other.wait(60)
        assert hold.take()
        hold.close()


def test_where_nothing_can_be_locked_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*what: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("lunarscale.service.jobs.holding.fcntl.flock", none)
    with pytest.raises(OSError, match="No locks available"):  # and not that another service runs
        Hold(tmp_path / "jobs.lock").take()


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE contacts (name TEXT)")
    with pytest.raises(ServiceError, match="this file is another program's"):
        Database(path)
    own = tmp_path / ".lunarscale"
    own.mkdir()
    check_jobs(Settings(tmp_path))  # none were made yet
    path.rename(own / "jobs.sqlite")
    with pytest.raises(ServiceError, match="this file is another program's"):
        check_jobs(Settings(tmp_path))  # before anything listens


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    Database(path).close()
    with closing(sqlite3.connect(path)) as later:
        later.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ServiceError, match="kept by a later lunarscale"):
        Database(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"nothing that SQLite would write" * 100)
    with pytest.raises(ServiceError, match="no file of jobs that can be read"):
        Database(path)


def test_a_file_that_another_process_has_just_then_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither damaged nor to be moved away."""
    path = tmp_path / "jobs.sqlite"
    monkeypatch.setattr(database_file, "BUSY_S", 0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(database_file, "OPENING_S", 0.0)
        with pytest.raises(ServiceError, match="another process holds the file of jobs"):
            Database(path)
        monkeypatch.undo()
        monkeypatch.setattr(database_file, "BUSY_S", 0.0)
        monkeypatch.setattr(database_file, "sleep", lambda _: other.execute("COMMIT"))
        with closing(Database(path)) as database:
            assert make(JobStore(database, LIMITS))
        assert not other.in_transaction


def test_two_services_of_one_process_keep_their_locks(tmp_path: Path) -> None:
    """Without locks another process thinks itself the last that leaves, and removes their log."""
    path = tmp_path / "jobs.sqlite"
    passes_by = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1])\n"
        "connection.execute('SELECT count(*) FROM jobs').fetchone()\n"
        "connection.close()\n"
    )
    with closing(Database(path)):
        Database(path).close()
        subprocess.run([sys.executable, "-c", passes_by, path], check=True)
        assert path.with_name("jobs.sqlite-wal").exists()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.symlink_to(tmp_path / "nothing")
    with pytest.raises(ServiceError, match="a folder, a pipe or a link to nothing"):
        Database(path)


def test_a_full_disk_is_told_and_nothing_is_half_kept(store: JobStore, database: Database) -> None:
    id = make(store)
    with database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UnavailableError, match="the service's disk is full"):
        make(store, title="x" * 100_000)
    assert [job.id for job in store.listed(None, limit=9)] == [id]
    with database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 100000")
    assert store.find(id).status is Status.CREATED
    store.start(id)
