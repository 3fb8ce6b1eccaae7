"""A service in a process of its own, with workers, is ended in mid-job and started again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from gated_service import GATE
from jobs_at_hand import PATIENCE_S, Caller, folder_with, objects, wait_for
from ports_at_hand import free_port
from service_at_hand import Tokens

from lunarscale.service.jobs.holding import Hold
from lunarscale.service.jobs.jobs import HOLD
from lunarscale.service.tokens import TokenFile

GATED = Path(__file__).with_name("gated_service.py")

#: Worker processes; a user gets one a core.
WORKERS = 2

#: Shards of the job.
SHARDS = 8


@dataclass(frozen=True)
class Started:
    """A service that runs, and all processes that it has started."""

    caller: Caller
    process: psutil.Process

    def family(self) -> list[psutil.Process]:
        """Itself and all that it has started."""
        return [self.process, *self.process.children(recursive=True)]


class Place:
    """A folder of data, its tokens, and a gate."""

    def __init__(self, root: Path, service_data: Path, tokens: Tokens) -> None:
        self.data = folder_with(root / "data", service_data, "mosaic.zarr")
        self.gate, self.tokens = root / "gate", root / "tokens.json"
        self.gate.mkdir()
        self._header = tokens.header("run")
        for token in tokens.kept:
            TokenFile(self.tokens).add(token)
        self.port = free_port()

    @contextmanager
    def service(self, workers: int = WORKERS) -> Iterator[Started]:
        """The service, until the end of the block."""
        arguments = ["serve", self.data, "--port", self.port, "--tokens", self.tokens]
        arguments += ["--workers", workers]
        command = list(map(str, [sys.executable, GATED, *arguments]))
        environment = {**os.environ, GATE: str(self.gate)}
        with (
            subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE_S) as client,
        ):
            try:
                wait_for(lambda: _answers(client, process), "a service")
                yield Started(Caller(client, self._header), psutil.Process(process.pid))
            finally:
                process.terminate()
                process.wait(PATIENCE_S)

    def shut(self) -> None:
        """Hold what each process makes after its first shard."""
        for told in self.gate.iterdir():
            told.unlink()
        (self.gate / "shut").touch()

    def open(self) -> None:
        """Let all through."""
        (self.gate / "shut").unlink()

    def held(self) -> list[psutil.Process]:
        """The workers, once each of them is held with a shard in hand."""

        def all_told() -> list[int]:
            told = [int(each.name) for each in self.gate.iterdir() if each.name.isdigit()]
            return told if len(told) == WORKERS else []

        return list(map(psutil.Process, wait_for(all_told, "shards in hand at each worker")))

    def is_held(self) -> bool:
        """Whether a service runs the jobs."""
        hold = Hold(self.data / ".lunarscale" / HOLD)
        was_free = hold.take()
        hold.close()
        return not was_free

    def entries(self) -> int:
        """Shards that are done."""
        return sum(path.suffix == ".json" for path in (self.data / "new.zarr/ledger").glob("r*"))


def _answers(client: httpx.Client, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "the service ended"
    try:
        return client.get("/api").status_code == 200
    except httpx.TransportError:
        return False


def gone(family: list[psutil.Process]) -> None:
    """Wait until none of some processes is left; a zombie is none."""

    def none_left() -> bool:
        return not any(each.is_running() and each.status() != "zombie" for each in family)

    wait_for(none_left, "the end of all that a service has started")


@pytest.mark.slow
@pytest.mark.cluster
def test_ended_and_killed_in_mid_job_and_started_again(
    service_data: Path, tokens: Tokens, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    place = Place(tmp_path, service_data, tokens)
    place.shut()
    with place.service() as service:
        id = service.caller.make()
        service.caller.start(id)
        assert len(place.held()) == WORKERS
        assert place.is_held()  # a second service would not run the jobs
        family = service.family()
        assert len(family) > WORKERS
        service.process.send_signal(signal.SIGTERM)
        gone(family)  # though the shards in hand are held still
    place.shut()
    with place.service() as service:
        # nobody asks for it: it goes on by itself
        other, stuck = place.held()
        family = service.family()
        stuck.suspend()  # as in a disk that hangs: it hears nothing of what follows
        service.process.send_signal(signal.SIGKILL)
    gone([service.process, other])
    assert not place.is_held()
    assert 0 < place.entries() < SHARDS
    place.open()
    with place.service(workers=0) as service:  # begins sooner; any service ends what another began
        caller = service.caller
        caller.finished(id)
        assert objects(place.data / "new.zarr") == undisturbed
        assert stuck.status() == psutil.STATUS_STOPPED
        stuck.resume()  # with a shard in hand, and nobody whose worker it is
        gone(family)
        said = caller.log(id)
    assert said.count("the service ends; the job goes on when it starts again") == 1
    assert said.count("the service was ended in mid-job; the job goes on") == 1
    assert any("is gone without an end; this run goes on in its place" in line for line in said)
    assert objects(place.data / "new.zarr") == undisturbed
