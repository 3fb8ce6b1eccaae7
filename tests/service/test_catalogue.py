"""A folder's stores: which are shown, by what names, and how changes are noticed."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from maps_at_hand import write_maps

from lunarscale.engine.ledger import Ledger
from lunarscale.errors import FormatError, UnknownError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.service.catalogue import Catalogue, Dataset
from lunarscale.service.layers import layers_of
from lunarscale.service.ranges import display_range
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout
from lunarscale.store.location import Location

GRID = RasterGrid(64, 0, 0, 32, 64)
COUNTS = np.arange(32 * 64, dtype=np.int16).reshape(32, 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one store, ``maps.zarr``."""
    write_maps(tmp_path / "maps.zarr", {"FeO": COUNTS}, GRID)
    return tmp_path


def test_what_is_no_store_of_this_folder_is_not_shown(folder: Path) -> None:
    outside = folder.parent / "outside.zarr"
    shutil.copytree(folder / "maps.zarr", outside)
    (folder / "linked.zarr").symlink_to(outside)
    (folder / "empty").mkdir()
    shutil.copytree(folder / "maps.zarr", folder / ".hidden.zarr")
    (folder / "half").mkdir()
    (folder / "half" / "zarr.json").symlink_to(outside / "zarr.json")
    (folder / "deep").mkdir()
    shutil.copytree(folder / "maps.zarr", folder / "deep" / "maps.zarr")
    zarr.create_group(folder / "group.zarr")
    zarr.create_array(folder / "array.zarr", shape=(2,), dtype="i2")
    catalogue = Catalogue(folder)
    assert catalogue.names() == ["maps.zarr"]
    assert catalogue.broken() == {}
    for name in ("linked.zarr", ".hidden.zarr", "half", "empty", "deep/maps.zarr", "nothing",
                 "../outside.zarr", "./maps.zarr", "maps.zarr/", "", ".", "..", "maps.zarr\0",
                 str(folder / "maps.zarr"), "MAPS.ZARR", "x" * 5000):  # fmt: skip
        with pytest.raises(UnknownError) as told:
            catalogue.dataset(name)
        assert str(folder) not in str(told.value).replace(repr(name[:80]), "")


def test_stores_that_come_go_and_change_are_noticed(folder: Path) -> None:
    catalogue = Catalogue(folder, wall=lambda: 2**62)
    first = catalogue.dataset("maps.zarr")
    assert catalogue.dataset("maps.zarr") is first  # nothing has changed: nothing is read
    write_maps(folder / "more.zarr", {"TiO2": COUNTS}, GRID)
    assert catalogue.names() == ["maps.zarr", "more.zarr"]
    shutil.rmtree(folder / "maps.zarr")
    with pytest.raises(UnknownError, match=r"it has more\.zarr"):
        catalogue.dataset("maps.zarr")
    write_maps(folder / "maps.zarr", {"MgO": COUNTS}, GRID)
    second = catalogue.dataset("maps.zarr")
    assert [layer.name for layer in second.layers] == ["MgO"]
    assert second.version != first.version


def test_a_store_that_is_being_written_shows_its_shards(folder: Path) -> None:
    cube = Cube.open(Location(str(folder / "maps.zarr")))
    ledger, windows = Ledger.of(cube), cube.layout.windows()
    now = [0.0]

    def clock() -> float:
        now[0] += 0.1  # a look takes a tenth of a second
        return now[0]

    catalogue = Catalogue(folder, clock=clock, wall=lambda: 2**62)
    assert shards(catalogue) == (2, 0, 2)
    ledger.withdraw(windows[0])
    assert shards(catalogue) == (2, 0, 2)  # a look that took long is not had again at once
    now[0] += 2.0
    assert shards(catalogue) == (1, 0, 2)


def test_changes_that_no_time_tells_apart_are_noticed(folder: Path) -> None:
    cube = Cube.open(Location(str(folder / "maps.zarr")))
    ledger, windows = Ledger.of(cube), cube.layout.windows()
    now = [0.0]
    entries = folder / "maps.zarr" / "ledger"
    changed = entries.stat().st_mtime_ns
    catalogue = Catalogue(folder, clock=lambda: now[0], wall=lambda: changed + 1)
    assert shards(catalogue) == (2, 0, 2)
    ledger.withdraw(windows[0])
    os.utime(entries, ns=(changed, changed))
    now[0] += 1.0
    assert shards(catalogue) == (1, 0, 2)


