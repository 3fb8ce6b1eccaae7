"""What is asked of a cluster on Kubernetes, and what of it cannot be."""

import re
from dataclasses import dataclass

from dask.utils import parse_bytes

import lunarscale
from lunarscale.clusters.kubernetes_pods import BESIDE_BYTES, SCHEDULER_PORT
from lunarscale.errors import ClusterError, PlanError

#: The namespace that the operator's own charts and docs use.
OPERATOR_NAMESPACE = "dask-operator"

#: Bytes below which a worker does not even have its programs.
LEAST_BYTES = 512 * 2**20

#: What a cluster's name may be: the operator takes 53 characters.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,51}[a-z0-9])?")


@dataclass(frozen=True)
class Claim:
    """A persistent volume claim and where it is laid.

    Parameters
    ----------
    name : str
    path : str
        Absolute; the same in each pod, as stores are named by it.
    read_only : bool
    """

    name: str
    path: str
    read_only: bool = False

    @classmethod
    def parse(cls, text: str) -> "Claim":
        """``NAME:/PATH`` or ``NAME:/PATH:ro``.

        Raises
        ------
        ClusterError
            If it is neither.
        """
        found = re.fullmatch(r"([a-z0-9][-a-z0-9.]*):(/[^:]+?)(:ro)?", text)
        if found is None:
            raise ClusterError(
                f"--data-claim {text}: the name of a claim and where it is laid are needed; write "
                "maps:/data, or maps:/data:ro if it is only read"
            )
        return cls(found[1], found[2], found[3] is not None)


@dataclass(frozen=True)
class KubernetesChoice:
    """What is asked for.

    Parameters
    ----------
    name, namespace : str
    workers : int
        Pods of one worker each.
    threads : int
        Threads, and cores, of a worker.
    memory_limit : str
        Of a worker's pod, ``4GiB``.
    image : str
        With a tag or digest, of the lunarscale that will use the cluster; none: of this version.
    tls_secret : str or None
        A secret of the three files of a folder of certificates.
    adaptive : (int, int) or None
        Fewest and most workers; None keeps their number.
    spot : bool
        Whether workers may be put on machines that the provider takes away when it likes.
    claims : tuple of Claim
    env : tuple of str
        ``NAME=VALUE`` for scheduler and workers.
    env_secrets : tuple of str
        Secrets whose entries become workers' environment: a bucket's keys.
    scheduler_memory : str
    operator_namespace : str
        From where the operator asks the scheduler.
    pod_monitor : bool
        Whether Prometheus' operator is told where the metrics are.
    """

    name: str = "lunarscale"
    namespace: str = "default"
    workers: int = 4
    threads: int = 1
    memory_limit: str = "4GiB"
    image: str = f"lunarscale:{lunarscale.__version__}"
    tls_secret: str | None = None
    adaptive: tuple[int, int] | None = None
    spot: bool = False
    claims: tuple[Claim, ...] = ()
    env: tuple[str, ...] = ()
    env_secrets: tuple[str, ...] = ()
    scheduler_memory: str = "2GiB"
    operator_namespace: str = OPERATOR_NAMESPACE
    pod_monitor: bool = False

    @property
    def address(self) -> str:
        """The scheduler's, for pods of the same Kubernetes."""
        scheme = "tcp" if self.tls_secret is None else "tls"
        return f"{scheme}://{self.name}-scheduler.{self.namespace}.svc:{SCHEDULER_PORT}"

    @property
    def worker_bytes(self) -> int:
        """Memory that a worker may take of its pod's, in bytes."""
        return bytes_of(self.memory_limit, "--memory-limit") - BESIDE_BYTES

    def check(self) -> None:
        """Refuse what Kubernetes or the operator would refuse later, or what would go wrong.

        Raises
        ------
        ClusterError, PlanError
        """
        for option, name in (("--name", self.name), ("--namespace", self.namespace)):
            if _NAME.fullmatch(name) is None:
                raise ClusterError(
                    f"{option} {name}: Kubernetes takes up to 53 small letters, digits and -, a "
                    "letter first; write another"
                )
        tag = self.image.rpartition("/")[2].partition(":")[2]
        if "@sha256:" not in self.image and tag in ("", "latest"):
            whole = f"{self.image.removesuffix(':latest')}:{lunarscale.__version__}"
            raise ClusterError(
                f"--image {self.image}: what an image without a tag, or with `latest`, holds "
                f"changes unseen, and workers of another version are refused; name one, as {whole}"
            )
        if self.adaptive is not None and not 0 <= self.adaptive[0] <= self.adaptive[1] != 0:
            raise ClusterError(
                f"--adaptive {self.adaptive[0]} {self.adaptive[1]}: the fewest workers and then "
                "the most are needed; write --adaptive 1 50"
            )
        for pair in self.env:
            if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=.*", pair, re.DOTALL) is None:
                raise ClusterError(f"--env {pair}: write NAME=VALUE")
        if self.worker_bytes < LEAST_BYTES:
            raise PlanError(
                f"--memory-limit {self.memory_limit}: of a worker's pod {BESIDE_BYTES >> 20} MiB "
                f"are its nanny's, and {max(0, self.worker_bytes) >> 20} MiB are too little for "
                "the rest; give it 1GiB or more"
            )


def bytes_of(text: str, option: str) -> int:
    """A number of bytes as users write it.

    Raises
    ------
    PlanError
        If it is none.
    """
    try:
        return int(parse_bytes(text))
    except ValueError as error:
        raise PlanError(f"{option} {text}: not a number of bytes; write 4GiB or 500MB") from error
