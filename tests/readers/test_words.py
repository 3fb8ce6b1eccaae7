"""The words that ``--by`` takes, and how it answers those that make no sense."""

import pickle

import numpy as np
import pytest

from lunarscale.errors import RegionError, SourceError
from lunarscale.grid.raster import RasterGrid, weight_to_km2
from lunarscale.readers.grs import ELEMENTS, OXIDES, read_grs
from lunarscale.readers.regions import read_grouping
from lunarscale.readers.words import WORDS
from lunarscale.simulated.grs import grs_cells, write_grs

FIVE_DEGREES = "lp_grs/lpgrs_high1_elem_abundance_5deg.tab"
GRID = RasterGrid.whole(1)


def areas(grouping):
    numbers = grouping.numbers(GRID, GRID.window)
    counts = [(numbers == g).sum(axis=1) for g in range(1, len(grouping.groups) + 1)]
    return [weight_to_km2(int((count * GRID.row_weights()).sum())) for count in counts]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A simulated table with thorium of 4 ppm on the western half, 1 on the eastern."""
    cells = grs_cells(30)
    lons, _ = cells.centres()
    values = {name: np.full(cells.count, 5.0) for name in OXIDES + ELEMENTS}
    values["Th"] = np.where(lons < 0, 4.0, 1.0)
    return write_grs(tmp_path_factory.mktemp("grs") / "sim:30deg.tab", cells, values)


@pytest.mark.parametrize(
    ("text", "name", "groups"),
    [
        ("moon", "moon", ("Moon",)),
        ("maria", "maria", ("maria", "non-maria")),
        ("hemispheres", "hemispheres", ("nearside", "farside")),
        ("spa", "spa", ("South Pole-Aitken", "outside South Pole-Aitken")),
        ("latitude:60", "latitude", ("90 S to 30 S", "30 S to 30 N", "30 N to 90 N")),
    ],
)
def test_words_alone_and_with_a_number(text, name, groups) -> None:
    found = read_grouping(text)
    assert (found.name, found.groups) == (name, groups)
    assert pickle.loads(pickle.dumps(found)).digest == found.digest
    assert sum(areas(found)) == pytest.approx(37.932e6, rel=1e-4)


def test_cells_by_area() -> None:
    found = read_grouping("cells:40000")
    assert found.name == "cells of 40000 km2"
    assert len(found.groups) == pytest.approx(37.932e6 / 40_000, rel=0.01)


def test_thorium_above_a_threshold(table) -> None:
    usual, other = read_grouping(f"pkt={table}"), read_grouping(f"pkt={table}:4.5")
    assert usual.name == "pkt (simulated)"
    assert usual.groups == ("Th > 3.5 ppm", "Th <= 3.5 ppm")
    assert other.groups == ("Th > 4.5 ppm", "Th <= 4.5 ppm")
    high, low = areas(usual)
    assert high + low == pytest.approx(37.932e6, rel=1e-4)
    # bands with an odd number of pixels have their middle one on the meridian
    assert high == pytest.approx(37.932e6 / 2, rel=0.1)
    assert areas(other) == [0.0, pytest.approx(37.932e6, rel=1e-4)]
    again = pickle.loads(pickle.dumps(usual))
    assert areas(again) == [high, low]


def test_the_real_terrane_is_on_the_western_nearside(test_data) -> None:
    found = read_grouping(f"pkt={test_data(FIVE_DEGREES)}")
    assert found.name == "pkt"
    numbers = found.numbers(GRID, GRID.window)
    for lon, lat, number in ((-20, -5, 1), (-15, 35, 1), (60, 15, 2), (150, 20, 2), (-169, -53, 2)):
        assert numbers[GRID.locate(lon, lat)] == number
    # most of what is above 3.5 ppm lies on the nearside
    high = (numbers == 1) * GRID.row_weights()[:, None]
    near = np.abs(GRID.lons()) < 90
    assert high[:, near].sum() > 0.9 * high.sum()


def test_a_real_table_at_its_threshold_has_the_area_of_its_pixels(test_data) -> None:
    real = read_grs(str(test_data(FIVE_DEGREES)))
    expected = real.cells.areas_km2()[real.thorium_ppm > 3.5].sum()
    found = read_grouping(f"pkt={test_data(FIVE_DEGREES)}")
    assert areas(found)[0] == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("latitude:7", RegionError, "7 degrees: the step must divide 180, as 6 or 9 does"),
        ("latitude", RegionError, "'latitude': latitude needs its step in degrees, as latitude:5"),
        ("latitude:five", RegionError, "'latitude:five': latitude needs its step"),
        ("cells:0", RegionError, "cells of 0 km2 do not divide the Moon"),
        ("cells:", RegionError, "'cells:': cells needs their area in km2, as cells:40000"),
        ("cells:2.25", RegionError, "16,858,820 are more than the 65,535 groups"),
        ("pkt", RegionError, "pkt needs a table of gamma-ray abundances"),
        ("pkt=", RegionError, "pkt needs a table"),
        ("pkt=:3", RegionError, "pkt needs a table"),
        ("pkt=nowhere.tab", SourceError, "nowhere.tab"),
        ("hemisphere", RegionError, "'hemisphere' is no grouping: use moon, maria, seas, hemisph"),
        ("spa:3", RegionError, "'spa:3' is no grouping"),
    ],
)
def test_words_that_make_no_grouping_are_refused(text, error, match) -> None:
    with pytest.raises(error, match=match):
        read_grouping(text)


def test_a_threshold_that_is_none_is_refused(table) -> None:
    with pytest.raises(RegionError, match="threshold of -1 ppm is not above 0"):
        read_grouping(f"pkt={table}:-1")


def test_all_words_are_listed() -> None:
    assert {"hemispheres", "latitude:STEP", "spa", "cells:AREA", "pkt=TABLE"} < set(WORDS)
