"""Jobs over HTTP: who may, what is refused and why, and what each verb makes."""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jobs_at_hand import MODELS, PREDICT, Caller, Gate, folder_with, objects, wait_for
from service_at_hand import HOST, Tokens, settings_for
from service_moon import CHUNK, ROWS, SHARD

from lunarscale.engine.record import RunRecord
from lunarscale.errors import StoreError
from lunarscale.service.app import create_app
from lunarscale.steps.export import export
from lunarscale.steps.overview import overview
from lunarscale.steps.predict import predict
from lunarscale.steps.summarise import summarise
from lunarscale.store.location import Location

#: Threads have one list of warnings: what another one ignores for a moment is told here.
pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not")

Service = Callable[..., TestClient]

SUMMARISE = {"verb": "summarise", "parameters": {"dataset": "maps.zarr", "by": ["moon", "maria"]}}
EXPORT = {"verb": "export", "parameters": {"dataset": "maps.zarr", "layer": "FeO"}}
OVERVIEW = {"verb": "overview", "parameters": {"dataset": "maps.zarr"}}


@pytest.fixture(scope="module")
def folder(service_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores to work with; tests make others beside them, each under its own name."""
    folder = folder_with(
        tmp_path_factory.mktemp("jobs"), service_data, "mosaic.zarr", "maps.zarr"
    )  # fmt: skip
    shutil.copytree(service_data.parent / "tiles", folder / "tiles")
    (folder / "notes").mkdir()
    (folder / "a-file").write_text("")
    return folder


@pytest.fixture(scope="module")
def caller(folder: Path, tokens: Tokens) -> Iterator[Caller]:
    settings = settings_for(folder, limits={"costly_a_minute": 100_000})
    app = create_app(settings, session=tokens.kept)
    with TestClient(app, base_url=f"http://{HOST}") as client:
        yield Caller(client, tokens.header("run"))


@pytest.fixture
def own(tmp_path: Path, service_data: Path) -> Path:
    """A folder that no other service runs the jobs of."""
    return folder_with(tmp_path / "own", service_data, "mosaic.zarr", "maps.zarr")


_numbers = count()


@pytest.fixture
def new() -> str:
    """A name that no dataset has."""
    return f"new-{next(_numbers)}.zarr"


def test_a_job_makes_what_the_command_makes(
    caller: Caller, folder: Path, new: str, tmp_path: Path
) -> None:
    id = caller.make(output=new, bbox=[-90, -45, 90, 45], by=["latitude:30"])
    facts = caller.show(id)
    assert (facts["status"], facts["owner"], facts["dataset"]) == ("created", "runer", new)
    assert not (folder / new).exists()  # nothing runs before it is started
    caller.start(id)
    facts = caller.finished(id)
    assert facts["done"] == facts["todo"] > 0
    direct = tmp_path / "direct.zarr"
    box = (-90.0, -45.0, 90.0, 45.0)
    predict(str(folder / "mosaic.zarr"), out=str(direct), models=MODELS, bbox=box,
            by=["latitude:30"])  # fmt: skip
    overview(str(direct))
    assert objects(folder / new) == objects(direct)
    shown = caller.client.get(f"/api/datasets/{new}").json()
    assert shown["shards"]["done"] == shown["shards"]["all"]
    assert len(shown["levels"]) > 1
    results = caller.ask("GET", f"/{id}/results").json()
    assert (results["dataset"], results["assets"]) == (new, {})
    said = caller.log(id)
    assert said[:2] == ["queued", "predict began"]
    assert said[-1] == "predict finished"
    assert any(line.startswith("making coarser levels: ") for line in said)


def test_statistics_are_those_of_the_command(caller: Caller, folder: Path) -> None:
    id = caller.run(SUMMARISE, by=["moon", "latitude:45"], stats=["mean", "mode"])["id"]
    assets = caller.ask("GET", f"/{id}/results").json()["assets"]
    assert set(assets) == {"statistics.csv", "statistics.json", "modes.csv"}
    content = {}
    for name, facts in assets.items():
        answer = caller.client.get(facts["href"], headers=caller.header)
        content[name] = answer.content
        assert len(answer.content) == facts["bytes"]
        assert hashlib.sha256(answer.content).hexdigest() == facts["sha256"]
        assert answer.headers["content-type"].startswith(facts["type"])
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.DictReader(io.StringIO(content["statistics.csv"].decode())))
    direct = summarise(str(folder / "maps.zarr"), by=["moon", "latitude:45"]).rows
    assert [(r["layer"], r["group"], float(r["mean"])) for r in rows if r["mean"]] == [
        (row.layer, row.group, row.mean) for row in direct if row.mean is not None
    ]
    assert len(json.loads(content["statistics.json"])) == len(direct) == len(rows)


def test_uploaded_polygons_are_regions_by_name(caller: Caller, tokens: Tokens) -> None:
    square = {
        "type": "Polygon", "coordinates": [[[0, 0], [30, 0], [30, 30], [0, 30], [0, 0]]]
    }  # fmt: skip
    answer = caller.client.post(
        "/api/polygons", params={"name": "square"}, json=square, headers=caller.header
    )
    assert answer.status_code == 201, answer.text
    id = caller.run(SUMMARISE, by=[], polygons=["square"])["id"]
    rows = caller.ask("GET", f"/{id}/results/statistics.json").json()
    assert {row["grouping"] for row in rows} == {"square"}
    assert rows[0]["valid_area_km2"] > 0


def test_a_layer_as_geotiff_is_the_commands(caller: Caller, folder: Path, tmp_path: Path) -> None:
    id = caller.run(EXPORT, bbox=[-30, -30, 30, 30])["id"]
    sent = caller.ask("GET", f"/{id}/results/FeO.tif")
    assert sent.headers["content-type"].startswith("image/tiff")
    box = (-30.0, -30.0, 30.0, 30.0)
    made = export(str(folder / "maps.zarr"), layer="FeO", out=str(tmp_path / "a.tif"), bbox=box)
    assert sent.content == made.read_bytes()


def test_tiles_beside_the_datasets_become_a_mosaic(
    caller: Caller, folder: Path, new: str
) -> None:  # fmt: skip
    verbs = caller.client.get("/api/verbs").json()
    assert verbs["tiles"] == ["notes", "tiles"]
    assert [verb["name"] for verb in verbs["verbs"]] == [
        "ingest", "predict", "overview", "summarise", "export"
    ]  # fmt: skip
    told = {"tiles": ["tiles"], "output": new, "ppd": ROWS / 180, "shard": SHARD, "chunk": CHUNK}
    caller.run({"verb": "ingest", "parameters": told})
    assert objects(folder / new) == objects(folder / "mosaic.zarr")


def test_levels_are_made_again_of_what_has_them(caller: Caller) -> None:
    facts = caller.run(OVERVIEW)
    assert facts["dataset"] == "maps.zarr"
    estimate = caller.ask("GET", f"/{facts['id']}/estimate").json()
    assert (estimate["pixels"], estimate["seconds"]) == (0, 0.0)
    assert estimate["basis"] == "nothing is left to compute"


P, S, X, V, G = (
    PREDICT["parameters"], SUMMARISE["parameters"], EXPORT["parameters"], OVERVIEW["parameters"],
    {"tiles": ["tiles"], "output": "x.zarr", "ppd": 1.0},
)  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "parameters", "status", "told"),
    [
        ("predict", {**P, "dataset": "gone.zarr"}, 404, "no dataset 'gone.zarr'"),
        ("predict", {**P, "dataset": "../mosaic.zarr"}, 404, "no dataset '../mosaic.zarr'"),
        ("predict", {**P, "dataset": "maps.zarr"}, 409, "a mosaic was expected"),
        ("predict", {**P, "dataset": "tiles"}, 404, "no dataset 'tiles'"),
        ("predict", {**P, "models": ["gone"]}, 404, "there is no model 'gone'"),
        ("predict", {**P, "models": ["/etc/passwd"]}, 404, "there is no model"),
        ("predict", {**P, "models": ["a.onnx"]}, 404, "there is no model 'a.onnx'"),
        ("predict", {**P, "models": MODELS[:1] * 2}, 422, "named twice"),
        ("predict", {**P, "models": ["x"] * 33}, 422, "at most 32"),
        ("predict", {**P, "bbox": [0, 10, 10, 0]}, 422, "0 10 10 0"),
        ("predict", {**P, "bbox": [0, -91, 10, 0]}, 422, "-90"),
        ("predict", {**P, "bbox": [0, 0, 10]}, 422, "parameters.bbox"),
        ("predict", {**P, "bbox": ["nan", 0, 10, 10]}, 422, "finite"),
        ("predict", {**P, "by": ["/etc/passwd"]}, 422, "parameters.by"),
        ("predict", {**P, "by": ["pkt=http://a.example/x.tab"]}, 422, "parameters.by"),
        ("predict", {**P, "by": ["latitude:0.0001"]}, 422, "65,535"),
        ("predict", {**P, "polygons": ["gone"]}, 404, "no upload 'gone'"),
        ("predict", {**P, "maria": "../../x"}, 404, "no upload '../../x'"),
        ("predict", {**P, "output": "maps.zarr"}, 409, "a finished dataset maps.zarr"),
        ("predict", {**P, "output": "mosaic.zarr"}, 409, "finished dataset mosaic.zarr"),
        ("predict", {**P, "output": "notes"}, 409, "no dataset is called notes"),
        ("predict", {**P, "output": "a-file"}, 409, "a-file"),
        ("predict", {**P, "output": "../x.zarr"}, 422, "parameters.output"),
        ("predict", {**P, "output": "/tmp/x.zarr"}, 422, "parameters.output"),
        ("predict", {**P, "output": ".hidden"}, 422, "parameters.output"),
        ("predict", {**P, "output": "x."}, 422, "parameters.output"),
        ("predict", {**P, "output": "s3://a"}, 422, "parameters.output"),
        ("predict", {**P, "output": "a\nb"}, 422, "parameters.output"),
        ("predict", {**P, "output": "a\n"}, 422, "parameters.output"),
        ("predict", {**P, "output": "x" * 64}, 422, "parameters.output"),
        ("predict", {**P, "overwrite": True}, 422, "overwrite"),
        ("predict", {**P, "storage_options": {}}, 422, "storage_options"),
        ("predict", {}, 422, "parameters.dataset"),
        ("summarise", {**S, "dataset": "mosaic.zarr"}, 409, "maps was expected"),
        ("summarise", {**S, "by": []}, 400, "none is named"),
        ("summarise", {**S, "by": ["moon", "moon"]}, 422, "two groupings are named moon"),
        ("summarise", {**S, "stats": ["everything"]}, 422, "parameters.stats"),
        ("summarise", {**S, "by": ["cells:600"]}, 413, "200,000 rows at most"),
        ("export", {**X, "layer": "Gold"}, 404, "no layer 'Gold'; it has FeO"),
        ("export", {**X, "bbox": [0, 0, 0, 0]}, 422, "0 0 0 0"),
        ("overview", {**V, "dataset": "mosaic.zarr"}, 409, "maps was expected"),
        ("ingest", {**G, "tiles": ["gone"]}, 404, "no folder of tiles 'gone'"),
        ("ingest", {**G, "tiles": ["../tiles"]}, 404, "no folder of tiles '../tiles'"),
        ("ingest", {**G, "tiles": ["maps.zarr"]}, 404, "no folder of tiles 'maps.zarr'"),
        ("ingest", {**G, "tiles": [".lunarscale"]}, 404, "no folder of tiles '.lunarscale'"),
        ("ingest", {**G, "tiles": ["notes"]}, 422, "no file, so none"),
        ("ingest", {**G, "tiles": []}, 422, "parameters.tiles"),
        ("ingest", {**G, "ppd": 90_000}, 413, "1,000,000,000,000 pixels at most"),
        ("ingest", {**G, "ppd": 0}, 422, "parameters.ppd"),
        ("ingest", {**G, "shard": 100, "chunk": 64}, 422, "chunk"),
        ("delete", {}, 422, "verb"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_when_it_is_asked_for(
    caller: Caller, folder: Path, verb: str, parameters: dict[str, Any], status: int, told: str
) -> None:
    before = caller.ask("GET", "").json()["jobs"]
    body = {"verb": verb, "parameters": parameters}
    detail = caller.detail("POST", "", status, json=body)
    assert told in detail
    assert str(folder) not in detail
    assert caller.ask("GET", "").json()["jobs"] == before
    assert not (folder / "x.zarr").exists()


def test_a_job_with_an_unfinished_mosaic_says_so(
    caller: Caller, folder: Path, service_data: Path, new: str
) -> None:
    name = f"part-of-{new}"
    shutil.copytree(service_data / "mosaic.zarr", folder / name)
    entry = next(path for path in sorted((folder / name / "ledger").iterdir()) if path.is_file())
    entry.unlink()
    id = caller.make(dataset=name, output=new)
    caller.start(id)
    facts = caller.ended(id)
    assert facts["status"] == "error"
    assert "1 problem, the first of which is" in facts["message"]
    assert "run its ingest again first" in facts["message"]
    assert str(folder) not in facts["message"]


def test_two_jobs_on_one_output(caller: Caller, new: str) -> None:
    first = caller.make(output=new)
    told = f"writes to {new} already"
    body = {**PREDICT, "parameters": {**P, "output": new}}
    assert told in caller.detail("POST", "", 409, json=body)
    other = caller.make(output=f"other-{new}")
    change = {"parameters": {**P, "output": new}}
    assert told in caller.detail("PATCH", f"/{other}", 409, json=change)
    assert caller.ask("DELETE", f"/{first}").status_code == 204
    assert caller.ask("PATCH", f"/{other}", json=change).json()["dataset"] == new
    caller.start(other)
    caller.finished(other)
    assert "finished dataset" in caller.detail("POST", "", 409, json=body)


def test_one_that_another_run_writes_to_is_told(caller: Caller, folder: Path, new: str) -> None:
    id = caller.make(output=new)
    store = Location(str(folder / new))
    with RunRecord("predict", {}, []).lock(store):
        caller.start(id)
        facts = caller.ended(id)
    assert facts["status"] == "error"
    assert "one run at a time writes to a store" in facts["message"]
    caller.start(id)
    caller.finished(id)


def test_canceled_between_shards_and_started_again(
    caller: Caller, folder: Path, new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = Gate(3).shut(monkeypatch)
    id, waiting = caller.make(output=new), caller.make(output=f"waiting-{new}")
    caller.start(id)
    caller.start(waiting)
    gate.wait()
    assert caller.show(waiting)["message"] == "waiting for 1 other job"
    caller.cancel(waiting)
    assert caller.ended(waiting)["status"] == "canceled"
    caller.cancel(id)
    facts = caller.show(id)
    assert (facts["status"], facts["message"]) == ("canceled", "canceled")
    caller.start(id)  # while the one that was canceled still has its shard in hand
    gate.opened.set()
    facts = caller.finished(id)
    # the fourth shard was on its way and counts: the second run goes on after it
    assert gate.passed == facts["todo"] or gate.passed > 4
    assert "stopped, as it was canceled; what is stored is kept" in caller.log(id)
    direct = tmp_path / "direct.zarr"
    predict(str(folder / "mosaic.zarr"), out=str(direct), models=MODELS)
    overview(str(direct))
    assert objects(folder / new) == objects(direct)


def test_a_full_disk_is_an_error_that_start_mends(
    caller: Caller, folder: Path, new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    monkeypatch.setattr("lunarscale.store.local.os.write", _writes_unless(full, after=120))
    id = caller.make(output=new)
    caller.start(id)
    facts = caller.ended(id)
    assert facts["status"] == "error"
    assert "the disk is full" in facts["message"]
    assert str(folder) not in facts["message"]
    assert sum("the disk is full" in line for line in caller.log(id)) == 1  # no other was tried
    kept = caller.client.get(f"/api/datasets/{new}").json()["shards"]["done"]
    full.touch()  # there is room again
    caller.start(id)
    caller.finished(id)
    assert 0 < kept < 8
    direct = tmp_path / "direct.zarr"
    predict(str(folder / "mosaic.zarr"), out=str(direct), models=MODELS)
    overview(str(direct))
    assert objects(folder / new) == objects(direct)


def _writes_unless(room: Path, *, after: int) -> Callable[..., int]:
    """``os.write`` on a disk that is full after so many writes until there is room."""
    import errno
    import os

    write, written = os.write, count()

    def limited(descriptor: int, piece: Any) -> int:
        if next(written) >= after and not room.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, piece)

    return limited


def test_a_fault_of_ours_is_told_by_number(
    caller: Caller, new: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    id = caller.make(output=new)
    monkeypatch.setattr(
        "lunarscale.service.jobs.mapping.prepare_overview", lambda out: 1 / 0
    )  # fmt: skip
    caller.start(id)
    facts = caller.ended(id)
    assert facts["status"] == "error"
    number = facts["message"].rpartition(" ")[2]
    assert number in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivisionError" not in "".join(caller.log(id))
    assert caller.run(SUMMARISE)["status"] == "finished"  # the next ones run


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


def test_a_job_is_estimated_changed_and_deleted(caller: Caller, folder: Path, new: str) -> None:
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
    changed = {**P, "output": new, "bbox": [-10, -10, 10, 10]}
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
    assert "cannot be given other" in caller.detail("PATCH", f"/{id}", 409, json={"parameters": P})
    assert "cannot be started" in caller.detail("POST", f"/{id}/results", 409)
    assert caller.ask("DELETE", f"/{id}").status_code == 204
    caller.detail("GET", f"/{id}", 404)
    assert (folder / new / "zarr.json").exists()


def test_results_go_with_their_job(caller: Caller, folder: Path) -> None:
    id = caller.make(SUMMARISE)
    assert "cannot be asked for results" in caller.detail("GET", f"/{id}/results", 409)
    caller.start(id)
    caller.finished(id)
    files = folder / ".lunarscale" / "jobs" / id
    assert (files / "statistics.csv").is_file()
    secret = files / "secret.txt"
    secret.write_text("not listed")
    for name in ("secret.txt", "%2e%2e", "%2e%2e%2fjobs.sqlite", "x%00", "STATISTICS.CSV"):
        assert caller.ask("GET", f"/{id}/results/{name}").status_code in (404, 409)
    assert caller.ask("DELETE", f"/{id}").status_code == 204
    assert not files.exists()


def test_what_does_not_fit_is_told_and_not_started(
    service: Service, tokens: Tokens, own: Path
) -> None:
    from lunarscale.clusters.opening import ClusterChoice

    small = ClusterChoice(workers=0, memory_limit="10MB")
    caller = Caller(service(own, cluster=small), tokens.header("run"))
    id = caller.make(output="new.zarr")
    told = caller.ask("GET", f"/{id}/estimate").json()
    assert told["fits"] is False
    assert "but has 10 MB" in told["refusal"]
    assert caller.detail("POST", f"/{id}/results", 422) == told["refusal"]
    assert caller.show(id)["status"] == "created"


def test_no_more_jobs_than_the_limit(service: Service, tokens: Tokens, own: Path) -> None:
    limits = {"jobs_waiting": 2, "jobs_kept": 1, "job_pixels": 1000}
    caller = Caller(service(own, limits=limits), tokens.header("admin"))
    small = {"bbox": [0, 0, 5, 5]}
    assert "1,000 pixels at most but" in caller.detail("POST", "", 413, json=EXPORT)
    first, second = caller.make(EXPORT, **small), caller.make(EXPORT, **small)
    body = {**EXPORT, "parameters": {**X, **small}}
    assert "2 jobs" in caller.detail("POST", "", 413, json=body)
    for id in (first, second):
        caller.start(id)
        caller.finished(id)
    wait_for(lambda: len(caller.ask("GET", "").json()["jobs"]) == 1, "the older one's end")
    assert caller.ask("GET", "").json()["jobs"][0]["id"] == second


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
    service: Service, tokens: Tokens, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunarscale.service.jobs.runner.PATIENCE_S", 0.2)
    client = service(own)
    caller = Caller(client, tokens.header("run"))
    gate = Gate(2).shut(monkeypatch)
    id = caller.make(output="new.zarr")
    caller.start(id)
    gate.wait()
    second = Caller(service(own), tokens.header("run"))
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
    service: Service, tokens: Tokens, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lunarscale.service.jobs.jobs.Database", read_only)
    caller = Caller(service(own), tokens.header("run"))
    assert caller.client.get("/api/datasets").status_code == 200
    assert "it has no jobs" in caller.detail("GET", "", 503)
    assert "it has no jobs" in caller.detail("POST", "", 503, json=SUMMARISE)


def test_a_problem_of_one_shard_ends_in_an_error_that_names_it(
    caller: Caller, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lunarscale.engine.mapping import MapTask

    make, made = MapTask._make, count()

    def sometimes(task: MapTask, *what: Any) -> Any:
        if next(made) in (2, 5):
            raise StoreError("this shard is not to be had")
        return make(task, *what)

    monkeypatch.setattr(MapTask, "_make", sometimes)
    id = caller.make(output=new)
    caller.start(id)
    facts = caller.ended(id)
    assert facts["status"] == "error"
    assert (
        f"{new} was finished but for 1 problem, the first of which is: this shard"
        in facts["message"]
    )
    assert (facts["done"], facts["todo"]) == (6, 8)
    caller.start(id)
    assert caller.finished(id)["done"] == caller.show(id)["todo"]
