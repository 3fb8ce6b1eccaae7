"""Accepted areas: the same from any split, and those of brute force in Python's integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import ParametersError
from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import Seas
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.sides import Sides
from lunarscale.reduce.accepted import Accepted, AcceptedAreas
from lunarscale.reduce.joint import Axis
from lunarscale.reduce.sums import Chunk

GRID = RasterGrid.whole(0.2).crop(-180.0, -60.0, 180.0, 60.0)
LAYERS = ("MgO", "Mg_number", "FeO")
FIRST, SECOND = Axis("FeO", (-5, 0, 7)), Axis("Mg_number", (2, 3))
PAIRS = np.zeros((4, 3), dtype=bool)
PAIRS[2:, :2] = True  # FeO at or above 0, Mg# below 3


def maps(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts about the edges, with no-data, and flags that do not matter."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(-9, 10, (3, GRID.height, GRID.width)).astype(np.int16)
    counts[rng.random(counts.shape) < 0.1] = NO_DATA
    return counts, rng.integers(0, 255, counts.shape).astype(np.uint8)


def count(counts: np.ndarray, flags: np.ndarray, *, windows: list[Window]) -> Accepted:
    """One tally a window, merged from the last to the first."""
    sums = []
    for window in windows:
        tally = AcceptedAreas(FIRST, SECOND, PAIRS, Seas()).tally(LAYERS, grid=GRID, window=window)
        for chunk in window.split(5):
            tally.add(Chunk(chunk, counts[:, *chunk.slices], flags[:, *chunk.slices]))
        sums.append(tally.partial())
    total = sums.pop()
    while sums:
        total = total.merge(sums.pop())
    return total


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), size=st.integers(4, 80))
def test_any_split_gives_what_brute_force_gives(seed: int, size: int) -> None:
    counts, flags = maps(seed)
    found = count(counts, flags, windows=list(GRID.window.split(size)))
    numbers = Seas().numbers(GRID, GRID.window)
    weights = np.broadcast_to(GRID.row_weights(GRID.window)[:, None], numbers.shape)
    valid = (counts[2] != NO_DATA) & (counts[1] != NO_DATA)
    met = valid & (counts[2] >= 0) & (counts[1] < 3)
    for group in range(1, len(Seas().groups) + 1):
        here = numbers == group
        for mine, where in ((found.met, met), (found.valid, valid), (found.whole, here)):
            expected = sum(map(int, weights[here & where]))
            assert int(mine[group - 1]) == expected
    assert found.met.sum() > 0


def test_groups_of_one_kind_only_add_up() -> None:
    counts, flags = maps(1)
    by_seas = count(counts, flags, windows=[GRID.window])
    tally = AcceptedAreas(FIRST, SECOND, PAIRS, Sides()).tally(
        LAYERS, grid=GRID, window=GRID.window
    )
    with pytest.raises(ParametersError, match="count both with the same groups"):
        by_seas.merge(tally.partial())


def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(ParametersError, match="FeO is to be counted but the layers are MgO"):
        AcceptedAreas(FIRST, SECOND, PAIRS, Sides()).tally(("MgO",), grid=GRID, window=GRID.window)


def test_a_chunk_of_another_shape_is_refused() -> None:
    counts, flags = maps(2)
    measure = AcceptedAreas(FIRST, SECOND, PAIRS, Sides())
    tally = measure.tally(LAYERS, grid=GRID, window=GRID.window)
    with pytest.raises(ValueError, match="3 layers has counts"):
        tally.add(Chunk(GRID.window, counts[:2], flags[:2]))
