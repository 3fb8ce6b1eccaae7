"""A cluster on Kubernetes: what the Dask operator is told, as plain data.

The operator (kubernetes.dask.org) makes a scheduler's deployment and service of a ``DaskCluster``,
and a deployment a worker; a ``DaskAutoscaler`` changes the number of workers. Network policies come
with them, and what finds their metrics (``kubernetes_reach``).
"""

from lunarscale.clusters.kubernetes_choice import KubernetesChoice, bytes_of
from lunarscale.clusters.kubernetes_pods import (
    PAGES,
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
from lunarscale.clusters.kubernetes_reach import pod_monitor, policies
from lunarscale.engine.ledger import digest

#: The module by which workers of another version are turned away; the scheduler loads it first.
JOINING = "lunarscale.clusters.joining"

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
    made = [_cluster(choice)]
    for component, spec in policies(choice):
        name = f"{choice.name}-{component}"
        made.append(_object("networking.k8s.io/v1", "NetworkPolicy", choice, spec, name=name))
    if choice.adaptive is not None:
        least, most = choice.adaptive
        spec = {"cluster": choice.name, "minimum": least, "maximum": most}
        made.append(_object("kubernetes.dask.org/v1", "DaskAutoscaler", choice, spec))
    if choice.pod_monitor:
        made.append(_object("monitoring.coreos.com/v1", "PodMonitor", choice, pod_monitor(choice)))
    return made


def _cluster(choice: KubernetesChoice) -> Data:
    workers = choice.workers if choice.adaptive is None else choice.adaptive[0]
    service = {
        "type": "ClusterIP",
        "selector": {"dask.org/cluster-name": choice.name, "dask.org/component": "scheduler"},
        "ports": [  # the operator finds them by these names
            _port("tcp-comm", SCHEDULER_PORT),
            _port(PAGES, PAGES_PORT),
        ],
    }
    spec: Data = {
        "worker": {"replicas": workers, "spec": worker_pod(choice)},
        "scheduler": {"spec": scheduler_pod(choice), "service": service},
    }
    made = _object("kubernetes.dask.org/v1", "DaskCluster", choice, spec)
    made["metadata"]["annotations"] = {
        PODS_DIGEST: digest(spec["scheduler"], spec["worker"]["spec"])
    }
    return made


def scheduler_pod(choice: KubernetesChoice) -> Data:
    """The scheduler's pod."""
    scheme = choice.address.partition(":")[0]
    command = [
        *("dask", "scheduler", "--protocol", scheme, "--port", str(SCHEDULER_PORT)),
        *("--dashboard-address", f":{PAGES_PORT}", "--preload", JOINING),
    ]
    env = settings(tls=choice.tls_secret is not None, adaptive=choice.adaptive is not None)
    memory = _quantity(bytes_of(choice.scheduler_memory, "--scheduler-memory"))
    made = container(
        "scheduler", choice.image, command, cpu="1", memory=memory, env=env + _given(choice)
    )
    made["ports"] = [
        {"name": "tcp-comm", "containerPort": SCHEDULER_PORT, "protocol": "TCP"},
        {"name": PAGES, "containerPort": PAGES_PORT, "protocol": "TCP"},
    ]
    made |= probes(PAGES, start_s=60)
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
        memory=_quantity(bytes_of(choice.memory_limit, "--memory-limit")),
        env=env,
    )
    made["envFrom"] = [{"secretRef": {"name": name}} for name in choice.env_secrets]
    made["ports"] = [{"name": PAGES, "containerPort": WORKER_PAGES_PORT, "protocol": "TCP"}]
    made["lifecycle"] = {
        "preStop": {"exec": {"command": ["python", "-m", "lunarscale.clusters.retiring"]}}
    }
    made |= probes(PAGES, start_s=120)
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


def _given(choice: KubernetesChoice) -> list[Data]:
    pairs = (pair.partition("=") for pair in choice.env)
    return [{"name": name, "value": value} for name, _, value in pairs]


def _port(name: str, number: int) -> Data:
    return {"name": name, "protocol": "TCP", "port": number, "targetPort": name}


def _quantity(count: int) -> str:
    """Bytes as Kubernetes writes them."""
    return f"{count >> 20}Mi"
