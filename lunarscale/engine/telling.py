"""A run tells how it goes, twice a second at most, to whoever listens.

What is told is ``News``. The panel of a cluster's scheduler hears it (``engine.hearing``), and a
service its own runs; pages and metrics show nothing that is not in it.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from lunarscale.engine.outcome import Tale
from lunarscale.errors import LunarscaleError
from lunarscale.laps import Laps, Part

if TYPE_CHECKING:  # workers import this file, and their memory is planned
    from lunarscale.engine.plan import Plan

#: Seconds between two words about a run.
TELL_S = 0.5

#: Problems whose sentences are told, the last ones, and letters of each.
SENTENCES, LETTERS = 5, 400

#: Runs that whoever hears of them remembers.
RUNS_KEPT = 20

#: Parts of a task that reading and writing alone would take too.
LIMIT: tuple[Part, ...] = ("read", "decode", "encode", "write")

Status = Literal["running", "finished", "incomplete", "stopped", "gone"]

What = TypeVar("What")

#: Id of the run that this thread is at; empty where it is at none. Logs show it.
RUN: ContextVar[str] = ContextVar("lunarscale_run", default="")

_log = logging.getLogger("lunarscale.engine.telling")


@dataclass
class News:
    """How a run goes; made of plain words and numbers, for it travels.

    Parameters
    ----------
    run, verb, what : str
        Its id; what it does; on which pixels, for people, without names of stores.
    status : str
        ``incomplete``: ended with problems; ``stopped``: ended by an error or a user; ``gone``:
        its command went away without a word.
    started : float
        Seconds since 1970.
    seconds : float
        That it has run.
    shards, shards_before, shards_todo : int
        Of the store; those that were done before; those of this run.
    shards_done, pixels_done, bytes_read, bytes_written : int
        What this run has done; none of them falls. Bytes and problems are None while a run of sums
        goes: what its shards tell stays on the workers until the end, also that one has failed,
        which is counted as done until then and after.
    share_of_limit : float or None
        Of the tasks' time by the clock, that of reading, decoding, encoding and writing: what would
        be left if nothing were computed. None where no task has told yet.
    problems : int
    sentences : list of str
        The last of them, and what ended the run.
    base_bytes, thread_bytes : int
        Memory that the plan gives a worker, and each of its threads besides.
    retries, workers_lost : int
        Tasks that ran, or were to run, again; workers that left unasked. Only a scheduler knows.
    memory_planned_bytes, memory_peak_bytes : int or None
        Of the largest worker: what the plan gives it, and the most it was seen to take.
    """

    run: str
    verb: str
    what: str = ""
    status: Status = "running"
    started: float = 0.0
    seconds: float = 0.0
    shards: int = 0
    shards_before: int = 0
    shards_todo: int = 0
    shards_done: int = 0
    pixels_done: int = 0
    bytes_read: int | None = 0
    bytes_written: int | None = 0
    share_of_limit: float | None = None
    problems: int | None = 0
    sentences: list[str] = field(default_factory=list)
    base_bytes: int = 0
    thread_bytes: int = 0
    retries: int = 0
    workers_lost: int = 0
    memory_planned_bytes: int | None = None
    memory_peak_bytes: int | None = None

    @classmethod
    def of(cls, run: str, plan: "Plan", *, todo: int, what: str) -> "News":
        """The news of a run that begins."""
        return cls(
            run, plan.verb, what, started=time(), shards=plan.shards, shards_before=plan.done,
            shards_todo=todo, base_bytes=plan.worker_bytes(0), thread_bytes=plan.task_bytes,
        )  # fmt: skip

    @property
    def mpx_per_second(self) -> float:
        """Millions of pixels a second since the run began."""
        return self.pixels_done / 1e6 / self.seconds if self.seconds else 0.0

    def take(self, tale: Tale, *, whole: bool = True) -> None:
        """What a tale tells; one that is not whole has shards and pixels alone."""
        self.shards_done = max(self.shards_done, tale.done)
        self.pixels_done = max(self.pixels_done, tale.pixels)
        if not whole:
            self.bytes_read = self.bytes_written = self.problems = None
            return
        self.bytes_read, self.bytes_written = tale.bytes_read, tale.bytes_written
        self.share_of_limit = share_of_limit(tale.laps)
        self.problems = len(tale.problems)
        self.sentences = [str(problem)[:LETTERS] for problem in tale.problems[-SENTENCES:]]

    def as_row(self) -> dict[str, Any]:
        """All of it by name, the rate too."""
        return {**asdict(self), "mpx_per_second": self.mpx_per_second}


class LastRuns(OrderedDict[str, What]):
    """What is known of runs, by their ids; those that were heard of longest ago are forgotten."""

    def __setitem__(self, run: str, known: What) -> None:
        super().__setitem__(run, known)
        self.move_to_end(run)  # one that goes for days outlives many that are short
        while len(self) > RUNS_KEPT:
            self.popitem(last=False)


class Hearer(Protocol):
    """Hears how runs go."""

    def hear(self, news: News, *, last: bool) -> None:
        """Take the news; what it knows better it may fill in.

        Parameters
        ----------
        news : News
        last : bool
            Whether the run has ended.
        """


def share_of_limit(laps: Laps) -> float | None:
    """Share of the tasks' time that reading, decoding, encoding and writing took; None of none."""
    whole = sum(each.clock_s for each in laps.values())
    return sum(laps[part].clock_s for part in LIMIT if part in laps) / whole if whole else None


