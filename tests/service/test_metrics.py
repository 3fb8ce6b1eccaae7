"""What a service tells machines: health, metrics by the engine's names, logs without secrets."""

import io
import json
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jobs_at_hand import Caller, folder_with, wait_for
from prometheus_client.parser import text_string_to_metric_families
from service_at_hand import Tokens

from lunarscale.engine.gauges import FIGURES
from lunarscale.service.logs import JsonLines, PlainLines, about, logging_as

Service = Callable[..., TestClient]


def samples(client: TestClient, **headers: Any) -> dict[tuple[str, frozenset[Any]], float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def labelled(name: str, **labels: str) -> tuple[str, frozenset[Any]]:
    return name, frozenset(labels.items())


def test_it_lives_and_is_ready(service: Service, service_data: Path) -> None:
    client = service(service_data, private=True)
    assert client.get("/healthz").json() == {"status": "lives"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_it_is_not_ready_without_its_folder(service: Service, tmp_path: Path) -> None:
    client = service(tmp_path / "data")
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert client.get("/healthz").status_code == 200


def test_requests_and_tiles_are_counted_by_their_routes(
    service: Service, service_data: Path
) -> None:
    client = service(service_data)
    client.get("/api/datasets/maps.zarr")
    client.get("/api/datasets/none.zarr")
    for name in ("secret", "other"):
        client.get(f"/{name}/{name}?token=hidden")
    client.request("BREW", "/api")
    tile = client.get("/api/datasets/maps.zarr/tiles/MoonCylindrical/0/0/0.png?layer=FeO")
    assert tile.status_code == 200, tile.text
    found = samples(client)
    route, name = "/api/datasets/{name}", "lunarscale_requests_total"
    assert found[labelled(name, route=route, method="GET", status="200")] == 1
    assert found[labelled(name, route=route, method="GET", status="404")] == 1
    assert found[labelled(name, route="other", method="GET", status="404")] == 2
    assert found[labelled("lunarscale_tiles_total", kind="picture")] == 1
    assert found[labelled("lunarscale_request_seconds_count", route=route)] == 2
    text = client.get("/metrics").text
    assert not any(word in text for word in ("maps.zarr", "secret", "hidden", "BREW"))


def test_a_private_service_tells_its_metrics_to_readers(
    service: Service, service_data: Path, tokens: Tokens
) -> None:
    client = service(service_data, private=True)
    assert client.get("/metrics").status_code == 401
    assert samples(client, **tokens.header("read"))


def test_jobs_and_their_runs_have_the_engines_names(
    service: Service, service_data: Path, tmp_path: Path, tokens: Tokens
) -> None:
    client = service(folder_with(tmp_path / "data", service_data, "mosaic.zarr"))
    caller = Caller(client, tokens.header("run"))
    id = caller.make(models=["qiu-2025-feo"], levels=False)
    assert samples(client)[labelled("lunarscale_jobs", status="created")] == 1
    caller.start(id)
    wait_for(lambda: caller.show(id)["status"] == "finished", "the job's end")
    found = samples(client)
    assert found[labelled("lunarscale_jobs", status="finished")] == 1
    of_run = {name: value for (name, labels), value in found.items() if "run" in dict(labels)}
    # without a cluster nobody knows a worker's memory
    known = {figure.name for figure in FIGURES if not figure.field.startswith("memory")}
    assert set(of_run) == known
    assert of_run["lunarscale_shards_done_total"] == of_run["lunarscale_shards_todo"] > 0
    assert of_run["lunarscale_retries_total"] == 0


def test_the_log_is_json_with_run_and_job_and_without_secrets(
    service: Service, service_data: Path, tmp_path: Path, tokens: Tokens,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    client = service(folder_with(tmp_path / "data", service_data, "mosaic.zarr"))
    caller = Caller(client, tokens.header("run"))
    with logging_as("json"):
        client.get("/api?token=in-the-query")
        client.get("/no%0A%7B%22forged%22")
        id = caller.make(models=["qiu-2025-feo"], levels=False)
        caller.start(id)
        wait_for(lambda: caller.show(id)["status"] == "finished", "the job's end")
    written = capsys.readouterr().err
    assert tokens.run not in written
    assert "in-the-query" not in written
    lines = [json.loads(line) for line in written.splitlines()]
    (front,) = [line for line in lines if line.get("path") == "/api"]
    assert (front["method"], front["status"], front["level"]) == ("GET", 200, "info")
    assert any(line.get("path") == '/no\n{"forged"' for line in lines)
    began, ended = [line for line in lines if line["logger"] == "lunarscale.run"]
    assert began["message"] == "run began"
    assert ended["message"] == "run finished"
    assert began["run"] == ended["run"]
    assert (began["job"], began["verb"]) == (id, "predict")
    assert any(line.get("job") == id and line["message"] == "predict finished" for line in lines)


def test_a_plain_line_has_no_requests_and_keeps_to_its_line(
    service: Service, service_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_as("plain"):
        service(service_data).get("/api")
        with about("job-7"):
            logging.getLogger("lunarscale.test").warning("two\nlines")
    lines = capsys.readouterr().err.splitlines()  # the service may have said something itself
    assert lines[-1].endswith("warning two?lines job=job-7")
    assert not any("/api" in line for line in lines)


def test_an_errors_trace_is_in_its_line_and_forges_none() -> None:
    try:
        raise ValueError("of ours\n2026-01-01T00:00:00.000+00:00 info all is \x1b[32mwell")
    except ValueError as error:
        seen = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("lunarscale", logging.ERROR, __file__, 1, "failed", None, seen)
    written = JsonLines().format(record)
    assert len(written.splitlines()) == 1
    assert "ValueError: of ours\n2026" in json.loads(written)["trace"]
    first, *trace = PlainLines().format(record).splitlines()
    assert first.endswith(" error failed")
    assert "    ValueError: of ours" in trace
    assert trace[-1] == "    2026-01-01T00:00:00.000+00:00 info all is ?[32mwell"


def test_what_libraries_write_has_the_same_form() -> None:
    library, written = logging.getLogger("a.library"), io.StringIO()
    handler = logging.StreamHandler(written)
    library.addHandler(handler)  # as Dask does for its own
    try:
        with logging_as("json"):
            library.error("the way to it\nis gone")
        library.error("over")
    finally:
        library.removeHandler(handler)
    within, after = written.getvalue().splitlines()
    assert json.loads(within)["message"] == "the way to it\nis gone"
    assert after == "over"


def test_what_python_warns_of_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(), logging_as("json"):
        warnings.simplefilter("always")
        warnings.warn("this will\ngo", DeprecationWarning, stacklevel=1)
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "DeprecationWarning: this will\ngo" in line["message"]
