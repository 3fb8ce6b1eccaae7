"""The table against a float64 twin that knows nothing of counts and areas in integers."""

import numpy as np
import pytest

from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, OUTSIDE_MARE, MapReason
from lunarscale.grid.cells import equal_area_cells
from lunarscale.grid.groupings import Seas, WholeMoon
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import AREA_KM2, Sea
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.figures import NO_LAYER, NO_PIXEL, NOTHING
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.sums import Chunk
from lunarscale.reduce.table import (
    areas_without_value_km2,
    finish,
    histogram,
)
from lunarscale.reduce.tally import Histograms

GRID = RasterGrid.whole(0.5)
SEAS = Seas((Sea("wide", 30.0, 10.0, 3000.0), Sea("missed", -0.0, 0.0, 1.0)))
SHOWN = (QUANTITIES["FeO"], QUANTITIES["OMAT"])


def made():
    rng = np.random.default_rng(8)
    counts = np.empty((2, GRID.height, GRID.width), dtype=np.int16)
    counts[0] = rng.normal(1400, 700, counts[0].shape)
    counts[1] = rng.normal(2200, 100, counts[1].shape)
    flags = np.where(counts < 0, NEGATIVE, 0).astype(np.uint8)
    flags[0, :, ::7] |= EXTRAPOLATED
    flags[1, 10:20] |= OUTSIDE_MARE
    counts[:, 40:50], flags[:, 40:50] = NO_DATA, 2
    return counts, flags


def tallied(counts, flags, *, measure=None):
    measure = measure or Histograms((WholeMoon(), SEAS))
    tally = measure.tally(("FeO", "OMAT"), grid=GRID, window=GRID.window)
    tally.add(Chunk(GRID.window, counts, flags))
    return tally.partial()


@pytest.fixture(scope="module")
def statistics():
    return tallied(*made())


@pytest.fixture(scope="module")
def rows(statistics):
    return finish(statistics, SHOWN, bin_widths={"FeO": 0.5})


def test_rows_are_in_the_order_of_layers_groupings_and_groups(rows):
    assert [(row.layer, row.grouping, row.group) for row in rows] == [
        (layer, grouping, group)
        for layer in ("FeO", "OMAT")
        for grouping, group in (("moon", "Moon"), ("seas", "wide"), ("seas", "missed"))
    ]
    assert [row.units for row in rows[::3]] == ["wt %", "1"]


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("group", [0, 1])
def test_figures_agree_with_numpy(rows, layer, group):
    row = rows[3 * layer + group]
    counts, flags = (array[layer] for array in made())
    areas = np.repeat(GRID.pixel_areas_m2()[:, None] / 1e6, GRID.width, axis=1)
    here = np.ones(counts.shape, bool)
    if group:
        here = SEAS.numbers(GRID, GRID.window) == 1
    valid = here & (counts != NO_DATA)
    values, weights = counts[valid] * SHOWN[layer].quantum, areas[valid]
    mean = np.average(values, weights=weights)
    assert row.mean == pytest.approx(mean, rel=1e-9)
    assert row.std == pytest.approx(
        np.sqrt(np.average((values - mean) ** 2, weights=weights)), rel=1e-9
    )
    assert (row.min, row.max) == pytest.approx((values.min(), values.max()))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    for share, found in zip(
        (0.025, 0.25, 0.5, 0.75, 0.975),
        (row.p2_5, row.p25, row.median, row.p75, row.p97_5),
        strict=True,
    ):
        assert found == pytest.approx(values[order][np.searchsorted(reached, share)])
    assert (row.pixels, row.valid_pixels) == (here.sum(), valid.sum())
    assert row.area_km2 == pytest.approx(areas[here].sum(), rel=1e-9)
    assert row.valid_area_km2 == pytest.approx(weights.sum(), rel=1e-9)
    assert row.valid_share == pytest.approx(weights.sum() / areas[here].sum())
    central = [np.average((values - mean) ** k, weights=weights) for k in (2, 3, 4)]
    assert row.skewness == pytest.approx(central[1] / central[0] ** 1.5, rel=1e-6)
    assert row.excess_kurtosis == pytest.approx(central[2] / central[0] ** 2 - 3, abs=1e-6)
    reach = 1.5 * (row.p75 - row.p25) + 1e-9
    inside = (values >= row.p25 - reach) & (values <= row.p75 + reach)
    whiskers = values[inside].min(), values[inside].max()
    assert (row.whisker_low, row.whisker_high) == pytest.approx(whiskers)
    outside = weights[~inside].sum() / weights.sum()
    assert row.outside_whiskers_share == pytest.approx(outside, abs=1e-12)
    assert outside > 0
    assert row.quantile_error == SHOWN[layer].quantum / 2
    for bit, found in (
        (NEGATIVE, row.negative_share),
        (EXTRAPOLATED, row.extrapolated_share),
        (OUTSIDE_MARE, row.outside_mare_share),
    ):
        flagged = valid & (flags & bit != 0)
        assert found == pytest.approx(areas[flagged].sum() / weights.sum(), abs=1e-12)


