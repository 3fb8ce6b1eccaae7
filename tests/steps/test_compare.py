"""Comparisons: a planted difference is found, figures against brute force, refusals said."""

import io
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from maps_at_hand import described_by, write_maps
from rich.console import Console

from lunarscale.engine.executors import OnDask, Serial
from lunarscale.errors import ParametersError, RegionError, StoreError
from lunarscale.flags import NO_DATA, REASON_MASK, MapReason
from lunarscale.grid.groupings import Seas
from lunarscale.grid.raster import RasterGrid
from lunarscale.simulated.surface import simulated_truth
from lunarscale.steps.compare import compare, finding_of, prepare_compare
from lunarscale.steps.comparing.names import split_name
from lunarscale.steps.comparing.page import changed_tables
from lunarscale.steps.comparing.question import ask, ask_preset
from lunarscale.steps.comparing.tables import write_tables
from lunarscale.store.layout import MapLayer

GRID = RasterGrid.whole(1.0)
QUANTUM = 0.005
PLANTED, OFFSET = "Mare Crisium", 1.235


@pytest.fixture(scope="module")
def iron():
    """Counts of the simulated Moon's FeO, with gaps."""
    lon, lat = np.meshgrid(GRID.lons(), GRID.lats())
    counts = np.rint(simulated_truth(lon, lat).FeO / QUANTUM).astype(np.int16)
    counts[(lat > 70) & (lon > 100)] = NO_DATA
    return counts


@pytest.fixture(scope="module")
def planted(iron, tmp_path_factory):
    """One store with FeO, and FeO by another model that is more in one sea, noise elsewhere."""
    inside = Seas().numbers(GRID, GRID.window) == Seas().groups.index(PLANTED) + 1
    rng = np.random.default_rng(3)
    other = iron + rng.integers(-12, 13, iron.shape).astype(np.int16)
    other = np.where(inside, iron + round(OFFSET / QUANTUM), other).astype(np.int16)
    other[iron == NO_DATA] = NO_DATA
    other[:5] = NO_DATA
    path = tmp_path_factory.mktemp("planted") / "maps.zarr"
    return write_maps(path, {"FeO": iron, "FeO_other": other}, GRID, shard=64, chunk=32), other


