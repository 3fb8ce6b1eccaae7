"""A simulated bimodal map summarised whole: modes, pairs, cells beside, from one pass."""

import csv
import io
import json

import numpy as np
import pytest
from cli_at_hand import lunarscale, refused
from maps_at_hand import open_cube, write_maps
from rich.console import Console

from lunarscale.errors import ParametersError
from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import equal_area_cells
from lunarscale.grid.groupings import WholeMoon
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid
from lunarscale.reduce.stats import read_stats
from lunarscale.reduce.table import CELLS_BY_CENTRES
from lunarscale.steps.opening import quantities_of
from lunarscale.steps.summarise import PRODUCTS, SAMPLED, STATISTICS, measures_of, summarise
from lunarscale.steps.summarising.tables import summary_tables

GRID = RasterGrid.whole(4.0)
BY = ("moon", "maria")

#: FeO of the simulated highlands and maria, wt %, and their standard deviations.
HIGHLANDS, MARIA = (4.47, 0.8), (18.82, 1.2)


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """A simulated Moon of 1440 x 720 pixels, mare where the built-in circles are."""
    rng = np.random.default_rng(11)
    mare = Maria.from_seas().numbers(GRID, GRID.window) == 1
    shape = mare.shape
    iron = np.where(mare, rng.normal(*MARIA, shape), rng.normal(*HIGHLANDS, shape))
    counts = {"FeO": np.rint(iron / 0.005).astype(np.int16)}
    counts["MgO"] = np.rint((4.0 + 0.3 * iron + rng.normal(0, 0.2, shape)) / 0.005).astype(np.int16)
    for values in counts.values():
        values[:10] = NO_DATA
    folder = tmp_path_factory.mktemp("bimodal") / "maps.zarr"
    return write_maps(folder, counts, GRID, shard=256, chunk=128)


@pytest.fixture(scope="module")
def summary(maps):
    return summarise(maps, by=BY, stats=read_stats("all"), cells=equal_area_cells(2000.0))


