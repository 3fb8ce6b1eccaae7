"""Parts that stay on the workers and are merged there, a few at a time, until one is left."""

from collections import deque
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import islice
from typing import Any

from distributed import Future

from lunarscale.engine.flight import IN_FLIGHT, Flight
from lunarscale.engine.shipping import Shipped

#: Parts that one task merges. For n jobs, n * 8/7 parts are taken to a merge; by pairs it would be
#: 2 n, and more than eight would save little but gather more parts on one worker.
FAN_IN = 8


class Tree:
    """A reduction under way.

    The scheduler knows how every part came about and makes it again if its worker dies. Parts that
    are being made or wait for their merge are at most ``FAN_IN`` more than jobs in flight.

    Parameters
    ----------
    flight : Flight
        Empty; it holds every part that is not merged yet.
    task, merge : callable
        As in ``Executor.reduce``.
    """

    def __init__(
        self, flight: Flight, *, task: Callable[..., Any], merge: Callable[..., Any]
    ) -> None:
        self.client, self.flight, self.merge = flight.client, flight, merge
        self.shipped = Shipped.of(task)
        self._leaves: dict[Future[Any], Any] = {}
        self._merging: dict[Future[Any], int] = {}
        self._ready: deque[Future[Any]] = deque()

    def grow(self, jobs: Iterable[Any], tell: Callable[[Any], None]) -> "Future[Any] | None":
        """Run and merge all; the one part that is left, on its worker, or None without jobs."""
        waiting = iter(jobs)
        self._sprout(waiting)
        for future, _ in self.flight:
            if future in self._leaves:
                tell(self._leaves.pop(future))
            else:
                del self._merging[future]
            self._ready.append(future)
            while len(self._ready) >= FAN_IN:
                self._join(FAN_IN)
            self._sprout(waiting)
            if not self._leaves and not self._merging and len(self._ready) > 1:
                self._join(len(self._ready))
        return self._ready.pop() if self._ready else None

    def _sprout(self, waiting: Iterable[Any]) -> None:
        """Send off jobs, as many as there is room for."""
        most = max(2, IN_FLIGHT * self.flight.threads.count())
        # while parts wait to be merged there is less room; merges run first, so not for long
        unmerged = len(self._ready) + sum(self._merging.values())
        room = min(most, most + FAN_IN - unmerged) - len(self._leaves)
        batch = list(islice(waiting, max(room, 0)))
        for leaf, job in zip(self.shipped.submit(self.client, batch), batch, strict=True):
            self._leaves[leaf] = job
            self.flight.add(leaf, fetch=False)

    def _join(self, count: int) -> None:
        """Merge the parts that have waited longest."""
        parts = [self._ready.popleft() for _ in range(count)]
        merged = self.client.submit(_merged, self.merge, parts, pure=False, priority=1)
        self._merging[merged] = count
        self.flight.add(merged, fetch=False)
        for part in parts:
            self.flight.release(part)  # the scheduler keeps it until it is merged


def _merged(merge: Callable[[Any, Any], Any], parts: list[Any]) -> Any:
    return reduce(merge, parts)
