"""The Kustomize base: what comes out of it is right, and its cluster is what our command prints."""

import copy
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml
from manifests_at_hand import Data, faults, listening
from typer.main import get_command

import lunarscale
from lunarscale.cli import app
from lunarscale.clusters.kubernetes import manifests
from lunarscale.clusters.kubernetes_choice import Claim, KubernetesChoice
from lunarscale.clusters.kubernetes_reach import CLIENT_LABEL

BASE = Path(__file__).parents[2] / "deploy" / "kustomize"

#: What the committed cluster was asked for.
CHOICE = KubernetesChoice(
    namespace="lunarscale",
    tls_secret="lunarscale-tls",
    claims=(Claim("lunarscale-data", "/data"),),
)


@cache
def rendered() -> list[Data]:
    """What is given to Kubernetes."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on the PATH")
    done = subprocess.run(
        ["kubectl", "kustomize", str(BASE)], capture_output=True, check=True, timeout=60
    )
    return list(yaml.safe_load_all(done.stdout))


def test_nothing_is_wrong_with_it() -> None:
    made = rendered()
    assert faults(made) == []
    assert sorted(each["kind"] for each in made) == [
        "DaskCluster", "Deployment", "Namespace", "NetworkPolicy", "NetworkPolicy",
        "NetworkPolicy", "PersistentVolumeClaim", "Service",
    ]  # fmt: skip
    for each in made:
        assert each["metadata"].get("namespace", "lunarscale") == "lunarscale"


def test_the_cluster_is_what_the_command_prints() -> None:
    assert list(yaml.safe_load_all((BASE / "cluster.yaml").read_text())) == manifests(CHOICE)


def test_prometheus_finds_all_three() -> None:
    monitor = yaml.safe_load((BASE / "pod-monitor.yaml").read_text())
    assert faults([*rendered(), monitor]) == []
    assert {where for where, _, _ in listening(rendered())} == {"scheduler", "worker", "service"}


def test_all_pods_are_of_one_image_and_of_this_version() -> None:
    images = {
        line.split("image:")[1].strip()
        for line in yaml.safe_dump_all(rendered()).splitlines()
        if "image:" in line
    }
    assert images == {f"lunarscale:{lunarscale.__version__}"}


def of(kind: str, documents: list[Data]) -> Data:
    """The first document of a kind."""
    return next(each for each in documents if each["kind"] == kind)


def test_the_service_finds_its_cluster_and_is_let_in() -> None:
    pod = of("Deployment", rendered())["spec"]["template"]
    command = pod["spec"]["containers"][0]["command"]
    assert f"--scheduler={CHOICE.address}" in command
    assert pod["metadata"]["labels"][CLIENT_LABEL] == CHOICE.name


def test_the_service_knows_its_options() -> None:
    name, verb, *options = of("Deployment", rendered())["spec"]["template"]["spec"]["containers"][
        0
    ]["command"]
    assert (name, verb) == ("lunarscale", "serve")
    command = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    command.make_context("serve", list(options))


def _other_selector(documents: list[Data]) -> None:
    of("Service", documents)["spec"]["selector"]["app.kubernetes.io/component"] = "web"


def _other_claim(documents: list[Data]) -> None:
    volumes = of("Deployment", documents)["spec"]["template"]["spec"]["volumes"]
    volumes[1]["persistentVolumeClaim"]["claimName"] = "data"


def _root(documents: list[Data]) -> None:
    of("Deployment", documents)["spec"]["template"]["spec"]["securityContext"]["runAsUser"] = 0


def _many(documents: list[Data]) -> None:
    of("Deployment", documents)["spec"]["replicas"] = "2"


def _access(documents: list[Data]) -> None:
    of("PersistentVolumeClaim", documents)["spec"]["accessMode"] = ["ReadWriteMany"]


def _label(documents: list[Data]) -> None:
    of("Namespace", documents)["metadata"]["labels"] = {"a": 1}


@pytest.mark.parametrize(
    ("seed", "told"),
    [
        (_other_selector, "Service/lunarscale: it selects no pod"),
        (_other_claim, "there is no claim data"),
        (_root, "it may run as root"),
        (_many, "'2' is not of type 'integer'"),
        (_access, "'accessMode' was unexpected"),
        (_label, "1 is not of type"),
    ],
)
def test_faults_that_are_put_in_are_found(seed: Callable[[list[Data]], None], told: str) -> None:
    documents = copy.deepcopy(rendered())
    seed(documents)
    found = faults(documents)
    assert any(told in fault for fault in found), found
