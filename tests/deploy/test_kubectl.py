"""Clusters are applied and deleted by kubectl, here at an API server that only remembers."""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from cli_at_hand import lunarscale, refused

from lunarscale.clusters.kubernetes import manifests
from lunarscale.clusters.kubernetes_choice import KubernetesChoice

#: Resources of each group: plural and kind.
GROUPS = {
    "kubernetes.dask.org": {"daskclusters": "DaskCluster", "daskautoscalers": "DaskAutoscaler"},
    "networking.k8s.io": {"networkpolicies": "NetworkPolicy"},
}

Data = dict[str, Any]


class Remembering(ThreadingHTTPServer):
    """An API server that keeps what it is given and tells what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.objects: dict[str, Data] = {}
        self.asked: list[tuple[str, str, dict[str, list[str]]]] = []
        self.groups = dict(GROUPS)


class Answering(BaseHTTPRequestHandler):
    """As much of the API as kubectl needs."""

    server: Remembering
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Discovery, or an object."""
        path = urlsplit(self.path).path
        if path == "/api":
            self._say(200, {"kind": "APIVersions", "versions": ["v1"]})
        elif path == "/apis":
            self._say(
                200, {"kind": "APIGroupList", "groups": [self._group(g) for g in self._names]}
            )
        elif path == "/openapi/v2":
            self._write(200, b"")  # a message of Protocol Buffers that describes nothing
        elif path == "/api/v1":
            self._say(200, {"kind": "APIResourceList", "groupVersion": "v1", "resources": []})
        elif path.removeprefix("/apis/").removesuffix("/v1") in self.server.groups:
            self._say(200, self._resources(path.removeprefix("/apis/").removesuffix("/v1")))
        elif path == "/openapi/v3":
            at = {f"apis/{g}/v1": {"serverRelativeURL": f"{path}/{g}"} for g in self._names}
            self._say(200, {"paths": at})
        elif path.startswith("/openapi/v3/"):
            self._say(200, self._description(path.rpartition("/")[2]))
        else:
            self._object(path)

    def do_PATCH(self) -> None:
        """Server-side apply."""
        path = urlsplit(self.path).path
        self._note(path)
        given = yaml.safe_load(self.rfile.read(int(self.headers["Content-Length"])))
        code = 200 if path in self.server.objects else 201
        self.server.objects[path] = given
        self._say(code, given)

    def do_DELETE(self) -> None:
        """Forget an object."""
        path = urlsplit(self.path).path
        self._note(path)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = self.server.objects.pop(path, None)
        self._say(*((404, NOT_FOUND) if found is None else (200, found)))

    def _object(self, path: str) -> None:
        self._note(path)
        found = self.server.objects.get(path)
        self._say(*((404, NOT_FOUND) if found is None else (200, found)))

    @property
    def _names(self) -> list[str]:
        return list(self.server.groups)

    def _group(self, name: str) -> Data:
        version = {"groupVersion": f"{name}/v1", "version": "v1"}
        return {"name": name, "versions": [version], "preferredVersion": version}

    def _resources(self, group: str) -> Data:
        verbs = ["create", "delete", "get", "list", "patch", "update"]
        resources = [
            {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind,
             "verbs": verbs}
            for plural, kind in self.server.groups[group].items()
        ]  # fmt: skip
        return {
            "kind": "APIResourceList", "groupVersion": f"{group}/v1", "resources": resources,
        }  # fmt: skip

    def _description(self, group: str) -> Data:
        """That the server itself looks for unknown fields: so kubectl asks it to."""
        paths = {
            f"/apis/{group}/v1/namespaces/{{namespace}}/{plural}/{{name}}": {
                "patch": {
                    "x-kubernetes-group-version-kind": {
                        "group": group, "version": "v1", "kind": kind,
                    },
                    "parameters": [{"name": "fieldValidation", "in": "query"}],
                    "responses": {},
                }
            }
            for plural, kind in self.server.groups[group].items()
        }  # fmt: skip
        return {"openapi": "3.0.0", "info": {"title": "", "version": ""}, "paths": paths}

    def _note(self, path: str) -> None:
        self.server.asked.append((self.command, path, parse_qs(urlsplit(self.path).query)))

    def _say(self, code: int, content: Data) -> None:
        self._write(code, json.dumps(content).encode())

    def _write(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
             "code": 404, "message": "not found"}  # fmt: skip


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remembering]:
    """An API server, and a configuration by which kubectl finds it."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on the PATH")
    with Remembering() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "moon",
            "clusters": [{"name": "moon", "cluster": {"server": address(server)}}],
            "contexts": [{"name": "moon", "context": {"cluster": "moon", "user": "me"}}],
            "users": [{"name": "me", "user": {"token": "moon"}}],
        }  # fmt: skip
        (tmp_path / "config").write_text(json.dumps(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        monkeypatch.setenv("HOME", str(tmp_path))  # kubectl keeps what it has learnt there
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def address(server: Remembering) -> str:
    """Where a server is."""
    return f"http://127.0.0.1:{server.server_port}"


CLUSTER = "/apis/kubernetes.dask.org/v1/namespaces/maps/daskclusters/lunarscale"
OPTIONS = ("--namespace", "maps", "--image", "lunarscale:0.3.1")


def test_from_apply_to_delete(api: Remembering) -> None:
    said = lunarscale("cluster", "kubernetes", "apply", *OPTIONS, "--adaptive", "1", "9").stdout
    choice = KubernetesChoice(namespace="maps", image="lunarscale:0.3.1", adaptive=(1, 9))
    made = manifests(choice)
    assert sorted(api.objects.values(), key=str) == sorted(made, key=str)
    assert api.objects[CLUSTER] == made[0]
    assert "daskcluster.kubernetes.dask.org/lunarscale serverside-applied" in said
    assert "--scheduler tcp://lunarscale-scheduler.maps.svc:8786" in said
    patches = [query for verb, _, query in api.asked if verb == "PATCH"]
    assert len(patches) == 4
    for query in patches:
        assert query["fieldManager"] == ["lunarscale"]
        assert query["fieldValidation"] == ["Strict"], "the server refuses unknown fields"

    said = lunarscale("cluster", "kubernetes", "delete", *OPTIONS).stdout
    assert api.objects == {}, "the autoscaler too, which nobody named"
    assert len(said.splitlines()) == 4
    said = lunarscale("cluster", "kubernetes", "delete", *OPTIONS).stdout
    assert said == "", "what is not there is nothing to do"


def test_other_workers_but_no_other_pods(api: Remembering) -> None:
    apply = ("cluster", "kubernetes", "apply", *OPTIONS)
    lunarscale(*apply, "--workers", "4")
    lunarscale(*apply, "--workers", "9")
    assert api.objects[CLUSTER]["spec"]["worker"]["replicas"] == 9
    said = refused(*apply, "--memory-limit", "8GiB", command="cluster kubernetes")
    assert "lunarscale: a cluster of this name is in namespace maps with other pods" in said
    assert api.objects[CLUSTER]["spec"]["worker"]["replicas"] == 9


def test_without_the_operator(api: Remembering) -> None:
    del api.groups["kubernetes.dask.org"]
    for action in ("apply", "delete"):
        said = refused("cluster", "kubernetes", action, *OPTIONS, command="cluster kubernetes")
        assert "does not know DaskCluster: the Dask operator is not installed" in said


def test_without_prometheus_operator(api: Remembering) -> None:
    apply = ("cluster", "kubernetes", "apply", *OPTIONS, "--pod-monitor")
    said = refused(*apply, command="cluster kubernetes")
    assert "does not know PodMonitor: Prometheus' operator is not installed" in said


def test_no_answer_and_no_context(api: Remembering) -> None:
    apply = ("cluster", "kubernetes", "apply", *OPTIONS)
    said = refused(*apply, "--context", "mars", command="cluster kubernetes")
    assert 'context "mars" does not exist' in said
    api.shutdown()
    api.server_close()
    said = refused(*apply, command="cluster kubernetes")
    assert "was refused" in said
    assert "kubectl cluster-info" in said


def test_without_kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = refused("cluster", "kubernetes", "apply", *OPTIONS, command="cluster kubernetes")
    assert "kubectl is not on the PATH; install it, or write the manifests with --dry-run" in said
    assert os.environ["PATH"] == str(tmp_path)
