"""Words for statistics, their columns, and the tables of modes and histograms."""

from dataclasses import asdict, fields

import numpy as np
import pytest

from lunarscale.errors import ParametersError
from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import Seas, WholeMoon
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import Sea
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.figures import NOTHING
from lunarscale.reduce.mode_rows import bins_of, each, mode_rows
from lunarscale.reduce.modes import modes_of
from lunarscale.reduce.stats import (
    USUAL,
    WORDS,
    columns_of,
    needs_products,
    read_bandwidths,
    read_stats,
    to_records,
)
from lunarscale.reduce.sums import Chunk
from lunarscale.reduce.table import Row, finish
from lunarscale.reduce.tally import Histograms

GRID = RasterGrid.whole(1.0)
SEAS = Seas((Sea("wide", 30.0, 10.0, 3000.0), Sea("missed", 0.1, 0.1, 1.0)))
LAYERS = ("FeO", "OMAT")
SHOWN = tuple(QUANTITIES[name] for name in LAYERS)


@pytest.fixture(scope="module")
def statistics():
    rng = np.random.default_rng(3)
    counts = np.empty((2, GRID.height, GRID.width), dtype=np.int16)
    mare = rng.random(counts[0].shape) < 0.3
    counts[0] = np.where(mare, rng.normal(3600, 200, mare.shape), rng.normal(900, 150, mare.shape))
    counts[1] = 2222
    counts[:, :20] = NO_DATA
    tally = Histograms((WholeMoon(), SEAS)).tally(LAYERS, grid=GRID, window=GRID.window)
    tally.add(Chunk(GRID.window, counts, np.where(counts == NO_DATA, 1, 0).astype(np.uint8)))
    return tally.partial()


def test_every_column_has_a_word_or_is_always_there():
    assert columns_of(USUAL, sampled=True) == [field.name for field in fields(Row)]
    always = columns_of((), sampled=True)
    assert {"layer", "grouping", "group", "units", "valid_share", "note"} <= set(always)
    assert "mean" not in always


def test_words_are_read_in_one_order():
    assert read_stats("std, mean") == ("mean", "std")
    assert read_stats("histogram,mode") == ("mode", "modes", "histogram")
    assert read_stats("all") == tuple(WORDS)
    assert needs_products(read_stats("pca"))
    assert not needs_products(USUAL)
    with pytest.raises(ParametersError, match="'median' is no statistic; name some of mean, std"):
        read_stats("mean,median")


def test_bandwidths_are_of_layers_that_there_are():
    assert read_bandwidths(["FeO=0.3", "OMAT=1e-3"], LAYERS) == {"FeO": 0.3, "OMAT": 1e-3}
    assert read_bandwidths([], LAYERS) == {}
    for wrong in ("FeO", "MgO=0.3", "FeO=0", "FeO=wide", "FeO=nan", "FeO=inf"):
        with pytest.raises(ParametersError, match=f"--bandwidth {wrong}: needs a layer"):
            read_bandwidths([wrong], LAYERS)


def test_records_have_the_columns_that_were_asked_for(statistics):
    rows = finish(statistics, SHOWN)
    records = to_records(rows, read_stats("mean,quantiles"))
    assert records[0]["mean"] == rows[0].mean
    assert "std" not in records[0]
    assert "mean_cells" not in records[0]  # no cells were sampled
    assert to_records(rows)[0].items() <= asdict(rows[0]).items()


def test_modes_stand_in_units(statistics):
    layered = next(each(statistics, SHOWN, ["moon"]))
    found = mode_rows(layered)
    counted = modes_of(layered.counts).modes
    assert [row.number for row in found] == [1, 2]
    for row, mode, truth in zip(found, counted, (4.5, 18.0), strict=True):
        assert row.location == pytest.approx(truth, abs=0.1)
        assert row.location == pytest.approx(mode.location * 0.005)
        assert row.low < row.location < row.high
        assert row.height == pytest.approx(mode.height / 0.005)
        assert row.bandwidth == pytest.approx(mode.bandwidth * 0.005)
        assert (row.units, row.rule, row.note) == ("wt %", "plug-in", "")
    (given, *_) = mode_rows(layered, bandwidth=0.3)
    assert (given.bandwidth, given.search_bandwidth, given.rule) == (0.3, 0.3, "given")


def test_groups_with_nothing_or_one_value_say_so(statistics):
    by_name = {(one.layer, one.group): one for one in each(statistics, SHOWN, ["moon", "seas"])}
    assert len(by_name) == 6
    (nothing,) = mode_rows(by_name["FeO", "missed"])
    assert (nothing.number, nothing.location, nothing.note) == (0, None, NOTHING)
    (one,) = mode_rows(by_name["OMAT", "wide"])
    assert one.location == pytest.approx(0.2222)
    assert one.note == "all is one value"


def test_bins_hold_all_and_their_lower_edges(statistics):
    layered = next(each(statistics, SHOWN, ["moon"]))
    bins = bins_of(layered)
    assert bins.share.sum() == pytest.approx(1.0)
    assert int(bins.weights.sum()) == layered.counts.weight
    np.testing.assert_allclose(bins.high - bins.low, 0.05)
    assert (np.diff(bins.low) > 0).all()
    values = layered.counts.values * 0.005 + 1e-6
    expected, _ = np.histogram(
        values, np.append(bins.low, bins.high[-1]), weights=layered.counts.weights
    )
    np.testing.assert_array_equal(bins.weights, expected)
    empty = [one for one in each(statistics, SHOWN, ["seas"]) if one.group == "missed"]
    assert bins_of(empty[0]).low.size == 0
