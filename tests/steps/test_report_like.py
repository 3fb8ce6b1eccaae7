"""Report like Qiu et al. 2025: right layers, figures against brute force, a page that stands."""

import csv
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from cli_at_hand import lunarscale, refused
from maps_at_hand import write_maps
from numpy.typing import NDArray

from lunarscale.engine.executors import Serial
from lunarscale.errors import ParametersError, StoreError
from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import BandedCells, equal_area_cells
from lunarscale.grid.groupings import Seas
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid
from lunarscale.quantities import QUANTITIES
from lunarscale.render import figure
from lunarscale.simulated.grs import write_grs
from lunarscale.steps.paper_columns import AFTER, COLUMNS, find_columns, missing
from lunarscale.steps.reporting import like as report_like
from lunarscale.steps.reporting.like import Finding, ask, finding_of, prepare
from lunarscale.steps.reporting.page import report_like as make_report
from lunarscale.steps.reporting.published import TABLE_1
from lunarscale.steps.reporting.tables import (
    NOT_COMPARABLE,
    RECORD_COLUMNS,
    ranges_table,
    records,
    regions,
    table_1,
    weighings_table,
)
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout, MapLayer
from lunarscale.store.location import Location

GRID = RasterGrid.whole(0.5)  # 180 x 90 pixels

#: Layer, model, and what a mare and a highland pixel have: mean in units.
MADE = {
    "FeO_before_ce6": ("before-ce6-feo", 16.86, 6.54),
    "TiO2_before_ce6": ("before-ce6-tio2", 3.75, 0.55),
    "FeO": ("qiu-2025-feo", 16.85, 6.5),
    "TiO2": ("qiu-2025-tio2", 3.7, 0.71),
    "FeO_with_ce6": ("with-ce6-feo", 16.84, 6.53),
    "TiO2_with_ce6": ("with-ce6-tio2", 3.6, 0.6),
    "FeO_qiu_2025": ("qiu-2025-cnn", 17.7, 6.66),
    "TiO2_qiu_2025": ("qiu-2025-cnn", 2.66, 0.67),
    "Al2O3": ("qiu-2025-cnn", 13.76, 25.84),
    "MgO": ("qiu-2025-cnn", 9.42, 6.41),
    "CaO": ("qiu-2025-cnn", 11.28, 15.64),
    "Mg_number": ("qiu-2025-cnn", 0.49, 0.63),
    "FeO_clementine_oxides": ("clementine-oxides", 17.0, 6.0),
    "OMAT": ("qiu-2025-omat", 0.194, 0.227),
}


def quantity_of(name: str) -> str:
    return "Mg_number" if name == "Mg_number" else name.split("_")[0]


def layers() -> list[MapLayer]:
    return [
        MapLayer(name, quantity_of(name), model, "y = x", "made for a test")
        for name, (model, _, _) in MADE.items()
    ]


def counts() -> dict[str, NDArray[np.int16]]:
    """Two populations with a spread of one part in fifteen, alike in all layers of a quantity."""
    made = np.random.default_rng(3)
    mare = Maria.from_seas().numbers(GRID, GRID.window) == 1
    spread = {name: made.normal(0.0, 1 / 15, mare.shape) for name in QUANTITIES}
    void = made.random(mare.shape) < 0.03
    stored = {}
    for name, (_, high, low) in MADE.items():
        quantity = QUANTITIES[quantity_of(name)]
        values = np.where(mare, high, low) * (1.0 + spread[quantity.name])
        stored[name] = np.rint(values / quantity.quantum).astype(np.int16)
        stored[name][void] = NO_DATA
    return stored


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("like") / "maps.zarr"
    return write_maps(path, counts(), GRID, layers=layers(), shard=30, chunk=15)


@pytest.fixture(scope="module")
def few_cells() -> "pytest.MonkeyPatch":
    """Cells of 2,000 km2 and not the paper's 17 million, for the report's own sampling."""
    patch = pytest.MonkeyPatch()
    patch.setattr(report_like, "qiu_2025_cells", lambda: equal_area_cells(2000.0))
    yield patch  # type: ignore[misc]
    patch.undo()


