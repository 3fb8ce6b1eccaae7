"""Who does the work: this process, or some workers of a cluster; and what they can tell."""

import ctypes
import gc
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from dask.base import annotate
from distributed import Client

from lunarscale.engine.executors import Executor, OnDask, Serial
from lunarscale.engine.flight import PATIENCE_S, Flight, Threads
from lunarscale.errors import ClusterError
from lunarscale.store.location import Location

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Use(NamedTuple):
    """What a worker has used: seconds of its processors, most resident bytes."""

    processor_s: float
    peak_bytes: int


def use() -> Use:
    """What this process has used: processors since it began, memory since ``forget_peak``."""
    return Use(time.process_time(), _peak())


def forget_peak() -> bool:
    """Let the most resident memory begin anew, at what is resident now.

    What the C library holds on to from earlier work goes back to the system first.

    Returns
    -------
    bool
        False where the system does not let it (elsewhere than on Linux): then the most is that of
        the whole life of the process.
    """
    gc.collect()
    if sys.platform != "linux":
        return False
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc's; another C library has none
    try:
        _CLEAR.write_text("5")  # proc(5): "reset the peak resident set size"
    except OSError:
        return False
    return True


def _peak() -> int:
    if sys.platform == "linux":
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return int(psutil.Process().memory_info().rss)


class Crew:
    """Workers that can be asked for a number of them.

    Parameters
    ----------
    client : distributed.Client or None
        None: this process alone.
    threads : int
        Of each worker.
    worker_bytes : int
        Memory of the smallest worker.
    start_s : float
        Seconds that it took to start, or to connect.
    """

    def __init__(
        self, client: Client | None, threads: int, *, worker_bytes: int, start_s: float = 0.0
    ) -> None:
        self.client, self.threads = client, threads
        self.worker_bytes, self.start_s = worker_bytes, start_s

    @property
    def addresses(self) -> list[str]:
        """The workers that are there now."""
        if self.client is None:
            return []
        return sorted(self.client.scheduler_info(n_workers=-1)["workers"])

    @cached_property
    def executor(self) -> Executor:
        """Runs jobs on all of them; to measure, ``some`` have their own."""
        return Serial() if self.client is None else OnDask(self.client)

    @contextmanager
    def some(self, workers: int) -> Iterator["Some"]:
        """The first so many workers; the others stand idle.

        Raises
        ------
        ClusterError
            If there are fewer.
        """
        if self.client is None:
            yield Some(self, [])
            return
        there = self.addresses
        if len(there) < workers:
            raise ClusterError(
                f"bench: {workers} workers were there but {len(there)} are left; what is measured "
                "is kept, run the command again when the cluster is whole"
            )
        chosen = there[:workers]
        if len(chosen) == len(there):
            yield Some(self, chosen)
            return
        with annotate(workers=chosen):
            yield Some(self, chosen)


@dataclass(frozen=True)
class Some:
    """Workers of a crew that are at work; what is measured on fewer is worth nothing."""

    crew: Crew = field(repr=False)
    addresses: list[str]

    @cached_property
    def executor(self) -> Executor:
        """Runs jobs on them, and ends with a sentence when one of them leaves."""
        client = self.crew.client
        return Serial() if client is None else OnDask(client, needed=self.addresses)

    def each(self, ask: Callable[[], Any]) -> list[Any]:
        """Every worker's answer, whatever its tasks do.

        Raises
        ------
        ClusterError
            If one of them has left.
        """
        client = self.crew.client
        if client is None:
            return [ask()]
        try:
            return list(client.run(ask, workers=self.addresses).values())
        except OSError:
            Threads(client, PATIENCE_S, self.addresses)  # raises where it is that one has left
            raise

    def at_once(self, task: Callable[[], Any]) -> list[Any]:
        """A task on every thread of every worker at the same time.

        Raises
        ------
        ClusterError
            If one of them leaves meanwhile.
        """
        client = self.crew.client
        if client is None:
            return [task()]
        with Flight(client, Threads(client, PATIENCE_S, self.addresses)) as flight:
            for address in self.addresses:
                for _ in range(self.crew.threads):
                    flight.add(client.submit(task, workers=[address], pure=False))
            return [result for _, result in flight]


class Look:
    """A worker's look at a place: it leaves a mark there, and says whether it sees ours.

    Parameters
    ----------
    place : Location
    token : str
        Name of an object that holds its own name.
    """

    def __init__(self, place: Location, token: str) -> None:
        self.place, self.token = place, token

    def __call__(self) -> tuple[str, bool]:
        """The mark, and whether ours is seen."""
        mark = uuid.uuid4().hex
        saw = self.place.get(self.token) == self.token.encode()
        self.place.put(mark, b"seen")
        return mark, saw
