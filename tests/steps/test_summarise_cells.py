"""What cells hold, written strip by strip, against the maps taken whole."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from cli_at_hand import lunarscale
from maps_at_hand import open_cube, write_maps

from lunarscale.engine.executors import Serial
from lunarscale.engine.outcome import Outcome
from lunarscale.errors import TornError
from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import BandedCells, equal_area_cells, qiu_2025_cells
from lunarscale.grid.raster import RasterGrid
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.cell_moments import CellMoments
from lunarscale.reduce.sums import Chunk
from lunarscale.steps.summarising.cells import (
    CellFiles,
    coarseness,
    prepare_cells,
    strips_of,
    summarise_cells,
)

GRID = RasterGrid.whole(0.5)
LAYERS = ("FeO", "OMAT")

#: Bands that lie across the edges of shards, all of the Moon and a part.
CELLS = {
    "whole": equal_area_cells(40_000.0),
    "belt": BandedCells("belt", (-61.0, -20.0, 1.0, 50.0), (30, 50, 9), west_deg=-171.3),
}


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(7)
    made = rng.integers(-2000, 9000, (2, GRID.height, GRID.width)).astype(np.int16)
    made[rng.random(made.shape) < 0.3] = NO_DATA
    made[:, 20:30, :60] = NO_DATA
    return made


@pytest.fixture(scope="module")
def maps(counts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("celled") / "maps.zarr"
    return write_maps(folder, dict(zip(LAYERS, counts, strict=True)), GRID)


class Backwards:
    """Runs the jobs from the last to the first, so that every strip but one waits."""

    def fold(self, task, jobs, *, merge, initial):
        return Serial().fold(task, list(jobs)[::-1], merge=merge, initial=initial)


@pytest.mark.parametrize("executor", [Serial(), Backwards()], ids=["serial", "backwards"])
@pytest.mark.parametrize("name", CELLS)
def test_files_hold_what_the_maps_taken_whole_hold(maps, counts, tmp_path, name, executor):
    cells = CELLS[name]
    paths = summarise_cells(maps, cells, out=str(tmp_path), executor=executor)
    assert [path.name for path in paths] == ["FeO.parquet", "OMAT.parquet"]
    assert len(strips_of(open_cube(maps).layout.windows())) > 2
    tally = CellMoments(cells).tally(LAYERS, grid=GRID, window=GRID.window)
    tally.add(Chunk(GRID.window, counts, np.zeros(counts.shape, np.uint8)))
    whole = tally.partial()
    for place, path in enumerate(paths):
        found = pd.read_parquet(path)
        expected = whole.figures(place, QUANTITIES[LAYERS[place]])
        np.testing.assert_array_equal(found["cell"], expected.numbers)
        for column in ("mean", "std", "min", "max", "valid_share", "area_km2", "pixels"):
            np.testing.assert_array_equal(found[column], getattr(expected, column))
    assert len(pd.read_parquet(tmp_path / "cells")) == 2 * whole.numbers.size
    assert pq.ParquetFile(paths[0]).num_row_groups > 1


def test_a_shard_that_fails_leaves_no_file(maps, tmp_path):
    with CellFiles(open_cube(maps), CELLS["whole"], tmp_path) as files:
        prepared = prepare_cells(files)
        task = prepared.begin()
        for window in prepared.jobs[1:]:
            assert files.take(task(window)).sums == {}
        files.take(Outcome("shard", problem=TornError("torn")))
    assert [path for path in Path(tmp_path).rglob("*") if path.is_file()] == []


def test_workers_need_the_memory_of_a_shard_only(maps, tmp_path):
    files = CellFiles(open_cube(maps), CELLS["whole"], tmp_path)
    assert prepare_cells(files).plan.process_bytes == 0


def test_by_cells_is_a_word_of_the_command(maps, tmp_path):
    out = tmp_path / "out"
    text = lunarscale("summarise", maps, "--by", "cells", "--out", out, "--workers", 0).stdout
    assert f"wrote {out / 'cells' / 'FeO.parquet'}" in text.replace("\n", "")
    assert "only cells that hold a pixel's centre have a row" in " ".join(text.split())
    # pixels of two degrees are wider than the paper's cells: each has one of its own
    found = pd.read_parquet(out / "cells" / "FeO.parquet")
    assert len(found) == GRID.height * GRID.width
    facts = json.loads(pq.read_schema(out / "cells" / "FeO.parquet").metadata[b"lunarscale"])
    assert facts["note"] == coarseness(GRID, qiu_2025_cells())
    assert not (out / "statistics.csv").exists()


@pytest.mark.parametrize("area_km2", [300.0, 3_000.0, 8_000.0, 40_000.0])
def test_coarseness_is_said_where_cells_go_without_a_row(area_km2):
    """Counted: without a word every cell has a pixel."""
    cells = equal_area_cells(area_km2)
    numbers = cells.numbers(GRID, GRID.window)
    has_all = len(np.unique(numbers[numbers >= 0])) == cells.count
    assert (coarseness(GRID, cells) == "") == has_all


def test_a_dry_run_by_cells_writes_nothing(maps, tmp_path):
    out = tmp_path / "out"
    text = lunarscale("summarise", maps, "--by", "moon,cells", "--out", out, "--dry-run").stdout
    assert "summarise cells" in text
    assert not out.exists()
