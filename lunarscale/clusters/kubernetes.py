"""A cluster on Kubernetes: what the Dask operator is told, as plain data.

The operator (kubernetes.dask.org) makes a scheduler's deployment and service of a ``DaskCluster``,
and a deployment a worker; a ``DaskAutoscaler`` changes the number of workers. Two network policies
come with them: who reaches a scheduler runs code on the cluster.
"""

import hashlib
import json

from lunarscale.clusters.kubernetes_choice import KubernetesChoice, bytes_of
from lunarscale.clusters.kubernetes_pods import (
    PAGES_PORT,
    SCHEDULER_PORT,
    WORKER_PAGES_PORT,
    Data,
    container,
    mount,
    mount_tls,
    pod,
    probes,
    settings,
)

#: Label of the pods that may talk to the cluster NAME's scheduler: the service's, and notebooks'.
CLIENT_LABEL = "lunarscale.org/client-of"

#: Label of the namespaces that may read metrics, where Prometheus runs.
MONITORING_LABEL = "lunarscale.org/monitoring"

#: Annotation by which a cluster with other pods is told from one with the same.
PODS_DIGEST = "lunarscale.org/pods-sha256"

#: What spot machines say of themselves and are kept free by, of the clouds that have a word for it.
_SPOT = {
    "cloud.google.com/gke-spot": "true",
    "kubernetes.azure.com/scalesetpriority": "spot",
    "eks.amazonaws.com/capacityType": "SPOT",
    "karpenter.sh/capacity-type": "spot",
}


def manifests(choice: KubernetesChoice) -> list[Data]:
    """What is to be given to Kubernetes, in this order.

    Raises
    ------
    ClusterError, PlanError
        If the choice contradicts itself.
    """
    choice.check()
    made = [_cluster(choice), *_policies(choice)]
    if choice.adaptive is not None:
        least, most = choice.adaptive
        spec = {"cluster": choice.name, "minimum": least, "maximum": most}
        made.append(_object("kubernetes.dask.org/v1", "DaskAutoscaler", choice, spec))
    return made


def _cluster(choice: KubernetesChoice) -> Data:
    workers = choice.workers if choice.adaptive is None else choice.adaptive[0]
    service = {
        "type": "ClusterIP",
        "selector": {"dask.org/cluster-name": choice.name, "dask.org/component": "scheduler"},
        "ports": [  # the operator finds them by these names
            _port("tcp-comm", SCHEDULER_PORT),
            _port("http-dashboard", PAGES_PORT),
        ],
    }
    spec = {
        "worker": {"replicas": workers, "spec": worker_pod(choice)},
        "scheduler": {"spec": scheduler_pod(choice), "service": service},
    }
    made = _object("kubernetes.dask.org/v1", "DaskCluster", choice, spec)
    made["metadata"]["annotations"] = {PODS_DIGEST: _digest(spec)}
    return made


def scheduler_pod(choice: KubernetesChoice) -> Data:
    """The scheduler's pod."""
    scheme = choice.address.partition(":")[0]
    command = [
        *("dask", "scheduler", "--protocol", scheme, "--port", str(SCHEDULER_PORT)),
        *("--dashboard-address", f":{PAGES_PORT}"),
    ]
    env = settings(tls=choice.tls_secret is not None, adaptive=choice.adaptive is not None)
    memory = _quantity(bytes_of(choice.scheduler_memory, "--scheduler-memory"))
    made = container(
        "scheduler", choice.image, command, cpu="1", memory=memory, env=env + _given(choice)
    )
    made["ports"] = [
        {"name": "tcp-comm", "containerPort": SCHEDULER_PORT, "protocol": "TCP"},
        {"name": "http-dashboard", "containerPort": PAGES_PORT, "protocol": "TCP"},
    ]
    made |= probes("http-dashboard", start_s=60)
    found = pod(made, grace_s=30)
    if choice.tls_secret is not None:
        mount_tls(found, choice.tls_secret)
    return found


