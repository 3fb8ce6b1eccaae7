"""A job's life: openEO's states, what may be done in each, and what a job is told as.

::

    created ─start─▶ queued ─▶ running ─▶ finished
                       ▲ │        │ └────▶ error ────┐
                       │ └─cancel─┴──────▶ canceled ─┤
                       └──────────start──────────────┘
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lunarscale.errors import ConflictError


class Status(StrEnum):
    """Where a job is in its life (openEO API 1.2, "Data Processing: Batch jobs")."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def is_over(self) -> bool:
        """Whether nothing happens to it any more unless it is started again."""
        return self in OVER


OVER = frozenset({Status.FINISHED, Status.ERROR, Status.CANCELED})

#: Those whose output nobody else may make.
ACTIVE = frozenset({Status.CREATED, Status.QUEUED, Status.RUNNING})


class Action(StrEnum):
    """What a caller may want of a job, as it stands in sentences."""

    START = "started"
    CANCEL = "canceled"
    CHANGE = "given other parameters"
    RENAME = "renamed"
    DELETE = "deleted"
    FETCH = "asked for results"


_ENDED_BADLY = frozenset({Status.ERROR, Status.CANCELED})

#: The states in which each is allowed.
ALLOWED: dict[Action, frozenset[Status]] = {
    Action.START: _ENDED_BADLY | {Status.CREATED},
    Action.CANCEL: frozenset({Status.QUEUED, Status.RUNNING}),
    # what is half made was made as it was asked for first
    Action.CHANGE: frozenset({Status.CREATED}),
    Action.RENAME: OVER | {Status.CREATED},
    Action.DELETE: OVER | {Status.CREATED},
    Action.FETCH: frozenset({Status.FINISHED}),
}

_ADVICE: dict[Status, str] = {
    Status.CREATED: "start it first",
    Status.QUEUED: "wait for its end, or cancel it",
    Status.RUNNING: "wait for its end, or cancel it",
    Status.FINISHED: "make a new job",
    Status.ERROR: "its logs tell why; start it again, it goes on with what is stored",
    Status.CANCELED: "start it again, it goes on with what is stored",
}


@dataclass(frozen=True)
class Job:
    """A job as it is kept.

    Parameters
    ----------
    id : str
        128 random bits: who does not know it does not guess it.
    title, verb : str
    parameters : dict
        As its verb's model reads them.
    output : str or None
        The dataset that it writes to.
    owner : str
        Name of the token that it was made with.
    status : Status
    created, updated, started, finished : str or None
        UTC, ISO 8601.
    done, todo : int
        Shards (or windows) of the step that runs, those of earlier runs included.
    mpx_s : float
        Megapixels a second since the step began.
    message : str
        What it waits for, what it does, or why it ended.
    losses : int
        How often in a row the cluster went away without a shard done.
    made : str or None
        Number of the store that it has laid; None where its output was there, or is not yet.
    revision : int
        Raised by every change.
    """

    id: str
    title: str
    verb: str
    parameters: dict[str, Any]
    output: str | None
    owner: str
    status: Status
    created: str
    updated: str
    started: str | None
    finished: str | None
    done: int
    todo: int
    mpx_s: float
    message: str
    losses: int
    made: str | None
    revision: int

    def require(self, action: Action) -> None:
        """Make sure that something may be done to it now.

        Raises
        ------
        ConflictError
            If it may not; the message says what may.
        """
        if self.status not in ALLOWED[action]:
            raise ConflictError(
                f"the job {self.id} is {self.status} and cannot be {action} now; "
                f"{_ADVICE[self.status]}"
            )
