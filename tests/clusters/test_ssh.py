"""Workers on other hosts by SSH, as docs/clusters.md has it: its lines are run, at a real sshd."""

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ports_at_hand import free_port

from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.clusters.standing_files import records
from lunarscale.clusters.standing_members import end_all, left_of

DOCS = Path(__file__).parents[2] / "docs" / "clusters.md"

SSHD = f"""
ListenAddress 127.0.0.1
HostKey {{folder}}/host
AuthorizedKeysFile {{folder}}/me.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
SetEnv PATH={Path(sys.executable).parent}:/usr/bin:/bin
"""

SSH = """
Host crater dome
    HostName 127.0.0.1
    Port {port}
    User {user}
    IdentityFile {folder}/me
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known
    StrictHostKeyChecking yes
"""


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``ssh`` to the hosts crater and dome: this machine, by keys of the test alone."""
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    ssh = shutil.which("ssh")
    if sshd is None or ssh is None:
        pytest.skip("no OpenSSH server and client on this machine")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd shuts its unprivileged half in
    port = free_port()
    for key in ("host", "me"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / key)], check=True
        )
    user = pwd.getpwuid(os.geteuid()).pw_name
    (tmp_path / "sshd").write_text(SSHD.format(folder=tmp_path) + f"Port {port}\n")
    (tmp_path / "ssh").write_text(SSH.format(folder=tmp_path, port=port, user=user))
    public = (tmp_path / "host.pub").read_text()
    (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {public}")
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {ssh} -F {tmp_path}/ssh "$@"\n')
    wrapper.chmod(0o755)
    programs = f"{tmp_path}/bin:{Path(sys.executable).parent}"
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    server = subprocess.Popen(
        [sshd, "-D", "-e", "-f", str(tmp_path / "sshd")],
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stderr is not None
    assert "Server listening on 127.0.0.1" in server.stderr.readline()
    yield
    for standing in records():
        end_all(standing)
    server.terminate()
    server.communicate()


def block(heading: str) -> str:
    """The first lines of shell under a heading of the docs."""
    section = DOCS.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.search(r"\n\n((?:    .*\n)+)", section)
    assert found is not None
    return re.sub(r"(?m)^    ", "", found[1])


@pytest.mark.cluster
@pytest.mark.slow
def test_the_lines_of_the_docs(hosts: None, tmp_path: Path) -> None:
    port = free_port()
    lines = (
        block("SSH hosts")
        .replace("192.0.2.2:8786", f"127.0.0.1:{port}")
        .replace("/shared/keys", f"{tmp_path}/keys")
        .replace("crater rille dome", "crater dome")
        .replace("--workers 2", "--workers 1 --memory-limit 700MB")
        .replace("> dask-worker.log", f"> {tmp_path}/$host.log")
    )
    begin, predict, end = lines.partition("lunarscale predict")
    assert predict
    subprocess.run(["bash", "-euc", begin], check=True, timeout=300, cwd=tmp_path)
    address = f"tls://127.0.0.1:{port}"
    with open_cluster(ClusterChoice(scheduler=address, tls=str(tmp_path / "keys"))) as cluster:
        cluster.client.wait_for_workers(3, timeout=240)
        processes = set(cluster.client.run(os.getpid).values())
    everyone = [psutil.Process(number) for number in processes]
    everyone += [parent for each in everyone if (parent := each.parent()) is not None]
    (last,) = [line for line in end.splitlines() if "cluster stop" in line]
    subprocess.run(["bash", "-euc", last], check=True, timeout=300)
    assert left_of(everyone, within_s=60) == [], "workers elsewhere end with the scheduler"
