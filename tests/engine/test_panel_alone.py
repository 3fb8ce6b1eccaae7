"""What a panel keeps of runs, without a cluster: a scheduler of words, and a clock that is set."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import lunarscale.engine.panel
from lunarscale.engine.panel import Panel
from lunarscale.engine.telling import RUNS_KEPT, News

RUN = News("0badcafe", "ingest", started=5.0, shards=9, shards_todo=9, base_bytes=7, thread_bytes=2)


class Watched:
    """A panel of a scheduler with one worker of two threads."""

    def __init__(self, loop: asyncio.Runner) -> None:
        self._loop, self.panel = loop, Panel()
        self.worker: Any = SimpleNamespace(
            name="one", address="tcp://127.0.0.1:1", nthreads=2, metrics={"memory": 100},
            memory_limit=1000, processing=(), status=SimpleNamespace(name="running"),
        )  # fmt: skip
        pages = SimpleNamespace(add_handlers=lambda host, handlers: None)
        scheduler: Any = SimpleNamespace(
            handlers={}, http_application=pages, workers={"one": self.worker}, tasks={}
        )
        self.scheduler = scheduler
        loop.run(self.panel.start(scheduler))

    def tell(self, news: News, who: str = "Client-1") -> dict[str, Any]:
        """News as a client tells them."""
        return self._loop.run(self.panel.tell(news.as_row(), who))

    def row(self, run: str = RUN.run) -> dict[str, Any]:
        """What is shown of a run."""
        (found,) = [dict(row) for row in self.panel.rows() if row["run"] == run]
        return found


@pytest.fixture
def watched() -> Iterator[Watched]:
    with asyncio.Runner() as loop:  # between two calls it does not turn
        made = Watched(loop)
        yield made
        loop.run(made.panel.close())


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets seconds go by."""
    now = [1000.0]
    monkeypatch.setattr(lunarscale.engine.panel, "monotonic", lambda: now[0])

    def later(seconds: float) -> None:
        now[0] += seconds

    return later


def test_between_two_words_of_a_run_its_time_goes_on(
    watched: Watched, wait: Callable[[float], None]
) -> None:
    watched.tell(replace(RUN, seconds=2.0, pixels_done=6_000_000))
    wait(1.0)
    assert (watched.row()["seconds"], watched.row()["mpx_per_second"]) == (3.0, 2.0)
    watched.tell(replace(RUN, seconds=4.0, pixels_done=6_000_000, status="finished"))
    wait(50.0)
    assert (watched.row()["seconds"], watched.row()["mpx_per_second"]) == (4.0, 1.5)


def test_a_run_whose_command_went_away_ends_then(
    watched: Watched, wait: Callable[[float], None]
) -> None:
    watched.tell(replace(RUN, seconds=2.0), who="Client-2")
    watched.panel.remove_client(watched.scheduler, "Client-1")
    assert watched.row()["status"] == "running"
    wait(3.0)
    watched.panel.remove_client(watched.scheduler, "Client-2")
    wait(9.0)
    assert (watched.row()["status"], watched.row()["seconds"]) == ("gone", 5.0)


def test_what_is_left_goes_by_the_pace_since_the_first_shards(
    watched: Watched, wait: Callable[[float], None]
) -> None:
    def left() -> float | None:
        (run,) = watched.panel.state()["runs"]
        seconds: float | None = run["seconds_left"]
        return seconds

    for seconds, done in ((0.0, 0), (20.0, 1)):  # kernels are compiled meanwhile
        watched.tell(replace(RUN, seconds=seconds, shards_done=done))
        assert left() is None
    watched.tell(replace(RUN, seconds=24.0, shards_done=5))
    assert left() == 4.0
    wait(1.5)
    assert left() == 2.5
    wait(60.0)
    assert left() == 0.0
    watched.tell(replace(RUN, seconds=90.0, shards_done=9, status="finished"))
    assert left() is None


def test_workers_are_looked_at_between_two_words(watched: Watched) -> None:
    watched.tell(RUN)
    watched.worker.metrics["memory"] = 900
    watched.panel.look()
    watched.worker.metrics["memory"] = 50
    told = watched.tell(replace(RUN, status="finished"))
    assert (told["memory_peak_bytes"], told["memory_planned_bytes"]) == (900, 11)
    watched.worker.metrics["memory"] = 10_000  # another's
    watched.panel.look()
    assert watched.row()["memory_peak_bytes"] == 900


def test_a_run_that_goes_is_remembered_whatever_ends_meanwhile(watched: Watched) -> None:
    watched.tell(RUN)
    watched.panel.log_event("all", {"action": "remove-worker", "expected": False})
    for number in range(3 * RUNS_KEPT):
        watched.tell(replace(RUN, run=f"short-{number}", started=10.0 + number, status="finished"))
        watched.tell(RUN)
    rows = watched.panel.rows()
    assert len(rows) == RUNS_KEPT
    assert rows[0]["run"] == RUN.run  # shown by when they began
    assert rows[0]["workers_lost"] == 1  # what is counted never falls
    assert rows[-1]["run"] == f"short-{3 * RUNS_KEPT - 1}"


def test_a_worker_that_was_asked_to_leave_is_no_loss(watched: Watched) -> None:
    watched.tell(RUN)
    watched.tell(replace(RUN, run="over", status="finished"))
    watched.panel.log_event("all", {"action": "remove-worker", "expected": True})
    watched.panel.log_event("others", {"action": "remove-worker", "expected": False})
    assert watched.row()["workers_lost"] == 0
    watched.panel.log_event("all", {"action": "remove-worker", "expected": False})
    assert (watched.row()["workers_lost"], watched.row("over")["workers_lost"]) == (1, 0)
