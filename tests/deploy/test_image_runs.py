"""The image, run by podman as its pods are: scheduler, worker and service make a map of the Moon.

It is built where podman has a base image: the Dockerfile's, or the one that LUNARSCALE_TEST_BASE
names. Where it has neither, the tests are skipped.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import xarray as xr
import yaml
from pages_at_hand import answers
from ports_at_hand import free_port

import lunarscale
from lunarscale.clusters.certificates import open_certificates
from lunarscale.clusters.kubernetes import manifests
from lunarscale.clusters.kubernetes_choice import Claim, KubernetesChoice
from lunarscale.clusters.kubernetes_pods import USER
from lunarscale.service.tokens import TokenFile, new_token
from lunarscale.simulated.archive import write_archive

ROOT = Path(__file__).parents[2]
IMAGE = f"localhost/lunarscale:{lunarscale.__version__}"
BASE = os.environ.get(
    "LUNARSCALE_TEST_BASE",
    re.search(r"PYTHON_IMAGE=(\S+)", (ROOT / "deploy" / "Dockerfile").read_text())[1],  # type: ignore[index]
)
KUSTOMIZE = ROOT / "deploy" / "kustomize"
CHOICE = KubernetesChoice(
    name="moon", namespace="maps", image=IMAGE, memory_limit="2GiB", tls_secret="moon-tls",
    claims=(Claim("data", "/data"),),
)  # fmt: skip

Data = dict[str, Any]


def podman(*arguments: str, timeout: float = 300) -> str:
    """What podman answers."""
    done = subprocess.run(
        ["podman", *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def image() -> str:
    """The image of this checkout's code, built if podman can; it has packages to fetch, then."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not on the PATH")
    if os.geteuid() != 0:
        pytest.skip("folders must be given to the image's user: root is needed")
    if not (is_there(IMAGE) and has_our_code()):
        if not is_there(BASE):
            pytest.skip(f"podman has no {IMAGE} of this code, and no {BASE} to build it of")
        podman(
            *("build", "--pull=never", "--layers", "--file", str(ROOT / "deploy" / "Dockerfile")),
            *("--build-arg", f"PYTHON_IMAGE={BASE}", "--tag", IMAGE, str(ROOT)),
            timeout=1800,
        )
    return IMAGE


def is_there(image: str) -> bool:
    """Whether podman has an image."""
    return subprocess.run(["podman", "image", "exists", image], check=False).returncode == 0


SAME = """
from pathlib import Path
import lunarscale
def code(folder):
    files = (each for each in Path(folder).rglob("*.py") if "node_modules" not in each.parts)
    return {each.relative_to(folder): each.read_bytes() for each in files}
print(code("/checkout") == code(Path(lunarscale.__file__).parent))
"""


def has_our_code() -> bool:
    """Whether the image was built of this checkout's code."""
    place = f"--volume={ROOT / 'lunarscale'}:/checkout:ro"
    return podman("run", *SHUT, place, IMAGE, "python", "-c", SAME).strip() == "True"


#: As a pod is run.
SHUT = (
    "--rm", "--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp:mode=1777", "--cap-drop=all",
    "--security-opt=no-new-privileges", "--network=none",
)  # fmt: skip

LOOK = """
import importlib, json, os, shutil
def writes(place):
    try:
        open(os.path.join(place, "x"), "w").close()
    except OSError:
        return False
    return True
import lunarscale
for name in ("dask", "distributed", "fastapi", "numba", "obstore", "onnxruntime", "rasterio",
             "prometheus_client", "lunarscale.service.app", "lunarscale.clusters.joining",
             "lunarscale.clusters.log_lines", "lunarscale.clusters.retiring"):
    importlib.import_module(name)
print(json.dumps({
    "user": [os.getuid(), os.getgid()], "version": lunarscale.__version__,
    "writes": {place: writes(place) for place in ("/", "/opt/lunarscale", "/usr/bin", "/tmp")},
    "programs": [p for p in ("pip", "gcc", "curl", "lunarscale", "dask") if shutil.which(p)],
}))
"""


@pytest.mark.slow
def test_what_is_in_it(image: str) -> None:
    said = json.loads(podman("run", *SHUT, image, "python", "-c", LOOK).splitlines()[-1])
    assert said["user"] == [USER, USER]
    assert said["version"] == lunarscale.__version__
    assert said["writes"] == {"/": False, "/opt/lunarscale": False, "/usr/bin": False, "/tmp": True}
    assert said["programs"] == ["lunarscale", "dask"]


def service_container() -> Data:
    """The service's container of the Kustomize base."""
    documents = yaml.safe_load_all((KUSTOMIZE / "service.yaml").read_text())
    found: Data = next(documents)["spec"]["template"]["spec"]["containers"][0]
    return found


