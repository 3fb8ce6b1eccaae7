"""Several short jobs in one task: what a cluster takes a task is then taken once for all of them.

Client, scheduler and a worker's own loop take some milliseconds of processor a task, whatever it
does; of a shard of 80 ms that is much. Where jobs are many they go a few to a task; towards the
end one by one, so that all workers end at the same time.
"""

from collections import deque
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Any, NamedTuple

from lunarscale.engine.shipping import Shipped

#: Jobs of a task, at most: what a lost worker costs, and how many shards a bar goes on by at once.
MOST = 4

#: Seconds after which a task begins no other job. One that takes longer is alone from then on.
LONG_S = 0.5

#: Tasks a thread that the jobs left must be enough for.
ROUNDS = 2


class Done(NamedTuple):
    """What a task brings back: the results of its first jobs, and the seconds they took."""

    results: list[Any]
    seconds: float


@dataclass(frozen=True)
class Together:
    """A task called with several jobs, one after the other.

    Parameters
    ----------
    shipped : Shipped
        Called with each of them.
    """

    shipped: Shipped

    def __call__(self, jobs: Sequence[Any]) -> Done:
        """Run the first job, and others while they are short and none fails."""
        begun = monotonic()
        results = [self.shipped(jobs[0])]
        for job in jobs[1:]:
            if monotonic() - begun >= LONG_S:
                break
            try:
                results.append(self.shipped(job))
            except Exception:  # noqa: BLE001
                break  # what came before is done; this one goes again as a first job, and tells
        return Done(results, monotonic() - begun)


class Batches:
    """Jobs that are to be sent, dealt out in batches; taken only as they are dealt.

    Parameters
    ----------
    jobs : iterable
        Without a length they go one by one: nobody knows how many are left.
    """

    def __init__(self, jobs: Iterable[Any]) -> None:
        self._coming, self._back = iter(jobs), deque[Any]()
        self._left = len(jobs) if isinstance(jobs, Sized) else 0
        self._most = MOST

    def deal(self, count: int, *, threads: int) -> list[list[Any]]:
        """At most so many batches, smaller and smaller towards the end."""
        dealt: list[list[Any]] = []
        while len(dealt) < count:
            fair = self._left // (ROUNDS * max(threads, 1))
            batch = self._take(max(1, min(self._most, fair)))
            if not batch:
                break
            dealt.append(batch)
        return dealt

    def settle(self, batch: list[Any], done: Done) -> None:
        """A batch came back: what it did not do goes first again, and others by its pace."""
        count = len(done.results)
        self._back.extendleft(reversed(batch[count:]))
        self._left += len(batch) - count
        each = max(done.seconds / count, LONG_S / MOST)
        self._most = max(1, int(LONG_S / each))

    def _take(self, count: int) -> list[Any]:
        back = [self._back.popleft() for _ in range(min(count, len(self._back)))]
        taken = back + list(islice(self._coming, count - len(back)))
        self._left = max(0, self._left - len(taken))
        return taken