def worker_pod(choice: KubernetesChoice) -> Data:
    """A worker's pod: one nanny and one worker."""
    command = [
        *("dask", "worker", "--name", "$(DASK_WORKER_NAME)"),  # the operator ends it by this name
        *("--nthreads", str(choice.threads), "--memory-limit", str(choice.worker_bytes)),
        *("--dashboard-address", f":{WORKER_PAGES_PORT}", "--local-directory", "/tmp"),
        *("--death-timeout", "300"),
    ]
    env = [
        {"name": "DASK_SCHEDULER_ADDRESS", "value": choice.address},
        *settings(tls=choice.tls_secret is not None),
        *_given(choice),
    ]
    made = container(
        "worker",
        choice.image,
        command,
        cpu=str(choice.threads),
        memory=_quantity(bytes_of(choice.memory, "--memory")),
        env=env,
    )
    made["envFrom"] = [{"secretRef": {"name": name}} for name in choice.env_secrets]
    made["ports"] = [
        {"name": "http-dashboard", "containerPort": WORKER_PAGES_PORT, "protocol": "TCP"}
    ]
    made["lifecycle"] = {
        "preStop": {"exec": {"command": ["python", "-m", "lunarscale.clusters.retiring"]}}
    }
    made |= probes("http-dashboard", start_s=120)
    found = pod(made, grace_s=120)
    if choice.tls_secret is not None:
        mount_tls(found, choice.tls_secret)
    for claim in choice.claims:
        source = {"persistentVolumeClaim": {"claimName": claim.name}}
        mount(found, f"data-{claim.name}", source, path=claim.path, read_only=claim.read_only)
    return found | _placing(choice)


def _placing(choice: KubernetesChoice) -> Data:
    """Workers apart where that can be: a node that goes away takes few, a disk is shared by few."""
    ours = {"dask.org/cluster-name": choice.name, "dask.org/component": "worker"}
    selector = {"matchLabels": ours}
    apart = {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
    affinity: Data = {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 100, "podAffinityTerm": apart}
            ]
        }
    }
    placing: Data = {
        "affinity": affinity,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": selector,
            }
        ],
    }
    if choice.spot:
        placing["tolerations"] = [
            {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}
            for key, value in _SPOT.items()
        ]
        affinity["nodeAffinity"] = {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 50,
                    "preference": {
                        "matchExpressions": [{"key": key, "operator": "In", "values": [value]}]
                    },
                }
                for key, value in _SPOT.items()
            ]
        }
    return placing


def _policies(choice: KubernetesChoice) -> list[Data]:
    """Who reaches the scheduler, and who the workers; what they reach is not limited."""
    cluster = {"podSelector": {"matchLabels": {"dask.org/cluster-name": choice.name}}}
    clients = {"podSelector": {"matchLabels": {CLIENT_LABEL: choice.name}}}
    operator = {
        "namespaceSelector": {
            "matchLabels": {"kubernetes.io/metadata.name": choice.operator_namespace}
        }
    }
    watchers = {"namespaceSelector": {"matchLabels": {MONITORING_LABEL: "true"}}}
    comm, pages = _open(SCHEDULER_PORT), _open(PAGES_PORT)
    of_scheduler = [
        {"from": [cluster, clients, operator], "ports": [comm, pages]},
        {"from": [watchers], "ports": [pages]},
    ]
    of_workers = [
        {"from": [cluster]},
        {"from": [watchers], "ports": [_open(WORKER_PAGES_PORT)]},
    ]
    return [
        _object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            choice,
            {
                "podSelector": {
                    "matchLabels": {
                        "dask.org/cluster-name": choice.name,
                        "dask.org/component": component,
                    }
                },
                "policyTypes": ["Ingress"],
                "ingress": ingress,
            },
            name=f"{choice.name}-{component}",
        )
        for component, ingress in (("scheduler", of_scheduler), ("worker", of_workers))
    ]


def _object(
    version: str, kind: str, choice: KubernetesChoice, spec: Data, *, name: str | None = None
) -> Data:
    """An object of ours; the cluster's labels are its pods' too."""
    labels = {
        "app.kubernetes.io/name": "lunarscale",
        "app.kubernetes.io/instance": choice.name,
        "app.kubernetes.io/part-of": "lunarscale",
        "app.kubernetes.io/managed-by": "lunarscale",
    }
    metadata = {"name": name or choice.name, "namespace": choice.namespace, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _digest(spec: Data) -> str:
    """What tells whether two clusters have the same pods, however many."""
    pods = [spec["scheduler"], spec["worker"]["spec"]]
    return hashlib.sha256(json.dumps(pods, sort_keys=True).encode()).hexdigest()


def _given(choice: KubernetesChoice) -> list[Data]:
    pairs = (pair.partition("=") for pair in choice.env)
    return [{"name": name, "value": value} for name, _, value in pairs]


def _port(name: str, number: int) -> Data:
    return {"name": name, "protocol": "TCP", "port": number, "targetPort": name}


def _open(number: int) -> Data:
    return {"protocol": "TCP", "port": number}


def _quantity(count: int) -> str:
    """Bytes as Kubernetes writes them."""
    return f"{count >> 20}Mi"
