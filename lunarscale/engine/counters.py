"""What this process, as a worker, has done for runs: counted a shard, shown on ``/metrics``.

A shard that was done twice, for its first worker was lost, counts twice here and once in the run.
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from distributed import get_worker

from lunarscale.engine.gauges import Row, expose
from lunarscale.engine.outcome import Outcome, Tale
from lunarscale.engine.telling import LETTERS, LastRuns, share_of_limit
from lunarscale.laps import Laps, add_laps

#: Below Dask's own, so that it comes where a worker's log goes.
_log = logging.getLogger("distributed.worker.lunarscale")


@dataclass
class Count:
    """What one process did for one run; fields as ``News`` has them."""

    run: str
    verb: str
    memory_planned_bytes: int
    began: float
    shards_done: int = 0
    pixels_done: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    problems: int = 0
    retries: int = 0
    seconds: float = 0.0
    memory_peak_bytes: int | None = None
    laps: Laps = field(default_factory=dict)

    def take(self, tale: Tale) -> None:
        """Another shard."""
        self.shards_done += tale.done
        self.pixels_done += tale.pixels
        self.bytes_read += tale.bytes_read
        self.bytes_written += tale.bytes_written
        self.problems += len(tale.problems)
        self.laps = add_laps(self.laps, tale.laps)

    def as_row(self) -> Row:
        """All of it by name."""
        return {
            **vars(self),
            "mpx_per_second": self.pixels_done / 1e6 / self.seconds if self.seconds else 0.0,
            "share_of_limit": share_of_limit(self.laps),
        }


_counts: LastRuns[Count] = LastRuns()
_lock = threading.Lock()


def rows() -> list[Row]:
    """What this process did, run by run."""
    with _lock:
        return [count.as_row() for count in _counts.values()]


@dataclass(frozen=True)
class Counted:
    """A task whose outcomes are counted in the process that runs it.

    Parameters
    ----------
    task : callable
        Returns an ``Outcome`` or a ``Tale``.
    run, verb : str
    base_bytes, thread_bytes : int
        Memory that the plan gives a worker, and each of its threads besides.
    """

    task: Callable[[Any], Any]
    run: str
    verb: str
    base_bytes: int
    thread_bytes: int

    @property
    def __name__(self) -> str:
        """By which the dashboard and a cluster's status show its jobs."""
        inner = getattr(self.task, "task", self.task)
        return str(getattr(inner, "__name__", type(inner).__name__))

    def __call__(self, job: Any) -> Any:
        """What the task makes of a job."""
        begun = monotonic()
        try:
            made = self.task(job)
        except Exception:
            self._count(Tale(), begun, again=1)  # Dask runs it again, or ends the run
            raise
        tale = Tale.of(made) if isinstance(made, Outcome) else made
        self._count(tale, begun, again=0)
        for problem in tale.problems:
            _log.warning("%s", self._line(problem))
        return made

    def _count(self, tale: Tale, begun: float, *, again: int) -> None:
        with _lock:
            if not _counts:
                expose(rows)
            count = _counts.get(self.run)
            if count is None:
                planned = self.base_bytes + _threads() * self.thread_bytes
                count = Count(self.run, self.verb, planned, began=begun)
            _counts[self.run] = count
            count.take(tale)
            count.retries += again
            count.seconds = monotonic() - count.began
            count.memory_peak_bytes = peak_bytes()  # now: runs to come may take more

    def _line(self, problem: Exception) -> str:
        told = {"event": "problem", "run": self.run, "verb": self.verb}
        return json.dumps({**told, "message": str(problem)[:LETTERS]})


def peak_bytes() -> int | None:
    """This process's peak of resident memory (proc(5)); None where the system does not tell.

    ``getrusage`` would count the process that it was spawned from too.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)


def _threads() -> int:
    """Of this worker; 1 where this is none."""
    try:
        return int(get_worker().state.nthreads)
    except ValueError:
        return 1
