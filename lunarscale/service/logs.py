"""What a service logs: one line an event, as JSON or for people; never a token, never a query.

Lines go to standard error. Each has time, level and message, and the run and job that its thread is
at; a request's has its path without the query, in which callers may have put what is secret.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lunarscale.clusters.log_lines import json_line, utc
from lunarscale.engine.telling import RUN, News

#: Facts of an event that a line shows, in their order.
FACTS = (
    "job", "run", "verb", "method", "path", "status", "milliseconds", "bytes", "caller",
    "shards", "pixels", "seconds", "problems", "retries", "workers_lost",
)  # fmt: skip

#: Letters of a path that are shown.
LONGEST_PATH = 200

#: The job that this thread is at; empty where it is at none.
JOB: ContextVar[str] = ContextVar("lunarscale_job", default="")

#: Whose lines are shown from "info" on; of all others, from "warning" on.
_OURS = "lunarscale"

_access = logging.getLogger("lunarscale.access")
_runs = logging.getLogger("lunarscale.run")


@contextmanager
def about(job: str) -> Iterator[None]:
    """What this thread logs within belongs to a job."""
    token = JOB.set(job)
    try:
        yield
    finally:
        JOB.reset(token)


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record tells beside its message; what is empty is left out."""
    around = {"run": RUN.get(), "job": JOB.get()}
    found = {name: record.__dict__.get(name, around.get(name)) for name in FACTS}
    return {name: value for name, value in found.items() if value not in (None, "")}


class JsonLines(logging.Formatter):
    """A record as one line of JSON, in ASCII: what a caller sent cannot begin another line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return json_line(record, record.getMessage(), facts_of(record))


class PlainLines(logging.Formatter):
    """A record for people: time, level, message, and what is known beside it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; an error's trace follows it."""
        facts = " ".join(f"{name}={value}" for name, value in facts_of(record).items())
        words = f"{record.getMessage().rstrip()} {facts}".rstrip()
        # an error's own words may hold anything too: no line of its trace begins as ours do
        trace = self.formatException(record.exc_info).splitlines() if record.exc_info else []
        first = f"{utc(record)} {record.levelname.lower()} {words}"
        return "\n".join(_printable(line) for line in [first, *(f"    {line}" for line in trace)])


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in line)


@contextmanager
def logging_as(format: str) -> Iterator[None]:
    """Log to standard error for as long as the ``with`` block.

    What libraries have put up to write there themselves, as Dask does, and Python's warnings have
    the same form meanwhile.

    Parameters
    ----------
    format : str
        ``json``: every request too; ``plain``: for a terminal, where these would be too many.
    """
    handler = logging.StreamHandler(sys.stderr)
    form = JsonLines() if format == "json" else PlainLines()
    handler.setFormatter(form)
    theirs = {each: each.formatter for each in _of_libraries()}
    ours, root, was = logging.getLogger(_OURS), logging.getLogger(), _access.disabled
    level = ours.level
    ours.setLevel(logging.INFO)
    _access.disabled = format == "plain"
    root.addHandler(handler)
    for each in theirs:
        each.setFormatter(form)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for each, form_before in theirs.items():
            each.setFormatter(form_before)
        root.removeHandler(handler)
        ours.setLevel(level)
        _access.disabled = was


def _of_libraries() -> set[logging.Handler]:
    """Handlers that do not wait for what comes to the root."""
    loggers = logging.Logger.manager.loggerDict.values()
    return {
        handler
        for logger in loggers
        if isinstance(logger, logging.Logger)  # others only hold a name's place
        for handler in logger.handlers
    }


class Access:
    """Logs requests; who called is their token's number or their address."""

    def log(self, scope: Any, *, status: int, sent: int, seconds: float) -> None:
        """One answered request of an ASGI scope."""
        if _access.disabled or not _access.isEnabledFor(logging.INFO):
            return
        caller = scope.get("state", {}).get("caller")
        facts = {
            "method": scope["method"][:10],
            "path": scope["path"][:LONGEST_PATH],
            "status": status,
            "milliseconds": round(1e3 * seconds, 1),
            "bytes": sent,
            "caller": "" if caller is None else caller.key,
        }
        _access.info("answered", extra=facts)


def log_run(news: News, *, last: bool) -> None:
    """That a run began, or how it ended."""
    facts: dict[str, Any] = {"run": news.run, "verb": news.verb}
    if not last:
        _runs.info("run began", extra=facts)
        return
    facts |= {
        "shards": news.shards_done,
        "pixels": news.pixels_done,
        "seconds": round(news.seconds, 3),
        "problems": news.problems,
        "retries": news.retries,
        "workers_lost": news.workers_lost,
    }
    level = logging.INFO if news.status == "finished" else logging.WARNING
    _runs.log(level, "run %s", news.status, extra=facts)
