"""Manifests of a cluster: by the operator's CRDs, Kubernetes' schemas, our rules, and run here."""

import copy
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_at_hand import lunarscale, refused
from distributed.cli import dask_scheduler, dask_worker
from manifests_at_hand import Data, faults
from pages_at_hand import PATIENCE_S, answers, wait_for
from ports_at_hand import free_port

import lunarscale as lunarscale_package
from lunarscale.clusters.certificates import open_certificates
from lunarscale.clusters.kubectl import as_yaml
from lunarscale.clusters.kubernetes import manifests
from lunarscale.clusters.kubernetes_choice import Claim, KubernetesChoice
from lunarscale.clusters.kubernetes_pods import TLS_FOLDER
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.hearing import OnScheduler
from lunarscale.engine.telling import News
from lunarscale.errors import ClusterError, PlanError

#: All that can be asked for.
FULL = KubernetesChoice(
    name="moon", namespace="maps", workers=50, threads=2, memory_limit="8GiB",
    image="registry.example/lunarscale:0.3.1", tls_secret="moon-tls", adaptive=(2, 50), spot=True,
    claims=(Claim("tiles", "/tiles", read_only=True), Claim("maps", "/maps")),
    env=("AWS_REGION=eu-central-1",), env_secrets=("bucket",), pod_monitor=True,
)  # fmt: skip

CHOICES = {"plain": KubernetesChoice(), "full": FULL, "fixed": KubernetesChoice(workers=0)}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
def test_nothing_is_wrong_with_ours(choice: KubernetesChoice) -> None:
    made = manifests(choice)
    assert faults(made) == []
    assert list(yaml.safe_load_all(as_yaml(made))) == made
    assert "&id" not in as_yaml(made)


def of(kind: str, documents: list[Data]) -> Data:
    """The one document of a kind."""
    (found,) = [each for each in documents if each["kind"] == kind]
    return found


def spec(documents: list[Data], role: str) -> Data:
    """A role's pod."""
    found: Data = of("DaskCluster", documents)["spec"][role]["spec"]
    return found


def worker(documents: list[Data]) -> Data:
    """The worker's container."""
    found: Data = spec(documents, "worker")["containers"][0]
    return found


def change(path: str, value: Any) -> Callable[[list[Data]], None]:
    """Something else at a place; ``...`` takes it away."""

    def do(documents: list[Data]) -> None:
        kind, *keys = path.split(".")
        at: Any = next(each for each in documents if each["kind"] == kind)
        steps: list[Any] = [int(key) if key.isdigit() else key for key in keys]
        for key in steps[:-1]:
            at = at[key]
        if value is ...:
            del at[steps[-1]]
        else:
            at[steps[-1]] = value

    return do


WORKER = "DaskCluster.spec.worker.spec"
SCHEDULER = "DaskCluster.spec.scheduler.spec"