@pytest.fixture(scope="module")
def finding(maps: str, few_cells: pytest.MonkeyPatch) -> Finding:
    asked = ask(maps)
    return finding_of(asked, prepare(asked).run(Serial()))


def of(finding: Finding, region: str, column: str) -> dict[str, object]:
    rows = [dict(zip(RECORD_COLUMNS, row, strict=True)) for row in records(finding)]
    return next(r for r in rows if (r["region"], r["column"]) == (region, column))


def test_columns_are_found_by_model_and_quantity(maps: str) -> None:
    layout = Cube.open(Location(maps)).layout
    found = find_columns(layout)
    names = [each.layer.name if each.layer else None for each in found]
    assert names == [
        "FeO_before_ce6", "TiO2_before_ce6", "FeO", "TiO2", "FeO_qiu_2025", "TiO2_qiu_2025",
        "Al2O3", "MgO", "CaO", "Mg_number", "OMAT",
    ]  # fmt: skip
    assert found[4].others == ("FeO_clementine_oxides",)
    assert [f.layer.model for f in find_columns(layout, AFTER) if f.layer] == [
        "with-ce6-feo", "with-ce6-tio2",
    ]  # fmt: skip
    assert len(TABLE_1["Moon"]) == len(COLUMNS)


def test_what_is_missing_comes_with_the_command_that_makes_it() -> None:
    only = (MapLayer("FeO", "FeO", "my-own-network", "", ""),)
    layout = Layout("maps", GRID, 30, 15, "clementine-uvvis", only, False)
    found = find_columns(layout)
    assert [each.column.key for each in found if each.layer] == ["FeO_network"]  # no equation
    told = missing(found, "clementine-uvvis")
    assert len(told) == 10
    assert "--model before-ce6-feo makes one" in told[0]
    assert any("Al2O3, network" in text and "--model qiu-2025-cnn" in text for text in told)
    kaguya = missing(found, "kaguya-mi")
    assert "no model that comes with lunarscale gives it for kaguya-mi" in kaguya[0]
    assert any("--model kaguya-oxides" in text for text in kaguya)


def test_means_are_those_of_brute_force_both_ways(finding: Finding) -> None:
    values = counts()["Al2O3"] * 0.005
    valid = counts()["Al2O3"] != NO_DATA
    areas = np.broadcast_to(GRID.pixel_areas_m2()[:, None], valid.shape)
    places: dict[str, NDArray[np.bool_]] = {
        "Global": np.ones_like(valid),
        "Maria": Maria.from_seas().numbers(GRID, GRID.window) == 1,
        "Mare Tranquillitatis": Seas().numbers(GRID, GRID.window)
        == Seas().groups.index("Mare Tranquillitatis") + 1,
    }
    cells: BandedCells = equal_area_cells(2000.0)
    _, rows, cols = cells.within(GRID, GRID.window)
    for region, inside in places.items():
        told = of(finding, region, "Al2O3")
        here = valid & inside
        assert told["mean_area"] == pytest.approx(np.average(values[here], weights=areas[here]))
        assert told["mean_cells"] == pytest.approx(values[rows, cols][here[rows, cols]].mean())
        assert told["cells_less_area"] == pytest.approx(
            float(str(told["mean_cells"])) - float(str(told["mean_area"]))
        )
        assert told["valid_area_km2"] == pytest.approx(areas[here].sum() / 1e6, rel=1e-9)


def test_table_1_is_the_papers_with_ours_beside_it(finding: Finding) -> None:
    table = table_1(finding)
    assert [name for name, _ in table.sections[:4]] == [
        "Global", "Maria", "Non-maria", "Mare Tranquillitatis",
    ]  # fmt: skip
    ours, theirs, less = table.sections[0][1]
    assert theirs == (
        "Qiu et al. 2025", "8.22", "1.07", "8.23", "1.20", "8.48", "0.99", "23.88", "6.90",
        "14.93", "0.609", "0.222",
    )  # fmt: skip
    assert table.sections[3][1][1][10:] == ("0.450", "0.160")
    assert ours[7] == f"{of(finding, 'Global', 'Al2O3')['mean_cells']:.2f}"
    difference = float(less[7].replace("−", "-"))
    assert difference == pytest.approx(float(ours[7]) - 23.88, abs=0.011)
    assert NOT_COMPARABLE in table.caption
    names = {row[0] for row in table.sections[4][1]}
    assert {"Mare Crisium", "Oceanus Procellarum", "Nearside", "South Pole-Aitken"} <= names
    assert "Mare Tranquillitatis" not in names
    assert len(weighings_table(finding).sections) == len(regions(finding))


