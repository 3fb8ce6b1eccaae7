"""Writes down what jobs say and how they end, in words for callers; if need be, when it can."""

import logging
import threading
import uuid
from collections.abc import Callable

from lunarscale.errors import UnavailableError
from lunarscale.service.jobs.records import Level, Records
from lunarscale.service.jobs.store import JobStore
from lunarscale.service.problems import worded

#: Seconds between two tries to keep what could not be kept.
AGAIN_S = 5.0

_log = logging.getLogger("lunarscale.service.jobs")

#: Levels of the service's log by those of a job's.
_LOGGED = {
    Level.DEBUG: logging.DEBUG,
    Level.INFO: logging.INFO,
    Level.WARNING: logging.WARNING,
    Level.ERROR: logging.ERROR,
}


class Scribe:
    """Writes down what becomes of jobs.

    Parameters
    ----------
    store : JobStore
    records : Records
    data_dir : str
        Left out of what is told.
    ending : threading.Event
        Set when the service ends: what is not kept then, the next start finds out.
    """

    def __init__(
        self, store: JobStore, records: Records, *, data_dir: str, ending: threading.Event
    ) -> None:
        self._store, self._records = store, records
        self._data_dir, self._ending = data_dir, ending
        #: How jobs have ended whose end cannot be kept just now, by id.
        self.unkept: dict[str, str] = {}

    def worded(self, sentence: str) -> str:
        """A sentence for callers."""
        return worded(sentence, self._data_dir)

    def say(self, id: str, level: Level, message: str) -> None:
        """A line of a job's log, and of the service's."""
        _log.log(_LOGGED[level], "%s", self.worded(message), extra={"job": id})
        try:
            self._records.log(id, level, self.worded(message))
        except UnavailableError as error:
            _log.warning("job %s: %s is not kept: %s", id, message, error)

    def put_back(self, id: str, sentence: str, *, losses: int) -> None:
        """A job waits again."""
        message = self.worded(sentence)
        self.say(id, Level.WARNING, message)
        self.keep(id, lambda: self._store.put_back(id, message, losses=losses), message)

    def fail(self, id: str, sentence: str) -> None:
        """A job has ended in an error."""
        message = self.worded(sentence)
        self.say(id, Level.ERROR, message)
        self.keep(id, lambda: self._store.fail(id, message), message)

    def crash(self, id: str) -> None:
        """A job has ended in a fault of ours; call it in ``except``."""
        number = uuid.uuid4().hex[:12]
        _log.exception("job %s failed, error %s", id, number)
        self.fail(id, f"the service failed at this; its log has the details under {number}")

    def keep(self, id: str, write: Callable[[], object], message: str = "it has ended") -> None:
        """Keep how a job ended as soon as the disk takes it."""
        try:
            while True:
                try:
                    write()
                    return
                except UnavailableError as error:
                    _log.warning("what became of the job %s is not kept yet: %s", id, error)
                    self.unkept[id] = f"{message}; the service cannot write that down yet: {error}"
                if self._ending.wait(AGAIN_S):
                    return
        finally:
            self.unkept.pop(id, None)