@pytest.fixture(scope="module")
def found(planted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    store, _ = planted
    return compare(f"{store}:FeO_other", f"{store}:FeO", out=str(folder)), folder


def counted(first, second, **options):
    """What a comparison finds, nothing written or drawn."""
    asked = ask(first, second, **options)
    return finding_of(asked, prepare_compare(asked).run(Serial()))


def test_a_planted_difference_is_found(found):
    _, folder = found
    changed = pd.read_csv(folder / "FeO_changed.csv")
    for measure in ("mean_difference", "moved_area"):
        ranked = changed[(changed["by"] == measure) & (changed.grouping == "seas")]
        first = ranked.iloc[0]
        assert first.group == PLANTED
        assert abs(first.mean_difference - OFFSET) <= QUANTUM
        assert first.moved_share == 1.0
    by_mean = changed[changed["by"] == "mean_difference"].iloc[0]
    assert by_mean.group == PLANTED
    told = json.loads((folder / "FeO_comparison.json").read_text())
    assert told["most_changed"]["mean_difference"][0] == f"seas: {PLANTED}"
    assert told["simulated"]


def test_figures_are_those_of_brute_force(found, planted, iron):
    finding, _ = found
    _, other = planted
    both = (iron != NO_DATA) & (other != NO_DATA)
    weights = np.broadcast_to(GRID.pixel_areas_m2()[:, None], both.shape)[both]
    a, b = other[both] * QUANTUM, iron[both] * QUANTUM
    whole = finding.whole
    assert whole.mean_difference == pytest.approx(np.average(a - b, weights=weights), abs=1e-9)
    assert whole.rmse == pytest.approx(np.sqrt(np.average((a - b) ** 2, weights=weights)))
    covariance = np.cov(b, a, aweights=weights)
    assert whole.slope == pytest.approx(covariance[0, 1] / covariance[0, 0])
    assert whole.correlation == pytest.approx(
        covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    )
    assert whole.rma_slope == pytest.approx(np.sqrt(covariance[1, 1] / covariance[0, 0]))
    assert whole.area_km2 == pytest.approx(weights.sum() / 1e6)
    order = np.argsort(a - b, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    low, high = (a - b)[order][np.searchsorted(reached, [0.025, 0.975])]
    assert (whole.p2_5, whole.p97_5) == pytest.approx((low, high), abs=1e-9)
    moved = np.abs(a - b) >= finding.moved_by * QUANTUM - 1e-9
    assert whole.moved_share == pytest.approx(weights[moved].sum() / weights.sum())


def test_tables_and_files(found):
    finding, folder = found
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "FeO_regions.csv", "FeO_statistics.csv", "FeO_changed.csv", "FeO_histogram.csv",
        "FeO_density.parquet", "FeO_comparison.json", "FeO_difference.tif", "FeO_difference.png",
        "FeO_histogram.png", "FeO_histogram.svg", "FeO_density.png", "FeO_density.svg",
        "FeO_boxes.png", "FeO_boxes.svg",
    }  # fmt: skip
    regions = pd.read_csv(folder / "FeO_regions.csv")
    assert len(regions) == 1 + 2 + len(Seas().groups)
    histogram = pd.read_csv(folder / "FeO_histogram.csv")
    areas = histogram.groupby(["grouping", "group"]).area_km2.sum()
    assert areas["moon", "Moon"] == pytest.approx(finding.whole.area_km2)
    density = pd.read_parquet(folder / "FeO_density.parquet")
    assert density.area_km2.sum() == pytest.approx(finding.whole.area_km2)
    assert finding.shares().sum() == pytest.approx(1.0)


def test_the_geotiff_holds_the_difference(found, planted, iron):
    _, folder = found
    _, other = planted
    both = (iron != NO_DATA) & (other != NO_DATA)
    with rasterio.open(folder / "FeO_difference.tif") as image:
        counts, scale, tags = image.read(1), image.scales[0], image.tags()
    np.testing.assert_array_equal(counts, np.where(both, other - iron, NO_DATA))
    assert scale == QUANTUM
    assert tags["simulated"] == "True"
    assert tags["B"].endswith(":FeO")


def test_on_a_terminal(found):
    console = Console(width=100, record=True)
    console.print(changed_tables(found[0]))
    text = console.export_text()
    assert PLANTED in text
    assert "pixel by pixel" in text


def test_the_density_has_a_threshold(planted, tmp_path, iron):
    store, other = planted
    finding = counted(f"{store}:FeO_other", f"{store}:FeO", by=["maria"], density_above=10.0)
    both = (iron != NO_DATA) & (other != NO_DATA)
    weights = np.broadcast_to(GRID.pixel_areas_m2()[:, None], both.shape) / 1e6
    above = both & (iron >= 2000) & (other >= 2000)
    outside = finding.left_out()
    inside = finding.whole.area_km2 * finding.shares()[:-1, :-1].sum()
    assert inside == pytest.approx(weights[above].sum() - outside["at_or_above_last_edge_km2"])
    assert outside["below_first_edge_km2"] == pytest.approx(weights[both & ~above].sum())
    with pytest.raises(ParametersError, match=r"--density-above 50: both maps end below it"):
        ask(f"{store}:FeO_other", f"{store}:FeO", density_above=50.0)


@pytest.mark.parametrize(
    "wrong", [{"density_above": math.nan}, {"moved_by": math.nan}, {"moved_by": -1.0}]
)
def test_thresholds_that_are_none_are_refused(planted, wrong):
    store, _ = planted
    with pytest.raises(ParametersError, match=r"--(density-above|moved-by) (nan|-1): .*give one"):
        ask(f"{store}:FeO_other", f"{store}:FeO", **wrong)


def test_what_moved_can_be_asked_for(planted):
    store, _ = planted
    finding = counted(f"{store}:FeO_other", f"{store}:FeO", by=["seas"], moved_by=1.0)
    assert finding.moved_by == 200
    moved = {row.group for row in finding.rows if row.moved_area_km2 and row.grouping == "seas"}
    assert moved == {PLANTED}


def test_differences_that_do_not_fit_are_told(tmp_path):
    a = np.full((GRID.height, GRID.width), 20_000, np.int16)
    b = a.copy()
    b[90, :10] = -20_000
    store = write_maps(tmp_path / "m.zarr", {"FeO": a, "FeO_b": b}, GRID, shard=64, chunk=32)
    finding = counted(f"{store}:FeO", f"{store}:FeO_b", by=["maria"])
    area = 10 * GRID.pixel_areas_m2()[90] / 1e6
    assert finding.whole.beyond_range_km2 == pytest.approx(area)
    assert finding.whole.mean_difference == 0.0
    reasons = finding.statistics.group(0, 1).layers[2].flags.values & REASON_MASK
    assert MapReason.BEYOND_RANGE in reasons
    assert finding.whole.common_share_a == 1.0  # both have a value there all the same


def test_each_maps_own_ground_is_told(tmp_path, iron):
    """A lacks the west of 90 W, B the east of 0, and both a polar cap."""
    lon, lat = np.meshgrid(GRID.lons(), GRID.lats())
    a, b = np.where(lon < -90, NO_DATA, iron), np.where(lon > 0, NO_DATA, iron)
    a[lat > 60], b[lat > 60] = NO_DATA, NO_DATA
    layers = {"FeO": a.astype(np.int16), "FeO_b": b.astype(np.int16)}
    store = write_maps(tmp_path / "m.zarr", layers, GRID, shard=64, chunk=32)
    finding = counted(f"{store}:FeO", f"{store}:FeO_b", by=["hemispheres"])
    write_tables(finding, str(tmp_path))
    areas = np.broadcast_to(GRID.pixel_areas_m2()[:, None], lon.shape) / 1e6
    own = [areas[values != NO_DATA].sum() for values in (a, b)]
    both = areas[(a != NO_DATA) & (b != NO_DATA)].sum()
    whole = finding.whole
    assert (whole.valid_a_km2, whole.valid_b_km2) == pytest.approx(own)
    shares = (whole.common_share_a, whole.common_share_b)
    assert shares == pytest.approx([both / area for area in own])
    near = finding.rows[1]
    front = np.abs(lon) < 90
    assert near.valid_b_km2 == pytest.approx(areas[front & (b != NO_DATA)].sum())
    told = json.loads((tmp_path / "FeO_comparison.json").read_text())["ground"]
    assert told["A"] == {"valid_km2": whole.valid_a_km2, "common_share": whole.common_share_a}
    assert told["both_km2"] == whole.area_km2
    assert f"{100 * both / own[0]:.1f} % of A's and {100 * both / own[1]:.1f} % of B's" in shown(
        finding
    )


def test_a_simulated_map_beside_another_is_said(tmp_path, iron):
    made = write_maps(tmp_path / "made.zarr", {"FeO": iron}, GRID)
    real = write_maps(tmp_path / "real.zarr", {"FeO": iron}, GRID, simulated=False)
    said = "B is SIMULATED and A is not"
    mixed = counted(f"{real}:FeO", f"{made}:FeO", by=["maria"])
    write_tables(mixed, str(tmp_path / "out"))
    assert said in shown(mixed)
    told = json.loads((tmp_path / "out" / "FeO_comparison.json").read_text())
    assert said in told["kinds"]
    assert (told["A"]["simulated"], told["B"]["simulated"]) == (False, True)
    same = counted(f"{made}:FeO", f"{made}:FeO", by=["maria"])
    assert "SIMULATED and" not in shown(same)


def shown(finding):
    """What the terminal tells, in one line."""
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(changed_tables(finding))
    return " ".join(console.export_text().split())


def test_maps_without_a_value_are_said(tmp_path, iron):
    nothing = np.full_like(iron, NO_DATA)
    west, east = iron.copy(), iron.copy()
    west[:, 180:], east[:, :180] = NO_DATA, NO_DATA
    counts = {"FeO": iron, "FeO_none": nothing, "FeO_west": west, "FeO_east": east}
    store = write_maps(tmp_path / "m.zarr", counts, GRID, shard=64, chunk=32)
    out = str(tmp_path / "out")
    with pytest.raises(
        StoreError, match=r"maps?\S*:FeO_none: no pixel has a value at all|FeO_none"
    ):
        compare(f"{store}:FeO", f"{store}:FeO_none", out=out)
    with pytest.raises(StoreError, match="nowhere do both have a value"):
        compare(f"{store}:FeO_west", f"{store}:FeO_east", out=out)


def test_a_region_without_values_has_a_row_that_says_so(tmp_path, iron):
    crop = GRID.crop(20, -10, 80, 40)
    part = iron[50:100, 200:260]
    store = write_maps(tmp_path / "m.zarr", {"FeO": part, "FeO_b": part}, crop)
    finding = counted(f"{store}:FeO", f"{store}:FeO_b")
    empty = next(row for row in finding.rows if row.group == "Mare Orientale")
    assert empty.mean_difference is None
    assert empty.note
    assert finding.whole.mean_difference == 0.0
    assert finding.moved_by == 1


@pytest.mark.parametrize(
    ("text", "store", "layer"),
    [
        ("maps.zarr:FeO", "maps.zarr", "FeO"),
        ("maps.zarr", "maps.zarr", None),
        ("s3://bucket/maps.zarr", "s3://bucket/maps.zarr", None),
        ("s3://bucket/maps.zarr:FeO", "s3://bucket/maps.zarr", "FeO"),
        ("http://host:9000/maps.zarr", "http://host:9000/maps.zarr", None),
        ("http://host:9000/maps.zarr:TiO2", "http://host:9000/maps.zarr", "TiO2"),
        ("C:\\data\\maps.zarr", "C:\\data\\maps.zarr", None),
        ("C:\\data\\maps.zarr:FeO", "C:\\data\\maps.zarr", "FeO"),
        ("C:maps.zarr", "C:maps.zarr", None),
        ("C:/data/maps.zarr:FeO", "C:/data/maps.zarr", "FeO"),
        ("maps.zarr:", "maps.zarr", ""),
        (":FeO", ":FeO", None),
    ],
)
def test_names_of_maps(text, store, layer):
    assert split_name(text) == (store, layer)


def test_names_that_do_not_name_a_map(planted, tmp_path):
    store, _ = planted
    with pytest.raises(StoreError, match=r"a layer must be named too, as \S+maps.zarr:FeO; the st"):
        ask(store, f"{store}:FeO")
    with pytest.raises(StoreError, match="there is no map CaO; the store has FeO, FeO_other"):
        ask(f"{store}:FeO", f"{store}:CaO")
    with pytest.raises(RegionError, match="no grouping"):
        ask(f"{store}:FeO", f"{store}:FeO_other", by=["marea"])


def test_presets_find_their_layers(tmp_path, iron):
    kinds = {
        "FeO_before": ("FeO", "before-ce6-feo"), "FeO_with": ("FeO", "with-ce6-feo"),
        "TiO2_eq": ("TiO2", "qiu-2025-tio2"), "TiO2_net": ("TiO2", "qiu-2025-cnn"),
    }  # fmt: skip
    layers = [MapLayer(name, *kind, "none", "test") for name, kind in kinds.items()]
    counts = {name: iron + np.int16(k) for k, name in enumerate(kinds)}
    store = write_maps(tmp_path / "m.zarr", counts, GRID, layers=layers, shard=64, chunk=32)
    (change,) = ask_preset(store, "before-after")
    assert (change.source.first.layer, change.source.second.layer) == ("FeO_with", "FeO_before")
    assert change.titles == ("with-ce6-feo", "before-ce6-feo")
    assert change.key == "FeO_change"
    (network,) = ask_preset(store, "equation-network")
    assert (network.source.first.layer, network.source.second.layer) == ("TiO2_eq", "TiO2_net")
    assert network.density_above == 1.0
    with pytest.raises(ParametersError, match="--preset after: there is before-after and"):
        ask_preset(store, "after")
    with pytest.raises(ParametersError, match="a preset finds the layers itself"):
        ask_preset(f"{store}:FeO_with", "before-after")
    bare = write_maps(tmp_path / "b.zarr", {"FeO": iron}, GRID, shard=64, chunk=32)
    with pytest.raises(StoreError, match=r"there is no pair of layers to compare before-after"):
        ask_preset(bare, "before-after")


def test_titles_tell_the_maps_apart(tmp_path, iron):
    for name in ("one", "two"):
        layers = [described_by("FeO")]
        write_maps(
            tmp_path / f"{name}.zarr", {"FeO": iron}, GRID, layers=layers, shard=64, chunk=32
        )
    asked = ask(*(f"{Path(tmp_path, name)}.zarr:FeO" for name in ("one", "two")))
    assert asked.titles == ("one", "two")


@pytest.mark.cluster
def test_a_cluster_finds_the_same_bits(tmp_path, planted, iron, two_workers):
    """Maps on two grids, in this process and on two workers."""
    store, _ = planted
    finer = RasterGrid.whole(2.5).crop(-60, -40, 90, 50)
    lon, lat = np.meshgrid(finer.lons(), finer.lats())
    counts = np.rint(simulated_truth(lon, lat).FeO / QUANTUM).astype(np.int16)
    other = write_maps(tmp_path / "fine.zarr", {"FeO": counts}, finer, shard=128, chunk=64)
    asked = ask(f"{store}:FeO", f"{other}:FeO", by=["maria"])
    here, there = (
        finding_of(asked, prepare_compare(asked).run(executor))
        for executor in (Serial(), OnDask(two_workers))
    )
    assert here.rows == there.rows
    assert here.statistics.to_bytes() == there.statistics.to_bytes()
    np.testing.assert_array_equal(here.density.areas, there.density.areas)
    np.testing.assert_array_equal(here.picture(), there.picture())