#: Faults that are put in, each with what must be said of it.
SEEDED = {
    "no replicas": (change("DaskCluster.spec.worker.replicas", "fifty"), "is not of type 'integ"),
    "no spec of a worker": (change(WORKER, ...), "'spec' is a required prop"),
    "field of no such name": (change("DaskCluster.spec.workers", 5), "'workers' was unexpected"),
    "misspelt field of a pod": (change(f"{WORKER}.serviceacount", "x"), "'serviceacount' was unex"),
    "misspelt field of a container": (
        change(f"{WORKER}.containers.0.enviroment", []), "'enviroment' was unexpected",
    ),
    "misspelt probe": (change(f"{WORKER}.containers.0.livenessProbe.httpget", {}), "'httpget' was"),
    "probe of another port": (
        change(f"{WORKER}.containers.0.livenessProbe.httpGet.port", "http"), "a port that it has",
    ),
    "no liveness": (change(f"{SCHEDULER}.containers.0.livenessProbe", ...), "has no livenessProbe"),
    "no readiness": (change(f"{WORKER}.containers.0.readinessProbe", ...), "has no readinessPro"),
    "container without a name": (
        change(f"{WORKER}.containers.0.name", ...), "'name' is a required property",
    ),
    "no containers": (change(f"{WORKER}.containers", ...), "'containers' is a required"),
    "grace as a word": (change(f"{WORKER}.terminationGracePeriodSeconds", "2m"), "is not of type"),
    "root": (change(f"{WORKER}.securityContext.runAsUser", 0), "worker: it may run as root"),
    "root allowed": (change(f"{SCHEDULER}.securityContext.runAsNonRoot", ...), "run as root"),
    "no seccomp": (change(f"{WORKER}.securityContext.seccompProfile", ...), "all of the kernel"),
    "token": (change(f"{WORKER}.automountServiceAccountToken", True), "it has a token of the API"),
    "service links": (change(f"{SCHEDULER}.enableServiceLinks", ...), "among Dask's settings"),
    "the node's network": (change(f"{WORKER}.hostNetwork", True), "the node's namespaces"),
    "the node's disk": (
        change(f"{WORKER}.volumes.0", {"name": "scratch", "hostPath": {"path": "/"}}),
        "it sees the node's disk",
    ),
    "a writable image": (
        change(f"{WORKER}.containers.0.securityContext.readOnlyRootFilesystem", False),
        "worker: worker: it may write to its image",
    ),
    "rights": (
        change(f"{WORKER}.containers.0.securityContext.allowPrivilegeEscalation", ...), "may take",
    ),
    "privileged": (
        change(f"{SCHEDULER}.containers.0.securityContext.privileged", True), "it may take rights",
    ),
    "capabilities": (
        change(f"{WORKER}.containers.0.securityContext.capabilities", {"drop": ["NET_RAW"]}),
        "it has capabilities",
    ),
    "more than asked for": (
        change(f"{WORKER}.containers.0.resources.limits.memory", "16Gi"), "not what it may take",
    ),
    "no limits": (change(f"{WORKER}.containers.0.resources", ...), "not what it may take"),
    "latest": (change(f"{WORKER}.containers.0.image", "lunarscale:latest"), "changes unseen"),
    "a port and no tag": (change(f"{WORKER}.containers.0.image", "host:5000/moon"), "changes uns"),
    "a mount of nothing": (change(f"{WORKER}.volumes.1.name", "keys"), "it has no volume tls"),
    "a secret for all": (
        change(f"{WORKER}.volumes.1.secret.defaultMode", 0o444), "others read the secret moon-tls",
    ),
    "ports by other names": (
        change("DaskCluster.spec.scheduler.service.ports.0.name", "comm"), "does not find the",
    ),
    "service of nobody": (
        change("DaskCluster.spec.scheduler.service.selector", {"app": "moon"}), "selects no pod",
    ),
    "autoscaler of another": (change("DaskAutoscaler.spec.cluster", "mars"), "is no cluster mars"),
    "autoscaler without an end": (change("DaskAutoscaler.spec.maximum", ...), "required property"),
    "a policy of nobody": (
        change("NetworkPolicy.spec.podSelector.matchLabels", {"app": "moon"}), "selects no pod",
    ),
    "a policy for everybody": (
        change("NetworkPolicy.spec.ingress.0.from", ...), "it lets everybody in",
    ),
    "a monitor of nobody": (
        change("PodMonitor.spec.selector.matchLabels", {"app": "moon"}), "does not select sched",
    ),
    "a monitor of another port": (
        change("PodMonitor.spec.podMetricsEndpoints.0.port", "metrics"), "none of worker's ports",
    ),
    "a misspelt monitor": (change("PodMonitor.spec.podMetricEndpoints", []), "was unexpected"),
    "a misspelt policy": (change("NetworkPolicy.spec.ingres", []), "'ingres' was unexpected"),
}  # fmt: skip


@pytest.mark.parametrize(("seed", "told"), SEEDED.values(), ids=SEEDED.keys())
def test_faults_that_are_put_in_are_found(seed: Callable[[list[Data]], None], told: str) -> None:
    documents = copy.deepcopy(manifests(FULL))
    seed(documents)
    found = faults(documents)
    assert any(told in fault for fault in found), found


def test_what_was_asked_for_is_there() -> None:
    made = manifests(FULL)
    assert [each["kind"] for each in made] == [
        "DaskCluster", "NetworkPolicy", "NetworkPolicy", "DaskAutoscaler", "PodMonitor",
    ]  # fmt: skip
    assert {each["metadata"]["namespace"] for each in made} == {"maps"}
    assert of("DaskAutoscaler", made)["spec"] == {"cluster": "moon", "minimum": 2, "maximum": 50}
    container = worker(made)
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "8192Mi"}
    assert str(8 * 2**30 - 256 * 2**20) in container["command"], "the nanny has its part"
    env = {each["name"]: each["value"] for each in container["env"]}
    assert env["DASK_SCHEDULER_ADDRESS"] == "tls://moon-scheduler.maps.svc:8786"
    assert env["AWS_REGION"] == "eu-central-1"
    mounts = {each["mountPath"]: each.get("readOnly") for each in container["volumeMounts"]}
    assert mounts == {"/tmp": None, TLS_FOLDER: True, "/tiles": True, "/maps": False}
    assert len(spec(made, "worker")["tolerations"]) == 4
    assert "tolerations" not in spec(made, "scheduler"), "a scheduler that is taken away ends all"
    assert "tolerations" not in spec(manifests(KubernetesChoice()), "worker")


