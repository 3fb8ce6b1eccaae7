"""Tasks that are struck in the middle of a shard: killed there, or held until they are let go.

Nothing waits by the clock: a struck task says so through one pipe and is held by another.
"""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.outcome import Outcome
from lunarscale.laps import lap

#: The shard that is struck: row 1, column 2.
SHARD = "r0001c0002"

#: Seconds until a test that waits for a strike gives up.
PATIENCE_S = 240


@dataclass
class Pipes:
    """Two named pipes in a folder: what is held says so, and what holds it lets go.

    Parameters
    ----------
    folder : Path
        Made if need be.
    """

    folder: Path
    _ends: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> "Pipes":
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("told", "go"):
            os.mkfifo(self.folder / name)
            self._ends[name] = os.open(self.folder / name, os.O_RDWR)
        return self

    def __exit__(self, *error: object) -> None:
        self.let_go()
        for end in self._ends.values():
            os.close(end)

    def wait(self) -> None:
        """Until a task is held."""
        ready, _, _ = select.select([self._ends["told"]], [], [], PATIENCE_S)
        assert ready, "no task was struck"
        os.read(self._ends["told"], 1)

    def let_go(self) -> None:
        """Let whatever is held go on."""
        os.write(self._ends["go"], b"go on" * 8)


def _hold(folder: Path) -> None:
    for name, act in (
        ("told", lambda end: os.write(end, b"x")),
        ("go", lambda end: os.read(end, 1)),
    ):
        end = os.open(folder / name, os.O_RDWR)
        act(end)
        os.close(end)


@dataclass(frozen=True)
class Struck:
    """A task that is struck once, in one shard.

    Parameters
    ----------
    task : callable
    part : str
        The lap (``lunarscale.laps``) as which it is struck; or "entry": when all objects are
        written and the entry is not.
    nth : int
        Which of the laps of that part.
    do : {"die", "hold"}
        SIGKILL of its process, or holding it.
    folder : Path
        Its pipes; ``struck`` is made there when it is.
    """

    task: Any
    part: str
    nth: int
    do: Literal["die", "hold"]
    folder: Path

    def __call__(self, job: Any) -> Outcome:
        """Do the job, and be struck if it is the shard."""
        if f"r{job.window.row // 32:04d}c{job.window.col // 32:04d}" != SHARD:
            outcome: Outcome = self.task(job)
            return outcome
        with _before(self.part, self.nth, self._strike):
            made: Outcome = self.task(job)
        return made

    def _strike(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(self.folder / "struck", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        if self.do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        _hold(self.folder)


@contextmanager
def _before(part: str, nth: int, strike: Callable[[], None]) -> Iterator[None]:
    """Call ``strike`` before this thread's nth lap of a part, or before it writes an entry."""
    mine, passed = threading.get_ident(), 0
    enter, write = lap.__enter__, Ledger.write

    def count(found: str) -> None:
        nonlocal passed
        if found == part and threading.get_ident() == mine:
            passed += 1
            if passed == nth:
                strike()

    def entering(self: lap) -> None:
        count(self._part)
        enter(self)

    def writing(self: Ledger, *args: Any, **kwargs: Any) -> None:
        count("entry")
        write(self, *args, **kwargs)

    lap.__enter__, Ledger.write = entering, writing  # type: ignore[method-assign]
    try:
        yield
    finally:
        lap.__enter__, Ledger.write = enter, write  # type: ignore[method-assign]
