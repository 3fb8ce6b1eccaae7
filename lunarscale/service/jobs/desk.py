"""What a verb has while it works: something to run steps with, a place for files, a log."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Protocol

from lunarscale.engine.executors import Executor
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared
from lunarscale.errors import FullError, IncompleteError
from lunarscale.service.jobs.owning import claiming
from lunarscale.service.jobs.records import Level


class Watcher(Protocol):
    """Shown how far a job is; raises where it is to end."""

    def show(self, *, done: int, todo: int, mpx_s: float, message: str) -> None:
        """How far the step is."""

    def look(self) -> None:
        """Nothing new; is it to end?"""


@dataclass(frozen=True)
class Hands:
    """Who does the work.

    Parameters
    ----------
    executor : callable
        Given what is to be asked while nothing comes back, an executor.
    threads, worker_bytes : int
        Of the smallest worker.
    """

    executor: Callable[[Callable[[], None]], Executor]
    threads: int
    worker_bytes: int


#: Problems of single shards that a log tells.
PROBLEMS_TOLD = 50


@dataclass
class Desk:
    """What a verb has while it works.

    Parameters
    ----------
    hands : Hands
    watcher : Watcher
    folder : Path
        For files that the job makes; it is there.
    say : callable
        Writes a line of the job's log.
    claim : callable
        Told the number of the store that the job has laid.
    files : list of (Path, str)
        What was made, with a title.
    pixels : int
        Of the first step, as far as they were done now.
    """

    hands: Hands
    watcher: Watcher
    folder: Path
    say: Callable[[Level, str], None]
    claim: Callable[[str], None]
    files: list[tuple[Path, str]] = field(default_factory=list)
    pixels: int = 0

    def run(self, prepared: Prepared, what: str, *, where: str) -> Tale:
        """Run a step to its end.

        Parameters
        ----------
        prepared : Prepared
        what, where : str
            What is done and to which dataset, for people.

        Raises
        ------
        PlanError
            If it does not fit the workers.
        FullError
            If the disk is full.
        IncompleteError
            If all the rest is done but some shards are not.
        """
        plan, hands = prepared.plan, self.hands
        plan.check(prepared.layout, threads=hands.threads, worker_bytes=hands.worker_bytes)
        begun = monotonic()

        def progress(tale: Tale, todo: int) -> None:
            seconds = max(monotonic() - begun, 1e-9)
            self.watcher.show(
                done=plan.done + tale.done,
                todo=plan.done + todo,
                mpx_s=tale.pixels / 1e6 / seconds,
                message=what,
            )
            for problem in tale.problems:
                if isinstance(problem, FullError):
                    raise problem  # no other shard will find room

        self.watcher.show(done=plan.done, todo=plan.shards, mpx_s=0.0, message=what)
        run = claiming(prepared, self.claim).run
        tale = run(hands.executor(self.watcher.look), progress)
        for remark in tale.remarks:
            self.say(Level.WARNING, remark)
        self._complain(tale, where)
        self.pixels = self.pixels or tale.pixels
        shards = f"{tale.done:,} shard{'s' * (tale.done != 1)}"
        self.say(Level.INFO, f"{what}: {shards} of {tale.pixels:,} pixels")
        return tale

    def _complain(self, tale: Tale, where: str) -> None:
        problems = sorted({str(problem) for problem in tale.problems})
        for problem in problems[:PROBLEMS_TOLD]:
            self.say(Level.ERROR, problem)
        if problems:
            raise IncompleteError(
                f"{where} was finished but for {len(problems):,} problem{'s' * (len(problems) > 1)}"
                f", the first of which is: {problems[0]}; the log has more, and the job can be "
                "started again when this is mended"
            )

    def keep(self, path: Path, title: str) -> None:
        """Count a file among the job's results."""
        self.files.append((path, title))
