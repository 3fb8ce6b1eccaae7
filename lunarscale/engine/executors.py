"""One verb runs everything: ``fold`` a task over jobs and merge what comes back.

``Serial`` is the specification, ``OnDask`` the engine; merges are exact and commute, so both
give the same bits.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from itertools import islice
from time import monotonic
from typing import Any, Protocol, TypeVar

from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from lunarscale.errors import ClusterError

Job = TypeVar("Job")
Result = TypeVar("Result")
Total = TypeVar("Total")

#: Jobs in flight a worker thread: one runs, one waits, and memory stays bounded.
IN_FLIGHT = 2

#: Seconds after which the cluster is asked for its threads again: workers may join or leave.
ASK_AGAIN_S = 5.0

#: Times a job is tried again after an error that is not ours (a passing fault of the disk, say).
RETRIES = 2


class Executor(Protocol):
    """Runs a task over many jobs."""

    def fold(
        self,
        task: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Total, Result], Total],
        initial: Total,
    ) -> Total:
        """Merge ``task(job)`` of every job into ``initial``, in the order they finish."""


class Serial:
    """One job after the other, in this process."""

    def fold(
        self,
        task: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Total, Result], Total],
        initial: Total,
    ) -> Total:
        """Merge ``task(job)`` of every job into ``initial``, in order."""
        total = initial
        for job in jobs:
            total = merge(total, task(job))
        return total


class OnDask:
    """Jobs on a Dask cluster, a bounded number in flight.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    def fold(
        self,
        task: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Total, Result], Total],
        initial: Total,
    ) -> Total:
        """Merge ``task(job)`` of every job into ``initial``, in the order they finish.

        A job whose worker dies runs again on another one; whatever stops the fold (an error,
        Ctrl-C) cancels what is in flight.

        Raises
        ------
        ClusterError
            If a job kills worker after worker, or the cluster goes away.
        """
        total, waiting = initial, iter(jobs)
        flight: as_completed = as_completed(loop=self.client.loop)
        in_flight: set[Future[Any]] = set()

        threads, asked = self._threads(), monotonic()

        def fill() -> None:
            nonlocal threads, asked
            if monotonic() - asked > ASK_AGAIN_S:
                threads, asked = self._threads(), monotonic()
            room = max(2, IN_FLIGHT * threads) - len(in_flight)
            for job in islice(waiting, max(room, 0)):
                future = self.client.submit(task, job, pure=False, retries=RETRIES)
                in_flight.add(future)
                flight.add(future)

        try:
            fill()
            for future in flight:
                in_flight.discard(future)
                result = _result(future)
                # or the cluster keeps it, and makes a finished shard again if its worker dies
                future.release()
                total = merge(total, result)
                fill()
        finally:
            if in_flight:
                self.client.cancel(list(in_flight))
        return total

    def _threads(self) -> int:
        try:
            return int(sum(self.client.nthreads().values()))
        except OSError as error:
            raise ClusterError(_GONE) from error


_GONE = "the cluster went away in mid-run; what is finished is kept, run the command again to go on"


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result()
    except KilledWorker as error:
        raise ClusterError(
            f"a task killed worker after worker ({error.task}); it needs more memory than a "
            "worker has: use a smaller shard or larger workers (--memory-limit)"
        ) from error
    except CancelledError as error:
        raise ClusterError(_GONE) from error
