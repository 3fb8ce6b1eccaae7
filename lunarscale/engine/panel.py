"""The panel of a cluster: its scheduler keeps how runs go, for a page, metrics and its log.

A run's client brings it (``engine.hearing``); it stays as long as the scheduler. It reads the
scheduler's state and changes none of it.
"""

import json
import logging
from collections import OrderedDict
from time import time
from typing import Any

from distributed import Scheduler, SchedulerPlugin
from tornado.web import RequestHandler

import lunarscale
from lunarscale.engine.gauges import Row, expose, withdraw
from lunarscale.engine.panel_page import page
from lunarscale.engine.telling import News, from_row

#: Runs that are remembered.
RUNS_KEPT = 20

#: Where the page is, on the dashboard's address, and what it shows as JSON.
PAGE, STATE = "/lunarscale", "/lunarscale.json"

#: Tasks that make workers ready; they are no part of a run's work.
_REHEARSAL = "warm-"

#: Below Dask's own, so that it comes where the scheduler's log goes.
_log = logging.getLogger("distributed.scheduler.lunarscale")


class Panel(SchedulerPlugin):
    """Keeps how the last runs went."""

    name = "lunarscale-panel"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Begin; called by the scheduler."""
        self._scheduler = scheduler
        self._runs: OrderedDict[str, News] = OrderedDict()
        self._clients: dict[str, str] = {}
        self._set_aside: set[Any] = set()
        scheduler.handlers["lunarscale_tell"] = self.tell
        prefix = "/" + (getattr(scheduler, "http_prefix", None) or "").strip("/")
        places = {PAGE: _Page, STATE: _State}
        scheduler.http_application.add_handlers(
            ".*$",
            [(prefix.rstrip("/") + at, which, {"panel": self}) for at, which in places.items()],
        )
        expose(self.rows)

    async def close(self) -> None:
        """End; called by the scheduler."""
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
        if known is None:
            self._say("run began", told)
        else:
            told.retries, told.workers_lost = known.retries, known.workers_lost
            told.memory_peak_bytes = known.memory_peak_bytes
        self._runs[told.run] = told
        self._clients[told.run] = who
        self._look(told)
        if told.status != "running":
            self._say("run ended", told, status=told.status, shards=told.shards_done,
                      pixels=told.pixels_done, seconds=round(told.seconds, 3),
                      problems=told.problems, retries=told.retries)  # fmt: skip
        while len(self._runs) > RUNS_KEPT:
            self._clients.pop(self._runs.popitem(last=False)[0])
        names = ("retries", "workers_lost", "memory_planned_bytes", "memory_peak_bytes")
        return {name: getattr(told, name) for name in names}

    def rows(self) -> list[Row]:
        """How runs go, the latest last."""
        return [news.as_row() for news in self._runs.values()]

    def state(self) -> dict[str, Any]:
        """All that the page shows."""
        workers = self._scheduler.workers.values()
        return {
            "lunarscale": lunarscale.__version__,
            "now": time(),
            "runs": self.rows(),
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

    def _look(self, news: News) -> None:
        """What the workers take now, and may take by the plan."""
        workers = self._scheduler.workers.values()
        taken = max((worker.metrics.get("memory", 0) for worker in workers), default=0)
        threads = max((worker.nthreads for worker in workers), default=1)
        news.memory_peak_bytes = max(taken, news.memory_peak_bytes or 0)
        news.memory_planned_bytes = news.base_bytes + threads * news.thread_bytes

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
        going = [news for news in self._runs.values() if news.status == "running"]
        return [news for news in going if self._clients[news.run] in wanted] or going

    def log_event(self, topic: str, msg: Any) -> None:
        """A worker left; one that was asked to is no loss."""
        if topic != "all" or not isinstance(msg, dict) or msg.get("action") != "remove-worker":
            return
        for news in self._runs.values():
            if news.status == "running" and not msg.get("expected"):
                news.workers_lost += 1
                self._say("worker lost", news, worker=msg.get("worker"))

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """Whoever had a run that still goes has gone away without a word."""
        for news in self._runs.values():
            if news.status == "running" and self._clients[news.run] == client:
                news.status = "gone"
                self._say("run gone", news)

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
