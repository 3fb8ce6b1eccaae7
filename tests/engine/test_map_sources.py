"""A source of sums: every pixel once, all layers at a time, as the store has them."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from maps_at_hand import open_cube, write_maps

from lunarscale.engine.counting import SumJob, SumTask, prepare_sums
from lunarscale.engine.executors import Serial
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import ParametersError, StoreError
from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import WholeMoon
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.joint import Axis, Joints
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.opening import open_maps

GRID = RasterGrid.whole(0.25)
RNG = np.random.default_rng(7)
COUNTS = {
    name: np.where(RNG.random((45, 90)) < 0.1, NO_DATA, RNG.integers(-9000, 9000, (45, 90))).astype(
        np.int16
    )
    for name in ("FeO", "TiO2", "OMAT")
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> MapsSource:
    """Two of three maps of 90 x 45 pixels, in the other order; no edge falls on a chunk's."""
    path = tmp_path_factory.mktemp("source") / "maps.zarr"
    return MapsSource(open_cube(write_maps(path, COUNTS, GRID)), ("OMAT", "FeO"))


def test_every_pixel_comes_once_with_its_layers_in_order(source: MapsSource) -> None:
    seen = np.zeros((45, 90), int)
    for window in source.layout.windows():
        for place, counts, flags in source.chunks(window):
            assert counts.flags.c_contiguous
            assert flags.flags.c_contiguous
            for layer, name in enumerate(("OMAT", "FeO")):
                expected = COUNTS[name][place.slices]
                np.testing.assert_array_equal(counts[layer], expected)
                np.testing.assert_array_equal(flags[layer], expected == NO_DATA)
            seen[place.slices] += 1
    assert (seen == 1).all()


def test_a_window_off_the_chunks_reads_the_same(source: MapsSource) -> None:
    window = Window(5, 9, 23, 31)
    found = np.zeros((23, 31), np.int16)
    for place, counts, _ in source.chunks(window):
        found[place.row - 5 :, place.col - 9 :][: place.height, : place.width] = counts[1]
    np.testing.assert_array_equal(found, COUNTS["FeO"][window.slices])


def test_it_says_what_it_reads(source: MapsSource) -> None:
    assert source.quantities == (QUANTITIES["OMAT"], QUANTITIES["FeO"])
    assert source.bytes_a_pixel == 6
    assert pickle.loads(pickle.dumps(source)).layers == source.layers
    assert MapsSource(source.cube).layers == ("FeO", "TiO2", "OMAT")
    with pytest.raises(StoreError, match="no layer MgO_flag; the store has FeO, FeO_flag"):
        MapsSource(source.cube, ("MgO",))


def test_all_sums_are_taken_in_one_pass(source: MapsSource) -> None:
    """A task reads a strip of several shards as it reads a shard."""
    axes = (Axis("FeO", (0,)), Axis("OMAT", (100,)))
    measures = {"s": Histograms((WholeMoon(),)), "j": Joints(*axes, grouping=WholeMoon())}
    tale = prepare_sums(source, measures, verb="sums").run(Serial())
    assert (tale.done, tale.pixels, tale.bytes_read) == (6, 45 * 90, 45 * 90 * 6)
    strip = SumTask(source, measures)(SumJob(GRID.window, source.content(GRID.window)))
    for sums in (tale.sums, strip.sums):
        found = sums["s"]
        assert isinstance(found, Statistics)
        weights = np.repeat(GRID.row_weights()[:, None], 90, axis=1)
        valid = COUNTS["OMAT"] != NO_DATA
        assert found.group(0, 1).layers[0].counts.weight == sum(weights[valid].tolist())
    assert strip.sums["s"].to_bytes() == tale.sums["s"].to_bytes()
    np.testing.assert_array_equal(strip.sums["j"].areas, tale.sums["j"].areas)


def test_a_problem_of_the_input_comes_back_with_its_shard(source: MapsSource) -> None:
    joints = Joints(Axis("FeO", (0,)), Axis("MgO", (100,)), grouping=WholeMoon())
    window = Window(32, 0, 13, 32)
    outcome = SumTask(source, {"j": joints})(SumJob(window, source.content(window)))
    assert outcome.shard == "r0001c0000"
    assert isinstance(outcome.problem, ParametersError)
    assert not outcome.sums


def test_a_store_out_of_sight_is_no_moon_of_no_data(tmp_path: Path) -> None:
    gone = MapsSource(open_cube(write_maps(tmp_path / "maps.zarr", COUNTS, GRID)))
    window = Window(0, 0, 32, 32)
    job = SumJob(window, gone.content(window))
    (tmp_path / "maps.zarr").rename(tmp_path / "elsewhere.zarr")
    outcome = SumTask(gone, {"s": Histograms((WholeMoon(),))})(job)
    assert "does not see this store" in str(outcome.problem)


def test_an_object_that_goes_in_mid_run_is_no_missing_data(tmp_path: Path) -> None:
    void = {"FeO": np.where(np.arange(90) < 32, NO_DATA, COUNTS["FeO"]).astype(np.int16)}
    maps = write_maps(tmp_path / "maps.zarr", void, GRID)
    source = MapsSource(open_maps(maps, None))
    whole = prepare_sums(source, {}, verb="count").run(Serial())
    assert whole.done == len(source.layout.windows())  # a shard of nothing has no object either
    (tmp_path / "maps.zarr/FeO/c/1/1").unlink()
    told = prepare_sums(source, {}, verb="count").run(Serial()).problems
    assert ["gone" in str(problem) and "FeO/c/1/1" in str(problem) for problem in told] == [True]
