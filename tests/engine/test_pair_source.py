"""Two maps as one source: what its layers hold, against the maps read by hand."""

import pickle
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from maps_at_hand import described_by, open_cube, write_maps

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.map_on_grid import StoredMap
from lunarscale.engine.pair_source import LAYERS, PairSource
from lunarscale.errors import ParametersError, RegionError, StoreError
from lunarscale.flags import EXTRAPOLATED, NO_DATA, MapReason
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.changes import HAS_A, HAS_B
from lunarscale.store.cube import Cube

WHOLE = RasterGrid.whole(0.5)  # 180 x 90 pixels


def some(grid, seed, *, missing=0.2, spread=1000):
    rng = np.random.default_rng(seed)
    counts = rng.integers(-spread, spread, (grid.height, grid.width)).astype(np.int16)
    counts[rng.random(counts.shape) < missing] = NO_DATA
    return counts


def whole_of(source, *, cut=None):
    """All counts and flags of a source, put together from its shards."""
    source = source if cut is None else cut(source)
    shape = (3, source.grid.height, source.grid.width)
    counts, flags = np.full(shape, 7777, np.int16), np.zeros(shape, np.uint8)
    seen = np.zeros(shape[1:], int)
    for window in source.layout.windows():
        for chunk in source.chunks(window):
            at = (slice(None), *chunk.window.slices)
            counts[at], flags[at] = chunk.counts, chunk.flags
            seen[at[1:]] += 1
    assert (seen == 1).all()
    return counts, flags


@pytest.fixture
def stored(tmp_path):
    """Write a map of FeO and name it."""

    def write(name, counts, grid=WHOLE, **cut):
        path = write_maps(Path(tmp_path, f"{name}.zarr"), {"FeO": counts}, grid, **cut)
        return StoredMap(open_cube(path), "FeO")

    return write


def test_same_grid_pixel_by_pixel(stored):
    a, b = some(WHOLE, 1), some(WHOLE, 2)
    source = PairSource(stored("a", a), stored("b", b, shard=24, chunk=8))
    counts, flags = whole_of(source)
    both = (a != NO_DATA) & (b != NO_DATA)
    assert source.layers == LAYERS
    assert source.grid == WHOLE
    assert {q.name for q in source.quantities} == {"FeO"}
    for layer, expected in enumerate((a, b, a - b)):
        np.testing.assert_array_equal(counts[layer], np.where(both, expected, NO_DATA))
    alone = HAS_A * (a != NO_DATA) + HAS_B * (b != NO_DATA)
    np.testing.assert_array_equal(flags[2], np.where(both, 0, int(MapReason.NO_INPUT) + alone))
    assert "pixel by pixel" in source.how


def test_two_layers_of_one_store(tmp_path):
    a, b = some(WHOLE, 1), some(WHOLE, 2)
    cube = open_cube(write_maps(tmp_path / "m.zarr", {"FeO": a, "FeO_lucey": b}, WHOLE))
    source = PairSource(StoredMap(cube, "FeO"), StoredMap(cube, "FeO_lucey"))
    both = (a != NO_DATA) & (b != NO_DATA)
    np.testing.assert_array_equal(whole_of(source)[0][2], np.where(both, a - b, NO_DATA))
    assert source.name == f"{cube.location.url}:FeO and {cube.location.url}:FeO_lucey"