def test_the_file_of_table_1_calls_simulated_maps_what_they_are(finding: Finding) -> None:
    rows = [dict(zip(RECORD_COLUMNS, row, strict=True)) for row in records(finding)]
    beside = [row for row in rows if row["published"] is not None]
    assert len(beside) == 4 * 11
    assert all(NOT_COMPARABLE in str(row["note"]) for row in beside)
    assert not any(NOT_COMPARABLE in str(row["note"]) for row in rows if row not in beside)


def test_ranges_hold_the_middle_of_the_differences(finding: Finding) -> None:
    stored = counts()
    both = stored["FeO"] != NO_DATA
    areas = np.broadcast_to(GRID.pixel_areas_m2()[:, None], both.shape)[both]
    expected = {
        "FeO_change": stored["FeO_with_ce6"] - stored["FeO_before_ce6"],
        "FeO_network_less_equation": stored["FeO_qiu_2025"] - stored["FeO"],
        "TiO2_equation_less_network": stored["TiO2"] - stored["TiO2_qiu_2025"],
    }
    for key, wide in expected.items():
        row = finding.row(key, "moon", "Moon")
        order = np.argsort(wide[both], kind="stable")
        reached = np.cumsum(areas[order]) / areas.sum()
        low, high = (wide[both][order][np.searchsorted(reached, share)] for share in (0.025, 0.975))
        assert (row.p2_5, row.p97_5) == pytest.approx((0.005 * low, 0.005 * high))
    (_, rows) = ranges_table(finding).sections[0]
    assert [row[2] for row in rows] == [
        "−0.04 to 0.03", "−0.40 to 0.30", "−4.03 to 3.54", "−0.48 to 2.72",
    ]  # fmt: skip
    assert all(row[-1] == NOT_COMPARABLE for row in rows)


def test_with_a_mask_a_sea_is_what_its_circle_holds_of_the_maria(
    tmp_path: Path, maps: str, few_cells: pytest.MonkeyPatch, write_mask: Callable[[Path], Path]
) -> None:
    mask = write_mask(tmp_path / "north.png")
    asked = ask(maps, mare=str(mask))
    found = finding_of(asked, prepare(asked).run(Serial()))
    told = of(found, "Mare Tranquillitatis", "FeO_equation")
    number = Seas().groups.index("Mare Tranquillitatis") + 1
    inside = Seas().numbers(GRID, GRID.window) == number
    inside[GRID.lats() < 0.0] = False
    valid = inside & (counts()["FeO"] != NO_DATA)
    areas = np.broadcast_to(GRID.pixel_areas_m2()[:, None], valid.shape)
    assert told["valid_area_km2"] == pytest.approx(areas[valid].sum() / 1e6, rel=1e-9)
    assert not any(":" in title for title, _, _ in regions(found))


@pytest.fixture
def write_mask() -> Callable[[Path], Path]:
    """Writes a mask that says that the northern hemisphere is mare."""

    def write(path: Path) -> Path:
        mask = np.zeros((1, 90, 180), np.uint8)
        mask[:, :45] = 255
        shape = {"width": 180, "height": 90, "count": 1, "dtype": "uint8"}
        with (
            pytest.warns(rasterio.errors.NotGeoreferencedWarning),
            rasterio.open(path, "w", driver="PNG", **shape) as file,
        ):
            file.write(mask)
        return path

    return write


