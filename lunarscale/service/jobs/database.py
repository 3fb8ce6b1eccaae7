"""The file that jobs are kept in: SQLite with a write-ahead log, one writer, and a version."""

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from lunarscale.errors import ServiceError, UnavailableError

#: What SQLite keeps in a file's header, so that ours is told from others'.
APPLICATION_ID = int.from_bytes(b"LunJ", "big")

#: Version of the tables; a file of a later one is refused, one of an earlier one is brought on.
SCHEMA_VERSION = 2

#: Seconds that a transaction waits for another process's.
BUSY_S = 10.0

#: Seconds that opening waits for a process that begins or leaves the file just then, and between
#: two tries: to that SQLite answers at once, where a transaction would wait.
OPENING_S, AGAIN_S = 20.0, 0.05

_FIRST = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        verb TEXT NOT NULL,
        parameters TEXT NOT NULL,
        output TEXT,
        owner TEXT NOT NULL,
        request TEXT,
        status TEXT NOT NULL CHECK (
            status IN ('created', 'queued', 'running', 'finished', 'error', 'canceled')
        ),
        turn INTEGER NOT NULL DEFAULT 0,
        created TEXT NOT NULL,
        updated TEXT NOT NULL,
        started TEXT,
        finished TEXT,
        done INTEGER NOT NULL DEFAULT 0,
        todo INTEGER NOT NULL DEFAULT 0,
        mpx_s REAL NOT NULL DEFAULT 0,
        message TEXT NOT NULL DEFAULT '',
        losses INTEGER NOT NULL DEFAULT 0,
        revision INTEGER NOT NULL DEFAULT 1,
        UNIQUE (owner, request)
    ) STRICT
    """,
    # two jobs on one output cannot be, whoever asks when
    """
    CREATE UNIQUE INDEX one_job_an_output ON jobs (lower(output))
    WHERE output IS NOT NULL AND status IN ('created', 'queued', 'running')
    """,
    "CREATE INDEX by_status ON jobs (status, turn)",
    """
    CREATE TABLE logs (
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        id INTEGER NOT NULL,
        level INTEGER NOT NULL,
        message TEXT NOT NULL,
        time TEXT NOT NULL,
        PRIMARY KEY (job, id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE assets (
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        name TEXT NOT NULL,
        title TEXT NOT NULL,
        type TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (job, name)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE paces (
        number INTEGER PRIMARY KEY,
        verb TEXT NOT NULL,
        kind TEXT NOT NULL,
        pixels INTEGER NOT NULL,
        seconds REAL NOT NULL
    ) STRICT
    """,
)

#: What makes each version of the one before.
_STEPS = {1: _FIRST, 2: ("ALTER TABLE jobs ADD COLUMN made TEXT",)}


class Database:
    """One connection, which the threads of a service share one after the other.

    Parameters
    ----------
    path : Path
        Made where it is not there; only its owner reads it.

    Raises
    ------
    ServiceError
        If the file is another program's, of a later version, damaged, or not let go.
    OSError
        If the file may not be written.
    """

    def __init__(self, path: Path) -> None:
        self._name, self._lock = path.name, threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path)
        self._connection = sqlite3.connect(
            path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        try:
            self._begin()
        except BaseException:
            self._connection.close()
            raise

    def _begin(self) -> None:
        until = monotonic() + OPENING_S
        while True:
            try:
                self._bring_on()
                return
            except sqlite3.Error as error:
                if not _is_busy(error):
                    raise ServiceError(
                        f"{self._name}: this is no file of jobs that can be read ({error}); move "
                        "it away, and the service begins a new one"
                    ) from error
                if monotonic() > until:
                    raise ServiceError(
                        f"{self._name}: another process holds the file of jobs and does not let "
                        f"go ({error}); end it, or start again in a while"
                    ) from error
            sleep(AGAIN_S)

    def _bring_on(self) -> None:
        self._require_ours()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        with self.writing() as connection:
            # another service may have made it meanwhile
            for version in range(self._version() + 1, SCHEMA_VERSION + 1):
                for statement in _STEPS[version]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _require_ours(self) -> None:
        has = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = self._connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID and (has or application):
            raise ServiceError(
                f"{self._name}: this file is another program's, not this service's jobs; move it "
                "away, and the service begins a new one"
            )
        if self._version() > SCHEMA_VERSION:
            raise ServiceError(
                f"{self._name}: these jobs were kept by a later lunarscale (version "
                f"{self._version()} of the file, this one knows {SCHEMA_VERSION}); start that one, "
                "or move the file away"
            )

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, to read one statement's rows.

        Raises
        ------
        UnavailableError
            If the file cannot be read just now.
        """
        with self._lock, self._told():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is kept, or nothing.

        Raises
        ------
        UnavailableError
            If it cannot be kept: the disk is full, or another process holds the file.
        """
        with self._lock, self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if type(error) in _OURS:
                raise
            if (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_FULL:
                raise UnavailableError(
                    "the service's disk is full, so nothing can be kept of jobs; tell who runs it"
                ) from error
            raise UnavailableError(
                f"{self._name}: the jobs cannot be read or kept just now ({error}); try again in a "
                "while, or tell who runs the service"
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _make(path: Path) -> None:
    """Make the file; one that is there is looked at, and left to SQLite to open.

    A file that is closed loses the locks that all of this process has on it: a second service of
    this process would take them from the first, and another process then removes its log.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if not path.is_file():
            raise ServiceError(
                f"{path.name}: this is to be the file of jobs, and is a folder, a pipe or a link "
                "to nothing; move it away, and the service begins a new one"
            ) from None
        if not os.access(path, os.R_OK | os.W_OK):
            denied = errno.EACCES
            raise PermissionError(denied, os.strerror(denied), str(path)) from None


#: What says that this program is wrong, not the file.
_OURS = (
    sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.InternalError,
    sqlite3.NotSupportedError,
)  # fmt: skip


def _is_busy(error: sqlite3.Error) -> bool:
    """Whether another process has the file just now."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY
