"""What summarise writes reads back as what was summed."""

import csv
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lunarscale.errors import StoreError
from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import equal_area_cells
from lunarscale.grid.groupings import Seas, WholeMoon
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import AREA_KM2, Sea
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.cell_moments import CellMoments
from lunarscale.reduce.products import Products
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.stats import read_stats
from lunarscale.reduce.sums import Chunk
from lunarscale.reduce.table import finish
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.summarising.files import Results, cell_table, parquet, write_results

GRID = RasterGrid.whole(0.5)
SEAS = Seas((Sea("wide", 30.0, 10.0, 3000.0), Sea("missed", 0.0, 0.0, 1.0)))
GROUPINGS = (WholeMoon(), SEAS)
LAYERS = ("FeO", "TiO2", "OMAT")
SHOWN = tuple(QUANTITIES[name] for name in LAYERS)
CELLS = equal_area_cells(50_000.0)


def summed(measure):
    rng = np.random.default_rng(5)
    counts = np.empty((3, GRID.height, GRID.width), dtype=np.int16)
    counts[0] = rng.normal(1400, 300, counts[0].shape)
    counts[1] = counts[0] // 4 + rng.normal(0, 30, counts[0].shape)
    counts[2] = rng.normal(2200, 100, counts[2].shape)
    counts[:, 40:50] = NO_DATA
    tally = measure.tally(LAYERS, grid=GRID, window=GRID.window)
    tally.add(Chunk(GRID.window, counts, np.where(counts == NO_DATA, 1, 0).astype(np.uint8)))
    return tally.partial()


@pytest.fixture(scope="module")
def results():
    statistics = summed(Histograms(GROUPINGS))
    sampled = summed(SampledHistograms(CELLS, GROUPINGS))
    covariances = tuple(summed(Products(grouping)) for grouping in GROUPINGS)
    return Results(statistics, SHOWN, finish(statistics, SHOWN, sampled=sampled), covariances)


def test_everything_has_its_file(results, tmp_path):
    written = write_results(results, tmp_path, read_stats("all"))
    assert [path.name for path in written] == [
        "statistics.csv", "statistics.json", "modes.csv", "histograms.parquet", "covariance.csv",
        "pca.csv",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in written)


def test_usually_there_is_the_table_alone(results, tmp_path):
    written = write_results(results, tmp_path)
    assert [path.name for path in written] == ["statistics.csv", "statistics.json"]
    with written[0].open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    objects = json.loads(written[1].read_text("utf-8"))
    assert len(lines) == len(objects) == 9
    for row, line, record in zip(results.rows, lines, objects, strict=True):
        assert list(line) == list(record)
        assert float(line["area_km2"]) == record["area_km2"] == row.area_km2
        assert line["mean"] == ("" if row.mean is None else repr(row.mean))
        assert record["mean_cells"] == row.mean_cells
        assert line["note"] == record["note"] == row.note


def test_modes_and_covariances_read_back(results, tmp_path):
    write_results(results, tmp_path, read_stats("mode,covariance"))
    modes = pd.read_csv(tmp_path / "modes.csv").set_index(["layer", "group"])
    assert modes.loc[("FeO", "Moon"), "location"] == pytest.approx(7.0, abs=0.1)
    assert modes.loc[("FeO", "missed"), "note"] == "no valid pixel"
    pairs = pd.read_csv(tmp_path / "covariance.csv").set_index(["x", "y", "group"])
    assert len(pairs) == 9
    moon = pairs.loc[("FeO", "TiO2", "Moon")]
    assert moon["slope"] == pytest.approx(0.25, abs=0.005)
    assert moon["correlation"] == pytest.approx(75 / np.hypot(75, 30), abs=0.01)
    assert pairs.loc[("FeO", "TiO2", "missed"), "note"] == "no pixel has both values"


def test_components_read_back(results, tmp_path):
    write_results(results, tmp_path, read_stats("pca"))
    found = pd.read_csv(tmp_path / "pca.csv")
    moon = found[found["group"] == "Moon"]
    assert moon["cumulative_share"].iloc[-1] == pytest.approx(1.0)
    assert moon["variance"].sum() == pytest.approx(3.0)
    first = moon.iloc[0]
    assert first["loading_FeO"] == pytest.approx(first["loading_TiO2"], abs=1e-3)
    missed = found[found["group"] == "missed"]
    assert missed["component"].tolist() == [0]
    assert missed["share"].isna().all()


def test_histograms_read_back(results, tmp_path):
    write_results(results, tmp_path, read_stats("histogram"))
    frame = pd.read_parquet(tmp_path / "histograms.parquet")
    assert list(frame) == [
        "layer", "grouping", "group", "units", "low", "high", "area_km2", "share",
    ]  # fmt: skip
    whole = frame[(frame["layer"] == "FeO") & (frame["group"] == "Moon")]
    assert whole["share"].sum() == pytest.approx(1.0)
    assert whole["area_km2"].sum() == pytest.approx(results.rows[0].valid_area_km2)
    middle = (whole["low"] + whole["high"]) / 2
    assert (middle * whole["share"]).sum() == pytest.approx(results.rows[0].mean, abs=0.03)


def test_covariances_that_were_not_summed_are_not_made_up(results, tmp_path):
    without = Results(results.statistics, SHOWN, results.rows)
    with pytest.raises(StoreError, match="no products of layers were summed"):
        write_results(without, tmp_path, read_stats("covariance"))


def test_cells_read_back():
    sums = summed(CellMoments(CELLS))
    table = cell_table(sums, 0, SHOWN[0])
    frame = pq.read_table(pa.BufferReader(parquet(table))).to_pandas()
    figures = sums.figures(0, SHOWN[0])
    assert set(frame["layer"]) == {"FeO"}
    assert set(frame["units"]) == {"wt %"}
    np.testing.assert_array_equal(frame["cell"], figures.numbers)
    np.testing.assert_array_equal(frame["mean"], figures.mean)
    np.testing.assert_array_equal(frame["lat"], CELLS.centres(figures.numbers)[1])
    assert frame["area_km2"].sum() == pytest.approx(AREA_KM2, rel=1e-9)
    empty = table.column("mean").null_count
    assert empty == (sums.sums.weights[0] == 0).sum() > 0
