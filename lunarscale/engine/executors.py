"""Two verbs run everything: ``fold`` brings back what each job did, ``reduce`` one sum of all.

``Serial`` is the specification, ``OnDask`` the engine; merges are exact and commute, so both
give the same bits.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from distributed import Client, Future

from lunarscale.engine.batches import Batches, Together
from lunarscale.engine.flight import AHEAD, IN_FLIGHT, PATIENCE_S, Flight, Threads
from lunarscale.engine.hearing import OnScheduler
from lunarscale.engine.shipping import Shipped, submit
from lunarscale.engine.telling import Hearer
from lunarscale.engine.tree import Tree
from lunarscale.engine.warm import send_ahead

Job = TypeVar("Job")
Result = TypeVar("Result")
Total = TypeVar("Total")
Part = TypeVar("Part")


class Executor(Protocol):
    """Runs a task over many jobs."""

    def fold(
        self,
        task: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Total, Result], Total],
        initial: Total,
    ) -> Total:
        """Merge ``task(job)`` of every job into ``initial``, in the order they finish.

        For work with effects, whose results are small.
        """

    def reduce(
        self,
        task: Callable[[Job], Part],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Part, Part], Part],
        initial: Part,
        tell: Callable[[Job], None] = lambda job: None,
    ) -> Part:
        """Merge ``task(job)`` of every job with each other, in any order, and into ``initial``.

        For work without effects, whose results may be large: they are merged where they are.

        Parameters
        ----------
        task : callable
            Pure: it may run again for a job whose part was lost.
        jobs : iterable
        merge : callable
            Pure: it leaves both parts as they are. Exact, commutative, associative.
        initial : Part
            Neutral to ``merge`` but for what the caller wants to add once; the result where
            there are no jobs.
        tell : callable
            Told here of every job once when its task has run, for showing progress.
        """


class Serial:
    """One job after the other, in this process.

    Parameters
    ----------
    hearers : sequence of Hearer
        Who is told how runs go.
    """

    def __init__(self, hearers: Sequence[Hearer] = ()) -> None:
        self.hearers = tuple(hearers)

    def fold(
        self,
        task: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Total, Result], Total],
        initial: Total,
    ) -> Total:
        """Merge ``task(job)`` of every job into ``initial``, in order."""
        total = initial
        for job in jobs:
            total = merge(total, task(job))
        return total

    def reduce(
        self,
        task: Callable[[Job], Part],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Part, Part], Part],
        initial: Part,
        tell: Callable[[Job], None] = lambda job: None,
    ) -> Part:
        """Merge ``task(job)`` of every job into ``initial``, in order."""
        total = initial
        for job in jobs:
            total = merge(total, task(job))
            tell(job)
        return total


class OnDask:
    """Jobs on a Dask cluster, a bounded number in flight.

    A job whose worker dies runs again on another one; whatever stops a run (an error, Ctrl-C)
    cancels what is in flight.

    Parameters
    ----------
    client : distributed.Client
    patience_s : float
        Seconds that a run waits where the cluster has no worker left or its scheduler is silent.
    needed : sequence of str
        Addresses of workers each of which must stay to the end, as where something is measured on
        them; none: whoever is there will do.
    hearers : sequence of Hearer
        Who is told how runs go, after the cluster's own panel.
    """

    def __init__(
        self, client: Client, patience_s: float = PATIENCE_S, *, needed: Sequence[str] = (),
        hearers: Sequence[Hearer] = (),
    ) -> None:  # fmt: skip
        self.client, self.patience_s, self.needed = client, patience_s, tuple(needed)
        self._hearers = tuple(hearers)

    @property
    def hearers(self) -> tuple[Hearer, ...]:
        """Who is told how a run goes; the panel of the scheduler anew for each run."""
        return (OnScheduler(self.client), *self._hearers)

    def _threads(self) -> Threads:
        return Threads(self.client, self.patience_s, self.needed)

    def fold(
        self,
        task: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Total, Result], Total],
        initial: Total,
    ) -> Total:
        """Merge ``task(job)`` of every job into ``initial``, in the order they finish.

        Where there are many for each thread, a few short ones go together (``engine.batches``).

        Raises
        ------
        ClusterError
            If a job kills worker after worker, or the cluster, all its workers or one that is
            needed go away.
        """
        total, waiting, shipped = initial, Batches(jobs), Shipped.of(task)
        threads = self._threads()
        with Flight(self.client, threads) as flight:
            ahead = send_ahead(self.client, task, threads.workers)
            sent: dict[Future[Any], list[Job]] = {}

            def fill() -> None:
                least = max(2, IN_FLIGHT * threads.count())
                if len(flight) <= least:
                    batches = waiting.deal(AHEAD * least - len(flight), threads=threads.count())
                    together = Together(shipped)
                    futures = submit(self.client, together, batches, name=shipped.name)
                    for future, batch in zip(futures, batches, strict=True):
                        sent[future] = batch
                        flight.add(future)

            fill()
            for future, done in flight:
                flight.release(future)
                waiting.settle(sent.pop(future), done)
                for result in done.results:
                    total = merge(total, result)
                fill()
            self.client.cancel(ahead)
        return total

    def reduce(
        self,
        task: Callable[[Job], Part],
        jobs: Iterable[Job],
        *,
        merge: Callable[[Part, Part], Part],
        initial: Part,
        tell: Callable[[Job], None] = lambda job: None,
    ) -> Part:
        """Merge ``task(job)`` of every job in a tree on the workers; only its root comes here.

        Raises
        ------
        ClusterError
            If a job kills worker after worker, or the cluster, all its workers or one that is
            needed go away.
        """
        threads = self._threads()
        with Flight(self.client, threads) as flight:
            ahead = send_ahead(self.client, task, threads.workers)
            root = Tree(flight, task=task, merge=merge).grow(jobs, tell)
            if root is not None:
                flight.add(root)
            for future, part in flight:
                flight.release(future)
                initial = merge(initial, part)
            self.client.cancel(ahead)
        return initial
