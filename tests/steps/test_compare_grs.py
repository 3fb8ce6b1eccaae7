"""A map beside Lunar Prospector: averages over its pixels against brute force."""

import json

import numpy as np
import pandas as pd
import pytest
from maps_at_hand import write_maps

from lunarscale.errors import ParametersError, SourceError, StoreError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.readers.grs import read_grs
from lunarscale.simulated.grs import grs_cells, pixel_means, write_grs
from lunarscale.simulated.surface import simulated_truth
from lunarscale.steps.compare import compare_grs
from lunarscale.steps.comparing.prospector import LEAST_SHARE, ask_grs, eastern

GRID = RasterGrid.whole(2.0)
QUANTUM = 0.005


@pytest.fixture(scope="module")
def counts():
    lon, lat = np.meshgrid(GRID.lons(), GRID.lats())
    made = np.rint(simulated_truth(lon, lat).FeO / QUANTUM).astype(np.int16)
    made[(lat > 50) & (lon > 60)] = NO_DATA
    return made


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    cells = grs_cells(15)
    return str(write_grs(tmp_path_factory.mktemp("grs") / "sim.tab", cells, pixel_means(cells)))


@pytest.fixture(scope="module")
def maps(counts, tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "maps.zarr"
    return write_maps(path, {"FeO": counts, "OMAT": counts}, GRID, shard=64, chunk=32)


@pytest.fixture(scope="module")
def found(maps, table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    return compare_grs(f"{maps}:FeO", f"grs:{table}", out=str(folder)), folder


def test_means_are_those_of_brute_force(found, counts, table):
    finding, _ = found
    cells = read_grs(table).cells
    numbers = cells.numbers(GRID, GRID.window)
    areas = np.broadcast_to(GRID.pixel_areas_m2()[:, None] / 1e6, counts.shape)
    for cell in range(cells.count):
        inside = numbers == cell
        valid = inside & (counts != NO_DATA)
        share = areas[valid].sum() / cells.areas_km2()[cell]
        if share < LEAST_SHARE:
            assert np.isnan(finding.ours[cell])
            continue
        mean = np.average(counts[valid], weights=areas[valid]) * QUANTUM
        assert finding.ours[cell] == pytest.approx(mean, rel=1e-12)
    assert finding.left_out == np.isnan(finding.ours).sum() > 0


def test_the_truth_agrees_with_itself(found):
    """Both are the simulated surface: the table takes 64 places a pixel, the map its own."""
    finding, _ = found
    agreement = finding.agreement
    assert agreement.correlation > 0.99
    assert agreement.slope == pytest.approx(1.0, abs=0.02)
    assert abs(agreement.bias) < 0.05
    assert agreement.rmse < 0.4


def test_files(found, table):
    _, folder = found
    assert {path.name for path in folder.iterdir()} == {
        "FeO_grs.csv", "FeO_grs.json", "FeO_grs.png", "FeO_grs.svg"
    }  # fmt: skip
    frame = pd.read_csv(folder / "FeO_grs.csv")
    assert len(frame) == read_grs(table).cells.count
    told = json.loads((folder / "FeO_grs.json").read_text())
    assert told["pixels"] + told["pixels_left_out"] == len(frame)
    assert told["simulated"]
    assert "neighbours" in told["caution"]


def test_neighbours_go_around_their_band():
    cells = grs_cells(30)
    east = eastern(cells)
    lon, lat = cells.centres()
    np.testing.assert_allclose(lat[east], lat)
    step = 360.0 / np.repeat(cells.per_band, cells.per_band)
    np.testing.assert_allclose((lon[east] - lon - step + 180.0) % 360.0, 180.0)
    assert sorted(east) == list(range(cells.count))


def test_the_real_table(maps, test_data, tmp_path):
    path = test_data("lp_grs/lpgrs_high1_elem_abundance_5deg.tab")
    finding = compare_grs(f"{maps}:FeO", f"grs:{path}", out=str(tmp_path))
    assert finding.question.simulated  # the map is
    assert finding.agreement.pixels + finding.left_out == 1790


def test_what_cannot_be_compared(maps, table, tmp_path):
    with pytest.raises(ParametersError, match=r"--with \S+sim.tab: grs: and a table"):
        ask_grs(f"{maps}:FeO", table)
    with pytest.raises(ParametersError, match="which the table does not have; it has MgO"):
        ask_grs(f"{maps}:OMAT", f"grs:{table}")
    with pytest.raises(SourceError, match="no such file"):
        ask_grs(f"{maps}:FeO", f"grs:{tmp_path}/none.tab")


def test_a_map_that_fills_half_of_no_pixel(table, tmp_path):
    crop = GRID.crop(0, 0, 4, 4)
    small = np.full((crop.height, crop.width), 900, np.int16)
    store = write_maps(tmp_path / "m.zarr", {"FeO": small}, crop)
    with pytest.raises(StoreError, match="in at least half of none of"):
        compare_grs(f"{store}:FeO", f"grs:{table}", out=str(tmp_path / "out"))
