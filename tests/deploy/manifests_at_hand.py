"""What manifests are held against: the operator's CRDs, Kubernetes' schemas, and our own rules."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import dask_kubernetes
import jsonschema
import kubernetes_validate.utils
import yaml
from referencing import Registry, Resource

Data = dict[str, Any]

#: The versions of Kubernetes whose schemas count: the oldest and the newest that are maintained.
VERSIONS = ("1.33", "1.36")


def _closed(properties: Data, *required: str) -> Data:
    """The schema of an object with these fields and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False,
            "required": list(required)}  # fmt: skip


#: As much of a ``PodMonitor`` of Prometheus' operator as we write (its CRD of version 0.91).
POD_MONITOR = _closed(
    {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "kind": {"const": "PodMonitor"},
        "metadata": {"type": "object"},
        "spec": _closed(
            {
                "selector": _closed({"matchLabels": {"type": "object"}}, "matchLabels"),
                "podTargetLabels": {"type": "array", "items": {"type": "string"}},
                "podMetricsEndpoints": {
                    "type": "array",
                    "items": _closed({"port": {"type": "string"}, "path": {"type": "string"}},
                                     "port"),
                },
            },
            "selector", "podMetricsEndpoints",
        ),
    },
    "apiVersion", "kind", "metadata", "spec",
)  # fmt: skip


def faults(documents: list[Data]) -> list[str]:
    """All that is wrong with some manifests, a sentence each; rules are held if the schemas are."""
    found = [fault for document in documents for fault in by_schema(document)]
    if found:
        return found
    for document in documents:
        for where, pod in pods_of(document):
            found += [f"{where}: {fault}" for fault in unsafe(pod)]
    return found + dangling(documents) + unseen(documents)


def by_schema(document: Data) -> list[str]:
    """What the schemas do not allow, unknown fields among it."""
    name = f"{document['kind']}/{document['metadata']['name']}"
    if document["apiVersion"].startswith("kubernetes.dask.org/"):
        validators = [custom_validator(document["kind"])]
    elif document["kind"] == "PodMonitor":
        validators = [jsonschema.Draft202012Validator(POD_MONITOR)]
    else:
        validators = [validator(version, document["apiVersion"], document["kind"])
                      for version in VERSIONS]  # fmt: skip
    found = [
        f"{name} {error.json_path}: {error.message}"
        for each in validators
        for error in each.iter_errors(document)
    ]
    made = () if found else as_the_operator_makes(document)
    return found + [fault for each in made for fault in by_schema(each)]


@cache
def validator(version: str, api: str, kind: str) -> jsonschema.Draft202012Validator:
    """Kubernetes' own schema of a kind, which takes no field that it does not name."""
    folder = f"kubernetes-json-schema/v{version}.0-local-strict"
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api)  # networking.k8s.io/v1: networking-v1
    read = kubernetes_validate.utils.schema_contents
    schema = Resource.from_contents(read(f"{folder}/{kind.lower()}-{group}.json", version))
    registry = Resource.from_contents(definitions(folder, version)) @ (schema @ Registry())
    return jsonschema.Draft202012Validator(schema.contents, registry=registry)


@cache
def definitions(folder: str, version: str) -> Any:
    """What all of a version's schemas refer to."""
    return kubernetes_validate.utils.schema_contents(f"{folder}/_definitions.json", version)


@cache
def custom_validator(kind: str) -> jsonschema.Draft202012Validator:
    """The operator's schema of a kind, which takes no field that it does not name."""
    folder = Path(dask_kubernetes.__file__).parent / "operator/deployment/helm"
    (path,) = folder.glob(f"dask-kubernetes-operator/crds/{kind.lower()}.yaml")
    definition = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    (version,) = definition["spec"]["versions"]
    schema: Data = version["schema"]["openAPIV3Schema"]
    # the API server knows these three of every kind
    schema["properties"] |= {"apiVersion": {"type": "string"}, "kind": {"const": kind}}
    schema["properties"]["metadata"] = {"type": "object"}
    close(schema)
    return jsonschema.Draft202012Validator(schema)


def close(schema: Any) -> None:
    """Forbid, in place, the fields that a schema does not name, as the API server is asked to."""
    if isinstance(schema, list):
        for each in schema:
            close(each)
    elif isinstance(schema, dict):
        named = isinstance(schema.get("properties"), dict) and "type" in schema
        if named and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        for each in schema.values():
            close(each)


def as_the_operator_makes(document: Data) -> Iterator[Data]:
    """What the operator's own code makes of a cluster: two deployments and a service."""
    if document["kind"] != "DaskCluster":
        return
    from dask_kubernetes.operator.controller import controller

    meta, spec = document["metadata"], document["spec"]
    given = (meta.get("annotations", {}), meta["labels"])
    name, namespace = meta["name"], meta["namespace"]
    yield controller.build_scheduler_deployment_spec(name, spec["scheduler"]["spec"], *given)
    yield controller.build_scheduler_service_spec(name, spec["scheduler"]["service"], *given)
    yield controller.build_worker_deployment_spec(
        f"{name}-default", namespace, name, "0123456789", spec["worker"]["spec"], *given
    )


