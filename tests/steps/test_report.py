"""The report tells what predict counted."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from lunarscale.engine.executors import Serial
from lunarscale.models.equations import QIU_2025_FEO, WILCOX_2005_FEO
from lunarscale.simulated.archive import write_archive
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict
from lunarscale.steps.report import _model, report
from lunarscale.steps.reporting.origins import notes_of
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps made with a mask that says that the northern hemisphere is mare."""
    folder = tmp_path_factory.mktemp("report")
    write_archive(folder / "tiles", ppd=0.5)
    mask = np.zeros((1, 18, 36), np.uint8)
    mask[:, :9] = 255
    with rasterio.open(
        folder / "north.png", "w", driver="PNG", width=36, height=18, count=1, dtype="uint8"
    ) as file:
        file.write(mask)
    ingest([str(folder / "tiles")], out=str(folder / "mosaic.zarr"), ppd=0.5, shard=64, chunk=32)
    predict(
        str(folder / "mosaic.zarr"),
        out=str(folder / "maps.zarr"),
        models=["qiu-2025-feo", "wilcox-2005-feo"],
        mare=str(folder / "north.png"),
    )
    return folder / "maps.zarr"


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_maria_of_the_page_are_those_of_the_mask(maps: Path, tmp_path: Path) -> None:
    page = report(str(maps), out=str(tmp_path / "report"))
    text = page.read_text(encoding="utf-8")
    assert "SIMULATED DATA" in text
    assert "north.png" in text  # in the provenance
    with (tmp_path / "report" / "statistics.csv").open(encoding="utf-8") as file:
        rows = {(r["layer"], r["group"]): r for r in csv.DictReader(file)}
    half = float(rows["FeO", "maria"]["area_km2"]), float(rows["FeO", "non-maria"]["area_km2"])
    assert half[0] == pytest.approx(half[1], rel=1e-9)
    assert float(rows["FeO_wilcox_2005", "non-maria"]["outside_mare_share"]) == 1.0
    assert float(rows["FeO_wilcox_2005", "maria"]["outside_mare_share"]) == 0.0
    assert (tmp_path / "report" / "FeO_wilcox_2005.png").stat().st_size > 10_000


class Asked(Serial):
    """A serial executor that tells how many jobs it was given."""

    def __init__(self) -> None:
        self.jobs = 0

    def reduce(self, task: Any, jobs: Sequence[Any], *rest: Any, **options: Any) -> Any:
        self.jobs += len(jobs)
        return super().reduce(task, jobs, *rest, **options)


@pytest.mark.parametrize("keeps", [True, False])
def test_all_of_the_maps_is_read_by_the_executor(
    keeps: bool, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pass over the shards for all pictures, and for statistics that were not kept."""
    if not keeps:
        monkeypatch.setattr("lunarscale.steps.report.first_summary", lambda cube: None)
    executor, cube = Asked(), Cube.open(Location(str(maps)))
    report(str(maps), out=str(tmp_path), executor=executor)
    assert executor.jobs == len(cube.layout.windows())
    with (tmp_path / "statistics.csv").open(encoding="utf-8") as file:
        assert {row["grouping"] for row in csv.DictReader(file)} == {"moon", "maria", "seas"}


def test_what_a_model_says_of_itself_goes_with_its_maps(maps: Path) -> None:
    layers = Cube.open(Location(str(maps))).layout.layers
    assert [layer.remark for layer in layers] == [
        QIU_2025_FEO.validity,
        WILCOX_2005_FEO.validity,
    ]
    doubtful = replace(layers[1], remark="experimental: no skill where a landing site was held out")
    notes = {note.heading: note.text for note in notes_of([layers[0], doubtful])}
    assert notes["qiu-2025-feo"] == QIU_2025_FEO.validity
    assert "no skill" in notes["wilcox-2005-feo"]
    assert [_model(layer) for layer in (layers[0], doubtful)] == [
        "qiu-2025-feo",
        "wilcox-2005-feo (experimental)",
    ]
