"""Jobs that cannot be are refused when they are asked for, or before they are started."""

from pathlib import Path
from typing import Any

import pytest
from jobs_at_hand import EXPORT, MODELS, OVERVIEW, PREDICT, SUMMARISE, Caller, Service, wait_for
from service_at_hand import Tokens

from lunarscale.clusters.opening import ClusterChoice

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
    caller: Caller, jobs_folder: Path, verb: str, parameters: dict[str, Any], status: int, told: str
) -> None:
    before = caller.ask("GET", "").json()["jobs"]
    body = {"verb": verb, "parameters": parameters}
    detail = caller.detail("POST", "", status, json=body)
    assert told in detail
    assert str(jobs_folder) not in detail
    assert caller.ask("GET", "").json()["jobs"] == before
    assert not (jobs_folder / "x.zarr").exists()


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


def test_what_does_not_fit_is_told_and_not_started(
    service: Service, tokens: Tokens, own_folder: Path
) -> None:
    small = ClusterChoice(workers=0, memory_limit="10MB")
    caller = Caller(service(own_folder, cluster=small), tokens.header("run"))
    id = caller.make(output="new.zarr")
    told = caller.ask("GET", f"/{id}/estimate").json()
    assert told["fits"] is False
    assert "but has 10 MB" in told["refusal"]
    assert caller.detail("POST", f"/{id}/results", 422) == told["refusal"]
    assert caller.show(id)["status"] == "created"


def test_no_more_jobs_than_the_limit(service: Service, tokens: Tokens, own_folder: Path) -> None:
    limits = {"jobs_waiting": 2, "jobs_kept": 1, "job_pixels": 1000}
    caller = Caller(service(own_folder, limits=limits), tokens.header("admin"))
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
