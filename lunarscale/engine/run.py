"""A prepared run: what is to do and what it takes, known before anything is touched."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from lunarscale.engine.counters import Counted
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.ledger import Ledger
from lunarscale.engine.leftovers import sweep
from lunarscale.engine.lock import RunLock
from lunarscale.engine.outcome import Outcome, Tale
from lunarscale.engine.plan import Plan
from lunarscale.engine.telling import News, Story, telling
from lunarscale.errors import IncompleteError, LunarscaleError, ParametersError, StoreError
from lunarscale.plurals import several
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Kind, Layout
from lunarscale.store.location import Location

#: Told after every shard, and once at the start: the tale so far and the shards to do.
Progress = Callable[[Tale, int], None]


@dataclass(frozen=True)
class Prepared:
    """A run that has not begun.

    Parameters
    ----------
    plan : Plan
    layout : Layout
        Of the store that it makes or reads.
    begin : callable
        Makes what must be there first and returns the task.
    jobs : list
        One a shard to do.
    problems : list of LunarscaleError
        What is missing already: the run goes on without it and says so at the end.
    finish : callable
        Called with the tale when all jobs are done or failed.
    reduces : bool
        Whether the task has no effects but its sums: then the jobs have windows, and the tales
        are merged in a tree on the workers.
    take : callable
        Shown each outcome here when it comes, unless ``reduces``; what it returns is merged.
    lock : RunLock or None
        Of the store that it writes to; held from before ``begin`` until after ``finish``.
    """

    plan: Plan
    layout: Layout
    begin: Callable[[], Callable[[Any], Outcome]]
    jobs: list[Any]
    problems: list[LunarscaleError] = field(default_factory=list)
    finish: Callable[[Tale], None] = lambda tale: None
    reduces: bool = False
    take: Callable[[Outcome], Outcome] = lambda outcome: outcome
    lock: RunLock | None = None

    def run(self, executor: Executor, progress: Progress = lambda tale, todo: None) -> Tale:
        """Do it; where nothing is to do nothing is touched.

        Problems of single shards and tiles are in the tale; others raise.

        Raises
        ------
        BusyError
            If another run writes to the store, or takes it over.
        """
        tale = Tale(problems=list(self.problems))
        if not self.jobs:
            return tale
        grid = self.layout.grid
        news = News.of(
            uuid4().hex[:8] if self.lock is None else self.lock.run,
            self.plan,
            todo=len(self.jobs),
            what=f"{self.layout.kind} of {grid.width:,} x {grid.height:,} pixels",
        )
        with telling(news, executor, sums=self.reduces) as story:
            return story.ended(self._told(executor, tale=tale, progress=progress, story=story))

    def _told(self, executor: Executor, *, tale: Tale, progress: Progress, story: Story) -> Tale:
        def shown(tale: Tale, todo: int) -> None:
            story.show(tale)
            progress(tale, todo)

        with nullcontext() if self.lock is None else self.lock:
            if self.lock is not None and self.lock.remark:
                tale.remarks.append(self.lock.remark)
            shown(tale, len(self.jobs))
            news, begun = story.news, self.begin()
            task = Counted(begun, news.run, news.verb, news.base_bytes, news.thread_bytes)
            run = self._reduce if self.reduces else self._fold
            tale = run(task, executor, tale=tale, progress=shown)
            if self.lock is not None:
                tale = self._made_good(task, executor, tale=tale, location=self.lock.location)
                sweep(self.lock.location)
            self.finish(tale)
        return tale

    def _fold(
        self, task: Callable[[Any], Outcome], executor: Executor, *, tale: Tale, progress: Progress
    ) -> Tale:
        def merge(tale: Tale, outcome: Outcome) -> Tale:
            if self.lock is not None:
                self.lock.require_held()
            tale = tale.merge(Tale.of(self.take(outcome)))
            progress(tale, len(self.jobs))
            return tale

        return executor.fold(task, self.jobs, merge=merge, initial=tale)

    def _made_good(
        self, task: Callable[[Any], Outcome], executor: Executor, *, tale: Tale, location: Location
    ) -> Tale:
        """Make shards again whose entries were taken back after they had come back as done.

        A worker that the cluster has given up may still be at a shard that another one has made
        meanwhile: it takes the entry back to write it anew, and dies before it does.
        """
        ledger = Ledger.of(Cube.open(location))

        def taken_back(jobs: list[Any]) -> list[Any]:
            entries = ledger.scan([job.window for job in jobs])
            return [job for job, entry in zip(jobs, entries, strict=True) if entry is None]

        def merge(tale: Tale, outcome: Outcome) -> Tale:
            # the shard was counted when it came back first
            found = Tale.of(outcome)
            return tale.merge(Tale(problems=found.problems, failed=found.failed, laps=found.laps))

        done = [job for job in self.jobs if ledger.name(job.window) not in tale.failed]
        again = taken_back(done)
        tale = executor.fold(task, again, merge=merge, initial=tale) if again else tale
        for job in taken_back([j for j in again if ledger.name(j.window) not in tale.failed]):
            problem = StoreError(
                f"{location.url}: shard {ledger.name(job.window)} was made but its entry is not in "
                "the ledger any more; let nothing else write to the store, then run the same "
                "command again"
            )
            tale = tale.merge(Tale(problems=[problem]))
        return tale

    def _reduce(
        self, task: Callable[[Any], Outcome], executor: Executor, *, tale: Tale, progress: Progress
    ) -> Tale:
        so_far = Tale()

        def tell(job: Any) -> None:
            so_far.done += 1
            so_far.pixels += job.window.height * job.window.width
            progress(so_far, len(self.jobs))

        return executor.reduce(_TaleOf(task), self.jobs, merge=Tale.merge, initial=tale, tell=tell)


@dataclass(frozen=True)
class _TaleOf:
    """A task whose outcome comes back as a tale, which merges."""

    task: Callable[[Any], Outcome]

    def __call__(self, job: Any) -> Tale:
        return Tale.of(self.task(job))


#: Runs a prepared step, whose verb people are shown.
Execute = Callable[[str, Prepared], Tale]


def shown_to_nobody(executor: Executor | None) -> Execute:
    """Runs prepared steps on an executor, or in this process if there is none; shows nothing."""
    chosen = executor or Serial()

    def execute(verb: str, prepared: Prepared) -> Tale:
        return prepared.run(chosen)

    return execute


def complain(tale: Tale, where: str) -> None:
    """Raise what a run could not do.

    Raises
    ------
    IncompleteError
        If the tale has problems; the message lists them.
    """
    if tale.problems:
        listed = "\n".join(f"  {problem}" for problem in sorted({str(p) for p in tale.problems}))
        count = len({str(p) for p in tale.problems})
        raise IncompleteError(
            f"{where}: finished but for {several(count, 'problem')}; mend "
            f"{'them' if count > 1 else 'it'} and run the same command again:\n{listed}"
        )


def existing(location: Location, wanted: Layout, *, overwrite: bool) -> Cube | None:
    """The store that is to be gone on with, or None if a new one is to be made.

    Raises
    ------
    ParametersError
        If it was made with other parameters and ``overwrite`` is not given, or is of another
        kind even if it is.
    FormatError
        If what is there is no lunarscale store.
    """
    if not location.exists() or Cube.is_debris(location, wanted):
        return None
    cube = require(Cube.open(location), wanted.kind)  # maps never take a mosaic's place
    if overwrite:
        return None
    have, want = (
        {**layout.to_attributes(), "codec": layout.codec} for layout in (cube.layout, wanted)
    )
    for name, value in want.items():
        if have[name] != value:
            raise ParametersError(
                f"{location.url}: this store was made with {name} {_short(have[name])} but "
                f"{_short(value)} is asked for; name another --out, or --overwrite to start afresh"
            )
    return cube


def require(cube: Cube, kind: Kind) -> Cube:
    """The cube, if it is of the kind.

    Raises
    ------
    ParametersError
        If it is not.
    """
    if cube.layout.kind != kind:
        raise ParametersError(
            f"{cube.location.url}: {_A_STORE_OF[kind]} was expected but this is "
            f"{_A_STORE_OF[cube.layout.kind]}; `lunarscale info` shows what a store holds"
        )
    return cube


_A_STORE_OF: dict[Kind, str] = {"mosaic": "a mosaic", "maps": "a store of maps"}


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_short(item) for item in value) + ")"
    if isinstance(value, dict) and "around" in value:
        south, west = value["row"] + value["height"], value["col"]
        return (
            f"{value['width']:,} x {value['height']:,} pixels, {value['around'] / 360:g} a degree, "
            f"rows {value['row']:,}-{south:,} and columns from {west:,}"
        )
    if isinstance(value, dict) and "model" in value:
        return f"{value['name']} by {value['model']}"
    if isinstance(value, dict):
        shown = {k: v for k, v in value.items() if k not in ("formula", "source")}
        return "{" + ", ".join(f"{k}: {_short(v)}" for k, v in shown.items()) + "}"
    return str(value)
