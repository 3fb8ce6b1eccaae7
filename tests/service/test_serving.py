"""The commands: bad starts are one sentence, good ones say where, Ctrl-C ends them."""

import json
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_at_hand import lunarscale, refused
from jobs_at_hand import PATIENCE_S
from maps_at_hand import write_maps

import lunarscale as package
from lunarscale.clusters.certificates import open_certificates
from lunarscale.errors import ServiceError
from lunarscale.grid.raster import RasterGrid
from lunarscale.service.settings import Limits, limits_of
from lunarscale.service.starting import allow_files


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one little store."""
    folder = tmp_path_factory.mktemp("served")
    counts = {"FeO": np.ones((16, 32), np.int16)}
    write_maps(folder / "maps.zarr", counts, RasterGrid(32, 0, 0, 16, 32))
    return folder


def test_a_folder_that_holds_nothing_is_told(tmp_path: Path, data: Path) -> None:
    assert "there is no such folder" in refused("serve", tmp_path / "gone")
    assert "there is no store of lunarscale in this folder" in refused("serve", tmp_path)
    assert "name the folder that your stores lie in" in refused("serve", data / "maps.zarr")
    (tmp_path / "file").write_text("")
    assert "a file is there" in refused("serve", tmp_path / "file")


def test_a_port_that_is_taken_is_told(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "address already in use" in refused("serve", data, "--port", port)


def test_an_address_of_another_machine_is_told(data: Path) -> None:
    said = refused("serve", data, "--host", "192.0.2.1", "--behind-proxy")
    assert "nothing can listen there" in said


def test_others_get_in_only_with_tokens_and_tls(data: Path, tmp_path: Path) -> None:
    said = refused("serve", data, "--host", "0.0.0.0")
    assert "--tokens FILE" in said
    assert "--tls-certificate" in said
    lunarscale("token", "new", "--name", "Anna", "--tokens", tmp_path / "tokens.json")
    said = refused("serve", data, "--host", "0.0.0.0", "--tokens", tmp_path / "tokens.json")
    assert "--tokens FILE" not in said
    assert "--tls-certificate" in said


def test_a_bad_certificate_file_of_tokens_or_origin_is_told(data: Path, tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.write_text("nothing")
    pair = ("--tls-certificate", pem, "--tls-key", pem)
    assert "are no certificate and its key" in refused("serve", data, *pair)
    assert "belong together" in refused("serve", data, *pair[:2])
    assert "cannot be read" in refused("serve", data, "--tokens", tmp_path / "gone")
    assert "is no file of tokens" in refused("serve", data, "--tokens", pem)
    for origin in ("example.org", "https://a.example/path", "https://a b"):
        assert "this is no origin" in refused("serve", data, "--cors", origin)


def test_limits_are_set_by_their_names(data: Path) -> None:
    assert limits_of(["body_s=1.5", "jobs_kept=7"]) == replace(Limits(), body_s=1.5, jobs_kept=7)
    assert "there is no such limit" in refused("serve", data, "--limit", "nothing=1")
    for word in ("jobs_kept=0", "jobs_kept=1.5", "jobs_kept", "body_s=nan", "body_s=inf"):
        assert "above zero is needed" in refused("serve", data, "--limit", word)


def test_connections_leave_files_for_the_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    for limits in ((256, 4_096), (256, resource.RLIM_INFINITY), (30_000, 30_000)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limits=limits: limits)
        allow_files(1_000)
    assert asked == [(4_096, 4_096), (17_384, resource.RLIM_INFINITY)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1_500))
    with pytest.raises(ServiceError, match="--limit connections=476"):
        allow_files(1_000)


@pytest.mark.parametrize("module", ["fastapi", "uvicorn"])
def test_without_the_extra_it_says_how_to_install_it(
    data: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    # what is imported anew in between is to be nobody's afterwards
    monkeypatch.setattr(package, "service", package.service)
    for name in list(sys.modules):
        if name.startswith("lunarscale.service") or name.partition(".")[0] == module:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert "pip install 'lunarscale[service]'" in refused("serve", data)


def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    made = lunarscale(
        "token", "new", "--role", "run", "--name", "Anna", "--days", 3, "--tokens", file
    )
    assert re.fullmatch(r"lunarscale_[\w-]{43}\n", made.stdout)
    assert "of Anna, run, until 20" in made.stderr
    assert "Anna: run" in lunarscale("token", "list", "--tokens", file).stdout
    assert "of Anna" in lunarscale("token", "revoke", "Anna", "--tokens", file).stdout
    assert lunarscale("token", "list", "--tokens", file).stdout.strip() == ""
    said = refused("token", "revoke", "Anna", "--tokens", file, command="token revoke")
    assert "has no token" in said
    said = refused("token", "new", "--role", "root", "--name", "A", "--tokens", file,
                   command="token new")  # fmt: skip
    assert "there is no role" in said


def started(data: Path, *options: object, preexec: Callable[[], None]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "lunarscale.cli", "serve", data, "--port", "0", *options]
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=preexec,
    )  # fmt: skip


def test_it_says_where_it_is_speaks_tls_and_ends_at_ctrl_c(
    data: Path, tmp_path: Path, hears_ctrl_c: Callable[[], None]
) -> None:
    keys = tmp_path / "tls"
    open_certificates(str(keys), host="127.0.0.1")
    process = started(
        data, "--tls-certificate", keys / "cluster.pem", "--tls-key", keys / "cluster-key.pem",
        preexec=hears_ctrl_c,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        found = re.search(r"(https://127\.0\.0\.1:\d+/)#token=(lunarscale_[\w-]+)", "".join(lines))
        assert found is not None, (lines, process.communicate())
        asked = urllib.request.Request(f"{found[1]}api")
        asked.add_header("Authorization", f"Bearer {found[2]}")
        context = ssl.create_default_context(cafile=keys / "ca.pem")
        context.check_hostname = False
        with urllib.request.urlopen(asked, timeout=PATIENCE_S, context=context) as answer:
            assert json.load(answer)["role"] == "run"
            assert answer.headers["strict-transport-security"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert "Stopped" in out
        assert err == ""
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