def test_an_autoscaler_may_ask_and_only_it() -> None:
    """Without these routes the operator kills the newest workers, whatever they hold."""

    def routes(choice: KubernetesChoice) -> list[str]:
        env = spec(manifests(choice), "scheduler")["containers"][0]["env"]
        return [each["value"] for each in env if each["name"].endswith("HTTP__ROUTES")]

    (asked,) = routes(FULL)
    assert "distributed.http.scheduler.api" in yaml.safe_load(asked)
    assert "distributed.http.health" in yaml.safe_load(asked)
    assert routes(KubernetesChoice()) == []


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (KubernetesChoice(name="Moon"), "--name Moon: Kubernetes takes up to 53"),
        (KubernetesChoice(name="m" * 54), "takes up to 53"),
        (KubernetesChoice(namespace="a/b"), "--namespace a/b"),
        (KubernetesChoice(name="--context=x"), "--name --context=x"),
        (KubernetesChoice(image="lunarscale"), r"name one, as lunarscale:\d"),
        (KubernetesChoice(image="host:5000/lunarscale:latest"), r"as host:5000/lunarscale:\d"),
        (KubernetesChoice(adaptive=(5, 2)), "write --adaptive 1 50"),
        (KubernetesChoice(adaptive=(0, 0)), "write --adaptive 1 50"),
        (KubernetesChoice(memory_limit="plenty"), "--memory-limit plenty: not a number"),
        (KubernetesChoice(memory_limit="600MiB"), "344 MiB are too little for the rest"),
        (KubernetesChoice(memory_limit="1MiB"), " 0 MiB are too little for the rest"),
        (KubernetesChoice(scheduler_memory="x"), "--scheduler-memory x"),
        (KubernetesChoice(env=("=x",)), "write NAME=VALUE"),
    ],
)
def test_what_cannot_be(choice: KubernetesChoice, sentence: str) -> None:
    with pytest.raises((ClusterError, PlanError), match=sentence):
        manifests(choice)


def test_an_image_by_its_digest() -> None:
    assert faults(manifests(KubernetesChoice(image=f"moon@sha256:{'0' * 64}"))) == []


@pytest.mark.parametrize("text", ["maps", "maps:data", "maps:/data:rw", ":/data", "a b:/data"])
def test_claims_that_are_none(text: str) -> None:
    with pytest.raises(ClusterError, match="write maps:/data, or maps:/data:ro"):
        Claim.parse(text)


def test_the_command_prints_them() -> None:
    options = (
        *("--name", "moon", "--namespace", "maps", "--workers", "50", "--threads", "2"),
        *("--memory-limit", "8GiB", "--image", "registry.example/lunarscale:0.3.1"),
        *("--tls-secret", "moon-tls", "--adaptive", "2", "50", "--spot"),
        *("--data-claim", "tiles:/tiles:ro", "--data-claim", "maps:/maps"),
        *("--env", "AWS_REGION=eu-central-1", "--env-secret", "bucket", "--pod-monitor"),
    )
    printed = lunarscale("cluster", "kubernetes", *options, "--dry-run").stdout
    assert list(yaml.safe_load_all(printed)) == manifests(FULL)
    said = refused("cluster", "kubernetes", *options, command="cluster kubernetes")
    assert "add --dry-run to print them, or `apply` or `delete`" in said


def test_certificates_as_a_secret_lays_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's, and readable for the pod's group: that is what fsGroup makes of mode 0400."""
    if os.geteuid() != 0:
        pytest.skip("files must be root's")
    folder = open_certificates(str(tmp_path / "keys")).folder
    key = folder / "cluster-key.pem"
    key.chmod(0o440)
    with pytest.raises(ClusterError, match=r"others than its owner may \(mode 0440\)"):
        open_certificates(str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 10001)
    assert open_certificates(str(folder)).folder == folder
    for mode in (0o444, 0o460):
        key.chmod(mode)
        with pytest.raises(ClusterError, match="others than its owner may"):
            open_certificates(str(folder))


# The pods' own commands and environment, run on this machine


def as_here(pod: Data, places: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """A pod's command and environment with this machine's addresses and folders."""

    def here(text: str) -> str:
        for there, instead in places.items():
            text = text.replace(there, instead)
        return text

    container = pod["containers"][0]
    env = {each["name"]: here(each["value"]) for each in container["env"]}
    env["DASK_WORKER_NAME"] = "moon-default-worker-0123456789"  # as the operator does
    command = [re.sub(r"\$\((\w+)\)", lambda m: env[m[1]], part) for part in container["command"]]
    return [here(part) for part in command], {**os.environ, **env}


@pytest.fixture
def pods_here(tmp_path: Path) -> Iterator[tuple[ClusterChoice, str, dict[str, str], Any]]:
    """Scheduler and worker as their pods run them; how to reach them, and the worker's last act."""
    keys = open_certificates(str(tmp_path / "keys")).folder
    port, pages, worker_pages = free_port(), free_port(), free_port()
    address = f"tls://127.0.0.1:{port}"
    places = {
        FULL.address: address, f"{TLS_FOLDER}/": f"{keys}/", "8786": str(port),
        ":8787": f"127.0.0.1:{pages}", ":8788": f"127.0.0.1:{worker_pages}",
    }  # fmt: skip
    made = manifests(FULL)
    with ExitStack() as stack:
        processes = []
        for role in ("scheduler", "worker"):
            command, env = as_here(spec(made, role), places)
            log = stack.enter_context(open(tmp_path / f"{role}.log", "wb"))
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=tmp_path)
            processes.append(process)
            stack.callback(process.wait)
            stack.callback(process.kill)
        choice = ClusterChoice(scheduler=address, tls=str(keys))
        urls = {
            "scheduler": f"http://127.0.0.1:{pages}",
            "worker": f"http://127.0.0.1:{worker_pages}",
        }
        last_act = (worker(made)["lifecycle"]["preStop"]["exec"]["command"], env)
        yield choice, processes[1], urls, last_act


