"""What the tests of jobs share: a service to ask, gates that tasks wait at, and ends awaited."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Client
from service_at_hand import HOST, Tokens, settings_for

from lunarscale.engine.mapping import MapJob, MapTask
from lunarscale.engine.outcome import Outcome
from lunarscale.service.app import create_app
from lunarscale.service.jobs.watch import TELL_S
from lunarscale.steps.overview import overview
from lunarscale.steps.predict import predict

Service = Callable[..., TestClient]

#: Seconds that anything here may take on a machine with other things to do.
PATIENCE_S = 240.0

#: What most jobs here make: two layers, soon compiled.
MODELS = ["qiu-2025-feo", "qiu-2025-tio2"]

PREDICT = {
    "verb": "predict",
    "parameters": {"dataset": "mosaic.zarr", "output": "new.zarr", "models": MODELS},
}
SUMMARISE = {"verb": "summarise", "parameters": {"dataset": "maps.zarr", "by": ["moon", "maria"]}}
EXPORT = {"verb": "export", "parameters": {"dataset": "maps.zarr", "layer": "FeO"}}
OVERVIEW = {"verb": "overview", "parameters": {"dataset": "maps.zarr"}}


def folder_with(place: Path, data: Path, *names: str) -> Path:
    """A folder of its own with copies of some stores."""
    place.mkdir(exist_ok=True)
    for name in names:
        shutil.copytree(data / name, place / name)
    return place


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Until something is so; what it is."""
    end = monotonic() + PATIENCE_S
    while not (found := condition()):
        assert monotonic() < end, f"{what}: waited for in vain for {PATIENCE_S:.0f} s"
        sleep(0.02)
    return found


@dataclass
class Caller:
    """A client with a token, in the words of jobs.

    Parameters
    ----------
    client : httpx.Client
    header : dict of str to str
    """

    client: Client
    header: dict[str, str]

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Any request below ``/api/jobs``."""
        headers = {**self.header, **options.pop("headers", {})}
        return self.client.request(method, f"/api/jobs{path}", headers=headers, **options)

    def make(self, job: dict[str, Any] = PREDICT, *, title: str = "", **parameters: Any) -> str:
        """A new job; its id."""
        body = {**job, "title": title, "parameters": {**job["parameters"], **parameters}}
        answer = self.ask("POST", "", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"/api/jobs/{answer.json()['id']}"
        return str(answer.json()["id"])

    def start(self, id: str) -> None:
        """Queue it."""
        answer = self.ask("POST", f"/{id}/results")
        assert answer.status_code == 202, answer.text

    def cancel(self, id: str) -> None:
        """End it."""
        assert self.ask("DELETE", f"/{id}/results").status_code == 204

    def show(self, id: str) -> dict[str, Any]:
        """It, now."""
        answer = self.ask("GET", f"/{id}")
        assert answer.status_code == 200, answer.text
        facts: dict[str, Any] = answer.json()
        return facts

    def until(self, id: str, *statuses: str) -> dict[str, Any]:
        """It, once it has one of some statuses."""

        def there() -> dict[str, Any] | None:
            facts = self.show(id)
            return facts if facts["status"] in statuses else None

        facts: dict[str, Any] = wait_for(there, f"a job that is {' or '.join(statuses)}")
        return facts

    def ended(self, id: str) -> dict[str, Any]:
        """It, once it has ended."""
        return self.until(id, "finished", "error", "canceled")

    def finished(self, id: str) -> dict[str, Any]:
        """It, once it has ended well."""
        facts = self.ended(id)
        assert facts["status"] == "finished", (facts["message"], self.log(id))
        return facts

    def run(self, job: dict[str, Any] = PREDICT, **parameters: Any) -> dict[str, Any]:
        """A new job, started, once it has ended well."""
        id = self.make(job, **parameters)
        self.start(id)
        return self.finished(id)

    def log(self, id: str, **query: Any) -> list[str]:
        """What it has said."""
        answer = self.ask("GET", f"/{id}/logs", params={"limit": 1000, **query})
        return [line["message"] for line in answer.json()["logs"]]

    def detail(self, method: str, path: str, status: int, **options: Any) -> str:
        """The sentence with which a request is refused."""
        answer = self.ask(method, path, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        return str(answer.json()["detail"])


@dataclass
class Gate:
    """Lets so many shards of maps through, and then none until it is opened.

    Parameters
    ----------
    through : int
    """

    through: int
    passed: int = 0
    opened: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    def shut(self, monkeypatch: Any) -> "Gate":
        """Stand before every task of this process that makes maps."""
        call = MapTask.__call__

        def gated(task: MapTask, job: MapJob) -> Outcome:
            if self.passed >= self.through:
                self.reached.set()
                assert self.opened.wait(PATIENCE_S)
            elif self.passed == self.through - 1:
                self.opened.wait(TELL_S)  # what passes quicker than progress is told is not told
            self.passed += 1
            return call(task, job)

        monkeypatch.setattr(MapTask, "__call__", gated)
        return self

    def wait(self) -> None:
        """Until a task stands before it."""
        assert self.reached.wait(PATIENCE_S)


def objects(store: Path) -> dict[str, bytes]:
    """Every object of a store's arrays and every kept statistic: what a run has computed."""
    files = {
        path.relative_to(store).as_posix(): path
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }
    kept = {
        key: path.read_bytes()
        for key, path in files.items()
        if "/c/" in key or "statistic" in path.name
    }
    assert kept
    return kept


@pytest.fixture(scope="session")
def undisturbed(service_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What ``PREDICT`` makes where nobody disturbs it, in one process and by the steps alone."""
    out = tmp_path_factory.mktemp("undisturbed") / "new.zarr"
    predict(str(service_data / "mosaic.zarr"), out=str(out), models=MODELS)
    overview(str(out))
    return objects(out)


@pytest.fixture(scope="session")
def jobs_folder(service_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores to work with; tests make others beside them, each under its own name."""
    folder = folder_with(
        tmp_path_factory.mktemp("jobs"), service_data, "mosaic.zarr", "maps.zarr"
    )  # fmt: skip
    shutil.copytree(service_data.parent / "tiles", folder / "tiles")
    (folder / "notes").mkdir()
    (folder / "a-file").write_text("")
    return folder


@pytest.fixture(scope="session")
def caller(jobs_folder: Path, tokens: Tokens) -> Iterator[Caller]:
    """Who runs jobs of a service on ``jobs_folder``."""
    settings = settings_for(jobs_folder, limits={"costly_a_minute": 100_000})
    app = create_app(settings, session=tokens.kept)
    with TestClient(app, base_url=f"http://{HOST}") as client:
        yield Caller(client, tokens.header("run"))


@pytest.fixture
def own_folder(tmp_path: Path, service_data: Path) -> Path:
    """A folder that no other service runs the jobs of."""
    return folder_with(tmp_path / "own", service_data, "mosaic.zarr", "maps.zarr")


_numbers = count()


@pytest.fixture
def new() -> str:
    """A name that no dataset has."""
    return f"new-{next(_numbers)}.zarr"
