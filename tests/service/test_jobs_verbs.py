"""What each verb of jobs makes: the same, bit for bit, as its command."""

import csv
import hashlib
import io
import json
from pathlib import Path

from jobs_at_hand import EXPORT, MODELS, OVERVIEW, SUMMARISE, Caller, objects
from service_at_hand import Tokens
from service_moon import CHUNK, ROWS, SHARD

from lunarscale.steps.export import export
from lunarscale.steps.overview import overview
from lunarscale.steps.predict import predict
from lunarscale.steps.summarise import summarise


def test_a_job_makes_what_the_command_makes(
    caller: Caller, jobs_folder: Path, new: str, tmp_path: Path
) -> None:
    id = caller.make(output=new, bbox=[-90, -45, 90, 45], by=["latitude:30"])
    facts = caller.show(id)
    assert (facts["status"], facts["owner"], facts["dataset"]) == ("created", "runer", new)
    assert not (jobs_folder / new).exists()  # nothing runs before it is started
    caller.start(id)
    facts = caller.finished(id)
    assert facts["done"] == facts["todo"] > 0
    direct = tmp_path / "direct.zarr"
    box = (-90.0, -45.0, 90.0, 45.0)
    predict(str(jobs_folder / "mosaic.zarr"), out=str(direct), models=MODELS, bbox=box,
            by=["latitude:30"])  # fmt: skip
    overview(str(direct))
    assert objects(jobs_folder / new) == objects(direct)
    shown = caller.client.get(f"/api/datasets/{new}").json()
    assert shown["shards"]["done"] == shown["shards"]["all"]
    assert len(shown["levels"]) > 1
    results = caller.ask("GET", f"/{id}/results").json()
    assert (results["dataset"], results["assets"]) == (new, {})
    said = caller.log(id)
    assert said[:2] == ["queued", "predict began"]
    assert said[-1] == "predict finished"
    assert any(line.startswith("making coarser levels: ") for line in said)


def test_statistics_are_those_of_the_command(caller: Caller, jobs_folder: Path) -> None:
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
    direct = summarise(str(jobs_folder / "maps.zarr"), by=["moon", "latitude:45"]).rows
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


def test_a_layer_as_geotiff_is_the_commands(
    caller: Caller, jobs_folder: Path, tmp_path: Path
) -> None:
    id = caller.run(EXPORT, bbox=[-30, -30, 30, 30])["id"]
    sent = caller.ask("GET", f"/{id}/results/FeO.tif")
    assert sent.headers["content-type"].startswith("image/tiff")
    box = (-30.0, -30.0, 30.0, 30.0)
    made = export(
        str(jobs_folder / "maps.zarr"), layer="FeO", out=str(tmp_path / "a.tif"), bbox=box
    )
    assert sent.content == made.read_bytes()


def test_tiles_beside_the_datasets_become_a_mosaic(
    caller: Caller, jobs_folder: Path, new: str
) -> None:  # fmt: skip
    verbs = caller.client.get("/api/verbs").json()
    assert verbs["tiles"] == ["notes", "tiles"]
    assert [verb["name"] for verb in verbs["verbs"]] == [
        "ingest", "predict", "overview", "summarise", "export"
    ]  # fmt: skip
    told = {"tiles": ["tiles"], "output": new, "ppd": ROWS / 180, "shard": SHARD, "chunk": CHUNK}
    caller.run({"verb": "ingest", "parameters": told})
    assert objects(jobs_folder / new) == objects(jobs_folder / "mosaic.zarr")


def test_levels_are_made_again_of_what_has_them(caller: Caller) -> None:
    facts = caller.run(OVERVIEW)
    assert facts["dataset"] == "maps.zarr"
    estimate = caller.ask("GET", f"/{facts['id']}/estimate").json()
    assert (estimate["pixels"], estimate["seconds"]) == (0, 0.0)
    assert estimate["basis"] == "nothing is left to compute"