@pytest.mark.cluster
@pytest.mark.slow
def test_the_pods_commands_make_a_cluster(
    pods_here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice, process, urls, (command, env) = pods_here
    for url in urls.values():
        assert answers(f"{url}/health", within_s=PATIENCE_S) == b"ok", "what the probes ask for"
    target = f"{urls['scheduler']}/api/v1/adaptive_target"
    assert b'"workers"' in answers(target, within_s=PATIENCE_S)
    # its pages are there before the scheduler knows it
    wait_for(lambda: "Registered to" in (tmp_path / "worker.log").read_text(), "the worker")
    with open_cluster(choice) as cluster:
        (known,) = cluster.client.scheduler_info()["workers"].values()
        assert known["name"] == "moon-default-worker-0123456789"
        assert (known["nthreads"], known["memory_limit"]) == (2, 8 * 2**30 - 256 * 2**20)
        found = cluster.client.submit(os.getenv, "MALLOC_TRIM_THRESHOLD_").result(PATIENCE_S)
        assert found == str(128 * 2**20), "Dask's settings are ours"
        monkeypatch.setattr("lunarscale.engine.hearing.FAREWELL_S", PATIENCE_S)
        OnScheduler(cluster.client).hear(News("run-7", "predict", status="finished"), last=True)
        another_version_is_turned_away(process.args, env, tmp_path)
        assert len(cluster.client.scheduler_info()["workers"]) == 1
        subprocess.run(command, env=env, check=True, timeout=PATIENCE_S)
        # it was retired, and its container ends in peace
        assert process.wait(timeout=PATIENCE_S) == 0
        assert cluster.client.scheduler_info()["workers"] == {}
    logs = {role: said(tmp_path / f"{role}.log") for role in ("scheduler", "worker")}
    began = [line for line in logs["scheduler"] if line["message"] == "run began"]
    assert [line["run"] for line in began] == ["run-7"]
    assert any("Registered to" in line["message"] for line in logs["worker"])


def said(log: Path) -> list[Data]:
    """A log's lines, each of which is a JSON object; Python's own warnings are none."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def another_version_is_turned_away(command: list[str], env: dict[str, str], folder: Path) -> None:
    """A worker's pod of an image of another version ends, and its log says why."""
    (folder / "other.py").write_text(
        "from importlib.metadata import version\nfrom distributed import versions\n"
        "versions.version = lambda n: '99.1' if n == 'lunarscale' else version(n)\n"
    )
    name = env["DASK_WORKER_NAME"]
    other = [part.replace(name, "other") for part in command]
    other[other.index("--dashboard-address") + 1] = "127.0.0.1:0"
    with open(folder / "other.log", "wb") as log:
        subprocess.run(
            [*other, "--preload", str(folder / "other.py")],
            env=env, stdout=log, stderr=log, cwd=folder, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    ours = lunarscale_package.__version__
    told = f"has lunarscale 99.1 but its cluster {ours}; it is turned away"
    assert any(told in line.get("refusal", "") for line in said(folder / "other.log"))


@pytest.mark.parametrize(
    ("role", "program"), [("scheduler", dask_scheduler.main), ("worker", dask_worker.main)]
)
def test_dask_knows_the_options(role: str, program: Any) -> None:
    for choice in CHOICES.values():
        dask, word, *options = spec(manifests(choice), role)["containers"][0]["command"]
        assert (dask, word) == ("dask", role)
        program.make_context(role, list(options))
