"""What a service counts: requests, tiles, jobs, and the runs of its jobs by the engine's names."""

from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lunarscale.engine.gauges import families
from lunarscale.engine.telling import LastRuns, News
from lunarscale.service.logs import Access, log_run

#: Upper ends of the classes of answers' times, in seconds: a kept tile, one that is drawn, a
#: statistic.
TIMES_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

#: What is asked for at no address of ours; its name is the caller's and would be kept for ever.
OTHER = "other"

#: How a tile's route ends, and what it is.
_TILES = {".png": "picture", ".npy": "values"}

_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")


class Metrics:
    """Counts what one app does.

    Parameters
    ----------
    jobs : callable
        How many jobs there are, by status.
    """

    def __init__(self, jobs: Callable[[], Mapping[str, int]]) -> None:
        self._registry, self._jobs = CollectorRegistry(), jobs
        self._runs: LastRuns[News] = LastRuns()
        self._requests = Counter(
            "lunarscale_requests_total", "Requests that were answered.",
            ["route", "method", "status"], registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "lunarscale_request_seconds", "Time until an answer was sent, in seconds.",
            ["route"], buckets=TIMES_S, registry=self._registry,
        )  # fmt: skip
        self._tiles = Counter(
            "lunarscale_tiles_total", "Tiles that were sent, or that the caller had.",
            ["kind"], registry=self._registry,
        )  # fmt: skip
        self._registry.register(self)

    def hear(self, news: News, *, last: bool) -> None:
        """Take the news of a job's run, and log its begin and end."""
        if last or news.run not in self._runs:
            log_run(news, last=last)
        self._runs[news.run] = news

    def answered(self, route: str, method: str, status: int, *, seconds: float) -> None:
        """Count a request."""
        known = method if method in _METHODS else OTHER
        self._requests.labels(route, known, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        kind = _TILES.get(route[-4:]) if "/tiles/" in route else None
        if kind is not None and status in (200, 304):
            self._tiles.labels(kind).inc()

    def collect(self) -> Iterator[Any]:
        """Jobs and runs as Prometheus asks for them."""
        jobs = GaugeMetricFamily("lunarscale_jobs", "Jobs by status.", labels=["status"])
        for status, count in self._jobs().items():
            jobs.add_metric([status], count)
        yield jobs
        yield from families(news.as_row() for news in list(self._runs.values()))

    def describe(self) -> Iterator[Any]:
        """Names, without values."""
        yield GaugeMetricFamily("lunarscale_jobs", "Jobs by status.", labels=["status"])
        yield from families(())

    def text(self) -> bytes:
        """All of it, in Prometheus' format."""
        return generate_latest(self._registry)


class Measured:
    """Counts every answer, and logs it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, access: Access) -> None:
        self._app, self._metrics, self._access = app, metrics, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, sent = perf_counter(), 0, 0

        async def watched(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # 499: the caller left before there was an answer (nginx's number for it)
            seconds, found = perf_counter() - begun, status or 499
            route = getattr(scope.get("route"), "path", OTHER)
            self._metrics.answered(route, scope["method"], found, seconds=seconds)
            self._access.log(scope, status=found, sent=sent, seconds=seconds)