def test_both_modes_come_within_a_tenth_of_a_wt_percent(summary, tmp_path):
    summary.write(str(tmp_path), read_stats("mode"))
    with (tmp_path / "modes.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["layer"] == "FeO"]
    places = {
        group: [float(row["location"]) for row in rows if row["group"] == group]
        for group in ("Moon", "maria", "non-maria")
    }
    assert places["Moon"] == pytest.approx([HIGHLANDS[0], MARIA[0]], abs=0.1)
    assert places["maria"] == pytest.approx([MARIA[0]], abs=0.1)
    assert places["non-maria"] == pytest.approx([HIGHLANDS[0]], abs=0.1)
    shares = [float(row["area_share"]) for row in rows if row["group"] == "Moon"]
    moon, maria = (next(r for r in summary.rows if r.group == g) for g in ("Moon", "maria"))
    assert shares[1] == pytest.approx(maria.valid_area_km2 / moon.valid_area_km2, abs=0.002)


def test_pairs_and_components_are_of_every_group(summary):
    found = {row.group: row for row in summary.results.relations()}
    assert list(found) == ["Moon", "maria", "non-maria"]
    for row in found.values():
        assert (row.slope, row.intercept) == pytest.approx((0.3, 4.0), abs=0.01)
        spread = 0.3 * row.x_std
        assert row.correlation == pytest.approx(spread / np.hypot(spread, 0.2), abs=0.01)
    for one in summary.results.components():
        r = found[one.group].correlation
        assert one.variances == pytest.approx([1 + r, 1 - r])


def test_cells_stand_beside(summary):
    for row in summary.rows:
        assert row.sampled_cells > 1000
        assert row.mean_difference == pytest.approx(row.mean_cells - row.mean, abs=1e-12)
        assert abs(row.mean_difference) < 6 * row.std / np.sqrt(row.sampled_cells)


def test_all_tables_stand_whole_on_a_terminal(summary):
    tables = summary_tables(summary.results, read_stats("all"))
    console = Console(width=80, file=io.StringIO(), color_system=None)
    for table in tables:
        console.print(table)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for title in ("FeO, wt %", "Means of all pixels", "Modes of", "Layers against", "Principal"):
        assert title in text
    assert len(summary_tables(summary.results)) == 2  # the means of cells were asked for


def test_what_was_kept_is_not_counted_again(maps, summary):
    groupings = (WholeMoon(), Maria.from_seas())
    usual = measures_of(groupings)
    assert list(usual) == [STATISTICS]
    assert measures_of(groupings, kept=summary.statistics) == {}
    pairs = read_stats("covariance")
    names = list(measures_of(groupings, stats=pairs, kept=summary.statistics))
    assert names == [f"{PRODUCTS}moon", f"{PRODUCTS}maria"]
    cells = equal_area_cells(2000.0)
    assert list(measures_of(groupings, cells=cells)) == [STATISTICS, SAMPLED]
    assert list(summary.quantities) == quantities_of(open_cube(maps))


def test_a_bandwidth_is_an_option_of_the_command(maps, tmp_path):
    lunarscale("summarise", maps, "--by", "moon", "--stats", "mode", "--bandwidth", "FeO=0.5",
               "--out", tmp_path / "out", "--workers", 0)  # fmt: skip
    with (tmp_path / "out" / "modes.csv").open(encoding="utf-8") as file:
        rules = {(row["layer"], row["rule"]) for row in csv.DictReader(file)}
    assert rules == {("FeO", "given"), ("MgO", "plug-in")}
    words = ("summarise", maps, "--bandwidth", "SiO2=0.5", "--out", tmp_path / "no")
    assert "--bandwidth SiO2=0.5: needs a layer" in refused(*words)
    assert "'median' is no statistic" in refused(*words[:2], "--stats", "median", *words[4:])


def test_python_has_bandwidths_too(maps):
    by_hand = summarise(maps, by=["moon"], bandwidths={"FeO": 0.5})
    assert {(row.layer, row.bandwidth) for row in by_hand.results.modes if row.layer == "FeO"} == {
        ("FeO", 0.5)
    }
    for layer, width in (("SiO2", 0.5), ("FeO", 0.0), ("FeO", float("nan"))):
        with pytest.raises(ParametersError, match=f"bandwidth {layer}={width:g}: needs a layer"):
            summarise(maps, by=["moon"], bandwidths={layer: width})


def test_components_are_of_the_matrix_that_was_asked_for(maps, tmp_path):
    found = {}
    for matrix in ("correlation", "covariance"):
        out = tmp_path / matrix
        lunarscale("summarise", maps, "--by", "moon", "--pca", matrix, "--out", out, "--workers", 0)
        with (out / "pca.csv").open(encoding="utf-8") as file:
            found[matrix] = list(csv.DictReader(file))
        assert {row["matrix"] for row in found[matrix]} == {matrix}
        assert (out / "statistics.csv").exists()
    spread = {row["component"]: float(row["variance"]) for row in found["covariance"]}
    whole = summarise(maps, by=["moon"])
    total = sum(row.std**2 for row in whole.rows)  # wt %, squared: what the components share out
    assert sum(spread.values()) == pytest.approx(total, rel=1e-9)
    assert sum(float(row["variance"]) for row in found["correlation"]) == pytest.approx(2.0)


@pytest.fixture
def wedge(tmp_path):
    """A triangle whose slanted sides cut pixels."""
    ring = [[-60.0, -20.0], [60.0, -13.0], [5.0, 40.0], [-60.0, -20.0]]
    path = tmp_path / "wedge.geojson"
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"name": "Wedge"}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return str(path)


@pytest.mark.parametrize("draws", ["", "maria="])
def test_shares_of_pixels_hold_for_areas_and_products_and_cells_go_by_centres(maps, wedge, draws):
    """One grouping by exact coverage: cells are sampled by its form by centres, and rows say so."""
    asked = {
        "by": [draws + wedge],
        "stats": ("mean", "covariance"),
        "cells": equal_area_cells(9000.0),
    }
    cut, whole = summarise(maps, coverage=True, **asked), summarise(maps, **asked)
    for divided, centred in zip(cut.rows, whole.rows, strict=True):
        assert divided.note == CELLS_BY_CENTRES
        assert centred.note == ""
        assert divided.sampled_cells == centred.sampled_cells > 100
        assert divided.mean_cells == centred.mean_cells
        assert divided.mean_difference == pytest.approx(divided.mean_cells - divided.mean)
        assert divided.valid_area_km2 != centred.valid_area_km2
        assert divided.valid_area_km2 == pytest.approx(centred.valid_area_km2, rel=0.01)
    of = {(row.layer, row.group): row for row in cut.rows}
    for relation in cut.results.relations():
        row = of[relation.x, relation.group]
        assert relation.area_km2 == row.valid_area_km2
        assert relation.x_mean == pytest.approx(row.mean, rel=1e-12)
