"""Differences of maps as layers: exact, with honest flags, and refused where they make no sense."""

from pathlib import Path

import numpy as np
import pytest

from lunarscale.engine.difference_source import Difference, DifferenceSource, difference_of
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import ParametersError
from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, MapReason
from lunarscale.grid.raster import RasterGrid
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout, MapLayer
from lunarscale.store.location import Location

NAMES = ("FeO", "FeO_old", "TiO2")


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> tuple[MapsSource, dict[str, np.ndarray]]:
    """Two maps of iron and one of titanium, 64 x 32 pixels in eight shards, a tenth no-data."""
    layers = tuple(MapLayer(name, name.split("_")[0], name, "", "") for name in NAMES)
    grid = RasterGrid.whole(32 / 180)
    layout = Layout("maps", grid, 16, 8, "clementine-uvvis", layers, False)
    cube = Cube.create(Location(str(tmp_path_factory.mktemp("difference") / "m.zarr")), layout, {})
    made = np.random.default_rng(1)
    stored = {}
    for name in NAMES:
        counts = made.integers(-400, 4000, (grid.height, grid.width)).astype(np.int16)
        counts[made.random(counts.shape) < 0.1] = NO_DATA
        stored[name] = counts
        stored[f"{name}_flag"] = (counts == NO_DATA).astype(np.uint8)
    for window in layout.windows():
        with cube.making(window) as shard:
            for chunk in window.split(8):
                place = (chunk.row - window.row) // 8, (chunk.col - window.col) // 8
                for name, values in stored.items():
                    shard.writer(name).put(*place, values[chunk.slices])
    return MapsSource(cube), stored


def whole(source: DifferenceSource) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(source.layers), source.grid.height, source.grid.width)
    counts, flags = np.zeros(shape, np.int16), np.full(shape, 255, np.uint8)
    for window in source.layout.windows():
        for chunk in source.chunks(window):
            counts[:, *chunk.window.slices] = chunk.counts
            flags[:, *chunk.window.slices] = chunk.flags
    return counts, flags


def test_a_difference_is_exact_and_the_maps_are_as_they_were(
    maps: tuple[MapsSource, dict[str, np.ndarray]],
) -> None:
    source, stored = maps
    both = DifferenceSource(source, (Difference("FeO less FeO_old", "FeO", "FeO_old"),))
    assert both.layers == (*NAMES, "FeO less FeO_old")
    assert [quantity.name for quantity in both.quantities] == ["FeO", "FeO", "TiO2", "FeO"]
    counts, flags = whole(both)
    for place, name in enumerate(NAMES):
        assert np.array_equal(counts[place], stored[name])
    has = (stored["FeO"] != NO_DATA) & (stored["FeO_old"] != NO_DATA)
    wide = stored["FeO"].astype(int) - stored["FeO_old"]
    assert np.array_equal(counts[3], np.where(has, wide, NO_DATA))
    assert np.array_equal(flags[3] > 0, ~has)
    assert 0.1 < (~has).mean() < 0.3


def test_flags_tell_why_and_how_firm() -> None:
    counts = np.array([[[1, NO_DATA, 3, 30000]], [[0, 2, NO_DATA, -30000]]], np.int16)
    flags = np.array(
        [[[NEGATIVE, MapReason.SATURATED_INPUT, EXTRAPOLATED, 0]],
         [[EXTRAPOLATED, 0, MapReason.OUTSIDE_DOMAIN, 0]]],
        np.uint8,
    )  # fmt: skip
    made, told = difference_of(counts, flags)
    assert made.tolist() == [[1, NO_DATA, NO_DATA, NO_DATA]]
    assert told.tolist() == [
        [EXTRAPOLATED, MapReason.SATURATED_INPUT, MapReason.OUTSIDE_DOMAIN, MapReason.BEYOND_RANGE]
    ]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (Difference("d", "FeO", "TiO2"), "a difference is of one quantity"),
        (Difference("d", "FeO", "MgO"), "is not read for MgO but for FeO, FeO_old, TiO2"),
        (Difference("TiO2", "FeO", "FeO_old"), "TiO2 names two layers"),
    ],
)
def test_what_makes_no_sense_is_refused(
    maps: tuple[MapsSource, dict[str, np.ndarray]], made: Difference, told: str
) -> None:
    with pytest.raises(ParametersError, match=told):
        DifferenceSource(maps[0], (made,))


def test_its_folder_is_nobodys(maps: tuple[MapsSource, dict[str, np.ndarray]]) -> None:
    source = DifferenceSource(maps[0], ())
    assert source.layers == NAMES
    assert Path(source.name).name == "m.zarr"
    assert source.shard_name(source.layout.windows()[0]) == "r0000c0000"
