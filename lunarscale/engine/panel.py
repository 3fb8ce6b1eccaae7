"""The panel of a cluster: its scheduler keeps how runs go, for a page, metrics and its log.

A run's client brings it (``engine.hearing``); it stays as long as the scheduler. It reads the
scheduler's state and changes none of it.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import monotonic, time
from typing import Any

from distributed import Scheduler, SchedulerPlugin
from tornado.ioloop import PeriodicCallback
from tornado.web import RequestHandler

import lunarscale
from lunarscale.engine.gauges import Row, expose, withdraw
from lunarscale.engine.panel_page import page
from lunarscale.engine.telling import LastRuns, News, from_row

#: Where the page is, on the dashboard's address, and what it shows as JSON.
PAGE, STATE = "/lunarscale", "/lunarscale.json"

#: Seconds between two looks at what workers take: a shard may take minutes without a word.
LOOK_S = 0.5

#: Tasks that make workers ready; they are no part of a run's work.
_REHEARSAL = "warm-"

#: Below Dask's own, so that it comes where the scheduler's log goes.
_log = logging.getLogger("distributed.scheduler.lunarscale")


@dataclass
class _Known:
    """A run, the client that told of it last, when, and the first word that told of shards."""

    news: News
    client: str
    at: float  # of this process's clock
    first: News | None

    @property
    def goes(self) -> bool:
        """Whether nothing has told of its end."""
        return self.news.status == "running"

    def as_row(self) -> Row:
        """All of it by name; of one that goes, the seconds go on between two words."""
        since = monotonic() - self.at if self.goes else 0.0
        return replace(self.news, seconds=self.news.seconds + since).as_row()

    @property
    def seconds_left(self) -> float | None:
        """Until the last shard, by the pace since the first came back: kernels were made before."""
        news, first = self.news, self.first
        if not self.goes or first is None or news.shards_done == first.shards_done:
            return None
        each = (news.seconds - first.seconds) / (news.shards_done - first.shards_done)
        since = monotonic() - self.at
        return max(0.0, (news.shards_todo - news.shards_done) * each - since)


class Panel(SchedulerPlugin):
    """Keeps how the last runs went."""

    name = "lunarscale-panel"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Begin; called by the scheduler."""
        self._scheduler = scheduler
        self._runs: LastRuns[_Known] = LastRuns()
        self._set_aside: set[Any] = set()
        scheduler.handlers["lunarscale_tell"] = self.tell
        prefix = "/" + (getattr(scheduler, "http_prefix", None) or "").strip("/")
        places = {PAGE: _Page, STATE: _State}
        scheduler.http_application.add_handlers(
            ".*$",
            [(prefix.rstrip("/") + at, which, {"panel": self}) for at, which in places.items()],
        )
        expose(self.rows)
        self._looking = PeriodicCallback(self.look, 1000.0 * LOOK_S)
        self._looking.start()

    async def close(self) -> None:
        """End; called by the scheduler."""
        self._looking.stop()
        withdraw(self.rows)

    async def tell(self, row: dict[str, Any], who: str) -> dict[str, Any]:
        """Take the news of a run; called by its client.

        Returns
        -------
        dict
            What only a scheduler knows of it.
        """
        told = from_row(row)
        known = self._runs.get(told.run)
        first = told if known is None or known.first is None else known.first
        if known is None:
            self._say("run began", told)
        else:
            told.retries, told.workers_lost = known.news.retries, known.news.workers_lost
            told.memory_peak_bytes = known.news.memory_peak_bytes
        self._runs[told.run] = _Known(told, who, monotonic(), first if first.shards_done else None)
        self._look_for([told])
        if told.status != "running":
            self._say("run ended", told, status=told.status, shards=told.shards_done,
                      pixels=told.pixels_done, seconds=round(told.seconds, 3),
                      problems=told.problems, retries=told.retries)  # fmt: skip
        names = ("retries", "workers_lost", "memory_planned_bytes", "memory_peak_bytes")
        return {name: getattr(told, name) for name in names}

    def rows(self) -> list[Row]:
        """How runs go, the latest last."""
        return [known.as_row() for known in self._in_order()]

    def state(self) -> dict[str, Any]:
        """All that the page shows."""
        workers = self._scheduler.workers.values()
        return {
            "lunarscale": lunarscale.__version__,
            "now": time(),
            "runs": [
                {**known.as_row(), "seconds_left": known.seconds_left} for known in self._in_order()
            ],
            "workers": [
                {
                    "name": str(worker.name),
                    "address": worker.address,
                    "threads": worker.nthreads,
                    "memory_bytes": worker.metrics.get("memory", 0),
                    "limit_bytes": worker.memory_limit or None,
                    "tasks": len(worker.processing),
                    "status": worker.status.name,
                }
                for worker in workers
            ],
        }

    def _in_order(self) -> list[_Known]:
        return sorted(self._runs.values(), key=lambda known: known.news.started)

    def look(self) -> None:
        """See what the workers take now, for the runs that go."""
        self._look_for(self._going())

    def _look_for(self, runs: Iterable[News]) -> None:
        """What the workers take now, and may take by the plan."""
        workers = self._scheduler.workers.values()
        taken = max((worker.metrics.get("memory", 0) for worker in workers), default=0)
        threads = max((worker.nthreads for worker in workers), default=1)
        for news in runs:
            news.memory_peak_bytes = max(taken, news.memory_peak_bytes or 0)
            news.memory_planned_bytes = news.base_bytes + threads * news.thread_bytes

    def _going(self, clients: Iterable[str] | None = None) -> list[News]:
        """The runs that go; of some clients alone, where these are given."""
        known = [each for each in self._runs.values() if each.goes]
        return [each.news for each in known if clients is None or each.client in clients]

    # what a scheduler tells its plugins

    def transition(
        self, key: Any, start: str, finish: str, *args: Any, stimulus_id: str, **kwargs: Any
    ) -> None:
        """A task that leaves a worker, or whose result is lost, and waits again, is a retry."""
        if finish == "released":
            if start in ("processing", "memory"):
                self._set_aside.add(key)
        elif key in self._set_aside:
            self._set_aside.discard(key)
            if finish == "waiting" and not str(key).startswith(_REHEARSAL):
                for news in self._whose(key):
                    news.retries += 1

    def _whose(self, key: Any) -> list[News]:
        """The runs of the client that wants a task; all that go where that is not known."""
        task = self._scheduler.tasks.get(key)
        wanted = {client.client_key for client in task.who_wants or ()} if task else set()
        return self._going(wanted) or self._going()

    def log_event(self, topic: str, msg: Any) -> None:
        """A worker left; one that was asked to is no loss."""
        if topic != "all" or not isinstance(msg, dict):
            return
        if msg.get("action") == "remove-worker" and not msg.get("expected"):
            for news in self._going():
                news.workers_lost += 1
                self._say("worker lost", news, worker=msg.get("worker"))

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """Whoever had a run that still goes has gone away without a word."""
        for known in self._runs.values():
            if known.goes and known.client == client:
                known.news.seconds += monotonic() - known.at
                known.news.status = "gone"
                self._say("run gone", known.news)

    @staticmethod
    def _say(event: str, news: News, **facts: Any) -> None:
        told = {"event": event, "run": news.run, "verb": news.verb, **facts}
        _log.info("%s", json.dumps(told))


def panel_link(dashboard: str) -> str:
    """The panel's address, from the dashboard's."""
    return dashboard.removesuffix("/status") + PAGE


class _Shown(RequestHandler):
    """Answers with what a panel knows."""

    def initialize(self, panel: Panel) -> None:
        self.panel = panel

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")


class _Page(_Shown):
    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.write(page())


class _State(_Shown):
    def get(self) -> None:
        self.write(self.panel.state())
