"""The cluster that a service's jobs share, held open from the first one on."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from distributed import Client

from lunarscale.clusters.opening import Cluster, ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask, Serial
from lunarscale.engine.flight import Threads
from lunarscale.engine.telling import Hearer
from lunarscale.service.jobs.desk import Hands

#: Seconds from look to look while nothing comes back from a cluster.
LOOK_S = 1.0


class Crew:
    """Opens the chosen cluster when it is first needed, and again when it was lost.

    Parameters
    ----------
    choice : ClusterChoice
        Of no workers: this process does the work.
    hearers : sequence of Hearer
        Who is told how runs go.
    """

    def __init__(self, choice: ClusterChoice, hearers: Sequence[Hearer] = ()) -> None:
        self._choice, self._hearers, self._lock = choice, tuple(hearers), threading.Lock()
        self._stack = ExitStack()
        self._cluster: Cluster | None = None

    def hands(self, *, shared: bool = True) -> Hands:
        """Who does the work now.

        Parameters
        ----------
        shared : bool
            Whether the cluster is to do it; else this process.

        Raises
        ------
        ClusterError
            If the cluster cannot be reached, has no workers, or has other versions than we.
        """
        choice = self._choice
        if choice.workers == 0 or not shared:
            return Hands(lambda look: Serial(self._hearers), choice.threads, choice.worker_bytes)
        cluster = self._opened()
        return Hands(
            lambda look: _Looking(cluster.client, look, self._hearers),
            cluster.threads,
            cluster.worker_bytes,
        )

    @property
    def is_ready(self) -> bool:
        """Whether the work can begin without a cluster being opened first."""
        return self._choice.workers == 0 or self._cluster is not None

    def planned(self) -> tuple[int, int] | None:
        """Threads and bytes of a worker as far as they are known without reaching out."""
        with self._lock:
            if self._cluster is not None:
                return self._cluster.threads, self._cluster.worker_bytes
        choice = self._choice
        return None if choice.scheduler is not None else (choice.threads, choice.worker_bytes)

    def _opened(self) -> Cluster:
        with self._lock:
            if self._cluster is not None and not _is_up(self._cluster.client):
                self._close()
            if self._cluster is None:
                self._cluster = self._stack.enter_context(open_cluster(self._choice))
            return self._cluster

    def close(self) -> None:
        """Let the cluster go; one that was started here ends."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._cluster = None
        stack, self._stack = self._stack, ExitStack()
        stack.close()


def _is_up(client: Client) -> bool:
    """Whether a scheduler answers and has workers."""
    try:
        return client.status == "running" and bool(client.nthreads())
    except OSError:  # a timeout is one of them
        return False


class _Looking(OnDask):
    """Asks now and then, while nothing comes back, whether it is to go on.

    Parameters
    ----------
    client : distributed.Client
    look : callable
        Raises where the run is to end.
    hearers : sequence of Hearer
    """

    def __init__(self, client: Client, look: Callable[[], None], hearers: Sequence[Hearer]) -> None:
        super().__init__(client, hearers=hearers)
        self._look = look

    def _threads(self) -> Threads:
        return _LookedAt(self.client, self.patience_s, self._look)


class _LookedAt(Threads):
    """Threads that are counted as often as one looks."""

    def __init__(self, client: Client, patience_s: float, look: Callable[[], None]) -> None:
        super().__init__(client, patience_s)
        self._look, self.pause_s = look, LOOK_S

    def count(self) -> int:
        """Threads of all workers; raises where the run is to end."""
        self._look()
        return super().count()