def pods_of(document: Data) -> Iterator[tuple[str, Data]]:
    """The pods' specifications of a document, each with where it is."""
    if document["kind"] == "DaskCluster":
        yield "scheduler", document["spec"]["scheduler"]["spec"]
        yield "worker", document["spec"]["worker"]["spec"]
    elif document["kind"] in ("Deployment", "StatefulSet", "Job"):
        yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def unsafe(pod: Data) -> Iterator[str]:
    """What no schema forbids but we do."""
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or security.get("runAsUser", 0) < 1000:
        yield "it may run as root"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "it may call all of the kernel"
    if pod.get("automountServiceAccountToken") is not False:
        yield "it has a token of the API"
    if pod.get("enableServiceLinks") is not False:
        yield "services put variables among Dask's settings"
    if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "it shares the node's namespaces"
    if any("hostPath" in volume for volume in pod.get("volumes", ())):
        yield "it sees the node's disk"
    laid = {volume["name"] for volume in pod.get("volumes", ())}
    for volume in pod.get("volumes", ()):
        if "secret" in volume and volume["secret"].get("defaultMode", 0o644) & 0o077:
            yield f"others read the secret {volume['secret']['secretName']}"
    for each in pod["containers"]:
        yield from (f"{each['name']}: {fault}" for fault in unsafe_container(each, laid))


def unsafe_container(container: Data, volumes: set[str]) -> Iterator[str]:
    """What no schema forbids in a container but we do."""
    security = container.get("securityContext", {})
    if security.get("readOnlyRootFilesystem") is not True:
        yield "it may write to its image"
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "it may take rights"
    if security.get("capabilities", {}).get("drop") != ["ALL"] or security["capabilities"].get(
        "add"
    ):
        yield "it has capabilities"
    resources = container.get("resources", {})
    limits = resources.get("limits", {})
    if not {"cpu", "memory"} <= limits.keys() or resources.get("requests") != limits:
        yield "what it asks for is not what it may take"
    for probe in ("readinessProbe", "livenessProbe"):
        if probe not in container:
            yield f"it has no {probe}"
    ports = {port["name"] for port in container.get("ports", ())}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container.get(probe, {}).get("httpGet", {}).get("port")
        if isinstance(asked, str) and asked not in ports:
            yield f"its {probe} asks a port that it has not: {asked}"
    tag = container["image"].rpartition("/")[2].partition(":")[2]
    if "@sha256:" not in container["image"] and tag in ("", "latest"):
        yield f"what {container['image']} is changes unseen"
    for mount in container.get("volumeMounts", ()):
        if mount["name"] not in volumes:
            yield f"it has no volume {mount['name']}"


def dangling(documents: list[Data]) -> list[str]:
    """What of some documents names another that is not there, or selects nothing."""
    found = []
    clusters = {each["metadata"]["name"] for each in documents if each["kind"] == "DaskCluster"}
    labels = [labels for each in documents for labels in labels_of(each)]
    for document in documents:
        name = f"{document['kind']}/{document['metadata']['name']}"
        spec = document.get("spec", {})
        if document["kind"] == "DaskAutoscaler" and spec["cluster"] not in clusters:
            found.append(f"{name}: there is no cluster {spec['cluster']}")
        selectors = []
        if document["kind"] == "NetworkPolicy":
            selectors = [spec["podSelector"].get("matchLabels", {})]
            if not spec.get("ingress") or any(not rule.get("from") for rule in spec["ingress"]):
                found.append(f"{name}: it lets everybody in, or nobody")
        elif document["kind"] == "Service":
            selectors = [spec["selector"]]
        elif document["kind"] == "DaskCluster":
            selectors = [spec["scheduler"]["service"]["selector"]]
            names = {port["name"] for port in spec["scheduler"]["service"]["ports"]}
            if names != {"tcp-comm", "http-dashboard"}:
                found.append(f"{name}: the operator does not find the scheduler's ports")
        for selector in selectors:
            if not selector or not any(selector.items() <= each.items() for each in labels):
                found.append(f"{name}: it selects no pod: {selector}")
    claims = {each["metadata"]["name"] for each in documents
              if each["kind"] == "PersistentVolumeClaim"}  # fmt: skip
    for document in documents if claims else ():
        for where, pod in pods_of(document):
            asked = {v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"]
                     if "persistentVolumeClaim" in v}  # fmt: skip
            found += [f"{where}: there is no claim {name}" for name in sorted(asked - claims)]
    policed = {
        component
        for each in documents
        if each["kind"] == "NetworkPolicy"
        and (component := each["spec"]["podSelector"]["matchLabels"].get("dask.org/component"))
    }
    for cluster in clusters:
        for component in {"scheduler", "worker"} - policed:
            found.append(f"DaskCluster/{cluster}: whoever likes reaches its {component}")
    return found


def unseen(documents: list[Data]) -> list[str]:
    """Pods that a monitor of Prometheus' operator does not find, or finds no port of."""
    found = []
    for monitor in (each for each in documents if each["kind"] == "PodMonitor"):
        name = f"PodMonitor/{monitor['metadata']['name']}"
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        asked = {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]}
        for where, labels, ports in listening(documents):
            if not wanted <= labels.items():
                found.append(f"{name}: it does not select {where}")
            elif not asked & ports:
                found.append(f"{name}: it asks none of {where}'s ports")
    return found


def listening(documents: list[Data]) -> Iterator[tuple[str, dict[str, str], set[str]]]:
    """The pods of some documents as they come to be: names, labels, names of ports."""
    made = [each for document in documents for each in (*as_the_operator_makes(document), document)]
    for each in made:
        if each["kind"] == "Deployment":
            template = each["spec"]["template"]
            (container,) = template["spec"]["containers"]
            ports = {port["name"] for port in container["ports"]}
            yield container["name"], template["metadata"]["labels"], ports


def labels_of(document: Data) -> Iterator[dict[str, str]]:
    """The labels of a document's pods, as they come to be."""
    if document["kind"] == "DaskCluster":
        for made in as_the_operator_makes(document):
            if made["kind"] == "Deployment":
                yield made["spec"]["template"]["metadata"]["labels"]
    elif "template" in document.get("spec", {}):
        yield document["spec"]["template"]["metadata"]["labels"]