def one_pod(folder: Path, ports: dict[str, int]) -> str:
    """A pod of the three, on this machine's network, as YAML.

    Podman has no kubelet: it makes probes of a ``curl`` that the image has not.
    """
    spec = manifests(CHOICE)[0]["spec"]
    pods = [spec["scheduler"]["spec"], spec["worker"]["spec"]]
    containers = [pod["containers"][0] for pod in pods] + [service_container()]
    for each in containers:
        each["image"] = IMAGE
        each.pop("lifecycle", None)
        for key in [key for key in each if key.endswith("Probe") or key in ("ports", "envFrom")]:
            del each[key]
        each["volumeMounts"] = [
            {**mount, "name": "data" if mount["mountPath"] == "/data" else mount["name"]}
            for mount in each["volumeMounts"]
        ]
    containers[1]["env"].append({"name": "DASK_WORKER_NAME", "value": "moon-worker"})
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "tls", "hostPath": {"path": str(folder / "keys"), "type": "Directory"}},
        {"name": "tokens", "hostPath": {"path": str(folder / "tokens"), "type": "Directory"}},
        {"name": "data", "hostPath": {"path": str(folder / "data"), "type": "Directory"}},
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"moon-{os.getpid()}", "labels": {"app": "moon"}},
        "spec": {
            "hostNetwork": True,
            "restartPolicy": "Never",
            "securityContext": pods[0]["securityContext"],
            "containers": containers,
            "volumes": volumes,
        },
    }
    text: str = yaml.safe_dump(json.loads(json.dumps(pod)), sort_keys=False)
    text = re.sub(r"tls://[a-z.-]+:8786", f"tls://127.0.0.1:{ports['8786']}", text)
    for number, here in ports.items():
        text = re.sub(rf"(?<=[:=' ]){number}(?=['\s])", str(here), text)
    return text


@pytest.fixture
def running(image: str, tmp_path: Path) -> Iterator[tuple[str, Path, dict[str, int], str]]:
    """The pod's name, its folder of data with tiles and a mosaic, its ports, and a token."""
    data = tmp_path / "data"
    write_archive(data / "tiles", ppd=6.0, bbox=(0.0, 0.0, 12.0, 14.0))
    open_certificates(str(tmp_path / "keys"))
    (tmp_path / "tokens").mkdir()
    secret, token = new_token("me", "run")
    TokenFile(tmp_path / "tokens" / "tokens").add(token)
    for place in (tmp_path / "keys", tmp_path / "tokens", data):
        for each in (place, *place.rglob("*")):
            os.chown(each, USER, USER)
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(0o755)
    ports = {number: free_port() for number in ("8786", "8787", "8788", "8000")}
    grid = "--ppd 5 --shard 64 --chunk 32 --bbox 0 0 12 14 --workers 0"
    ingest = f"lunarscale ingest /data/tiles --out /data/mosaic.zarr {grid}".split()
    podman("run", *SHUT, f"--volume={data}:/data", image, *ingest)
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(one_pod(tmp_path, ports))
    with ExitStack() as stack:
        podman("play", "kube", str(manifest))
        stack.callback(podman, "play", "kube", "--down", str(manifest))
        yield f"moon-{os.getpid()}", data, ports, secret


class Service:
    """The service in the pod, as a user of its jobs meets it."""

    def __init__(self, port: int, secret: str) -> None:
        self._url, self._secret = f"http://127.0.0.1:{port}", secret

    def ask(self, path: str, content: Data | None = None, *, method: str = "GET") -> Data:
        """What it answers."""
        headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
        body = None if content is None else json.dumps(content).encode()
        asked = Request(f"{self._url}{path}", data=body, headers=headers, method=method)
        with urlopen(asked, timeout=30) as answer:
            return json.loads(answer.read() or "{}")  # type: ignore[no-any-return]

    def run(self, verb: str, parameters: Data) -> Data:
        """A job that was run to its end."""
        asked = {"verb": verb, "parameters": parameters}
        job = self.ask("/api/jobs", asked, method="POST")["id"]
        self.ask(f"/api/jobs/{job}/results", method="POST")
        last = monotonic() + 180
        while (found := self.ask(f"/api/jobs/{job}"))["status"] in ("queued", "running"):
            assert monotonic() < last, found
            sleep(0.5)
        return found


def metrics(port: int) -> str:
    """What Prometheus would read."""
    return answers(f"http://127.0.0.1:{port}/metrics", within_s=30).decode()


@pytest.mark.slow
@pytest.mark.cluster
def test_scheduler_worker_and_service_make_a_map(running: Any) -> None:
    pod, data, ports, secret = running
    for number, page in (("8787", "health"), ("8788", "health"), ("8000", "readyz")):
        assert answers(f"http://127.0.0.1:{ports[number]}/{page}", within_s=90)
    service = Service(ports["8000"], secret)
    asked = {"dataset": "mosaic.zarr", "output": "maps.zarr", "models": ["qiu-2025-feo"]}
    job = service.run("predict", asked)
    assert job["status"] == "finished", job
    podman(
        *("exec", f"{pod}-service", "lunarscale", "predict", "/data/mosaic.zarr"),
        *("--out", "/data/alone.zarr", "--model", "qiu-2025-feo", "--workers", "0"),
    )
    with (
        xr.open_zarr(data / "maps.zarr", mask_and_scale=False) as maps,
        xr.open_zarr(data / "alone.zarr", mask_and_scale=False) as alone,
    ):
        assert set(maps.variables) == set(alone.variables)
        for name in maps.variables:
            assert np.array_equal(maps[name].values, alone[name].values), name
        assert any((maps[name].values > 0).any() for name in maps.data_vars)
    listed = service.ask("/api/datasets")["datasets"]
    assert {"maps", "mosaic"} <= {each["name"].removesuffix(".zarr") for each in listed}

    (run,) = {
        found
        for number in ("8787", "8788", "8000")
        for found in re.findall(
            r'lunarscale_shards_done_total\{run="([^"]+)",verb="predict"\}',
            metrics(ports[number]),
        )
    }
    for role in ("scheduler", "service"):
        lines = said(f"{pod}-{role}")
        assert run in {line.get("run") for line in lines}, f"{role} logs the run"
    assert any("Registered to" in line["message"] for line in said(f"{pod}-worker"))


def said(container: str) -> list[Data]:
    """What a container logged to standard error, each line a JSON object."""
    done = subprocess.run(
        ["podman", "logs", container], capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line) for line in done.stderr.splitlines()]