def test_ranges_are_kept_until_a_store_has_twice_the_shards(folder: Path) -> None:
    catalogue = Catalogue(folder)
    cube = Cube.open(Location(str(folder / "maps.zarr")))
    ledger, windows = Ledger.of(cube), cube.layout.windows()
    entry = ledger.read(windows[1])
    assert entry is not None
    ledger.withdraw(windows[1])
    assert shards(catalogue) == (1, 0, 2)
    half = catalogue.dataset("maps.zarr").ranges
    assert catalogue.dataset("maps.zarr").ranges is half
    ledger.write(windows[1], entry)
    whole = Catalogue(folder).dataset("maps.zarr")
    newer = replace(whole, shown=catalogue.dataset("maps.zarr").shown)
    assert newer.ranges is not half
    assert newer.ranges == whole.ranges


def shards(catalogue: Catalogue) -> tuple[int, int, int]:
    found = catalogue.dataset("maps.zarr")
    return found.done, found.torn, found.shards


def test_torn_shards_are_told(folder: Path) -> None:
    (folder / "maps.zarr" / "FeO" / "c" / "0" / "1").write_bytes(b"torn")
    assert shards(Catalogue(folder)) == (1, 1, 2)


@pytest.mark.parametrize("text", ["", "{}", '{"attributes": {"lunarscale": {"format": 99}}}'])
def test_a_store_that_cannot_be_read_says_why(folder: Path, text: str) -> None:
    broken = folder / "broken.zarr"
    broken.mkdir()
    (broken / "zarr.json").write_text(text)
    catalogue = Catalogue(folder)
    assert list(catalogue.broken()) == ["broken.zarr"]
    assert [dataset.name for dataset in catalogue.datasets()] == ["maps.zarr"]
    with pytest.raises(FormatError):
        catalogue.dataset("broken.zarr")


def test_a_layer_of_another_name_is_told_with_those_there_are(folder: Path) -> None:
    dataset = Catalogue(folder).dataset("maps.zarr")
    assert dataset.layer("FeO").unit == "wt %"
    with pytest.raises(UnknownError, match="it has FeO"):
        dataset.layer("../FeO")


def test_colours_span_the_middle_of_the_area(folder: Path) -> None:
    dataset = Catalogue(folder).dataset("maps.zarr")
    low, high = dataset.ranges["FeO"] or (0.0, 0.0)
    values = np.repeat(COUNTS * 0.005, 1)
    weights = np.repeat(GRID.row_weights(), 64)
    order = np.argsort(values)
    reached = np.cumsum(weights[order].astype(np.float64))
    share = reached / reached[-1]
    exact = values[order][np.searchsorted(share, [0.01, 0.99])]
    assert low <= exact[0] < low + 0.2
    assert high - 0.2 < exact[1] <= high


def test_a_map_without_a_value_has_no_range(tmp_path: Path) -> None:
    write_maps(tmp_path / "maps.zarr", {"FeO": np.full_like(COUNTS, NO_DATA)}, GRID)
    assert Catalogue(tmp_path).dataset("maps.zarr").ranges == {"FeO": None}


def test_a_mosaics_layers_are_its_bands(tmp_path: Path) -> None:
    layout = Layout("mosaic", GRID, 32, 16, "kaguya-mi")
    layers = layers_of(layout)
    assert [layer.band for layer in layers] == list(range(9))
    assert layers[1].name == "R749"
    assert {layer.array for layer in layers} == {"reflectance"}
    cube = Cube.create(Location(str(tmp_path / "m.zarr")), layout, {})
    assert display_range(cube, layers[0]) is None
    assert isinstance(Catalogue(tmp_path).dataset("m.zarr"), Dataset)


def test_no_folder_has_no_stores(tmp_path: Path) -> None:
    assert Catalogue(tmp_path / "gone").names() == []
