"""Overviews: stores of area means within a store of maps, whole or remade, never of the past."""

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from area_mean_twin import area_means, assert_true
from cli_at_hand import lunarscale, refused
from distributed import Client
from maps_at_hand import open_cube, write_maps
from numpy.typing import NDArray
from overview_at_hand import AROUND, bits, held

from lunarscale.engine.executors import OnDask
from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.engine.level_shards import LevelShards
from lunarscale.engine.lock import RunLock
from lunarscale.engine.overviews import OverviewTask
from lunarscale.engine.seals import checksum
from lunarscale.errors import BusyError, IncompleteError, ParametersError, StoreError, TornError
from lunarscale.flags import EXTRAPOLATED, NO_DATA
from lunarscale.grid.halving import lattices
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.steps import overview as overview_step
from lunarscale.steps.export import export
from lunarscale.steps.overview import overview, prepare_overview
from lunarscale.steps.validate import validate
from lunarscale.store.cube import Cube
from lunarscale.store.levels import DOCUMENT, levels
from lunarscale.store.location import Location

CUT = {"shard": 128, "chunk": 64}
SMALL_CUT = {"shard": 64, "chunk": 32}
HERE = ("--workers", "0")

Pixels = tuple[NDArray[np.int16], NDArray[np.uint8]]


