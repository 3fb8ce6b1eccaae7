"""A Dask cluster to run on: one of our own on this machine, or one that runs already."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import dask
import psutil
from dask.system import CPU_COUNT
from dask.utils import parse_bytes
from distributed import Client, LocalCluster, Nanny
from distributed.security import Security
from distributed.system import MEMORY_LIMIT

from lunarscale.clusters.certificates import Certificates, open_certificates
from lunarscale.clusters.connecting import Listening, connect, is_private_way, listening
from lunarscale.clusters.dask_settings import LOCAL_SETTINGS
from lunarscale.clusters.joining import TURNED_AWAY, SameVersions
from lunarscale.clusters.standing_files import is_name, running
from lunarscale.clusters.versions import require_same
from lunarscale.engine.panel import Panel, panel_link
from lunarscale.errors import ClusterError, PlanError

#: Share of this machine's free memory that a local cluster may plan with.
MEMORY_SHARE = 0.8

#: Run by every worker as it starts: a terminal sends Ctrl-C to all processes, but only the one
#: that has the cluster may answer; it stops the workers.
_LEAVE_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"


@dataclass(frozen=True)
class ClusterChoice:
    """What the user asked for.

    Parameters
    ----------
    scheduler : str or None
        Address of a running scheduler, ``tcp://host:8786`` or ``tls://host:8786``, or the name of
        a cluster that stands on this machine; None starts a local cluster.
    workers : int or None
        Worker processes of a local cluster; None: as many as cores.
    threads : int
        Threads a worker.
    memory_limit : str or None
        Memory a worker, ``4GiB``; None: an equal share of what is free.
    tls : str or None
        Folder of the cluster's certificates; they are made where there are none.
    host : str or None
        Address of this machine, with a port or without, at which workers of other hosts may join a
        local cluster; None: nobody but this machine reaches it.
    """

    scheduler: str | None = None
    workers: int | None = None
    threads: int = 1
    memory_limit: str | None = None
    tls: str | None = None
    host: str | None = None

    @property
    def warning(self) -> str | None:
        """What a user should know before this cluster is used, or None."""
        if self.scheduler is None or is_name(self.scheduler) or is_private_way(self.scheduler):
            return None
        return (
            f"{self.scheduler} is not encrypted: whoever reaches it runs code as its user, and who "
            "stands between can run code here; in a network that others share, start it with "
            "certificates (tls://, --tls FOLDER)"
        )

    def by_address(self) -> "ClusterChoice":
        """The same choice with the address and certificates of the cluster that it names.

        Raises
        ------
        ClusterError
            If no cluster of this name stands here.
        """
        if self.scheduler is None or not is_name(self.scheduler):
            return self
        standing = running(self.scheduler)
        return replace(self, scheduler=standing.address, tls=self.tls or standing.tls)

    def listening(self) -> Listening:
        """Where the scheduler of a local cluster is to listen.

        Raises
        ------
        ClusterError
            If others would reach it who need no certificate, or the choice contradicts itself.
        """
        if self.host is not None and self.scheduler is not None:
            raise ClusterError(
                f"--host {self.host}: it is for a cluster that starts here, but --scheduler names "
                "one that runs already; give one of the two"
            )
        if self.host is not None and self.workers == 0:
            raise ClusterError(
                f"--host {self.host}: with --workers 0 no cluster starts that others could join; "
                "leave one of the two away"
            )
        place = listening(self.host)
        if not place.is_local and self.tls is None:
            raise ClusterError(
                f"--host {self.host}: whoever reaches a Dask scheduler without certificates runs "
                "code as its user, in a private network too, from each of its machines; add "
                "--tls FOLDER, which makes certificates, or leave --host away"
            )
        return place

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
    join : str or None
        The command by which another host gives it a worker; None where none can.
    """

    client: Client
    dashboard: str
    threads: int
    worker_bytes: int
    join: str | None = None

    @property
    def panel(self) -> str:
        """Address of our own page beside the dashboard; of a cluster that others started, it is
        there from the first run on."""
        return panel_link(self.dashboard)