def test_why_there_is_no_value(tmp_path):
    a, b = np.full((90, 180), 5, np.int16), np.full((90, 180), 9, np.int16)
    flags_a, flags_b = np.zeros((2, 90, 180), np.uint8)
    a[0, 0], flags_a[0, 0] = NO_DATA, MapReason.SATURATED_INPUT
    b[0, 1], flags_b[0, 1] = NO_DATA, MapReason.OFF_SCALE_INPUT
    b[0, 0], flags_b[0, 0] = NO_DATA, MapReason.OUTSIDE_DOMAIN
    flags_a[0, 2] = EXTRAPOLATED
    cube = open_cube(
        write_maps(
            tmp_path / "m.zarr", {"FeO": a, "FeO_x": b}, WHOLE,
            flags={"FeO": flags_a, "FeO_x": flags_b},
        )
    )  # fmt: skip
    counts, flags = whole_of(PairSource(StoredMap(cube, "FeO"), StoredMap(cube, "FeO_x")))
    assert (counts[:, 0, :2] == NO_DATA).all()
    assert flags[:, 0, 0].tolist() == [
        MapReason.SATURATED_INPUT, MapReason.OUTSIDE_DOMAIN, MapReason.SATURATED_INPUT
    ]  # fmt: skip
    reason = MapReason.OFF_SCALE_INPUT
    assert flags[:, 0, 1].tolist() == [reason, reason, reason | HAS_A]
    assert flags[:, 0, 2].tolist() == [EXTRAPOLATED, 0, EXTRAPOLATED]


def test_a_difference_that_does_not_fit_is_no_value(stored):
    a, b = np.full((90, 180), 20_000, np.int16), np.full((90, 180), 19_000, np.int16)
    b[4, :3] = -12_767, -12_768, -20_000  # the difference: 32,767, then too many
    counts, flags = whole_of(PairSource(stored("a", a), stored("b", b)))
    assert counts[2, 4, :4].tolist() == [32_767, NO_DATA, NO_DATA, 1_000]
    beyond = MapReason.BEYOND_RANGE | HAS_A | HAS_B
    assert flags[2, 4, :4].tolist() == [0, beyond, beyond, 0]
    assert (flags > 0).sum() == 2
    assert counts[0, 4, 2] == 20_000
    counts, _ = whole_of(PairSource(stored("c", b), stored("d", a)))
    assert counts[2, 4, :2].tolist() == [-32_767, NO_DATA]


def test_a_finer_map_is_averaged_whichever_it_is(stored):
    fine = RasterGrid.whole(1.5)
    a = some(WHOLE, 3, missing=0.1)
    b = np.repeat(np.repeat(a, 3, axis=0), 3, axis=1)
    b[1::3, 1::3] = NO_DATA  # eight of nine are left
    coarse, finer = stored("coarse", a), stored("fine", b, fine)
    counts, _ = whole_of(PairSource(coarse, finer))
    np.testing.assert_array_equal(counts[0], a)
    np.testing.assert_array_equal(counts[1], a)
    again, _ = whole_of(PairSource(finer, coarse))
    np.testing.assert_array_equal(again[[1, 0]], counts[:2])
    assert set(np.unique(again[2])) == {0, NO_DATA}
    source = PairSource(coarse, finer)
    assert source.finer is finer
    assert "B (1.5 pixels a degree) was brought to the pixels of A (0.5) by" in source.how
    assert "area means" in source.how
    # the nearest pixel is the one at the centre, which has none
    counts, _ = whole_of(PairSource(coarse, finer, method="nearest"))
    assert (counts == NO_DATA).all()


@pytest.mark.parametrize("ppd", [0.5, 0.7, 3.3])
@pytest.mark.parametrize("method", ["mean", "nearest"])
def test_any_cut_gives_the_same_bits(stored, ppd, method):
    fine = RasterGrid.whole(ppd).crop(-170, -40, 100, 60)
    coarse = WHOLE.crop(20, -60, 200, 30)
    a, b = some(coarse, 5), some(fine, 6)
    counts, flags = whole_of(PairSource(stored("a", a, coarse), stored("b", b, fine), method))
    other = PairSource(
        stored("c", a, coarse, shard=64, chunk=64), stored("d", b, fine, shard=70, chunk=35), method
    )
    np.testing.assert_array_equal(whole_of(other)[0], counts)
    np.testing.assert_array_equal(whole_of(other)[1], flags)
    assert (counts != NO_DATA).any()


