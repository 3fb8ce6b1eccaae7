"""What a run takes: time, processor time and the most memory of a worker."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from distributed import Client

#: Seconds between two looks at the workers' memory.
LOOK = 0.05


@dataclass(frozen=True)
class Timing:
    """One run: seconds by the clock and of the workers' processors, bytes of the largest worker."""

    wall: float
    processor: float
    peak: int


def timed(run: Callable[[], object], client: Client) -> Timing:
    """Run once, after what other runs left unwritten has gone to the disk."""
    os.sync()
    workers = [psutil.Process(pid) for pid in client.run(os.getpid).values()]

    def spent() -> float:
        return sum(sum(worker.cpu_times()[:2]) for worker in workers)

    with _watching(workers) as peak:
        before, start = spent(), time.perf_counter()
        run()
        wall = time.perf_counter() - start
        return Timing(wall, spent() - before, peak())


@contextmanager
def _watching(workers: list[psutil.Process]) -> Iterator[Callable[[], int]]:
    """Look at the workers' resident memory again and again; gives the most of one so far."""
    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(LOOK):
            peak[0] = max(peak[0], *(worker.memory_info().rss for worker in workers))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield lambda: peak[0]
    finally:
        over.set()
        thread.join()


def median(timings: list[Timing]) -> Timing:
    """Medians of the times, and the most memory."""
    return Timing(
        float(np.median([t.wall for t in timings])),
        float(np.median([t.processor for t in timings])),
        max(t.peak for t in timings),
    )


def disk_rate(folder: Path) -> float:
    """Bytes a second that reach the disk itself: 1 GB in objects of 8 MB, each flushed."""
    blob, count, path = os.urandom(8_000_000), 125, Path(folder, "scratch")
    start = time.perf_counter()
    for _ in range(count):
        with path.open("wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
    return len(blob) * count / (time.perf_counter() - start)


def stored(url: str, *names: str) -> int:
    """Bytes on disk of some arrays of a store, or of all that is there."""
    tops = [Path(url, name) for name in names] or [Path(url)]
    return sum(file.stat().st_size for top in tops for file in top.rglob("*") if file.is_file())