@pytest.mark.slow
def test_the_page_has_everything_and_stands_alone(
    tmp_path: Path, maps: str, few_cells: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    # every figure is laid out and drawn in full, as PNG in a ninth of the pixels
    monkeypatch.setattr(figure, "PNG_DPI", figure.PNG_DPI / 3)
    table = write_grs(tmp_path / "grs.tab")
    page = make_report(maps, out=str(tmp_path / "out"), grs=str(table))
    text = page.read_text("utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings == [
        "Table 1", "Modes and differences", "Figure 1", "Figure 2", "Figure 3", "Figure 4",
        "Figure 5: south pole", "Lunar Prospector", "Two weighings", "Models and methods",
        "Provenance", "Files",
    ]  # fmt: skip
    pictures = re.findall(r"<img src='(.*?)'", text)
    assert len(pictures) == 5 + 5
    assert all(source.startswith("data:image/webp;base64,") for source in pictures)
    assert "SIMULATED" in text
    links = re.findall(r"href='\./(.*?)'", text)
    assert len(links) > 30
    assert [link for link in links if not (tmp_path / "out" / link).is_file()] == []
    assert {f"figure_{n}.{end}" for n in range(1, 6) for end in ("png", "svg")} <= set(links)
    _numbers_are_those_of_the_maps(tmp_path / "out")


def _numbers_are_those_of_the_maps(folder: Path) -> None:
    whole = pq.read_table(folder / "figure_1_maps.parquet").to_pydict()
    assert set(whole) == {"lon", "lat", "FeO", "TiO2", "OMAT"}
    stored = counts()["FeO"] * 0.005
    assert len(whole["FeO"]) == stored.size  # small enough to be drawn as it is
    found = np.array(whole["FeO"]).reshape(stored.shape)
    np.testing.assert_allclose(
        found, np.where(counts()["FeO"] == NO_DATA, np.nan, stored), rtol=1e-5
    )
    with (folder / "figure_3_histograms.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    moon = sum(float(r["area_km2"]) for r in rows if (r["layer"], r["group"]) == ("CaO", "Moon"))
    areas = np.broadcast_to(GRID.pixel_areas_m2()[:, None], stored.shape)
    assert moon == pytest.approx(areas[counts()["CaO"] != NO_DATA].sum() / 1e6, rel=1e-9)


def test_maps_with_one_column_still_have_a_page(
    tmp_path: Path, few_cells: pytest.MonkeyPatch
) -> None:
    maps = write_maps(
        tmp_path / "m.zarr", {"FeO": counts()["FeO"]}, GRID, layers=layers(), shard=30, chunk=15,
        simulated=False,
    )  # fmt: skip
    page = make_report(maps, out=str(tmp_path / "out"))
    text = unescape(page.read_text("utf-8"))
    assert "1 of the paper's 11 columns" in text
    assert text.count("the maps have no layer of it") == 10
    assert "Not screened: the maps have no Mg#, network." in text
    # reduce.modes.Mode.low and high, and which maxima are modes; grid.groupings.Seas
    assert "two standard errors" in text
    assert "by half to twice the bandwidth" not in text
    assert "four standard errors" in text
    assert "Where circles overlap, a place belongs to the one that it lies deepest in." in text
    assert text.count("The maps lack the layers of this figure") == 3
    assert "SIMULATED" not in text
    assert len(re.findall("<img ", text)) == 1


def test_what_cannot_be_reported_is_refused(tmp_path: Path, maps: str) -> None:
    with pytest.raises(ParametersError, match="--like lucey-2000: there is qiu-2025"):
        ask(maps, like="lucey-2000")
    other = MapLayer("theta_Fe", "theta_Fe", "otake-2012-theta-fe", "", "")
    foreign = write_maps(
        tmp_path / "m.zarr", {"theta_Fe": counts()["FeO"]}, GRID, layers=[other], shard=30, chunk=15
    )
    with pytest.raises(StoreError, match="none of the columns of qiu-2025 is among its layers"):
        ask(foreign)
    told = refused("report", maps, "--out", tmp_path / "r", "--mare", "mask.png")
    assert "go with --like qiu-2025" in told
    run = lunarscale("report", maps, "--out", tmp_path / "r", "--like", "qiu-2025", "--dry-run",
                     "--workers", 0)  # fmt: skip
    assert "pixels to do" in run.stdout
    assert not (tmp_path / "r").exists()
