"""A service in a process of its own is killed in mid-job, and started again: nothing is lost."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest
from jobs_at_hand import MODELS, Caller, folder_with, objects, wait_for
from service_at_hand import Tokens

from lunarscale.service.tokens import Token, TokenFile
from lunarscale.steps.overview import overview
from lunarscale.steps.predict import predict

#: Threads have one list of warnings: what another one ignores for a moment is told here.
pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not")

GATED = Path(__file__).with_name("gated_service.py")

#: Shards that the service makes before its gate.
THROUGH = 3


@pytest.fixture(scope="module")
def direct(service_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run makes that nobody disturbs."""
    out = tmp_path_factory.mktemp("direct") / "new.zarr"
    predict(str(service_data / "mosaic.zarr"), out=str(out), models=MODELS)
    overview(str(out))
    return objects(out)


class Place:
    """A folder of data, its tokens, and a gate."""

    def __init__(self, root: Path, service_data: Path, kept: tuple[Token, ...]) -> None:
        self.data = folder_with(root / "data", service_data, "mosaic.zarr")
        self.gate, self.tokens = root / "gate", root / "tokens.json"
        for token in kept:
            TokenFile(self.tokens).add(token)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def listens(self) -> bool:
        """Whether somebody does at the service's port."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except ConnectionError:
            return False
        return True

    @contextmanager
    def service(self, header: dict[str, str]) -> Iterator[tuple[Caller, int]]:
        """The service, until the end of the block; a caller of it and its process's number."""
        arguments = ["serve", self.data, "--port", self.port, "--tokens", self.tokens]
        arguments += ["--workers", 0]
        command = [sys.executable, GATED, self.gate, THROUGH, *arguments]
        with (
            subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30) as client,
        ):
            try:
                wait_for(lambda: _answers(client, process), "a service")
                yield Caller(client, header), process.pid
            finally:
                process.terminate()
                process.wait(60)


def _answers(client: httpx.Client, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "the service ended"
    try:
        return client.get("/api").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def place(tmp_path: Path, service_data: Path, tokens: Tokens) -> Place:
    return Place(tmp_path, service_data, tokens.kept)


def reach_the_gate(caller: Caller, shards: int) -> None:
    """Wait until as many shards are done as may be."""

    def done() -> bool:
        answer = caller.client.get("/api/datasets/new.zarr")
        return answer.status_code == 200 and answer.json()["shards"]["done"] == shards

    wait_for(done, "shards before the gate")


@pytest.mark.slow
def test_ended_and_killed_in_mid_job_and_started_again(
    place: Place, tokens: Tokens, direct: dict[str, bytes]
) -> None:
    header = tokens.header("run")
    place.gate.touch()
    with place.service(header) as (caller, process):
        id, later = caller.make(), caller.make(output="later.zarr")
        caller.start(id)
        caller.start(later)
        reach_the_gate(caller, THROUGH)
        begun = monotonic()
        os.kill(process, signal.SIGTERM)
        wait_for(lambda: not place.listens(), "a service that ends")
        place.gate.unlink()  # the shard in hand is made first
    assert monotonic() - begun < 30
    place.gate.touch()
    with place.service(header) as (caller, process):
        # nobody asks for it: it goes on by itself
        reach_the_gate(caller, 2 * THROUGH + 1)
        os.kill(process, signal.SIGKILL)
    part = objects(place.data / "new.zarr")
    assert 0 < len(part) < len(direct)
    place.gate.unlink()
    with place.service(header) as (caller, _):
        caller.finished(id)
        caller.finished(later)  # and the one behind it follows
        said = caller.log(id)
    assert said.count("the service ends; the job goes on when it starts again") == 1
    assert said.count("the service was ended in mid-job; the job goes on") == 1
    assert any("is gone without an end; this run goes on in its place" in line for line in said)
    assert objects(place.data / "new.zarr") == direct
    assert objects(place.data / "later.zarr") == direct
