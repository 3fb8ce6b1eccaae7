"""The panel of a real cluster of two workers: page, JSON and metrics say what the tale says."""

import json
import logging
import os
import signal
import time
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from engine_moon import LITTLE
from prometheus_client.parser import text_string_to_metric_families

from lunarscale.engine.executors import OnDask
from lunarscale.engine.gauges import FIGURES
from lunarscale.engine.outcome import Outcome, Tale
from lunarscale.engine.run import Prepared
from lunarscale.engine.telling import News
from lunarscale.steps.ingest import prepare_ingest

pytestmark = pytest.mark.cluster

#: Seconds that anything here may take on a machine with other things to do.
PATIENCE_S = 240.0


class Heard:
    """Keeps the last news."""

    last: News

    def hear(self, news: News, *, last: bool) -> None:
        """Keep it."""
        if last:
            self.last = replace(news)


@dataclass(frozen=True)
class Mortal:
    """A task that kills its worker at the first job it meets, once.

    Parameters
    ----------
    task : callable
    mark : Path
        Made just before.
    """

    task: Any
    mark: Path

    def __call__(self, job: Any) -> Outcome:
        """Die, or do it."""
        try:
            self.mark.touch(exist_ok=False)
        except FileExistsError:
            made: Outcome = self.task(job)
            return made
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody gets here")


@dataclass(frozen=True)
class Ran:
    """A run that has ended, and what was heard of it."""

    tale: Tale
    news: News


def ran(prepared: Prepared, client: Client) -> Ran:
    heard = Heard()
    return Ran(prepared.run(OnDask(client, hearers=[heard])), heard.last)


def prepared(tiles: Path, folder: Path) -> Prepared:
    return prepare_ingest([str(tiles)], out=str(folder / "mosaic.zarr"), **LITTLE)


def asked(client: Client, path: str) -> str:
    base = client.dashboard_link.rpartition("/")[0]
    with urllib.request.urlopen(f"{base}/{path}", timeout=PATIENCE_S) as answer:
        return str(answer.read().decode())


def figures(text: str, run: str) -> dict[str, float]:
    """Our metrics of a run by name; each once."""
    samples = [
        (sample.name, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("lunarscale_") and sample.labels.get("run") == run
    ]
    assert len(dict(samples)) == len(samples)
    return dict(samples)


def of_workers(client: Client, run: str) -> list[dict[str, float]]:
    """The same of each worker that did something of it."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    urls = [f"http://127.0.0.1:{worker['services']['dashboard']}/metrics" for worker in workers]
    found = [figures(urllib.request.urlopen(url).read().decode(), run) for url in urls]
    return [each for each in found if each]


@pytest.fixture(scope="module")
def ingested(
    two_workers: Client, little_tiles: Path, tmp_path_factory: pytest.TempPathFactory
) -> Ran:
    return ran(prepared(little_tiles, tmp_path_factory.mktemp("panel")), two_workers)


def test_page_json_and_metrics_say_what_the_tale_says(two_workers: Client, ingested: Ran) -> None:
    tale, news = ingested.tale, ingested.news
    (told,) = [
        each for each in json.loads(asked(two_workers, "lunarscale.json"))["runs"]
        if each["run"] == news.run
    ]  # fmt: skip
    assert told == {**news.as_row(), "seconds_left": None}
    assert (told["verb"], told["status"]) == ("ingest", "finished")
    assert told["shards_done"] == told["shards_todo"] == told["shards"] == tale.done == 8
    assert told["pixels_done"] == tale.pixels == 128 * 64
    assert (told["bytes_read"], told["bytes_written"]) == (tale.bytes_read, tale.bytes_written)
    assert (told["problems"], told["retries"], told["workers_lost"]) == (0, 0, 0)
    assert 0 < told["share_of_limit"] < 1
    assert told["memory_peak_bytes"] > 50e6 < told["memory_planned_bytes"]
    shown = figures(asked(two_workers, "metrics"), news.run)
    assert shown == {figure.name: told[figure.field] for figure in FIGURES}
    assert "<title>lunarscale</title>" in asked(two_workers, "lunarscale")


def test_workers_count_what_they_did_by_the_same_names(two_workers: Client, ingested: Ran) -> None:
    tale, found = ingested.tale, of_workers(two_workers, ingested.news.run)
    names = {figure.name for figure in FIGURES}
    assert all(set(each) <= names for each in found)

    def together(name: str) -> float:
        return sum(each[name] for each in found)

    assert together("lunarscale_shards_done_total") == tale.done
    assert together("lunarscale_pixels_done_total") == tale.pixels
    assert together("lunarscale_bytes_read_total") == tale.bytes_read
    assert together("lunarscale_bytes_written_total") == tale.bytes_written
    assert together("lunarscale_retries_total") == 0
    planned = {each["lunarscale_memory_planned_bytes"] for each in found}
    assert planned == {ingested.news.memory_planned_bytes}
    assert all(each["lunarscale_memory_peak_bytes"] > 50e6 for each in found)


def test_a_killed_worker_shows(two_workers: Client, little_tiles: Path, tmp_path: Path) -> None:
    calm = prepared(little_tiles, tmp_path)
    deadly = replace(calm, begin=lambda: Mortal(calm.begin(), tmp_path / "killed"))
    found = ran(deadly, two_workers)
    two_workers.wait_for_workers(2, timeout=PATIENCE_S)
    assert (found.tale.done, found.tale.problems) == (8, [])
    assert found.news.workers_lost == 1
    # the task that died, and what waited behind it
    assert 1 <= found.news.retries <= 8
    shown = figures(asked(two_workers, "metrics"), found.news.run)
    assert shown["lunarscale_workers_lost_total"] == 1
    assert shown["lunarscale_retries_total"] == found.news.retries


def test_a_command_that_went_away_leaves_no_run_that_goes_on(
    two_workers: Client, cluster_of_two: str, ingested: Ran
) -> None:
    left = replace(ingested.news, run="deserted", status="running")
    with Client(cluster_of_two, set_as_default=False) as other:
        answer = other.sync(other.scheduler.lunarscale_tell, row=left.as_row(), who=other.id)
        assert answer["retries"] == 0
    end = time.monotonic() + PATIENCE_S
    while True:
        runs = json.loads(asked(two_workers, "lunarscale.json"))["runs"]
        (status,) = [each["status"] for each in runs if each["run"] == "deserted"]
        if status != "running":
            break
        assert time.monotonic() < end
        time.sleep(0.05)
    assert status == "gone"


def test_a_run_goes_on_where_no_panel_can_be(
    two_workers: Client, little_tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("this scheduler takes no plugins")

    monkeypatch.setattr(two_workers, "register_plugin", refuse)
    with caplog.at_level(logging.DEBUG, "lunarscale.engine.telling"):
        found = ran(prepared(little_tiles, tmp_path), two_workers)
    assert (found.tale.done, found.news.status) == (8, "finished")
    assert "this scheduler takes no plugins" in caplog.text
    assert found.news.memory_peak_bytes is None
