"""Jobs as they are kept: found, listed, and moved from state to state, each at one stroke."""

import json
import secrets
import sqlite3
from collections.abc import Collection
from typing import Any

from lunarscale.engine.record import now
from lunarscale.errors import ConflictError, LimitError, UnknownError
from lunarscale.service.jobs.database import Database
from lunarscale.service.jobs.lifecycle import Action, Job, Status
from lunarscale.service.settings import Limits

_COLUMNS = (
    "id, title, verb, parameters, output, owner, status, created, updated, started, finished, "
    "done, todo, mpx_s, message, losses, made, revision"
)


class JobStore:
    """Jobs in a database; every method is one transaction.

    Parameters
    ----------
    database : Database
    limits : Limits
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database, self._limits = database, limits

    def create(
        self, verb: str, parameters: dict[str, Any], *, title: str, output: str | None, owner: str,
        request: str | None = None,
    ) -> Job:  # fmt: skip
        """Keep a new job.

        Parameters
        ----------
        verb : str
        parameters : dict
        title : str
        output : str or None
            The dataset that it will write to.
        owner : str
        request : str, optional
            What the caller calls this request by: asked again, the same job comes back.

        Raises
        ------
        ConflictError
            If another job makes the output, or the request was another one before.
        LimitError
            If too many wait already.
        """
        said, at = json.dumps(parameters, sort_keys=True), now()
        with self._database.writing() as database:
            if request is not None and (again := self._asked(database, owner, request)):
                if (again.verb, json.dumps(again.parameters, sort_keys=True)) == (verb, said):
                    return again
                raise ConflictError(
                    f"the Idempotency-Key {request[:80]!r} was sent before with another job "
                    f"({again.id}); send a new key with a new job"
                )
            self._require_room(database)
            values = (secrets.token_hex(16), title, verb, said, output, owner, request, at, at)
            try:
                row = database.execute(
                    "INSERT INTO jobs (id, title, verb, parameters, output, owner, request, "
                    "status, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, 'created', ?, ?) "
                    f"RETURNING {_COLUMNS}",
                    values,
                ).fetchall()[0]
            except sqlite3.IntegrityError as error:
                raise _taken(output) from error
            return _job(row)

    def _asked(self, database: sqlite3.Connection, owner: str, request: str) -> Job | None:
        row = database.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE owner = ? AND request = ?", (owner, request)
        ).fetchone()
        return None if row is None else _job(row)

    def _require_room(self, database: sqlite3.Connection) -> None:
        most = self._limits.jobs_waiting
        there = database.execute(
            "SELECT count(*) FROM jobs WHERE status IN ('created', 'queued', 'running')"
        ).fetchone()[0]
        if there >= most:
            raise LimitError(
                f"{most} jobs are created, wait or run at most and there are as many; wait until "
                "one has ended, or delete one that was never started"
            )

    def find(self, id: str) -> Job:
        """The job of an id.

        Raises
        ------
        UnknownError
            If there is none.
        """
        with self._database.reading() as database:
            return self._found(database, id)

    def _found(self, database: sqlite3.Connection, id: str) -> Job:
        row = database.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise UnknownError(f"there is no job {id[:80]!r}; /api/jobs lists yours")
        return _job(row)

    def listed(self, owner: str | None, *, limit: int, offset: int = 0) -> list[Job]:
        """Jobs, the newest first: one owner's, or all where None is given."""
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE ?1 IS NULL OR owner = ?1 "
                "ORDER BY number DESC LIMIT ?2 OFFSET ?3",
                (owner, limit, offset),
            ).fetchall()
        return list(map(_job, rows))

    def before(self, id: str) -> int:
        """How many jobs run or wait before a job that waits."""
        with self._database.reading() as database:
            found = database.execute(
                "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running') "
                "AND turn < (SELECT turn FROM jobs WHERE id = ?)",
                (id,),
            ).fetchone()
        return int(found[0])

    def rename(self, id: str, title: str) -> Job:
        """Give a job another title."""
        return self._act(id, Action.RENAME, "title = ?", (title,))

    def change(self, id: str, parameters: dict[str, Any], *, output: str | None) -> Job:
        """Give a job that was never started other parameters."""
        said = json.dumps(parameters, sort_keys=True)
        return self._act(
            id, Action.CHANGE, "parameters = ?, output = ?", (said, output), output=output
        )  # fmt: skip

    def start(self, id: str) -> Job:
        """Queue a job behind all that wait."""
        wanted = (
            "status = 'queued', message = '', started = NULL, finished = NULL, losses = 0, "
            "done = 0, todo = 0, mpx_s = 0, turn = (SELECT max(turn) + 1 FROM jobs)"
        )
        return self._act(id, Action.START, wanted)

    def cancel(self, id: str) -> Job:
        """End a job; one that runs hears of it when it next says how far it is."""
        wanted = "status = 'canceled', message = 'canceled', finished = ?"
        return self._act(id, Action.CANCEL, wanted, (now(),))

    def remove(self, id: str) -> None:
        """Forget a job."""
        with self._database.writing() as database:
            self._found(database, id).require(Action.DELETE)
            database.execute("DELETE FROM jobs WHERE id = ?", (id,))

    def is_shared(self, job: Job) -> bool:
        """Whether another job may still write to a job's output, or reads it."""
        with self._database.reading() as database:
            found = database.execute(
                "SELECT count(*) FROM jobs WHERE id != ?1 AND ("
                "  (lower(output) = lower(?2) AND status != 'finished') OR "
                "  (lower(json_extract(parameters, '$.dataset')) = lower(?2) "
                "   AND status IN ('created', 'queued', 'running')))",
                (job.id, job.output),
            ).fetchone()
        return bool(found[0])

    def _act(
        self, id: str, action: Action, wanted: str, values: tuple[Any, ...] = (), *,
        output: str | None = None,
    ) -> Job:  # fmt: skip
        with self._database.writing() as database:
            job = self._found(database, id)
            job.require(action)
            try:
                self._set(database, wanted, values, where="id = ?", of=(id,))
            except sqlite3.IntegrityError as error:
                raise _taken(output or job.output) from error
            return self._found(database, id)

    def _set(
        self, database: sqlite3.Connection, wanted: str, values: tuple[Any, ...], *, where: str,
        of: tuple[Any, ...] = (),
    ) -> int:  # fmt: skip
        """Change jobs; returns how many."""
        return database.execute(
            f"UPDATE jobs SET {wanted}, updated = ?, revision = revision + 1 WHERE {where}",
            (*values, now(), *of),
        ).rowcount

    # what follows is the runner's

    def next(self, but: Collection[str] = ()) -> Job | None:
        """The job that has waited longest, but for some that are still in hand."""
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE status = 'queued' ORDER BY turn"
            ).fetchall()
        return next((job for job in map(_job, rows) if job.id not in but), None)

    def take(self, id: str) -> bool:
        """Have a job run, if it still waits; whether it did."""
        wanted = "status = 'running', message = '', started = ?"
        return self._from("queued", id, wanted, (now(),))

    def wait(self, id: str, message: str) -> bool:
        """Say what a job waits for, if it still does."""
        return self._from("queued", id, "message = ?", (message,))

    def tell(self, id: str, *, done: int, todo: int, mpx_s: float, message: str) -> bool:
        """Say how far a job is; False where it is not to run any more."""
        wanted = "done = ?, todo = ?, mpx_s = ?, message = ?"
        return self._from("running", id, wanted, (done, todo, mpx_s, message))

    def runs(self, id: str) -> bool:
        """Whether a job is still to run."""
        with self._database.reading() as database:
            row = database.execute("SELECT status FROM jobs WHERE id = ?", (id,)).fetchone()
        return row is not None and row[0] == Status.RUNNING

    def claim(self, id: str, number: str) -> None:
        """Remember which store a job has laid."""
        with self._database.writing() as database:
            database.execute("UPDATE jobs SET made = ? WHERE id = ?", (number, id))

    def put_back(self, id: str, message: str, *, losses: int = 0) -> bool:
        """Have a job that ran wait again, where it stood in the queue."""
        wanted = "status = 'queued', message = ?, losses = ?, mpx_s = 0"
        return self._from("running", id, wanted, (message, losses))

    def finish(self, id: str, message: str) -> bool:
        """A job has done what it was to do."""
        wanted = "status = 'finished', message = ?, finished = ?"
        return self._from("running", id, wanted, (message, now()))

    def fail(self, id: str, message: str) -> bool:
        """A job has ended in an error."""
        wanted = "status = 'error', message = ?, finished = ?"
        return self._from("running", id, wanted, (message, now()))

    def _from(self, status: str, id: str, wanted: str, values: tuple[Any, ...]) -> bool:
        with self._database.writing() as database:
            changed = self._set(
                database, wanted, values, where="id = ? AND status = ?", of=(id, status)
            )
        return changed == 1

    def recover(self) -> list[str]:
        """Have the jobs wait again that ran when a service was killed; returns their ids."""
        with self._database.writing() as database:
            rows = database.execute("SELECT id FROM jobs WHERE status = 'running'").fetchall()
            self._set(
                database, "status = 'queued', message = ?, mpx_s = 0",
                ("the service was ended; it goes on",), where="status = 'running'",
            )  # fmt: skip
        return [row["id"] for row in rows]

    def prune(self) -> list[str]:
        """Forget the oldest jobs that have ended, beyond those that are kept; returns their ids."""
        with self._database.writing() as database:
            rows = database.execute(
                "DELETE FROM jobs WHERE number IN (SELECT number FROM jobs "
                "WHERE status IN ('finished', 'error', 'canceled') "
                "ORDER BY finished DESC, number DESC LIMIT -1 OFFSET ?) RETURNING id",
                (self._limits.jobs_kept,),
            ).fetchall()
        return [row["id"] for row in rows]

    def counts(self) -> dict[str, int]:
        """How many jobs there are, by status."""
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT status, count(*) AS jobs FROM jobs GROUP BY status"
            ).fetchall()
        found = {row["status"]: row["jobs"] for row in rows}
        return {status.value: found.get(status.value, 0) for status in Status}

    def ids(self) -> set[str]:
        """The ids of all jobs."""
        with self._database.reading() as database:
            return {row["id"] for row in database.execute("SELECT id FROM jobs").fetchall()}


def _job(row: sqlite3.Row) -> Job:
    facts = dict(row)
    facts["parameters"] = json.loads(facts["parameters"])
    facts["status"] = Status(facts["status"])
    return Job(**facts)


def _taken(output: str | None) -> ConflictError:
    return ConflictError(
        f"a job that was created, waits or runs writes to {output} already; wait for its end, or "
        "choose another name"
    )
