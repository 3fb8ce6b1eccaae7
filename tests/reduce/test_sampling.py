"""Samples at cell centres: against a walk from cell to cell, and the same for any split."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import ParametersError, RegionError
from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import BandedCells, equal_area_cells, qiu_2025_cells
from lunarscale.grid.groupings import Seas, WholeMoon
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import AREA_KM2
from lunarscale.reduce.joint import Axis, Joints
from lunarscale.reduce.samples import CellSamples, Samples
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.sums import Chunk

GRID = RasterGrid.whole(0.25)
LAYERS = ("FeO", "TiO2", "OMAT")
GROUPINGS = (WholeMoon(), Maria.from_seas(), Seas())

#: Cells larger than pixels, of about a pixel's size, and smaller, so that pixels have several.
CELLS = {"large": 300_000.0, "middle": 15_000.0, "small": 4_000.0}


def made(seed):
    """Counts with no-data, and flags."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(-32767, 32767, (len(LAYERS), GRID.height, GRID.width)).astype(np.int16)
    counts[rng.random(counts.shape) < 0.2] = NO_DATA
    return counts, rng.integers(0, 64, counts.shape).astype(np.uint8)


def taken(measure, window, chunk, *, seed):
    counts, flags = made(seed)
    tally = measure.tally(LAYERS, grid=GRID, window=window)
    for part in window.split(chunk):
        inside = (slice(None), *part.slices)
        tally.add(Chunk(part, counts[inside].copy(), flags[inside].copy()))
    return tally.partial()


def walked(cells: BandedCells):
    """Row and column of every cell's centre, by ``RasterGrid.locate`` one by one."""
    return np.array([GRID.locate(lon, lat) for lon, lat in zip(*cells.centres(), strict=True)]).T


@pytest.mark.parametrize("size", CELLS)
def test_every_cell_has_the_pixel_that_holds_its_centre(size: str) -> None:
    cells = equal_area_cells(CELLS[size])
    found = taken(CellSamples(cells, GROUPINGS), GRID.window, 13, seed=1)
    counts, flags = made(1)
    rows, cols = walked(cells)
    np.testing.assert_array_equal(found.cells, np.arange(cells.count))
    np.testing.assert_array_equal(found.counts, counts[:, rows, cols])
    np.testing.assert_array_equal(found.flags, flags[:, rows, cols])
    for grouping, numbers in zip(GROUPINGS, found.groups, strict=True):
        np.testing.assert_array_equal(numbers, grouping.numbers(GRID, GRID.window)[rows, cols])


@pytest.mark.parametrize("size", CELLS)
def test_statistics_count_every_cell_once(size: str) -> None:
    cells = equal_area_cells(CELLS[size])
    found = taken(SampledHistograms(cells, GROUPINGS), GRID.window, 13, seed=2)
    counts, flags = made(2)
    rows, cols = walked(cells)
    assert found.weighing == "cells"
    assert found.group(0, 1).weight == found.group(0, 1).pixels == cells.count
    assert found.unit_km2 * cells.count == pytest.approx(AREA_KM2, rel=1e-12)
    for position, grouping in enumerate(GROUPINGS):
        numbers = grouping.numbers(GRID, GRID.window)[rows, cols]
        for number in range(len(grouping.groups) + 1):
            here, cell = numbers == number, found.group(position, number)
            assert cell.weight == here.sum()
            for layer, sums in enumerate(cell.layers):
                values = counts[layer, rows, cols][here]
                valid = values[values != NO_DATA].astype(np.float64)
                assert sums.counts.weight == sums.counts.pixels == len(valid)
                if len(valid):
                    mean, variance = sums.counts.moments()
                    assert float(mean) == pytest.approx(valid.mean(), rel=1e-12)
                    assert float(variance) == pytest.approx(valid.var(), rel=1e-9)
                expected = np.bincount(flags[layer, rows, cols][here], minlength=64)
                np.testing.assert_array_equal(sums.flags.values, np.flatnonzero(expected))
                np.testing.assert_array_equal(sums.flags.weights, expected[expected > 0])


@settings(max_examples=15, deadline=None)
@given(
    shard=st.integers(7, 60), chunk=st.integers(3, 60), seed=st.integers(0, 9),
    size=st.sampled_from(sorted(CELLS)), data=st.data(),
)  # fmt: skip
def test_any_split_in_any_order_is_the_whole_bit_for_bit(shard, chunk, seed, *, size, data):
    cells = equal_area_cells(CELLS[size])
    windows = data.draw(st.permutations(list(GRID.window.split(shard))))
    sampled, samples = SampledHistograms(cells, GROUPINGS), CellSamples(cells, GROUPINGS)
    parts = [taken(sampled, window, chunk, seed=seed) for window in windows]
    whole = taken(sampled, GRID.window, 100, seed=seed)
    assert functools.reduce(Statistics.merge, parts).to_bytes() == whole.to_bytes()
    rows = [taken(samples, window, chunk, seed=seed) for window in windows]
    together = taken(samples, GRID.window, 100, seed=seed)
    assert bits(functools.reduce(Samples.merge, rows)) == bits(together)


def bits(samples: Samples) -> list[bytes]:
    return [a.tobytes() for a in (samples.cells, samples.counts, samples.flags, samples.groups)]


def test_statistics_of_cells_are_written_and_read_back() -> None:
    cells = equal_area_cells(CELLS["large"])
    found = taken(SampledHistograms(cells, GROUPINGS), GRID.window, 90, seed=3)
    again = Statistics.from_bytes(found.to_bytes())
    assert (again.sampled, again.weighing) == (found.sampled, "cells")
    assert again.to_bytes() == found.to_bytes()


def test_other_cells_do_not_add() -> None:
    large, small = (equal_area_cells(CELLS[size]) for size in ("large", "small"))
    for of in (SampledHistograms, CellSamples):
        mine, other = (taken(of(c, GROUPINGS), GRID.window, 90, seed=1) for c in (large, small))
        with pytest.raises(ParametersError, match="cells"):
            mine.merge(other)


def test_the_papers_cells_weigh_two_and_a_quarter() -> None:
    measure = SampledHistograms(qiu_2025_cells(), (WholeMoon(),))
    empty = measure.tally(LAYERS, grid=GRID, window=GRID.window).partial()
    assert empty.unit_km2 == pytest.approx(2.25, rel=1e-4)


class Divides(WholeMoon):
    """A grouping that divides pixels."""

    centred = WholeMoon()

    def pieces(self, grid, window):
        """Never asked."""


def test_a_grouping_that_divides_pixels_is_refused() -> None:
    for of in (SampledHistograms, CellSamples):
        with pytest.raises(RegionError, match="moon divides pixels"):
            of(equal_area_cells(CELLS["large"]), (Divides(),))
    with pytest.raises(RegionError, match="moon divides pixels by exact coverage, but pairs"):
        Joints(Axis("FeO", (0,)), Axis("TiO2", (0,)), Divides())
