"""The image, run by podman as its pods are: scheduler, worker and service make a map of the Moon.

Nothing is built or fetched here. Where podman has no image of this version, the tests are skipped:
deploy/README.md says how to build it.
"""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from pages_at_hand import answers

import lunarscale
from lunarscale.clusters.certificates import open_certificates
from lunarscale.clusters.kubernetes import manifests
from lunarscale.clusters.kubernetes_choice import Claim, KubernetesChoice
from lunarscale.clusters.kubernetes_pods import USER
from lunarscale.simulated.archive import write_archive

IMAGE = f"localhost/lunarscale:{lunarscale.__version__}"
KUSTOMIZE = Path(__file__).parents[2] / "deploy" / "kustomize"
CHOICE = KubernetesChoice(
    name="moon", namespace="maps", image=IMAGE, memory="2GiB", tls_secret="moon-tls",
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
    """The image of this version, if podman has it and can run it."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not on the PATH")
    if os.geteuid() != 0:
        pytest.skip("folders must be given to the image's user: root is needed")
    if subprocess.run(["podman", "image", "exists", IMAGE], check=False).returncode != 0:
        pytest.skip(f"podman has no image {IMAGE}; deploy/README.md says how to build it")
    return IMAGE


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
             "lunarscale.service.app", "lunarscale.clusters.retiring"):
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


def free_port() -> int:
    """A port that nobody has just now."""
    with closing(socket.socket()) as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


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
            if mount["name"] != "tokens"
        ]
    containers[1]["env"].append({"name": "DASK_WORKER_NAME", "value": "moon-worker"})
    containers[2]["command"] = [
        part for part in containers[2]["command"] if not part.startswith("--tokens")
    ]
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "tls", "hostPath": {"path": str(folder / "keys"), "type": "Directory"}},
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
def running(image: str, tmp_path: Path) -> Iterator[tuple[str, Path, dict[str, int]]]:
    """The pod's name, its folder of data with tiles and a mosaic, and its ports."""
    data = tmp_path / "data"
    write_archive(data / "tiles", ppd=6.0, bbox=(0.0, 0.0, 12.0, 14.0))
    open_certificates(str(tmp_path / "keys"))
    for place in (tmp_path / "keys", data):
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
        yield f"moon-{os.getpid()}", data, ports


@pytest.mark.slow
@pytest.mark.cluster
def test_scheduler_worker_and_service_make_a_map(running: Any) -> None:
    pod, data, ports = running
    for number, page in (("8787", "health"), ("8788", "health"), ("8000", "healthz")):
        assert answers(f"http://127.0.0.1:{ports[number]}/{page}", within_s=90)
    on_cluster = ("--scheduler", f"tls://127.0.0.1:{ports['8786']}", "--tls", "/tls")
    for name, where in (("maps", on_cluster), ("alone", ("--workers", "0"))):
        podman(
            *("exec", f"{pod}-service", "lunarscale", "predict", "/data/mosaic.zarr"),
            *("--out", f"/data/{name}.zarr", *where),
        )
    with (
        xr.open_zarr(data / "maps.zarr", mask_and_scale=False) as maps,
        xr.open_zarr(data / "alone.zarr", mask_and_scale=False) as alone,
    ):
        assert set(maps.variables) == set(alone.variables)
        for name in maps.variables:
            assert np.array_equal(maps[name].values, alone[name].values), name
        assert any((maps[name].values > 0).any() for name in maps.data_vars)
    listed = json.loads(answers(f"http://127.0.0.1:{ports['8000']}/api/datasets", within_s=90))
    assert {"maps", "mosaic"} <= {each["name"].removesuffix(".zarr") for each in listed["datasets"]}
