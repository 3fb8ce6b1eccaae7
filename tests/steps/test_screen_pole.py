"""Screening a polar cap: what is planted in a SIMULATED map is found, and what is wrong is said."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from distributed import Client
from maps_at_hand import write_maps
from planted import LAYERS, circle_km2, polar_grid, write_planted
from rich.console import Console

from lunarscale.engine.executors import Executor, OnDask, Serial
from lunarscale.errors import RegionError, StoreError
from lunarscale.grid.raster import RasterGrid
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.screening import Screen
from lunarscale.steps.screen_pole import screen_pole
from lunarscale.steps.screening import tables as tables
from lunarscale.steps.screening.files import write
from lunarscale.steps.screening.finding import (
    Finding,
    finding_of,
    prepare_patches,
    prepare_screen,
    seen_of,
)
from lunarscale.steps.screening.question import ask
from lunarscale.steps.screening.records import amounts, patches, places, remarks, sensitivity

#: Planted on the pole (twenty whole bands of cells), in Schrödinger, and over the seam.
ON_POLE, IN_BASIN, OVER_SEAM = (0.0, -90.0, 90.97), (132.93, -74.73, 80.0), (180.0, -70.0, 60.0)


def mirrored(
    circles: tuple[tuple[float, float, float], ...],
) -> tuple[tuple[float, float, float], ...]:
    """The same about the north pole."""
    return tuple((lon, -lat, radius) for lon, lat, radius in circles)


def find(maps: str, *, executor: Executor | None = None, **options: object) -> Finding:
    """Both passes, nothing written."""
    run = executor or Serial()
    asked = ask(maps, **options)  # type: ignore[arg-type]
    seen = seen_of(asked, prepare_screen(asked).run(run))
    return finding_of(seen, prepare_patches(seen).run(run))


@pytest.fixture(scope="module")
def south(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three circles of mare about the south pole."""
    path = tmp_path_factory.mktemp("south") / "maps.zarr"
    return write_planted(path, polar_grid("south"), (ON_POLE, IN_BASIN, OVER_SEAM))


