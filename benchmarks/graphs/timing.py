"""What a run takes: time, processor time and the most memory of a worker."""

import os
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from distributed import Client

#: Seconds between two looks at the workers' memory.
LOOK = 0.05


#: The installed command, as a file.
_COMMAND = "from lunarscale.cli import main\n\nif __name__ == '__main__':\n    main()\n"


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
def as_the_command(folder: Path) -> Iterator[None]:
    """Workers that are started within are the command's own.

    A process that is spawned imports its spawner's main file, so that a benchmark's workers would
    hold its peers too, and their memory would count as ours.
    """
    main = types.ModuleType("__main__")
    main.__file__ = str(folder / "lunarscale_command.py")
    Path(main.__file__).write_text(_COMMAND)
    own, sys.modules["__main__"] = sys.modules["__main__"], main
    try:
        yield
    finally:
        sys.modules["__main__"] = own


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