def test_the_nearest_pixel_holds_the_centre(stored):
    fine = RasterGrid.whole(1.3)
    b = some(fine, 7, missing=0.0)
    source = PairSource(stored("a", np.zeros((90, 180), np.int16)), stored("b", b, fine), "nearest")
    counts, _ = whole_of(source)
    for row, lat in list(enumerate(WHOLE.lats()))[::7]:
        for col, lon in list(enumerate(WHOLE.lons()))[::11]:
            assert counts[1, row, col] == b[fine.locate(lon, lat)]


def test_crops_over_the_seam(stored):
    first, second = WHOLE.crop(150, -20, -100, 40), WHOLE.crop(170, 0, -140, 60)
    a, b = some(first, 8), some(second, 9)
    source = PairSource(stored("a", a, first), stored("b", b, second))
    assert source.grid == WHOLE.crop(170, 0, -140, 40)
    counts, _ = whole_of(source)
    ours = a[: source.grid.height, 10:35]  # both crops end at 40 N; 20 degrees are ten pixels
    theirs = b[10:, :25]
    both = (ours != NO_DATA) & (theirs != NO_DATA)
    np.testing.assert_array_equal(counts[2], np.where(both, ours - theirs, NO_DATA))
    assert "170 0 220 40" in source.how


def test_a_crop_within_the_whole(stored):
    crop = WHOLE.crop(-30, -10, 50, 30)
    a, b = some(WHOLE, 10, missing=0), some(crop, 11, missing=0)
    source = PairSource(stored("a", a), stored("b", b, crop))
    assert source.grid == crop
    expected = a[crop.row : crop.row + crop.height, crop.col : crop.col + crop.width] - b
    np.testing.assert_array_equal(whole_of(source)[0][2], expected)


def test_a_coarser_pixel_half_out_of_reach(stored):
    """A pixel that the finer map covers by less than half has no value."""
    fine = RasterGrid.whole(1.5).crop(0, 0, 8 + 2 / 3, 8)
    b = np.full((fine.height, fine.width), 40, np.int16)
    coarse = np.zeros((90, 180), np.int16)
    source = PairSource(stored("a", coarse), stored("b", b, fine))
    counts, flags = whole_of(source)
    assert (counts[1, :, :4] == 40).all()
    assert (counts[1, :, 4] == NO_DATA).all()
    assert (flags[1, :, 4] == MapReason.NO_INPUT).all()


def test_it_travels_in_a_pickle(stored):
    source = PairSource(stored("a", some(WHOLE, 1)), stored("b", some(WHOLE, 2)))
    again = pickle.loads(pickle.dumps(source))
    assert again.grid == source.grid
    np.testing.assert_array_equal(whole_of(again)[0], whole_of(source)[0])


def test_what_cannot_be_compared(tmp_path, stored):
    counts = {"FeO": some(WHOLE, 1), "TiO2": some(WHOLE, 2), "OMAT": some(WHOLE, 3)}
    cube = open_cube(write_maps(tmp_path / "m.zarr", counts, WHOLE))
    iron, titanium, maturity = (StoredMap(cube, name) for name in counts)
    with pytest.raises(ParametersError, match=r"shows iron oxide abundance and .* titanium"):
        PairSource(iron, titanium)
    with pytest.raises(ParametersError, match=r"is in wt % and .* in a pure number; only maps"):
        PairSource(iron, maturity)
    with pytest.raises(ParametersError, match="'linear'; use mean or nearest"):
        PairSource(iron, iron, "linear")
    with pytest.raises(StoreError, match="there is no map CaO; the store has FeO, TiO2, OMAT"):
        StoredMap(cube, "CaO")
    with pytest.raises(StoreError, match="there is no map FeO_flag; the store has FeO"):
        StoredMap(cube, "FeO_flag")