@contextmanager
def open_cluster(choice: ClusterChoice) -> Iterator[Cluster]:
    """Connect to the chosen scheduler, or start a cluster on this machine and stop it after.

    The client is nobody's default: other computations of the process go where they went before.

    Raises
    ------
    ClusterError
        If no scheduler answers at the address, it lets us not in, has no workers, or others have
        another version; if a cluster here would let everybody in, or its certificates are none.
    """
    choice = choice.by_address()
    place = choice.listening()
    is_ours = choice.scheduler is None
    certificates = (
        None
        if choice.tls is None
        else open_certificates(choice.tls, host=place.address, make=is_ours)
    )
    if choice.scheduler is None:
        with _local(choice, place, certificates) as cluster:
            yield cluster
        return
    with connect(choice.scheduler, certificates) as client:
        where = f"the cluster at {choice.scheduler}"
        require_same(client, where)
        client.register_plugin(SameVersions())  # who joins from now on looks at itself
        require_same(client, where)  # who came in between
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if not workers:
            raise ClusterError(_without_workers(client, choice.scheduler, certificates))
        yield Cluster(
            client,
            client.dashboard_link,
            max(worker["nthreads"] for worker in workers),
            min(worker["memory_limit"] or psutil.virtual_memory().total for worker in workers),
        )


def _without_workers(client: Client, scheduler: str, certificates: Certificates | None) -> str:
    """The sentence for a scheduler that has nobody to do the work."""
    turned_away = client.get_events(TURNED_AWAY)
    if turned_away:
        _, refusal = turned_away[-1]
        return f"the scheduler at {scheduler} has no workers: {refusal}"
    options = "" if certificates is None else f" {certificates.options}"
    return (
        f"the scheduler at {scheduler} has no workers; start some with "
        f"`dask worker {scheduler}{options}`"
    )


class _Quiet(Nanny):
    """A nanny whose worker shows its web pages to this machine only, whoever may join."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        pages = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
        super().__init__(*arguments, **{**options, **pages})


@contextmanager
def _local(
    choice: ClusterChoice, place: Listening, certificates: Certificates | None
) -> Iterator[Cluster]:
    """A cluster of processes of this machine."""
    security = None if certificates is None else certificates.security
    with (
        dask.config.set(LOCAL_SETTINGS),
        _started(choice, place, security) as local,
        # by address: a client that is given the cluster waits for workers through it, which
        # makes it forget those whose coming and going it has still to hear of
        Client(local.scheduler_address, security=security, set_as_default=False) as client,
    ):
        join = None
        if certificates is not None and not place.is_local:
            client.register_plugin(SameVersions())
            # without one it takes its share of its own host's memory
            limit = f"--memory-limit {choice.memory_limit} " if choice.memory_limit else ""
            join = (
                f"dask worker {local.scheduler_address} --nthreads {choice.threads} {limit}"
                f"--dashboard-address 127.0.0.1:0 {certificates.options}"
            )
        client.register_plugin(Panel())  # its page is there before the first run
        pages = client.dashboard_link.replace(place.address, "127.0.0.1")  # wherever it listens
        yield Cluster(client, pages, choice.threads, choice.worker_bytes, join)


def _started(choice: ClusterChoice, place: Listening, security: Security | None) -> LocalCluster:
    try:
        return LocalCluster(
            n_workers=choice.worker_count,
            threads_per_worker=choice.threads,
            memory_limit=choice.worker_bytes,
            host=place.address,
            scheduler_port=place.port,
            security=security,
            dashboard_address="127.0.0.1:0",
            processes=True,
            worker_class=_Quiet,
            silence_logs=50,
            preload=[_LEAVE_CTRL_C],
        )
    except RuntimeError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__
        if cause is None or choice.host is None:
            raise
        raise ClusterError(
            f"--host {choice.host}: no scheduler can listen there ({cause.strerror or cause}); "
            "write an address of this machine, and a port that is free or none"
        ) from error