def pixels(grid: RasterGrid, seed: int = 1) -> Pixels:
    """Noise with holes for several reasons, and places that are extrapolated."""
    rng = np.random.default_rng(seed)
    shape = (grid.height, grid.width)
    counts, flags = rng.integers(0, 4000, shape).astype(np.int16), np.zeros(shape, np.uint8)
    flags[rng.random(shape) < 0.4] = EXTRAPOLATED
    holes = rng.random(shape) < 0.15
    holes[: shape[0] // 3, : shape[1] // 4] = True
    counts[holes] = NO_DATA
    flags[holes] = np.where(rng.random(shape) < 0.6, 2, 4)[holes]
    return counts, flags


def written(path: Path, grid: RasterGrid, made: Any, *, cut: dict[str, int] = CUT) -> str:
    """A finished store of two layers: the second has the first's counts upside down."""
    counts = {"FeO": made[0], "TiO2": np.ascontiguousarray(made[0][::-1])}
    flags = {"FeO": made[1], "TiO2": np.ascontiguousarray(made[1][::-1])}
    return write_maps(path, counts, grid, flags=flags, **cut)  # type: ignore[arg-type]


def stamps(maps: str) -> dict[str, tuple[int, int]]:
    """Time of writing and inode of these objects."""
    root = Path(maps, "overviews")
    return {
        key: ((root / key).stat().st_mtime_ns, (root / key).stat().st_ino) for key in bits(maps)
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Maps of the whole Moon with their overviews; not to be changed."""
    grid = RasterGrid(AROUND, 0, 0, AROUND // 2, AROUND)
    maps = written(tmp_path_factory.mktemp("overview") / "maps.zarr", grid, pixels(grid))
    tale = overview(maps)
    assert tale.done == 15
    assert tale.pixels > AROUND**2 // 2
    return maps


@pytest.fixture
def maps(whole: str, tmp_path: Path) -> str:
    """A copy of them, to be changed."""
    return shutil.copytree(whole, tmp_path / "maps.zarr").as_posix()


def rewritten(maps: str, window: Window, count: int) -> None:
    """Write a shard anew, all of one count, as a run that holds the store does."""
    cube = open_cube(maps)
    with RunLock(cube.location, "rewritten", verb="predict", since="now"):
        Ledger.of(cube).withdraw(window)
        with cube.making(window) as shard:
            for layer in ("FeO", "TiO2"):
                for place in window.split(cube.layout.chunk):
                    at = tuple((place[n] - window[n]) // cube.layout.chunk for n in (0, 1))
                    shape = (place.height, place.width)
                    shard.writer(layer).put(*at, np.full(shape, count, np.int16))
                    shard.writer(f"{layer}_flag").put(*at, np.zeros(shape, np.uint8))
        Ledger.of(cube).write(window, Entry("anew", shard.seals))


def test_levels_of_the_whole_moon(whole: str) -> None:
    """Every pixel of both is the brute-force mean; both close at 180 degrees and at the poles."""
    base, *coarser = levels(open_cube(whole))
    assert [level.grid for level in coarser] == [
        RasterGrid(around, 0, 0, around // 2, around) for around in (516, 258)
    ]
    for layer, level in zip(("FeO", "TiO2"), coarser, strict=True):
        assert level.layout.layers == base.layout.layers
        assert_true(*held(level, layer), area_means(*held(base, layer), base.grid, level.grid))


#: Parts of maps at 100 m a pixel and of the little Moon: row, column, height, width.
PARTS = {
    "over the seam": (109_164, 20_001, 109_101, 130, 171),
    "at the north pole": (109_164, 0, 30_001, 150, 130),
    "at the south pole": (109_164, 54_582 - 141, 77, 141, 130),
    "all around from 7 on": (AROUND, 100, 7, 150, AROUND),
    "nearly around": (AROUND, 301, 5, 91, AROUND - 2),
    "one exact half": (2048, 66, 130, 140, 150),
}


@pytest.mark.parametrize("name", PARTS)
def test_levels_of_a_part(name: str, tmp_path: Path) -> None:
    """On the whole Moon's coarser pixels; what lies beyond the map counts as no input."""
    around, row, col, height, width = PARTS[name]
    grid = RasterGrid(around, row, col, height, width)
    made = pixels(grid)
    maps = written(tmp_path / "maps.zarr", grid, made, cut=SMALL_CUT)
    overview(maps)
    base, *coarser = levels(open_cube(maps))
    assert [level.grid.around for level in coarser] == list(lattices(around)[: len(coarser)])
    assert len(coarser) >= 1
    # weights of rows are whole numbers: of the outermost at the poles right to one in 7000
    off = 0.5 if "pole" in name else 1e-3
    for level in coarser:
        assert_true(*held(level), area_means(*made, base.grid, level.grid), off=off)
        assert (held(level)[0] != NO_DATA).mean() > 0.3


def test_a_part_has_the_pixels_of_the_whole(whole: str, tmp_path: Path) -> None:
    """Bit for bit, where all of a coarser pixel lies in it."""
    grid = RasterGrid(AROUND, 91, 333, 220, 310)
    made = held(open_cube(whole))
    part = tuple(np.ascontiguousarray(each[91:311, 333:643]) for each in made)
    maps = written(tmp_path / "part.zarr", grid, part, cut=SMALL_CUT)
    overview(maps)
    for mine, theirs in zip(
        levels(open_cube(maps))[1:], levels(open_cube(whole))[1:], strict=False
    ):
        grid = mine.grid
        rows, cols = (
            slice(grid.row + 1, grid.row + grid.height - 1),
            slice(grid.col + 1, grid.col + grid.width - 1),
        )
        step = 2 * 258 // grid.around
        inner = slice(2 * step, -2 * step or None)
        for one, other in zip(held(mine), held(theirs), strict=True):
            assert np.array_equal(one[1:-1, 1:-1][inner, inner], other[rows, cols][inner, inner])


def test_other_tools_find_what_they_found(whole: str, tmp_path: Path) -> None:
    """Of the maps the same variables, whether they have levels or not; each level opens too."""
    bare = shutil.copytree(whole, tmp_path / "bare.zarr")
    shutil.rmtree(bare / "overviews")
    with xr.open_zarr(whole) as found, xr.open_zarr(bare) as other:
        assert found.identical(other)
    for folder, around in ((2, 516), (4, 258)):
        with xr.open_zarr(Path(whole, "overviews", str(folder))) as level:
            assert level.FeO.shape == (around // 2, around)
            assert float(level.lon[0]) == pytest.approx(180 / around - 180)
            assert float(level.lat[-1]) == pytest.approx(180 / around - 90)
            assert level.attrs["spatial:shape"] == [around // 2, around]
    told = json.loads(Path(whole, DOCUMENT).read_text())["attributes"]
    assert [level["asset"] for level in told["multiscales"]["layout"]] == ["2", "4"]
    assert {"multiscales", "spatial:"} <= {each["name"] for each in told["zarr_conventions"]}


def test_a_geotiff_has_them(whole: str, tmp_path: Path) -> None:
    """Its overviews are the levels, to the bit; those of a part are GDAL's own, and not empty."""
    export(whole, layer="FeO", out=str(tmp_path / "whole.tif"))
    coarser = levels(open_cube(whole))[1:]
    with rasterio.open(tmp_path / "whole.tif") as file:
        assert len(file.overviews(1)) == len(coarser)
        assert file.scales == (0.005,)
        assert file.units == ("wt %",)
        assert file.nodata == NO_DATA
        assert np.array_equal(file.read(1), held(open_cube(whole))[0])
    for number, level in enumerate(coarser):
        with rasterio.open(tmp_path / "whole.tif", overview_level=number) as file:
            assert np.array_equal(file.read(1), held(level)[0])
    export(whole, layer="FeO", out=str(tmp_path / "part.tif"), bbox=(20, -60, 260, 20))
    with rasterio.open(tmp_path / "part.tif", overview_level=0) as file:
        assert (file.read(1) != NO_DATA).mean() > 0.5
    assert {path.name for path in tmp_path.iterdir()} == {"whole.tif", "part.tif"}


def test_a_geotiff_has_no_level_of_the_past(maps: str, tmp_path: Path) -> None:
    """Nor a torn one: of stale levels GDAL averages anew, and of a torn one no file is left."""
    file, level = tmp_path / "maps.tif", Path(maps, "overviews", "4", "FeO", "c", "1", "0")
    good = level.read_bytes()
    level.write_bytes(good[:-7])
    with pytest.raises(TornError, match="overviews/4/FeO/c/1/0"):
        export(maps, layer="FeO", out=str(file))
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
    level.write_bytes(good)
    rewritten(maps, Window(0, 0, 128, 128), 777)
    export(maps, layer="FeO", out=str(file))
    with rasterio.open(file, overview_level=0) as made:
        assert np.all(made.read(1)[:60, :60] == 777)


def test_each_is_a_whole_store_and_so_are_the_maps(whole: str) -> None:
    """Every byte of it, for ``validate --deep``; the levels are no strangers in the maps."""
    for store in (whole, f"{whole}/overviews/2", f"{whole}/overviews/4"):
        verdict = validate(store, deep=True)
        assert verdict.is_whole, verdict
        assert not verdict.strange


def test_nothing_is_done_twice(maps: str) -> None:
    """A second run touches nothing."""
    before = stamps(maps)
    assert overview(maps).done == 0
    assert stamps(maps) == before


def test_what_changed_is_remade_and_no_more(maps: str) -> None:
    """Until then the levels are of the past, and no reader is given them."""
    before = stamps(maps)
    rewritten(maps, Window(0, 0, 128, 128), 777)
    assert levels(open_cube(maps)) == (open_cube(maps),)
    assert overview(maps).done == 1
    base, *coarser = levels(open_cube(maps))
    for level in coarser:
        assert_true(*held(level), area_means(*held(base), base.grid, level.grid))
    after = stamps(maps)
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {key for key in after if key.endswith("c/0/0")}  # all of one square


def test_a_run_that_changed_nothing_costs_a_look(maps: str) -> None:
    """It held the store, so the levels may be of the past; they are looked at, not remade."""
    before = stamps(maps)
    with RunLock(Location(maps), "idle", verb="predict", since="now"):
        pass
    assert len(levels(open_cube(maps))) == 1
    tale = overview(maps)
    assert (tale.done, tale.bytes_written) == (1, 0)
    assert len(levels(open_cube(maps))) == 3
    assert stamps(maps) == before


def test_a_torn_level_is_remade(maps: str) -> None:
    """By the next run; and one that ``validate`` has taken back counts no more."""
    torn = Path(maps, "overviews", "2", "FeO", "c", "1", "1")
    good = bits(maps)
    torn.write_bytes(torn.read_bytes()[:-7])
    with pytest.raises(TornError, match="FeO/c/1/1"):
        held(levels(open_cube(maps))[1])
    assert not validate(f"{maps}/overviews/2").is_whole
    assert [level.location.url[-11:] for level in levels(open_cube(maps))[1:]] == ["overviews/4"]
    assert overview(maps).done == 1
    assert len(levels(open_cube(maps))) == 3
    assert bits(maps) == good
    assert validate(f"{maps}/overviews/2", deep=True).is_whole


#: Where a run is stopped: a method, and at which of its calls.
STOPS = {
    "in mid-write": (LevelShards, "put", 5),
    "before the entries": (OverviewTask, "_require_same", 4),
    "at the very end": (overview_step, "described", 1),
}


@pytest.mark.parametrize("when", STOPS)
def test_stopped_and_run_again(
    when: str, maps: str, whole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-made is ever shown; the next run does the rest, and the bits are the same."""
    shutil.rmtree(Path(maps, "overviews"))
    owner, name, call = STOPS[when]
    real, calls = getattr(owner, name), itertools.count(1)

    def stopping(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, stopping)
    with pytest.raises(KeyboardInterrupt):
        overview(maps)
    assert len(levels(open_cube(maps))) == 1
    tale = overview(maps)
    assert tale.done == {"at the very end": 1, "before the entries": 14}.get(when, 15)
    assert len(levels(open_cube(maps))) == 3
    assert bits(maps) == bits(whole)
    assert not list(Path(maps).rglob("*.partial"))


def test_afresh(maps: str, whole: str) -> None:
    """``overwrite`` makes every shard again, the same."""
    before = stamps(maps)
    assert overview(maps, overwrite=True).done == 15
    after = stamps(maps)
    assert after.keys() == before.keys()
    assert all(after[key] != before[key] for key in after)
    assert bits(maps) == bits(whole)
    assert len(levels(open_cube(maps))) == 3


def test_they_go_with_the_maps(maps: str) -> None:
    """Whoever starts the maps afresh removes them, and a copy made afresh has none of theirs."""
    Cube.remove(Location(maps))
    assert not Path(maps, "overviews").exists()


def test_levels_of_another_store_are_not_shown(whole: str, tmp_path: Path) -> None:
    """As where the folder of levels was copied into maps of the same grid."""
    grid = open_cube(whole).grid
    other = written(tmp_path / "other.zarr", grid, pixels(grid, seed=2))
    root = Path(other, "zarr.json")
    root.write_text(root.read_text().replace("Maps at hand", "Other maps"))
    shutil.copytree(Path(whole, "overviews"), Path(other, "overviews"))
    assert len(levels(open_cube(other))) == 1


def _sealed_again(text: str) -> str:
    """With the checksum of what is there now: whoever spoils it on purpose gives it that."""
    try:
        group = json.loads(text)
        facts = group["attributes"]["lunarscale_overviews"]
    except (ValueError, TypeError):
        return text
    del facts["crc32c"]
    facts["crc32c"] = checksum(group)
    return json.dumps(group)


@pytest.mark.parametrize("seal", [str, _sealed_again])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:100],
        lambda text: "[]",
        lambda text: text.replace('"levels": [', '"levels": ["2", '),
        lambda text: text.replace('"folder": "2"', '"folder": "../../maps.zarr"'),
        lambda text: text.replace('"folder": "2"', '"folder": 2'),
        lambda text: text.replace('"folder": "2"', '"folder": "16"'),
        lambda text: text.replace('"lock": 0', '"lock": "0"'),
    ],
)
def test_a_spoilt_document_shows_nothing_wrong(
    spoil: Callable[[str], str], seal: Callable[[str], str], maps: str
) -> None:
    """What it does not tell rightly is left out, without an error; the next run mends it."""
    document = Path(maps, DOCUMENT)
    document.write_text(seal(spoil(document.read_text())))
    found = levels(open_cube(maps))
    assert found[0] == open_cube(maps)
    assert len(found) < 3
    assert overview(maps).bytes_written == 0
    assert len(levels(open_cube(maps))) == 3


def test_maps_of_one_shard_need_none(tmp_path: Path) -> None:
    """Nothing is done and nothing written; the command says so."""
    grid = RasterGrid(AROUND, 100, 100, 60, 64)
    maps = written(tmp_path / "small.zarr", grid, pixels(grid))
    assert prepare_overview(maps).jobs == []
    assert "none, the maps are small" in lunarscale("overview", maps, *HERE).stdout
    assert not Path(maps, "overviews").exists()


def test_refusals(maps: str, tmp_path: Path) -> None:
    """Maps that are not finished, that another run writes to, that are no maps."""
    cube = open_cube(maps)
    with RunLock(cube.location, "other", verb="predict", since="now"):
        prepared = prepare_overview(maps, overwrite=True)
        with pytest.raises(BusyError, match="one run at a time"):
            overview(maps, overwrite=True)
    del prepared
    Ledger.of(cube).withdraw(Window(0, 0, 128, 128))
    with pytest.raises(StoreError, match="1 of 45 shards are not done"):
        prepare_overview(maps)
    assert "is no lunarscale store" in refused("overview", _a_group(tmp_path), *HERE)
    layout = replace(cube.layout, kind="mosaic", layers=())
    mosaic = Cube.create(Location(str(tmp_path / "mosaic.zarr")), layout, {})
    with pytest.raises(ParametersError, match="a store of maps was expected"):
        prepare_overview(mosaic.location.url)


def _a_group(folder: Path) -> Path:
    (folder / "group").mkdir()
    (folder / "group" / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    return folder / "group"


def test_maps_that_change_meanwhile(maps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever holds no lock: the square is a problem, and no level is shown."""
    shutil.rmtree(Path(maps, "overviews"))
    real = OverviewTask._write
    cube = open_cube(maps)

    def changing(self: OverviewTask, square: Window) -> Any:
        made = real(self, square)
        Ledger.of(cube).write(Window(0, 0, 128, 128), Entry("other", {"FeO/c/0/0": [1, 2]}))
        return made

    monkeypatch.setattr(OverviewTask, "_write", changing)
    with pytest.raises(IncompleteError, match="has changed since the run began"):
        overview(maps)
    assert len(levels(cube)) == 1


def test_on_the_command_line(maps: str, whole: str) -> None:
    """Plan, run, what there is; then nothing to do."""
    shutil.rmtree(Path(maps, "overviews"))
    told = lunarscale("overview", maps, *HERE, "--dry-run").stdout
    assert "15, of which 0 are done" in told
    assert not Path(maps, "overviews").exists()
    assert "none of what the maps hold now" in lunarscale("info", maps).stdout
    assert "overviews: 516 x 258, 258 x 129" in lunarscale("overview", maps, *HERE).stdout
    assert bits(maps) == bits(whole)
    assert "516 x 258, 258 x 129" in lunarscale("info", maps).stdout
    assert "area means of about 2 x 2" in lunarscale("info", f"{maps}/overviews/2").stdout
    assert "Nothing to do" in lunarscale("overview", maps, *HERE).stdout
    needs = refused("overview", maps, *HERE, "--overwrite", "--memory-limit", "100MB")
    assert "needs" in needs


def test_in_memory_far_away(whole: str) -> None:
    """Stores behind URLs too: whole objects come and go."""
    place = Location("memory://overview/maps.zarr")
    for path in Path(whole).rglob("*"):
        if path.is_file() and "overviews" not in path.parts:
            place.put(path.relative_to(whole).as_posix(), path.read_bytes())
    assert overview(place.url).done == 15
    _, *coarser = levels(Cube.open(place))
    for mine, theirs in zip(coarser, levels(open_cube(whole))[1:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(held(mine), held(theirs), strict=True))


@pytest.mark.cluster
def test_serial_is_dask(maps: str, whole: str, two_workers: Client) -> None:
    """Bit for bit, whatever order the squares are made in."""
    shutil.rmtree(Path(maps, "overviews"))
    assert overview(maps, executor=OnDask(two_workers)).done == 15
    assert bits(maps) == bits(whole)
    assert len(levels(open_cube(maps))) == 3
