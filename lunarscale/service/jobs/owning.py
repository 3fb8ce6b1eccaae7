"""Which dataset a job made: told by its store's number, and removed with the job if it may be.

A job's parameters name what it writes to, and that may have been there before, or be another's by
now. So a job claims the number of the store that it has laid, and nothing else is ever removed.
"""

import errno
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.outcome import Outcome
from lunarscale.engine.record import RunRecord
from lunarscale.engine.run import Prepared
from lunarscale.errors import ConflictError, FormatError
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Times that a removal is begun again because a late worker's files come and go meanwhile.
TRIES = 20


class Fate(StrEnum):
    """What of the dataset that a job made goes when the job is deleted."""

    UNFINISHED = "unfinished"
    KEEP = "keep"
    ANY = "any"


def claiming(prepared: Prepared, claim: Callable[[str], None]) -> Prepared:
    """The same run, that tells the number of the store which it lays, if it lays one."""
    lock = prepared.lock
    if lock is None:
        return prepared

    def begin() -> Callable[[Any], Outcome]:
        before = _number(lock.location)
        task = prepared.begin()
        after = _number(lock.location)
        if after is not None and after != before:
            claim(after)
        return task

    return replace(prepared, begin=begin)


def is_own(location: Location, number: str) -> bool:
    """Whether the store at a place is the one of a number, or what is left of its removal."""
    return Cube.is_being_removed(location) or _number(location) == number


def is_finished(location: Location) -> bool:
    """Whether every shard of the store at a place has been made."""
    if Cube.is_being_removed(location):
        return False
    cube = Cube.open(location)
    return None not in Ledger.of(cube).scan(cube.layout.windows())


def remove(location: Location, number: str, *, finished: bool) -> bool:
    """Remove the store of a number; whether it was there and is gone.

    Its locks stay, so that nobody's late worker writes into what is made there later.

    Parameters
    ----------
    location : Location
    number : str
    finished : bool
        Whether it goes even if it is finished.

    Raises
    ------
    BusyError
        If a run writes to it.
    ConflictError
        If a worker does not leave off writing to it.
    """
    if not is_own(location, number):
        return False
    with RunRecord("remove", {}, []).lock(location):
        # another run may have finished it, or made another one, before it was held
        if not is_own(location, number) or (not finished and is_finished(location)):
            return False
        _clear(location)
    return True


def _clear(location: Location) -> None:
    """Remove a store while a worker that was canceled may still be at its last shard."""
    for _ in range(TRIES):
        try:
            Cube.remove(location)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                raise
        else:
            return
    raise ConflictError(
        f"{location.url}: a worker of the job still writes there, so it is not removed yet; "
        "delete the job again in a while"
    )


def _number(location: Location) -> str | None:
    """The number of the store at a place; None where no whole one is."""
    try:
        return Ledger.of(Cube.open(location)).store or None
    except FormatError:
        return None