@pytest.fixture(scope="module")
def north(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same about the north pole, in a grid that begins at another longitude."""
    path = tmp_path_factory.mktemp("north") / "maps.zarr"
    return write_planted(path, polar_grid("north"), mirrored((ON_POLE, IN_BASIN, OVER_SEAM)))


@pytest.fixture(scope="module")
def found(south: str) -> Finding:
    """What is found in the south."""
    return find(south)


@pytest.mark.parametrize("pole", ["south", "north"])
def test_what_is_planted_is_found_with_its_area_and_its_centre(
    pole: str, request: pytest.FixtureRequest
) -> None:
    finding = find(request.getfixturevalue(pole), pole=pole)
    rows = patches(finding)
    sign = -1.0 if pole == "north" else 1.0
    assert len(rows) == 3
    # largest first
    for row, (lon, lat, radius) in zip(rows, (ON_POLE, IN_BASIN, OVER_SEAM), strict=True):
        assert row["area_km2"] == pytest.approx(circle_km2(radius), rel=0.01)
        assert row["cells_km2"] == pytest.approx(circle_km2(radius), rel=0.01)
        assert row["lat"] == pytest.approx(sign * lat, abs=0.05)
        if abs(lat) < 90:
            assert (row["lon"] - lon + 180) % 360 - 180 == pytest.approx(0.0, abs=0.1)
        assert row["mean_FeO_wt_pct"] == pytest.approx(17.2, abs=0.02)
        assert row["mean_Mg_number"] == pytest.approx(0.49, abs=0.001)
        assert row["mean_MgO_wt_pct"] == pytest.approx(8.0)
    *_, passing = amounts(finding)
    planted = sum(circle_km2(radius) for *_, radius in (ON_POLE, IN_BASIN, OVER_SEAM))
    assert passing["area_km2"] == pytest.approx(planted, rel=0.003)
    assert passing["cells_km2"] == pytest.approx(planted, rel=0.01)


def test_amounts_are_those_of_brute_force_in_float64(found: Finding, south: str) -> None:
    cube = found.question.cube
    counts = {name: cube.read(name, cube.grid.window) for name in ("FeO", "Mg_number")}
    lats = cube.grid.lats()
    area = (cube.grid.pixel_areas_m2() / 1e6)[:, None] * np.ones(cube.grid.width)
    inside = np.broadcast_to((lats <= -65.0)[:, None], area.shape)
    passing = inside & (counts["FeO"] > 3000) & (counts["Mg_number"] < 6000)
    cap, valid, overlap, passed = amounts(found)
    assert cap["area_km2"] == pytest.approx(area[inside].sum(), rel=1e-9)
    assert passed["area_km2"] == pytest.approx(area[passing].sum(), rel=1e-9)
    assert passed["area_share"] == pytest.approx(area[passing].sum() / area[inside].sum())
    assert cap["cells"] == valid["cells"] == found.question.cells.count
    # each cell's own pixel, looked up one by one
    lon, lat = found.question.cells.centres()
    here = [cube.grid.locate(a, b) for a, b in zip(lon[::5000], lat[::5000], strict=True)]
    expected = [passing[place] for place in here if place is not None]
    assert found.screen.passes[::5000].tolist() == expected
    assert overlap["cells"] >= passed["cells"] == found.screen.passes.sum() > 25_000


@pytest.mark.cluster
def test_a_cluster_finds_the_same_to_the_bit(
    found: Finding, south: str, two_workers: Client
) -> None:
    other = find(south, executor=OnDask(two_workers))
    np.testing.assert_array_equal(other.screen.areas, found.screen.areas)
    np.testing.assert_array_equal(other.screen.pairs, found.screen.pairs)
    np.testing.assert_array_equal(other.patches.patch_of, found.patches.patch_of)
    np.testing.assert_array_equal(other.patch_areas.met, found.patch_areas.met)
    assert patches(other) == patches(found)
    assert places(other) == places(found)


def test_the_papers_figures_stand_beside_their_own_question_only(
    found: Finding, south: str
) -> None:
    *_, passing = amounts(found)
    assert (passing["paper_cells"], passing["paper_km2"]) == (42_762, 96_214.0)
    assert "SIMULATED" in passing["note"]
    other = find(south, screen=Screen(feo_wt_pct=14.0))
    assert all(row["paper_cells"] is None for row in amounts(other))


def test_places_have_what_lies_in_their_circles(found: Finding) -> None:
    rows = {row["place"]: row for row in places(found)}
    assert list(rows) == ["Schrödinger", "Antoniadi", "Zeeman"]
    basin = rows["Schrödinger"]
    assert basin["area_km2"] == pytest.approx(circle_km2(80.0), rel=0.01)
    assert basin["valid_area_km2"] == pytest.approx(circle_km2(316.39 / 2), rel=0.01)
    assert basin["circle_km2"] == basin["valid_area_km2"]
    assert basin["share"] == basin["area_km2"] / basin["valid_area_km2"]
    assert (basin["largest_patch"], basin["patches"]) == (2, 1)
    assert rows["Zeeman"]["cells_passing"] == rows["Zeeman"]["area_km2"] == 0
    # SCIENCE 6 gives the places to half a degree; the gazetteer's centres are these
    for place, lon, lat in (("Schrödinger", 132.5, -75.0), ("Antoniadi", -172, -69.3)):
        assert rows[place]["lat"] == pytest.approx(lat, abs=0.5)
        assert rows[place]["lon"] == pytest.approx(lon, abs=1.2)


def test_a_stricter_share_finds_less_and_the_asked_one_is_in_the_table(found: Finding) -> None:
    rows = sensitivity(found)
    assert len(rows) == 9 * 13 * 17
    at = [r for r in rows if (r["FeO_wt_pct_above"], r["Mg_number_below"]) == (15.0, 0.6)]
    assert [row["density_share"] for row in at] == sorted(found.question.screen.shares())
    areas = [row["area_km2"] for row in at]
    assert areas == sorted(areas)
    assert next(r["cells"] for r in at if r["density_share"] == 0.95) == amounts(found)[-1]["cells"]


def test_shares_are_of_what_has_values(tmp_path: Path) -> None:
    grid = polar_grid("south")
    missing = np.zeros((grid.height, grid.width), dtype=bool)
    missing[:, : grid.width // 4] = True  # a quarter of the cap
    maps = write_planted(tmp_path / "maps.zarr", grid, (IN_BASIN,), missing=missing)
    finding = find(maps)
    cap, valid, _, passing = amounts(finding)
    assert valid["area_share"] == 1.0
    assert valid["area_km2"] == pytest.approx(0.75 * cap["area_km2"], rel=1e-6)
    assert passing["area_share"] == pytest.approx(
        circle_km2(80.0) / (0.75 * cap["area_km2"]), rel=0.01
    )
    assert any("25.0 % of the cap in the maps has no value" in words for words in remarks(finding))


@pytest.mark.slow
def test_no_candidates_are_said_and_drawn(tmp_path: Path) -> None:
    maps = write_planted(tmp_path / "maps.zarr", polar_grid("south", ppd=4), ())
    finding = screen_pole(maps, out=str(tmp_path / "out"))
    assert patches(finding) == []
    assert amounts(finding)[-1]["cells"] == 0
    assert "no cell passes" in remarks(finding)
    assert (
        tmp_path / "out" / "patches.csv"
    ).read_text() == "patch,cells,cells_km2,area_km2,lon,lat\n"
    assert pq.read_table(tmp_path / "out" / "candidates.parquet").num_rows == 0
    assert (tmp_path / "out" / "screening_map.png").stat().st_size > 50_000


@pytest.mark.slow
def test_everything_that_is_written(south: str, tmp_path: Path) -> None:
    finding = screen_pole(south, out=str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "candidates.parquet", "joint.csv", "patches.csv", "patches.geojson", "places.csv",
        "screening.csv", "screening.json", "screening_joint.png", "screening_joint.svg",
        "screening_map.png", "screening_sensitivity.png", "screening_sensitivity.svg",
        "sensitivity.csv",
    ]  # fmt: skip
    facts = json.loads((tmp_path / "screening.json").read_text())
    assert facts["simulated"] is True
    assert facts["criterion"]["density_share"] == 0.95
    assert facts["criterion"]["words"] == "FeO > 15 wt % and Mg# < 0.60"
    assert facts["method"]["bandwidths"] == {"FeO_wt_pct": 0.3, "Mg_number": 0.01}
    assert facts["paper"] == "Qiu 2025, the real Moon"
    # maria of 16.8 +- 1.5 wt % FeO, cut off at two deviations: 15 is 1.2 of them below
    assert facts["share_of_the_maria_that_passes"] == pytest.approx(0.83, abs=0.04)
    assert len(facts["largest_patches"]) == facts["patches"] == 3
    assert facts["passing_within_mapped_maria_km2"] == 0.0
    bins = list(csv.DictReader((tmp_path / "joint.csv").read_text().splitlines()))
    passing = [row for row in bins if row["passing"] == "True"]
    assert sum(int(row["cap_cells"]) for row in passing) == amounts(finding)[-1]["cells"]
    assert sum(float(row["cap_km2"]) for row in bins) == pytest.approx(
        amounts(finding)[1]["area_km2"]
    )
    rows = pq.read_table(tmp_path / "candidates.parquet").to_pydict()
    assert len(rows["cell"]) == amounts(finding)[-1]["cells"]
    assert set(rows) == {"cell", "lon", "lat", "patch", "MgO_wt_pct", "FeO_wt_pct", "Mg_number"}
    assert min(rows["FeO_wt_pct"]) > 15.0
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(tables.amounts_table(finding), tables.sensitivity_table(finding))
    console.print(tables.places_table(finding), tables.patches_table(finding))
    text = console.export_text()
    assert "Qiu 2025, the real Moon:" in text
    assert "…" not in text  # it fits
    assert "Schrödinger" in text


def test_the_patches_outlines_are_regions_that_can_be_asked_for(south: str, tmp_path: Path) -> None:
    finding = find(south)
    write(finding, tmp_path)
    grouping = read_grouping(str(tmp_path / "patches.geojson"))
    assert grouping.groups == ("patch 1", "patch 2", "patch 3")
    grid = RasterGrid.whole(4).crop(-180, -90, 180, -65)
    np.testing.assert_array_equal(
        grouping.numbers(grid, grid.window), finding.patches.numbers(grid, grid.window)
    )


def test_maps_that_end_before_the_pole_are_refused(tmp_path: Path, south: str) -> None:
    grid = RasterGrid.whole(1).crop(-180, -70, 180, 70)
    counts = {layer.name: np.zeros((140, 360), np.int16) for layer in LAYERS}
    maps = write_maps(tmp_path / "maps.zarr", counts, grid, layers=LAYERS)
    for pole, edge in (("south", "-70"), ("north", "70")):
        with pytest.raises(
            RegionError, match=f"end at latitude {edge}, so there is no {pole} pole"
        ):
            ask(maps, pole=pole)  # type: ignore[arg-type]
    with pytest.raises(RegionError, match="no north pole"):
        ask(south, pole="north")


def test_no_maria_and_no_values_are_told_apart(tmp_path: Path) -> None:
    grid = polar_grid("south", ppd=2)
    bare = write_planted(tmp_path / "bare.zarr", grid, (IN_BASIN,), maria=False)
    with pytest.raises(RegionError, match=r"no population to compare .* --mare FILE"):
        find(bare)
    missing = np.broadcast_to((grid.lats() < -60)[:, None], (grid.height, grid.width))
    empty = write_planted(tmp_path / "empty.zarr", grid, (), missing=missing)
    with pytest.raises(StoreError, match=r"none of the 792,886 cells south of 65° S has both FeO"):
        find(empty)


def test_places_are_named_and_lie_in_the_cap(south: str) -> None:
    asked = ask(south, places=["schrodinger", "Shackleton"])
    assert [place.name for place in asked.places] == ["Schrödinger", "Shackleton"]
    with pytest.raises(RegionError, match=r"--place Tycho: .* not south of 65° S"):
        ask(south, places=["Tycho"])
    with pytest.raises(RegionError, match="'Scrodinger' is no named feature"):
        ask(south, places=["Scrodinger"])
    assert ask(south, latitude=80.0).places == ()


def test_two_layers_of_one_model_are_needed(tmp_path: Path) -> None:
    grid = RasterGrid.whole(0.5)
    maps = write_maps(
        tmp_path / "maps.zarr", {"FeO": np.zeros((90, 180), np.int16)}, grid, layers=LAYERS
    )
    with pytest.raises(StoreError, match="FeO and Mg# of one model are needed but the store has"):
        ask(maps)