def test_the_mode_is_the_middle_of_the_fullest_bin(rows, statistics):
    for row, layer in ((rows[0], 0), (rows[3], 1)):
        counts = statistics.group(0, 1).layers[layer].counts
        edges, shares = histogram(counts, SHOWN[layer], bin_width=row.mode_bin_width)
        assert shares.sum() == pytest.approx(1.0)
        fullest = int(np.argmax(shares))
        assert row.mode == pytest.approx((edges[fullest] + edges[fullest + 1]) / 2)
        assert np.diff(edges) == pytest.approx(row.mode_bin_width)
    assert rows[0].mode_bin_width == 0.5
    assert rows[3].mode_bin_width == 0.002


def test_a_histogram_agrees_with_numpy(statistics):
    counts, _ = made()
    valid = counts[0] != NO_DATA
    areas = np.repeat(GRID.pixel_areas_m2()[:, None], GRID.width, axis=1)
    edges, shares = histogram(statistics.group(0, 1).layers[0].counts, SHOWN[0], bin_width=0.5)
    # a tenth of a quantum off the edges: values there are whole quanta but for rounding
    values = counts[0][valid] * 0.005 + 5e-4
    expected, _ = np.histogram(values, edges, weights=areas[valid])
    np.testing.assert_allclose(shares, expected / expected.sum(), rtol=1e-9)


def test_a_region_without_a_valid_pixel_has_a_row_that_says_so(rows):
    row = rows[2]
    assert row.note == NO_PIXEL
    assert (row.mean, row.median, row.mode, row.negative_share) == (None,) * 4
    assert (row.valid_area_km2, row.valid_pixels) == (0.0, 0)
    assert rows[0].note == ""


def test_a_layer_without_a_value_says_whether_it_has_one_elsewhere():
    counts, flags = made()
    counts[0] = NO_DATA
    counts[1, SEAS.numbers(GRID, GRID.window) == 1] = NO_DATA
    rows = finish(tallied(counts, flags), SHOWN)
    assert [row.note for row in rows] == [NO_LAYER, NO_LAYER, NO_PIXEL, "", NOTHING, NO_PIXEL]
    assert rows[0].valid_share == 0.0


def test_values_beyond_the_range_are_counted_and_said():
    counts, flags = made()
    counts[0, :20] = NO_DATA
    flags[0, :20] = MapReason.BEYOND_RANGE
    row = finish(tallied(counts, flags), SHOWN)[0]
    share = 100 * GRID.pixel_areas_m2()[:20].sum() / GRID.pixel_areas_m2().sum()
    assert f"({share:.2g} %) left out, beyond the layer's integers" in row.note


def test_sampled_means_stand_beside_those_of_all_pixels():
    counts, flags = made()
    cells = equal_area_cells(50_000.0)
    sampled = tallied(counts, flags, measure=SampledHistograms(cells, (WholeMoon(), SEAS)))
    rows = finish(tallied(counts, flags), SHOWN, sampled=sampled)
    place = [GRID.locate(lon, lat) for lon, lat in zip(*cells.centres(), strict=True)]
    values = np.array([counts[0][at] for at in place])
    values = values[values != NO_DATA] * 0.005
    moon, missed = rows[0], rows[2]
    assert moon.mean_cells == pytest.approx(values.mean(), rel=1e-12)
    assert moon.mean_difference == pytest.approx(moon.mean_cells - moon.mean, rel=1e-9)
    assert moon.sampled_cells == len(values)
    assert (missed.sampled_cells, missed.mean_cells) == (0, None)


def test_groupings_that_were_not_sampled_have_no_sampled_mean():
    counts, flags = made()
    cells = equal_area_cells(50_000.0)
    sampled = tallied(counts, flags, measure=SampledHistograms(cells, (WholeMoon(),)))
    rows = finish(tallied(counts, flags), SHOWN, sampled=sampled)
    assert [row.sampled_cells is None for row in rows] == [False, True, True] * 2


def test_area_without_value_is_told_by_reason(statistics):
    reasons = areas_without_value_km2(statistics.group(0, 1).layers[0].flags)
    areas = GRID.pixel_areas_m2() * GRID.width / 1e6
    assert reasons["saturated_input"] == pytest.approx(areas[40:50].sum())
    assert sum(reasons.values()) == reasons["saturated_input"]


def test_the_whole_moon_has_its_area(rows):
    assert rows[0].area_km2 == pytest.approx(AREA_KM2, rel=1e-12)
