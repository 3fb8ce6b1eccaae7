"""Where a task's time goes: laps of named parts, by the clock and by the processor.

A task records; what it calls, in whatever room, says ``with lap("decode"):`` around its part.
Outside a recording a lap costs nothing but its call. Standard library only.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter, thread_time
from types import TracebackType
from typing import Literal, NamedTuple

#: What a shard's task is made of; ``rest`` is what no lap was taken of.
Part = Literal["read", "decode", "compute", "count", "encode", "write", "ledger", "rest"]


class Lap(NamedTuple):
    """Seconds of this thread's processor, and seconds by the clock."""

    processor_s: float = 0.0
    clock_s: float = 0.0


#: Seconds by parts.
Laps = Mapping[Part, Lap]

_here = threading.local()


class _Recording:
    """One thread's open laps and what they came to; a lap within another is not the other's."""

    def __init__(self) -> None:
        self.seconds: dict[Part, list[float]] = {"rest": [0.0, 0.0]}
        self.parts: list[Part] = ["rest"]
        self._since = thread_time(), perf_counter()

    def turn(self) -> None:
        """Give the time since the last turn to the innermost open part."""
        processor, clock = thread_time(), perf_counter()
        part = self.seconds.setdefault(self.parts[-1], [0.0, 0.0])
        part[0] += processor - self._since[0]
        part[1] += clock - self._since[1]
        self._since = processor, clock


class lap:
    """The time within goes to a part, but for laps within it.

    Parameters
    ----------
    part : str
    """

    __slots__ = ("_part", "_recording")

    def __init__(self, part: Part) -> None:
        self._part = part
        self._recording: _Recording | None = getattr(_here, "recording", None)

    def __enter__(self) -> None:
        if self._recording is not None:
            self._recording.turn()
            self._recording.parts.append(self._part)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._recording is not None:
            self._recording.turn()
            self._recording.parts.pop()


@contextmanager
def recording() -> Iterator[dict[Part, Lap]]:
    """Record this thread's laps; the dict is filled when the block ends.

    A recording within another takes its time out of the other.
    """
    laps: dict[Part, Lap] = {}
    outer, inner = getattr(_here, "recording", None), _Recording()
    _here.recording = inner
    try:
        yield laps
    finally:
        inner.turn()
        _here.recording = outer
        laps.update((part, Lap(*seconds)) for part, seconds in inner.seconds.items())


def add_laps(first: Laps, second: Laps) -> dict[Part, Lap]:
    """Both together, part by part."""
    sums = dict(first)
    for part, (processor_s, clock_s) in second.items():
        have = sums.get(part, Lap())
        sums[part] = Lap(have.processor_s + processor_s, have.clock_s + clock_s)
    return sums
