"""One JSON object a line: what Dask's processes in containers log, and the service.

Dask sets its logging up while it is imported itself, so this file imports nothing of it, and
nothing heavy.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: Letters of an error's trace that are shown, its last ones.
LONGEST_TRACE = 8_000

#: The end of our loggers' names within Dask's; what they say is a JSON object with its ``event``.
_OURS = ".lunarscale"


class JsonLines(logging.Formatter):
    """A record of Dask's, or one of ours with the run that it tells of."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        message = record.getMessage()
        facts = json.loads(message) if record.name.endswith(_OURS) else {}
        return json_line(record, facts.pop("event", message), facts)


def json_line(record: logging.LogRecord, message: str, facts: Mapping[str, Any]) -> str:
    """A record as JSON, in ASCII: nothing that is told in it can begin another line."""
    line = {
        "time": utc(record),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": message,
        **facts,
    }
    if record.exc_info:
        line["trace"] = logging.Formatter().formatException(record.exc_info)[-LONGEST_TRACE:]
    return json.dumps(line, default=str)


def utc(record: logging.LogRecord) -> str:
    """When it was said, as ISO 8601 has it."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
