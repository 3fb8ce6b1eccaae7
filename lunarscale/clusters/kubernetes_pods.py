"""Pods of a cluster on Kubernetes, as plain data: what runs in them, what they may, what they get.

They may as little as can be: no root, no rights, nothing to write to but ``/tmp``, no token of the
cluster's API, no programs that the kernel's usual filter does not know.
"""

from typing import Any

from lunarscale.clusters.dask_settings import LOGGING, SETTINGS, as_environment

Data = dict[str, Any]

#: The user and group of the image; not root, and nobody on a node.
USER = 10001

#: Where certificates lie in a pod.
TLS_FOLDER = "/tls"

#: Files of a folder of certificates, by Dask's settings of the roles that need them.
_TLS_FILES = {
    "ca-file": "ca.pem",
    **{f"{role}.cert": "cluster.pem" for role in ("client", "scheduler", "worker")},
    **{f"{role}.key": "cluster-key.pem" for role in ("client", "scheduler", "worker")},
}

#: Bytes of a worker's pod that are not its worker's: the nanny (100 MB measured), and the process
#: that retires the worker in the end (100 MB).
BESIDE_BYTES = 256 * 2**20

#: Bytes that a pod may write to ``/tmp``: what Dask spills.
SCRATCH = "10Gi"

SCHEDULER_PORT, PAGES_PORT, WORKER_PAGES_PORT = 8786, 8787, 8788

#: Name of the port of web pages and metrics, of scheduler and workers alike; the operator's own.
PAGES = "http-dashboard"


def settings(*, tls: bool, adaptive: bool = False) -> list[Data]:
    """Dask's settings for a pod, as its environment has them.

    Parameters
    ----------
    tls : bool
        Whether certificates lie in ``TLS_FOLDER``.
    adaptive : bool, optional
        Whether the operator may ask a scheduler how many workers it wants, and to retire some.
    """
    found = {**SETTINGS, "distributed.logging": LOGGING}
    if tls:
        found["distributed.comm.require-encryption"] = True
        for key, file in _TLS_FILES.items():
            found[f"distributed.comm.tls.{key}"] = f"{TLS_FOLDER}/{file}"
    if adaptive:
        found["distributed.scheduler.http.routes"] = [
            f"distributed.http.{each}"
            for each in ("scheduler.prometheus", "scheduler.info", "scheduler.json", "health",
                         "statics", "scheduler.api")
        ]  # fmt: skip
    return [{"name": name, "value": text} for name, text in as_environment(found).items()]


def container(
    name: str, image: str, command: list[str], *, cpu: str, memory: str, env: list[Data]
) -> Data:
    """A container that may nothing, with all that it gets promised to it (QoS "Guaranteed").

    Parameters
    ----------
    name, image : str
    command : list of str
        Whatever the image's own is.
    cpu, memory : str
        Kubernetes' quantities.
    env : list of dict
    """
    granted = {"cpu": cpu, "memory": memory}
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "env": [
            {"name": "HOME", "value": "/tmp"},
            {"name": "MPLCONFIGDIR", "value": "/tmp"},
            *env,
        ],
        "resources": {"requests": granted, "limits": dict(granted)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],
    }


def pod(*containers: Data, grace_s: int) -> Data:
    """The specification of a pod.

    Parameters
    ----------
    *containers : dict
    grace_s : int
        Seconds from when it is told to end until it is killed.
    """
    return {
        "automountServiceAccountToken": False,
        # a service named "dask" would put DASK_PORT and its like among Dask's settings
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_s,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": list(containers),
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": SCRATCH}}],
    }


def mount(pod: Data, name: str, source: Data, *, path: str, read_only: bool) -> None:
    """Lay a volume into all containers of a pod."""
    pod["volumes"].append({"name": name, **source})
    for each in pod["containers"]:
        each["volumeMounts"].append({"name": name, "mountPath": path, "readOnly": read_only})


def mount_tls(pod: Data, secret: str) -> None:
    """Lay the certificates of a secret into a pod, for its user alone."""
    source = {"secret": {"secretName": secret, "defaultMode": 0o400}}
    mount(pod, "tls", source, path=TLS_FOLDER, read_only=True)


def probes(port: str, *, start_s: int) -> Data:
    """Whether Dask's web server answers: the first time, for being used, for being left alone.

    A worker's answers from a thread of its own while another computes, so a busy one is let be;
    one that says nothing for two minutes is started again.

    Parameters
    ----------
    port : str
        Its name.
    start_s : int
        Seconds that it may take to come.
    """
    ask = {"httpGet": {"path": "/health", "port": port}, "timeoutSeconds": 5}
    return {
        "startupProbe": {**ask, "periodSeconds": 2, "failureThreshold": start_s // 2},
        "readinessProbe": {**ask, "periodSeconds": 10, "failureThreshold": 3},
        "livenessProbe": {**ask, "periodSeconds": 15, "failureThreshold": 8},
    }
