"""Says how far a job is, a few times a second at most, and hears whether it is to go on."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

from lunarscale.errors import UnavailableError
from lunarscale.service.jobs.store import JobStore

_log = logging.getLogger("lunarscale.service.jobs")

#: Seconds between two words about a job that goes on.
TELL_S = 0.5


class Canceled(Exception):
    """The job was canceled: it is not to go on."""


class Ending(Exception):
    """The service ends: the job goes on with the next one."""


class Watch:
    """Shown how far a job is, for as long as the ``with`` block; in the end the last word is said.

    Parameters
    ----------
    store : JobStore
    job : str
        The job's id.
    ending : threading.Event
        Set when the service ends.
    clock : callable, optional
        Seconds that only go on.
    """

    def __init__(
        self, store: JobStore, job: str, ending: threading.Event,
        clock: Callable[[], float] = monotonic,
    ) -> None:  # fmt: skip
        self._store, self._job, self._ending, self._clock = store, job, ending, clock
        self._told_at, self._step, self._first = -TELL_S, "", 0
        self._untold: tuple[int, int, float, str] | None = None
        #: Whether any shard was done.
        self.has_done = False

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *error: object) -> None:
        self.tell()

    def show(self, *, done: int, todo: int, mpx_s: float, message: str) -> None:
        """How far the step is.

        Raises
        ------
        Canceled, Ending
            If it is not to go on.
        """
        if self._ending.is_set():
            raise Ending
        if message != self._step:
            self._step, self._first = message, done
        self.has_done = self.has_done or done > self._first
        self._untold = done, todo, mpx_s, message
        # the first word of a step is always said
        if self._clock() - self._told_at >= TELL_S or done == self._first:
            self.tell()

    def tell(self) -> None:
        """Say at once what was not said yet.

        Raises
        ------
        Canceled
            If the job is not to go on.
        """
        if self._untold is None:
            return
        done, todo, mpx_s, message = self._untold
        self._told_at = self._clock()
        try:
            goes_on = self._store.tell(
                self._job, done=done, todo=todo, mpx_s=round(mpx_s, 3), message=message
            )
        except UnavailableError as error:  # the work itself may go on
            _log.warning("how far the job %s is is not kept: %s", self._job, error)
            return
        self._untold = None
        if not goes_on:
            raise Canceled

    def look(self) -> None:
        """Nothing new; is it to end?

        Raises
        ------
        Canceled, Ending
            If it is.
        """
        if self._ending.is_set():
            raise Ending
        self.tell()
        if not self._store.runs(self._job):
            raise Canceled
