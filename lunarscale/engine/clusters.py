"""A Dask cluster to run on: one of our own on this machine, or one that runs already."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dask
import psutil
from dask.system import CPU_COUNT
from dask.utils import parse_bytes
from distributed import Client, LocalCluster
from distributed.system import MEMORY_LIMIT

from lunarscale.errors import ClusterError, PlanError

#: Share of this machine's free memory that a local cluster may plan with.
MEMORY_SHARE = 0.8

#: Run by every worker as it starts: a terminal sends Ctrl-C to all processes, but only the one
#: that has the cluster may answer; it stops the workers.
_LEAVE_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"

#: How a worker's C library hands memory back, in bytes. Dask's own setting returns every block at
#: once and faults it in again page by page, a quarter of a shard's time here; a task's blocks are
#: the last one's over again. What is held on to is within the plan's WORKER_BASE_BYTES.
_MALLOC = {"MALLOC_TRIM_THRESHOLD_": 128 * 2**20, "MALLOC_MMAP_THRESHOLD_": 32 * 2**20}

#: Dask's settings for a local cluster, in force as long as it lives.
_SETTINGS = {
    "distributed.nanny.pre-spawn-environ": _MALLOC,
    # Fifteen seconds after a worker is lost ``SpecCluster`` looks whether it is there, and else
    # gives it up for good, also one that had come back and was lost again just then; with the last
    # one the work would stand still. A worker's nanny starts it again, however long that takes.
    "distributed.deploy.lost-worker-timeout": "365 days",
}


@dataclass(frozen=True)
class ClusterChoice:
    """What the user asked for.

    Parameters
    ----------
    scheduler : str or None
        Address of a running scheduler, ``tcp://host:8786``; None starts a local cluster.
    workers : int or None
        Worker processes of a local cluster; None: as many as cores.
    threads : int
        Threads a worker.
    memory_limit : str or None
        Memory a worker, ``4GiB``; None: an equal share of what is free.
    """

    scheduler: str | None = None
    workers: int | None = None
    threads: int = 1
    memory_limit: str | None = None

    @property
    def worker_count(self) -> int:
        """Worker processes of a local cluster."""
        if self.workers is None:
            return max(1, int(CPU_COUNT) // self.threads)
        return max(1, self.workers)  # 0: this process is the only worker

    @property
    def worker_bytes(self) -> int:
        """Memory a worker of a local cluster in bytes."""
        if self.memory_limit is None:
            # what a container or a batch system grants may be less than what is free
            free = min(psutil.virtual_memory().available, MEMORY_LIMIT)
            return int(MEMORY_SHARE * free / self.worker_count)
        try:
            return int(parse_bytes(self.memory_limit))
        except ValueError as error:
            raise PlanError(
                f"--memory-limit {self.memory_limit}: not a number of bytes; write 4GiB or 500MB"
            ) from error


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up.

    Parameters
    ----------
    client : distributed.Client
    dashboard : str
        Address of its dashboard.
    threads, worker_bytes : int
        Threads and memory of the smallest worker.
    """

    client: Client
    dashboard: str
    threads: int
    worker_bytes: int


@contextmanager
def open_cluster(choice: ClusterChoice) -> Iterator[Cluster]:
    """Connect to the chosen scheduler, or start a cluster on this machine and stop it after.

    The client is nobody's default: other computations of the process go where they went before.

    Raises
    ------
    ClusterError
        If no scheduler answers at the address, or it has no workers.
    """
    if choice.scheduler is None:
        with (
            dask.config.set(_SETTINGS),
            LocalCluster(
                n_workers=choice.worker_count,
                threads_per_worker=choice.threads,
                memory_limit=choice.worker_bytes,
                dashboard_address="127.0.0.1:0",
                silence_logs=50,
                preload=[_LEAVE_CTRL_C],
            ) as local,
            # by address: a client that is given the cluster waits for workers through it, which
            # makes it forget those whose coming and going it has still to hear of
            Client(local.scheduler_address, set_as_default=False) as client,
        ):
            yield Cluster(client, client.dashboard_link, choice.threads, choice.worker_bytes)
        return
    try:
        client = Client(choice.scheduler, timeout=10, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {choice.scheduler} ({type(error).__name__}); "
            "start one with `dask scheduler` or leave --scheduler away for a local cluster"
        ) from error
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if not workers:
            raise ClusterError(
                f"the scheduler at {choice.scheduler} has no workers; "
                f"start some with `dask worker {choice.scheduler}`"
            )
        yield Cluster(
            client,
            client.dashboard_link,
            max(worker["nthreads"] for worker in workers),
            min(worker["memory_limit"] or psutil.virtual_memory().total for worker in workers),
        )
