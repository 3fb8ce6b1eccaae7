"""What Dask's processes in containers log: one JSON object a line, ours with the run's id."""

import json
import logging
import logging.config
from datetime import UTC, datetime

import pytest

from lunarscale.clusters.dask_settings import LOGGING
from lunarscale.clusters.log_lines import JsonLines


def said(name: str, message: str, error: Exception | None = None) -> dict[str, object]:
    """What a record's line holds."""
    seen = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, message, None, seen)
    line = JsonLines().format(record)
    assert len(line.splitlines()) == 1
    assert line.isascii()
    found: dict[str, object] = json.loads(line)
    when = datetime.fromisoformat(str(found.pop("time")))
    assert when.utcoffset() == datetime.now(UTC).utcoffset()
    return found


def test_a_line_of_dasks() -> None:
    assert said("distributed.core", "gone\nfar é") == {
        "level": "warning", "logger": "distributed.core", "message": "gone\nfar é",
    }  # fmt: skip


@pytest.mark.parametrize("role", ["scheduler", "worker"])
def test_a_line_of_ours_has_its_run(role: str) -> None:
    told = {"event": "problem", "run": "3f2a", "verb": "predict", "shards": 7}
    assert said(f"distributed.{role}.lunarscale", json.dumps(told)) == {
        "level": "warning", "logger": f"distributed.{role}.lunarscale", "message": "problem",
        "run": "3f2a", "verb": "predict", "shards": 7,
    }  # fmt: skip


def test_an_errors_trace_is_in_its_line() -> None:
    with pytest.raises(ValueError, match="of a task") as failure:
        raise ValueError("of a task")
    trace = said("distributed.worker", "failed", failure.value)["trace"]
    assert "ValueError: of a task" in str(trace)


def test_pythons_logging_takes_the_configuration() -> None:
    logging.config.DictConfigurator(LOGGING)  # type: ignore[arg-type]
    formatter = LOGGING["formatters"]["json"]  # type: ignore[index]
    made = logging.config.DictConfigurator(LOGGING).configure_formatter(dict(formatter))  # type: ignore[arg-type]
    assert isinstance(made, JsonLines)