def test_another_body(stored):
    moon, other = stored("moon", some(WHOLE, 1)), stored("mars", some(WHOLE, 2))
    wkt = moon.cube.attributes["proj:wkt2"].replace("1737400", "3396190").replace("Moon", "Mars")
    mars = replace(other.cube, attributes={**other.cube.attributes, "proj:wkt2": wkt})
    with pytest.raises(ParametersError, match=r"Moon.* and .* on Mars .*only maps of one body"):
        PairSource(moon, StoredMap(mars, "FeO"))


def test_no_ground_in_common(stored):
    east, west = WHOLE.crop(10, -20, 60, 20), WHOLE.crop(-60, -20, -10, 20)
    with pytest.raises(RegionError, match=r"no ground in common: .*covers 10 -20 60 20 and"):
        PairSource(stored("a", some(east, 1), east), stored("b", some(west, 2), west))


def test_shards_of_a_much_finer_map_stay_small(stored):
    fine = RasterGrid.whole(200).crop(0, 0, 1, 1)
    counts = np.zeros((fine.height, fine.width), np.int16)
    coarse = np.zeros((90, 180), np.int16)
    source = PairSource(stored("a", coarse), stored("b", counts, fine, shard=256, chunk=128))
    layout = source.layout
    assert source.ratio == 400
    assert layout.chunk * source.ratio <= 2048
    assert layout.shard % layout.chunk == 0
    assert source.task_bytes < 60e6
    assert described_by("FeO").quantity in QUANTITIES


def test_a_task_stays_within_its_plan(stored):
    """Memory that reading a shard takes, both grids alike and one much finer."""
    fine = RasterGrid.whole(48).crop(0, 0, 40, 40)
    noise = np.random.default_rng(1).integers(-9000, 9000, (fine.height, fine.width))
    finer = stored("fine", noise.astype(np.int16), fine, shard=512, chunk=256)
    same = stored("same", noise[::-1].astype(np.int16), fine, shard=512, chunk=256)
    coarse = stored("coarse", some(WHOLE, 1))
    for pair in (PairSource(finer, same), PairSource(coarse, finer)):
        list(pair.chunks(pair.layout.windows()[0]))  # what is compiled and read once
        tracemalloc.start()
        for window in pair.layout.windows()[:4]:
            for _ in pair.chunks(window):
                pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < pair.task_bytes


@pytest.mark.parametrize("method", ["mean", "nearest"])
@pytest.mark.parametrize(
    "other",
    [
        WHOLE,
        RasterGrid.whole(1.25),
        RasterGrid.whole(0.8).crop(-20, -30, 100, 40),
        RasterGrid.whole(0.4).crop(150, -50, -150, 60),
        RasterGrid.whole(0.5).crop(150, -50, -150, 60),
    ],
    ids=["same", "finer", "finer part", "coarser over the seam", "part over the seam"],
)
def test_what_a_task_asks_the_ledger_of_is_all_that_it_reads(stored, other, method, monkeypatch):
    sides = (
        stored("a", some(WHOLE, 1), shard=16, chunk=8),
        stored("b", some(other, 2), other, shard=16, chunk=8),
    )
    source = PairSource(*sides, method=method)
    read = Cube.reader
    for window in source.layout.windows():
        opened: set[tuple[str, Window]] = set()

        def noted(cube, name, at, band=None, opened=opened):
            opened.add((cube.location.url, Window(at.row, at.col, 1, 1)))
            return read(cube, name, at, band)

        monkeypatch.setattr(Cube, "reader", noted)
        for _ in source.chunks(window):
            pass
        asked: set[tuple[str, Window]] = set()

        def told(ledger, windows, asked=asked):
            asked |= {(ledger.location.url, at) for at in windows}
            return "content"

        monkeypatch.setattr(Ledger, "content", told)
        assert source.content(window) is not None
        assert opened <= asked
        assert len(asked) <= len(opened) + 24, "nor much more"
