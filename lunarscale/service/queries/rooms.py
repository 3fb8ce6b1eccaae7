"""Work that takes a core for seconds: a few at once, some that wait, and nobody works for nobody.

Each runs in a thread, so that the event loop never waits for it, and looks at its ``Watch`` between
its steps: it ends where its client has gone away, or where it takes too long.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request

from lunarscale.errors import UnavailableError
from lunarscale.service.access import key_of
from lunarscale.service.crowds import Crowd

#: Pieces of work that run at a time, that wait for their turn, and that one caller has of both.
AT_ONCE, WAITING, EACH = 4, 12, 8

#: A part of the time in which an answer must begin, for what comes after the work.
_OF_PATIENCE = 0.9

Result = TypeVar("Result")


class Watch:
    """Tells a piece of work whether it still makes sense.

    Parameters
    ----------
    seconds : float
        That it may take, from now.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._until = seconds, monotonic() + seconds
        self._gone = threading.Event()

    def give_up(self) -> None:
        """Nobody waits for the work any more."""
        self._gone.set()

    def look(self) -> None:
        """Go on, or not.

        Raises
        ------
        UnavailableError
            If nobody waits any more, or the time is over.
        """
        if self._gone.is_set():
            raise UnavailableError("the client went away before its answer was ready")
        if monotonic() > self._until:
            raise UnavailableError(
                f"this took more than {self._seconds:g} s and was given up; ask for less at once, "
                "or make it a job"
            )


class Rooms:
    """Where such work is done.

    Parameters
    ----------
    patience_s : float
        In which an answer must begin.
    at_once, waiting, each : int
        Pieces of work.
    """

    def __init__(
        self, patience_s: float, *, at_once: int = AT_ONCE, waiting: int = WAITING,
        each: int = EACH,
    ) -> None:  # fmt: skip
        self._seconds, self._at_once = _OF_PATIENCE * patience_s, at_once
        self._crowd = Crowd(at_once + waiting, each, what="requests like this one")
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, request: Request, work: Callable[[Watch], Result]) -> Result:
        """What some work gives, done in a thread.

        Parameters
        ----------
        request : Request
            Whose body has been read: what else comes of it is that its client has gone.
        work : callable
            Looks at its watch between its steps.

        Raises
        ------
        UnavailableError
            If too many wait already, the client goes away, or it takes too long.
        RateError
            If too many of them are this caller's.
        """
        with self._crowd.inside(key_of(request)):
            if self._limiter is None:
                self._limiter = anyio.CapacityLimiter(self._at_once)
            watch = Watch(self._seconds)
            watching = asyncio.create_task(_until_gone(request, watch))
            try:
                return await anyio.to_thread.run_sync(
                    partial(_worked, work, watch), limiter=self._limiter
                )
            finally:
                watch.give_up()
                watching.cancel()
                await asyncio.wait([watching])


def _worked(work: Callable[[Watch], Result], watch: Watch) -> Result:
    watch.look()  # it may have waited for long
    return work(watch)


async def _until_gone(request: Request, watch: Watch) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    watch.give_up()
