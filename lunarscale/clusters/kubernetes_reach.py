"""Who reaches a cluster on Kubernetes, and who watches it.

Who reaches a scheduler runs code on the cluster: two network policies say who may. Metrics are at
the port of the web pages; a ``PodMonitor`` says so to Prometheus' operator, where there is one.
"""

from collections.abc import Iterator

from lunarscale.clusters.kubernetes_choice import KubernetesChoice
from lunarscale.clusters.kubernetes_pods import (
    PAGES,
    PAGES_PORT,
    SCHEDULER_PORT,
    WORKER_PAGES_PORT,
    Data,
)

#: Label of the pods that may talk to the cluster NAME's scheduler: the service's, and notebooks'.
CLIENT_LABEL = "lunarscale.org/client-of"

#: Label of the namespaces that may read metrics, where Prometheus runs.
MONITORING_LABEL = "lunarscale.org/monitoring"

#: Labels that the operator gives a cluster's pods.
_CLUSTER, _COMPONENT = "dask.org/cluster-name", "dask.org/component"


def policies(choice: KubernetesChoice) -> Iterator[tuple[str, Data]]:
    """Who reaches the scheduler, and who the workers; what they reach is not limited.

    Yields
    ------
    component : str
    spec : dict
        Of its network policy.
    """
    cluster = _pods({_CLUSTER: choice.name})
    clients = _pods({CLIENT_LABEL: choice.name})
    operator = _namespaces({"kubernetes.io/metadata.name": choice.operator_namespace})
    watchers = _namespaces({MONITORING_LABEL: "true"})
    comm, pages = _port(SCHEDULER_PORT), _port(PAGES_PORT)
    of_scheduler: list[Data] = [
        {"from": [cluster, clients, operator], "ports": [comm, pages]},
        {"from": [watchers], "ports": [pages]},
    ]
    of_workers: list[Data] = [
        {"from": [cluster]},
        {"from": [watchers], "ports": [_port(WORKER_PAGES_PORT)]},
    ]
    for component, ingress in (("scheduler", of_scheduler), ("worker", of_workers)):
        yield (
            component,
            {
                "podSelector": {"matchLabels": {_CLUSTER: choice.name, _COMPONENT: component}},
                "policyTypes": ["Ingress"],
                "ingress": ingress,
            },
        )


def pod_monitor(choice: KubernetesChoice) -> Data:
    """Where Prometheus' operator finds the metrics of scheduler and workers."""
    return {
        "selector": {"matchLabels": {_CLUSTER: choice.name}},
        "podTargetLabels": [_CLUSTER, _COMPONENT],
        "podMetricsEndpoints": [{"port": PAGES, "path": "/metrics"}],
    }


def _pods(labels: dict[str, str]) -> Data:
    return {"podSelector": {"matchLabels": labels}}


def _namespaces(labels: dict[str, str]) -> Data:
    return {"namespaceSelector": {"matchLabels": labels}}


def _port(number: int) -> Data:
    return {"protocol": "TCP", "port": number}
