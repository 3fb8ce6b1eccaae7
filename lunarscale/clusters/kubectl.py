"""Giving manifests to Kubernetes, and taking them back, by the user's own ``kubectl``.

It has the user's contexts, certificates and login helpers, merges on the server what others manage,
and refuses unknown fields. Manifests go to its standard input; nothing passes through a shell.
"""

import json
import subprocess
from dataclasses import replace

import yaml

from lunarscale.clusters.kubernetes import PODS_DIGEST, manifests
from lunarscale.clusters.kubernetes_choice import KubernetesChoice
from lunarscale.clusters.kubernetes_pods import Data
from lunarscale.errors import ClusterError

#: Seconds that one call may take.
CALL_S = 120.0


def as_yaml(documents: list[Data]) -> str:
    """Manifests as a file has them."""
    # what occurs twice is written twice, not as an anchor
    apart = json.loads(json.dumps(documents))
    text: str = yaml.safe_dump_all(apart, sort_keys=False, explicit_start=True)
    return text


def apply(choice: KubernetesChoice, *, context: str | None = None) -> list[str]:
    """Make the cluster, or change the number of its workers.

    Parameters
    ----------
    choice : KubernetesChoice
    context : str, optional
        Of kubectl's configuration; else its current one.

    Returns
    -------
    list of str
        What kubectl says was done, a line an object.

    Raises
    ------
    ClusterError
        If kubectl is not there or fails, or if a cluster of the name has other pods: the operator
        would leave them as they are.
    """
    made = manifests(choice)
    found = _call(
        *("get", "daskclusters.kubernetes.dask.org", choice.name, "--output=json"),
        *(f"--namespace={choice.namespace}", "--ignore-not-found"),
        context=context,
    )
    if found.strip():
        annotations = json.loads(found)["metadata"].get("annotations", {})
        if annotations.get(PODS_DIGEST) != made[0]["metadata"]["annotations"][PODS_DIGEST]:
            raise ClusterError(
                f"{choice.name}: a cluster of this name is in namespace {choice.namespace} with "
                "other pods (image, memory, settings), and the operator changes no pods that are "
                "there; delete it first, or give this one another --name"
            )
    said = _call(
        *("apply", "--server-side", "--field-manager=lunarscale", "--filename=-"),
        context=context,
        given=as_yaml(made),
    )
    return said.splitlines()


def delete(choice: KubernetesChoice, *, context: str | None = None) -> list[str]:
    """Take the cluster away; its pods end in peace. What is not there is nothing to do.

    An autoscaler goes with it whether it is asked for here or not.

    Returns
    -------
    list of str
        What kubectl says was deleted, a line an object.

    Raises
    ------
    ClusterError
        If kubectl is not there or fails.
    """
    everything = replace(choice, adaptive=choice.adaptive or (1, 1))
    said = _call(
        *("delete", "--ignore-not-found", "--wait=false", "--filename=-"),
        context=context,
        given=as_yaml(manifests(everything)),
    )
    return said.splitlines()


def _call(*arguments: str, context: str | None, given: str = "") -> str:
    """What kubectl answers."""
    where = [] if context is None else [f"--context={context}"]
    try:
        done = subprocess.run(
            ["kubectl", *where, *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=CALL_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise ClusterError(
            "kubectl is not on the PATH; install it, or write the manifests with --dry-run and "
            "give them to Kubernetes elsewhere"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(
            f"kubectl {arguments[0]} has not ended after {CALL_S:.0f} s; look with `kubectl "
            "cluster-info` whether the Kubernetes API can be reached"
        ) from error
    if done.returncode == 0:
        return done.stdout
    lines = done.stderr.strip().splitlines() or ["it says nothing"]
    if any('no matches for kind "PodMonitor"' in line for line in lines):
        raise ClusterError(
            "this Kubernetes does not know PodMonitor: Prometheus' operator is not installed; the "
            "rest was done, and docs/monitoring.md says how Prometheus finds pods without it"
        )
    # the lack of the operator, as `get` and as `apply` tell it
    if any(
        "doesn't have a resource type" in line or "no matches for kind" in line for line in lines
    ):
        raise ClusterError(
            "this Kubernetes does not know DaskCluster: the Dask operator is not installed; see "
            "docs/clusters.md (helm install ... dask-kubernetes-operator)"
        )
    raise ClusterError(
        f"kubectl {arguments[0]} failed: {lines[-1]}; look with `kubectl cluster-info` whether the "
        "Kubernetes API can be reached, and with `kubectl auth can-i` what you may"
    )
