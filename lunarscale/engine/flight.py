"""Tasks that a Dask cluster has in hand, waited for with patience but never for ever."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType
from typing import Any

from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from lunarscale.errors import ClusterError

#: Tasks in flight a worker thread: one runs, one waits, and memory stays bounded.
IN_FLIGHT = 2

#: Times as many tasks with small results are sent ahead, so that they go several to a message: a
#: waiting task takes no memory, and each message costs client and scheduler milliseconds.
AHEAD = 2

#: Seconds after which the cluster is asked for its threads again: workers may join or leave.
ASK_AGAIN_S = 5.0

#: Seconds without any worker, or without a word of the scheduler, after which a run is given up.
#: A lost worker is there again in a second or so; 7 s were the most seen, on two cores at load 11.
PATIENCE_S = 120.0

_GONE = "the cluster went away in mid-run; what is stored is kept, run the command again"


class Threads:
    """How many threads a cluster's workers have, asked now and then.

    Parameters
    ----------
    client : distributed.Client
    patience_s : float
        Seconds that it may have none.
    needed : sequence of str
        Addresses of the workers that are counted, if not all; each must stay.
    """

    def __init__(self, client: Client, patience_s: float, needed: Sequence[str] = ()) -> None:
        self.client, self.patience_s, self.needed = client, patience_s, list(needed)
        #: Seconds from question to question.
        self.pause_s = min(ASK_AGAIN_S, patience_s / 4)
        #: Addresses of the workers, as of the last question.
        self.workers: list[str] = []
        self._none_since: float | None = None
        self._count, self._asked = self._ask(), monotonic()

    def count(self) -> int:
        """Threads of all workers, as of a few seconds ago at most.

        Raises
        ------
        ClusterError
            If there was no worker for too long, if one that is needed has left, or if the
            scheduler does not answer.
        """
        if monotonic() - self._asked >= self.pause_s:
            self._count, self._asked = self._ask(), monotonic()
        return self._count

    def _ask(self) -> int:
        try:
            there = self.client.nthreads(self.needed or None, callback_timeout=self.patience_s)
        except OSError as error:  # a timeout is one of them
            raise ClusterError(_GONE) from error
        if len(there) < len(self.needed):  # one that is started again has another address
            raise ClusterError(
                f"{len(self.needed) - len(there)} of the {len(self.needed)} workers that this was "
                "to run on left in mid-run; what is stored is kept, run the command again"
            )
        self.workers, count = list(there), sum(there.values())
        if count:
            self._none_since = None
        elif self._none_since is None:
            self._none_since = monotonic()
        elif monotonic() - self._none_since >= self.patience_s:
            raise ClusterError(
                f"the cluster has had no worker for {self.patience_s:.0f} s; what is stored is "
                "kept, start workers and run the command again"
            )
        return int(count)


class Silence:
    """How long nothing has come back, watched because Dask's timers go by the clock of the day.

    They wait for an hour to come again that a clock was set back by, and what they would send
    waits with them. An end of that is better than a run that stands still.

    Parameters
    ----------
    patience_s : float
        Seconds that nothing may come back after the clock was set back by as much.
    """

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self._ahead = time.time() - monotonic()
        self._since = monotonic()

    def end(self) -> None:
        """Something came back."""
        self._since = monotonic()

    def require_timers(self) -> None:
        """Make sure that it is not this machine's clock that everybody waits for.

        Raises
        ------
        ClusterError
            If nothing has come back for too long since it was set back.
        """
        back_s = self._ahead - (time.time() - monotonic())
        if back_s >= self.patience_s and monotonic() - self._since >= self.patience_s:
            raise ClusterError(
                f"this machine's clock was set back by {back_s:.0f} s in mid-run and no job has "
                f"come back for {self.patience_s:.0f} s: Dask waits for that time to come again; "
                "what is stored is kept, run the command again"
            )


class Flight:
    """Futures that are waited for; on leaving, those that were not released are cancelled.

    Iterating yields each with its result as they finish until none is left; more may be added
    meanwhile.

    Parameters
    ----------
    client : distributed.Client
    threads : Threads
        Looked at while nothing finishes.
    """

    def __init__(self, client: Client, threads: Threads) -> None:
        self.client, self.threads = client, threads
        self._awaited: dict[futures.Future[Any], Future[Any]] = {}
        self._arrived: SimpleQueue[futures.Future[Any]] = SimpleQueue()
        self._landed: set[Future[Any]] = set()
        self._silence = Silence(threads.patience_s)

    def __enter__(self) -> "Flight":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        left = [*self._awaited.values(), *self._landed]
        if left:
            self.client.cancel(left)

    def __len__(self) -> int:
        return len(self._awaited)

    def add(self, future: "Future[Any]", *, fetch: bool = True) -> None:
        """Wait for a future too; without ``fetch`` its result stays where it is and reads None."""
        waiting = _fetched(future) if fetch else _finished(future)
        # not Future.result here: it has no end where its worker is gone and no other comes
        loop: Any = self.client.loop
        arrival = asyncio.run_coroutine_threadsafe(waiting, loop.asyncio_loop)
        self._awaited[arrival] = future
        arrival.add_done_callback(self._arrived.put)

    def release(self, future: "Future[Any]") -> None:
        """Let the cluster forget a result, once nothing waits for it.

        A result that is kept is made again if its worker dies.
        """
        self._landed.discard(future)
        future.release()

    def __iter__(self) -> Iterator[tuple["Future[Any]", Any]]:
        while self._awaited:
            try:
                arrival = self._arrived.get(timeout=self.threads.pause_s)
            except Empty:
                self.threads.count()
                self._silence.require_timers()
                continue
            self._silence.end()
            future = self._awaited.pop(arrival)
            self._landed.add(future)
            yield future, _result(future, arrival)


async def _fetched(future: "Future[Any]") -> Any:
    return await future


async def _finished(future: "Future[Any]") -> None:
    async for _ in as_completed([future], loop=future.client.loop):
        if future.status in ("error", "cancelled"):
            await future  # raises


def _result(future: "Future[Any]", arrival: "futures.Future[Any]") -> Any:
    try:
        return arrival.result()
    except KilledWorker as error:
        raise ClusterError(
            f"a task killed worker after worker ({error.task}); it needs more memory than a "
            "worker has: use a smaller shard or larger workers (--memory-limit)"
        ) from error
    except CancelledError as error:
        raise ClusterError(_GONE) from error
    except OSError as error:
        if future.status == "error":  # the task's own
            raise
        raise ClusterError(_GONE) from error
