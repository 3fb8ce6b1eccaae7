"""The life of jobs over HTTP: who may, what is told of them, and what outlives what."""

from pathlib import Path

import pytest
from jobs_at_hand import EXPORT, PREDICT, SUMMARISE, Caller, Gate, Service
from service_at_hand import Tokens
from service_moon import ROWS


def test_who_may_see_what(caller: Caller, tokens: Tokens, new: str) -> None:
    id = caller.make(output=new)
    reader, admin = (
        Caller(caller.client, tokens.header("read")), Caller(caller.client, tokens.header("admin"))
    )  # fmt: skip
    nobody = Caller(caller.client, {})
    theirs = admin.make(SUMMARISE)
    for method, path in (
        ("GET", ""), ("POST", ""), ("GET", f"/{id}"), ("PATCH", f"/{id}"), ("DELETE", f"/{id}"),
        ("GET", f"/{id}/estimate"), ("POST", f"/{id}/results"), ("DELETE", f"/{id}/results"),
        ("GET", f"/{id}/results"), ("GET", f"/{id}/results/x"), ("GET", f"/{id}/logs"),
        ("GET", f"/{id}/events"),
    ):  # fmt: skip
        body = {"json": PREDICT} if method == "POST" and not path else {}
        body = {"json": {"title": "x"}} if method == "PATCH" else body
        assert "token of the role run" in nobody.detail(method, path, 401, **body)
        assert "needs the role run" in reader.detail(method, path, 403, **body)
        if path:
            other = path.replace(id, theirs)
            assert "there is no job" in caller.detail(method, other, 404, **body)
            assert "there is no job" in caller.detail(method, path.replace(id, "0"), 404, **body)
    assert {job["id"] for job in admin.ask("GET", "").json()["jobs"]} >= {id, theirs}
    assert theirs not in {job["id"] for job in caller.ask("GET", "").json()["jobs"]}
    assert admin.show(id)["owner"] == "runer"
    for job in (id, theirs):
        assert admin.ask("DELETE", f"/{job}").status_code == 204


def test_a_job_is_estimated_changed_and_deleted(
    caller: Caller, jobs_folder: Path, new: str
) -> None:
    id = caller.make(output=new, title="mine")
    told = caller.ask("GET", f"/{id}/estimate").json()
    assert told["pixels"] == ROWS * 2 * ROWS
    assert told["shards"] == 8
    assert told["shards_done"] == 0
    assert told["bytes_read"] > 0
    assert told["bytes_written"] > 0
    assert (told["fits"], told["refusal"]) == (True, None)
    assert told["worker_bytes"] > 2**28
    assert (told["seconds"] is None) == ("not known" in told["basis"])
    renamed = caller.ask("PATCH", f"/{id}", json={"title": "Nice"}).json()
    assert (renamed["title"], renamed["parameters"]["output"]) == ("Nice", new)
    changed = {**PREDICT["parameters"], "output": new, "bbox": [-10, -10, 10, 10]}
    assert caller.ask("PATCH", f"/{id}", json={"parameters": changed}).status_code == 200
    assert caller.ask("GET", f"/{id}/estimate").json()["pixels"] < told["pixels"]
    assert "parameters.output" in caller.detail("PATCH", f"/{id}", 422, json={"parameters": {}})
    caller.start(id)
    caller.finished(id)
    told = caller.ask("GET", f"/{id}/estimate").json()
    assert told["seconds"] == 0.0
    later = caller.make(output=f"later-{new}")
    told = caller.ask("GET", f"/{later}/estimate").json()
    assert "like this one" in told["basis"]
    assert told["seconds"] > 0
    assert "cannot be given other" in caller.detail(
        "PATCH", f"/{id}", 409, json={"parameters": PREDICT["parameters"]}
    )
    assert "cannot be started" in caller.detail("POST", f"/{id}/results", 409)
    assert caller.ask("DELETE", f"/{id}").status_code == 204
    caller.detail("GET", f"/{id}", 404)
    assert (jobs_folder / new / "zarr.json").exists()


def test_results_go_with_their_job(caller: Caller, jobs_folder: Path) -> None:
    id = caller.make(SUMMARISE)
    assert "cannot be asked for results" in caller.detail("GET", f"/{id}/results", 409)
    caller.start(id)
    caller.finished(id)
    files = jobs_folder / ".lunarscale" / "jobs" / id
    assert (files / "statistics.csv").is_file()
    secret = files / "secret.txt"
    secret.write_text("not listed")
    for name in ("secret.txt", "%2e%2e", "%2e%2e%2fjobs.sqlite", "x%00", "STATISTICS.CSV"):
        assert caller.ask("GET", f"/{id}/results/{name}").status_code in (404, 409)
    assert caller.ask("DELETE", f"/{id}").status_code == 204
    assert not files.exists()


def test_lists_and_logs_by_parts(caller: Caller) -> None:
    ids = [caller.make(SUMMARISE, title=str(number)) for number in range(3)]
    body = {"headers": {"Idempotency-Key": "one"}, "json": SUMMARISE}
    again = {caller.ask("POST", "", **body).json()["id"] for _ in range(2)}
    assert len(again) == 1
    caller.detail("POST", "", 409, headers={"Idempotency-Key": "one"}, json=EXPORT)
    listed = caller.ask("GET", "", params={"limit": 2, "offset": 1}).json()["jobs"]
    assert [job["id"] for job in listed] == [ids[2], ids[1]]
    caller.start(ids[0])
    caller.finished(ids[0])
    lines = caller.ask("GET", f"/{ids[0]}/logs").json()["logs"]
    assert [line["id"] for line in lines] == [str(n + 1) for n in range(len(lines))]
    assert {line["level"] for line in lines} == {"info"}
    part = caller.ask("GET", f"/{ids[0]}/logs", params={"offset": 1, "limit": 1}).json()["logs"]
    assert part == lines[1:2]
    assert caller.log(ids[0], level="warning") == []
    for id in (*ids, *again):
        caller.ask("DELETE", f"/{id}")


def test_jobs_outlive_their_service(
    service: Service, tokens: Tokens, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunarscale.service.jobs.runner.PATIENCE_S", 0.2)
    client = service(own_folder)
    caller = Caller(client, tokens.header("run"))
    gate = Gate(2).shut(monkeypatch)
    id = caller.make(output="new.zarr")
    caller.start(id)
    gate.wait()
    second = Caller(service(own_folder), tokens.header("run"))
    assert second.show(id)["status"] == "running"
    for method, path, body in (
        ("POST", "", {"json": SUMMARISE}), ("DELETE", f"/{id}/results", {}),
        ("PATCH", f"/{id}", {"json": {"title": "x"}}), ("DELETE", f"/{id}", {}),
        ("POST", f"/{id}/results", {}),
    ):  # fmt: skip
        assert "another service runs the jobs" in second.detail(method, path, 503, **body)
    client.app.state.house.leave()  # type: ignore[attr-defined]
    gate.opened.set()
    client.app.state.house.close()  # type: ignore[attr-defined]
    # the second one takes its place, and goes on
    second.finished(id)
    assert gate.passed == 8
    said = second.log(id)
    assert "the service ends; the job goes on when it starts again" in said


def test_where_nothing_can_be_kept_the_rest_goes_on(
    service: Service, tokens: Tokens, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lunarscale.service.jobs.jobs.Database", read_only)
    caller = Caller(service(own_folder), tokens.header("run"))
    assert caller.client.get("/api/datasets").status_code == 200
    assert "it has no jobs" in caller.detail("GET", "", 503)
    assert "it has no jobs" in caller.detail("POST", "", 503, json=SUMMARISE)
