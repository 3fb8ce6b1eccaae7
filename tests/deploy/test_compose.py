"""The compose file: nobody in it may more than it must, and its parts fit together."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dask.utils import parse_bytes
from distributed.cli import dask_scheduler, dask_worker
from typer.main import get_command

import lunarscale
from lunarscale.cli import app
from lunarscale.clusters.kubernetes_pods import BESIDE_BYTES, TLS_FOLDER, USER, settings

Data = dict[str, Any]

PATH = Path(__file__).parents[2] / "deploy" / "compose.yaml"
COMPOSE: Data = yaml.safe_load(PATH.read_text())


def filled(part: Any) -> Any:
    """A part of a compose file with the variables' own values in place."""
    if isinstance(part, dict):
        return {key: filled(value) for key, value in part.items()}
    if isinstance(part, list):
        return [filled(value) for value in part]
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", part) if isinstance(part, str) else part


def size(text: str) -> int:
    """Bytes as Docker and Dask write them: of 1,024, whatever they call them."""
    return int(parse_bytes(re.sub(r"(?i)([kmg])(i?b)?$", r"\1iB", text)))


def faults(compose: Data) -> list[str]:
    """What is wrong with a compose file."""
    found = []
    for name, service in compose["services"].items():
        found += [f"{name}: {fault}" for fault in unsafe(service)]
        found += [f"{name}: {fault}" for fault in unfitting(service, compose)]
    return found


def unsafe(service: Data) -> Iterator[str]:
    """What a service may that it should not."""
    if service.get("user") != f"{USER}:{USER}":
        yield "it may run as root"
    if service.get("read_only") is not True:
        yield "it may write to its image"
    if service.get("cap_drop") != ["ALL"] or service.get("cap_add"):
        yield "it has capabilities"
    if service.get("security_opt") != ["no-new-privileges:true"]:
        yield "it may take rights"
    if service.get("privileged") or service.get("devices"):
        yield "it has the machine"
    if "host" in (service.get("network_mode"), service.get("pid"), service.get("ipc")):
        yield "it shares the machine's namespaces"
    if any("docker.sock" in str(volume) for volume in service.get("volumes", ())):
        yield "it commands Docker"
    for port in service.get("ports", ()):
        if not str(port).startswith("127.0.0.1:"):
            yield f"all the world reaches it at {port}"
    if not service.get("image", "").startswith("lunarscale:${LUNARSCALE_VERSION:-"):
        yield "it is of another image than the others"
    if service.get("pull_policy") != "never":
        yield "its image may be a stranger's of that name"
    for text in service.get("tmpfs", ()):
        if "size=" not in text:
            yield f"{text} may take all memory"
    environment = service.get("environment", {})
    if any(re.search("TOKEN|SECRET|PASSWORD", name) for name in environment):
        yield "a secret is in its environment"


def unfitting(service: Data, compose: Data) -> Iterator[str]:
    """What a service lacks, or names that is not there."""
    if service.get("restart") != "no" and "test" not in service.get("healthcheck", {}):
        yield "nobody looks whether it is well"
    if service.get("restart") != "no":
        if "mem_limit" not in service:
            yield "it may take all memory"
        else:
            yield from too_large(service)
        if service.get("restart") != "unless-stopped":
            yield "it stays away when it was killed"
    for other, when in service.get("depends_on", {}).items():
        awaited = compose["services"].get(other)
        if awaited is None:
            yield f"there is no {other}"
        elif when["condition"] == "service_healthy" and "healthcheck" not in awaited:
            yield f"{other} is never known to be well"
    for network in service.get("networks", ()):
        if network not in compose["networks"]:
            yield f"there is no network {network}"
    for volume in service.get("volumes", ()):
        if isinstance(volume, str):
            source = volume.partition(":")[0]
            if source not in compose["volumes"]:
                yield f"there is no volume {source}"
        elif volume["bind"]["create_host_path"] is not False:
            yield f"{volume['target']} is made as root's where it is not there"
    for secret in service.get("secrets", ()):
        if secret not in compose["secrets"]:
            yield f"there is no secret {secret}"


def too_large(service: Data) -> Iterator[str]:
    """What of a service does not fit into the memory that it may take."""
    most = size(service["mem_limit"])
    for text in service.get("tmpfs", ()):
        if "size=" in text and 2 * size(text.rpartition("=")[2]) > most:
            yield "its files in memory leave it too little"
    command = service["command"]
    if "--memory-limit" in command:
        worker = size(command[command.index("--memory-limit") + 1])
        if most - worker != BESIDE_BYTES:
            yield "its worker's memory and its nanny's are not what it may take"