class Story:
    """Tells a run's hearers about it, for as long as the ``with`` block.

    A hearer that fails is told nothing more: no run ends because nobody listens.

    Parameters
    ----------
    news : News
    hearers : sequence of Hearer
        In the order in which they are told.
    sums : bool
        Whether the tale has shards and pixels alone until it is whole.
    clock : callable, optional
        Seconds that only go on.
    """

    def __init__(
        self, news: News, hearers: Sequence[Hearer], clock: Callable[[], float] = monotonic,
        *, sums: bool = False,
    ) -> None:  # fmt: skip
        self.news, self._hearers, self._clock, self._sums = news, list(hearers), clock, sums
        self._began, self._told, self._tale = clock(), 0.0, Tale()
        self._is_whole = False

    def __enter__(self) -> "Story":
        self._token = RUN.set(self.news.run)
        self._tell(last=False)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.news.status = "incomplete" if self._tale.problems else "finished"
        if error is not None:
            self.news.status = "stopped"
        self._tell(last=True, end=error)
        RUN.reset(self._token)

    def show(self, tale: Tale) -> None:
        """Another shard is done, or all."""
        self._tale = tale
        if self._clock() - self._told >= TELL_S:
            self._tell(last=False)

    def ended(self, tale: Tale) -> Tale:
        """The whole tale, which is told as the block ends."""
        self._tale, self._is_whole = tale, True
        return tale

    def _tell(self, *, last: bool, end: BaseException | None = None) -> None:
        self._told = self._clock()
        self.news.seconds = self._told - self._began
        if self._hearers:
            self.news.take(self._tale, whole=self._is_whole or not self._sums)
        if isinstance(end, LunarscaleError):
            self.news.sentences.append(str(end)[:LETTERS])
        for hearer in list(self._hearers):
            try:
                hearer.hear(self.news, last=last)
            except Exception:  # noqa: BLE001  # whatever it is, the run is not to suffer from it
                _log.debug(
                    "run %s is not told to %r any more", self.news.run, hearer, exc_info=True
                )
                self._hearers.remove(hearer)


@contextmanager
def telling(news: News, executor: object, *, sums: bool) -> Iterator[Story]:
    """The story of a run on an executor; one of somebody's own need have no hearers."""
    with Story(news, getattr(executor, "hearers", ()), sums=sums) as story:
        yield story


def from_row(row: Mapping[str, Any]) -> News:
    """News that travelled.

    Raises
    ------
    TypeError
        If they are another version's.
    """
    return News(**{name: value for name, value in row.items() if name != "mpx_per_second"})