def test_it_is_a_compose_file() -> None:
    compose_spec = pytest.importorskip("compose_spec", reason="the extra `test` has compose-spec")
    known = compose_spec.PyCompose.from_json(json.dumps(filled(COMPOSE)))
    assert sorted(known.service_names()) == ["keys", "scheduler", "service", "worker"]
    misspelt = json.dumps(filled(COMPOSE)).replace("stop_grace_period", "stop_grace")
    with pytest.raises(ValueError, match="stop_grace"):
        compose_spec.PyCompose.from_json(misspelt)


def test_nothing_is_wrong_with_it() -> None:
    assert faults(COMPOSE) == []
    assert set(COMPOSE["services"]) == {"keys", "scheduler", "worker", "service"}


def change(path: str, value: Any) -> Callable[[Data], None]:
    """Something else at a place; ``...`` takes it away."""

    def do(compose: Data) -> None:
        *keys, last = path.split(".")
        at = compose["services"]
        for key in keys:
            at = at[int(key) if key.isdigit() else key]
        if value is ...:
            del at[last]
        else:
            at[last] = value

    return do


@pytest.mark.parametrize(
    ("seed", "told"),
    [
        (change("worker.user", ...), "worker: it may run as root"),
        (change("service.user", "0:0"), "service: it may run as root"),
        (change("scheduler.read_only", False), "scheduler: it may write to its image"),
        (change("worker.cap_drop", []), "worker: it has capabilities"),
        (change("worker.cap_add", ["SYS_ADMIN"]), "worker: it has capabilities"),
        (change("worker.security_opt", ["seccomp:unconfined"]), "worker: it may take rights"),
        (change("service.privileged", True), "service: it has the machine"),
        (change("worker.network_mode", "host"), "worker: it shares the machine's namespaces"),
        (change("service.ports", ["8000:8000"]), "all the world reaches it at 8000:8000"),
        (change("scheduler.ports", ["8786:8786"]), "all the world reaches it at 8786:8786"),
        (change("service.image", "lunarscale:latest"), "it is of another image"),
        (change("scheduler.healthcheck", ...), "worker: scheduler is never known to be well"),
        (change("service.healthcheck", ...), "service: nobody looks whether it is well"),
        (change("worker.mem_limit", ...), "worker: it may take all memory"),
        (change("worker.mem_limit", "8g"), "worker's memory and its nanny's are not what it may"),
        (change("service.mem_limit", "1g"), "service: its files in memory leave it too little"),
        (change("service.tmpfs", ["/tmp"]), "service: /tmp may take all memory"),
        (change("scheduler.restart", "on-failure"), "scheduler: it stays away when it was killed"),
        (change("service.pull_policy", "missing"), "service: its image may be a stranger's"),
        (change("service.environment", {"API_TOKEN": "x"}), "service: a secret is in its environ"),
        (
            change("service.volumes.1.bind.create_host_path", True),
            "service: /data is made as root's where it is not there",
        ),
        (change("worker.depends_on", {"sched": {}}), "worker: there is no sched"),
        (change("worker.networks", ["clusters"]), "worker: there is no network clusters"),
        (change("worker.volumes", ["key:/tls:ro"]), "worker: there is no volume key"),
        (change("service.secrets", ["token"]), "service: there is no secret token"),
        (
            change("service.volumes", ["/var/run/docker.sock:/var/run/docker.sock"]),
            "service: it commands Docker",
        ),
    ],
)
def test_faults_that_are_put_in_are_found(seed: Callable[[Data], None], told: str) -> None:
    compose = copy.deepcopy(COMPOSE)
    seed(compose)
    assert any(told in fault for fault in faults(compose))


def test_dasks_settings_are_those_of_our_other_clusters() -> None:
    ours = {each["name"]: each["value"] for each in settings(tls=True)}
    ours = {name: value.replace(f"{TLS_FOLDER}/", "/tls/keys/") for name, value in ours.items()}
    for name in ("scheduler", "worker"):
        assert COMPOSE["services"][name]["environment"] == ours


def test_the_version_is_this_one() -> None:
    assert COMPOSE["services"]["worker"]["image"].endswith(f":-{lunarscale.__version__}}}")


def test_all_programs_know_their_options() -> None:
    commands = {name: service["command"] for name, service in COMPOSE["services"].items()}
    assert commands["scheduler"][:2] == ["dask", "scheduler"]
    dask_scheduler.main.make_context("scheduler", commands["scheduler"][2:])
    assert commands["worker"][:2] == ["dask", "worker"]
    dask_worker.main.make_context("worker", commands["worker"][2:])
    ours: Any = get_command(app)
    assert commands["service"][:2] == ["lunarscale", "serve"]
    # that the secret is not there is not the options' fault
    ours.commands["serve"].make_context("serve", commands["service"][2:])
    assert commands["keys"][:3] == ["lunarscale", "cluster", "keys"]
    ours.commands["cluster"].commands["keys"].make_context("keys", commands["keys"][3:])
