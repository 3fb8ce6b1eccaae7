"""Overviews of what is odd, and overviews that are hurt: never shown wrong, and made good again."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from area_mean_twin import area_means, assert_true
from cli_at_hand import refused
from maps_at_hand import open_cube, write_maps
from numpy.typing import NDArray
from overview_at_hand import AROUND, bits, held

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.lock import RunLock
from lunarscale.engine.overviews import OverviewTask
from lunarscale.errors import BusyError, TornError
from lunarscale.flags import EXTRAPOLATED, NO_DATA
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.steps.overview import overview
from lunarscale.steps.validate import validate
from lunarscale.store.levels import levels

CUT = {"shard": 64, "chunk": 32}
#: A part of it, with two levels in nine squares.
PART = RasterGrid(AROUND, 100, 7, 300, 500)

Pixels = tuple[NDArray[np.int16], NDArray[np.uint8]]


def noise(grid: RasterGrid) -> Pixels:
    """With holes, and places that are extrapolated."""
    rng = np.random.default_rng(7)
    shape = (grid.height, grid.width)
    counts, flags = rng.integers(0, 4000, shape).astype(np.int16), np.zeros(shape, np.uint8)
    flags[rng.random(shape) < 0.3] = EXTRAPOLATED
    holes = rng.random(shape) < 0.1
    counts[holes], flags[holes] = NO_DATA, 2
    return counts, flags


def written(path: Path, grid: RasterGrid, made: Pixels) -> str:
    """A finished store of one layer."""
    return write_maps(path, {"FeO": made[0]}, grid, flags={"FeO": made[1]}, **CUT)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Maps with their levels; not to be changed."""
    maps = written(tmp_path_factory.mktemp("hurt") / "maps.zarr", PART, noise(PART))
    overview(maps)
    return maps


@pytest.fixture
def maps(kept: str, tmp_path: Path) -> str:
    """A copy of them, to be hurt."""
    return shutil.copytree(kept, tmp_path / "maps.zarr").as_posix()


#: Height and width of maps that are hardly any.
THIN = {"a column": (300, 1), "a row": (1, 300), "two columns": (130, 2)}


@pytest.mark.parametrize("name", THIN)
def test_maps_of_a_pixels_width(name: str, tmp_path: Path) -> None:
    """A coarser pixel has a value where half of its ground is on the map."""
    grid = RasterGrid(AROUND, 151, AROUND - 1, *THIN[name])
    made = noise(grid)
    maps = written(tmp_path / "thin.zarr", grid, made)
    overview(maps)
    base, *coarser = levels(open_cube(maps))
    assert coarser
    for level in coarser:
        assert_true(*held(level), area_means(*made, base.grid, level.grid))


def test_maps_of_nothing_valid(tmp_path: Path) -> None:
    """Levels are whole, of the reason that the maps have, and their counts take no object."""
    made = np.full((300, 500), NO_DATA, np.int16), np.full((300, 500), 4, np.uint8)
    maps = written(tmp_path / "empty.zarr", PART, made)
    overview(maps)
    base, *coarser = levels(open_cube(maps))
    for level in coarser:
        assert_true(*held(level), area_means(*made, base.grid, level.grid))
        assert validate(level.location.url, deep=True).is_whole
    assert {key.split("/")[1] for key in bits(maps) if "FeO" in key} == {"FeO_flag"}
    assert overview(maps).done == 0


#: In a process of its own: killed, without a word, after a row of chunks, of which it has counted
#: nothing: that would take seconds to compile.
KILLED = """
import os, signal, sys
from lunarscale.engine.level_shards import LevelShards
from lunarscale.grid.area_means import Means
from lunarscale.steps.overview import overview
def add(self, pieces, rows):
    self._made.rows[0] = 32
real = LevelShards.put
def put(self, *arrays):
    real(self, *arrays)
    os.kill(os.getpid(), signal.SIGKILL)
Means.add, LevelShards.put = add, put
overview(sys.argv[1])
"""


def test_killed_outright_and_run_again(maps: str, kept: str) -> None:
    """The dead run's lock is taken over, its half-written files go, and the bits are the same."""
    shutil.rmtree(Path(maps, "overviews"))
    dead = subprocess.run([sys.executable, "-c", KILLED, maps], check=False, timeout=300)
    assert dead.returncode == -signal.SIGKILL
    assert list(Path(maps, "overviews").rglob("*.partial"))
    assert len(levels(open_cube(maps))) == 1
    assert overview(maps).remarks
    assert len(levels(open_cube(maps))) == 3
    assert bits(maps) == bits(kept)
    assert not list(Path(maps).rglob("*.partial"))


def _flip(shards: list[Path]) -> None:
    blob = bytearray(shards[0].read_bytes())
    blob[len(blob) // 3] ^= 16
    shards[0].write_bytes(bytes(blob))


def _truncate(shards: list[Path]) -> None:
    shards[0].write_bytes(shards[0].read_bytes()[:-100])


def _remove(shards: list[Path]) -> None:
    shards[0].unlink()


def _swap(shards: list[Path]) -> None:
    first, second = (path.read_bytes() for path in shards[:2])
    shards[0].write_bytes(second)
    shards[1].write_bytes(first)


@pytest.mark.parametrize("hurt", [_flip, _truncate, _remove, _swap])
def test_a_hurt_level_is_found_and_made_again(
    hurt: Callable[[list[Path]], None], maps: str, kept: str
) -> None:
    """No reader takes it; ``validate --deep`` says which, and the next run makes it good."""
    level = Path(maps, "overviews", "2")
    hurt([level / "FeO" / "c" / "0" / "0", level / "FeO" / "c" / "0" / "1"])
    with pytest.raises(TornError, match="overviews/2/FeO/c/0/0"):
        held(levels(open_cube(maps))[1])
    verdict = validate(str(level), deep=True)
    assert not verdict.is_whole
    assert any("FeO/c/0/0" in told for told in verdict.torn)
    assert [each.location.url[-2:] for each in levels(open_cube(maps))[1:]] == ["/4"]
    assert overview(maps).done > 0
    assert len(levels(open_cube(maps))) == 3
    assert bits(maps) == bits(kept)
    assert validate(str(level), deep=True).is_whole


@pytest.mark.parametrize("folder", ["overviews/2", "overviews/4", "overviews", "overviews/2/FeO"])
def test_a_level_that_was_removed_by_hand(folder: str, maps: str, kept: str) -> None:
    """What is left is shown, and what is not is made again."""
    shutil.rmtree(Path(maps, folder))
    found = levels(open_cube(maps))
    assert len(found) == {"overviews": 1, "overviews/2/FeO": 3}.get(folder, 2)
    for level in found[1:]:
        if folder.endswith("FeO") and level is found[1]:
            with pytest.raises(TornError, match="is gone"):
                held(level)
        else:
            held(level)
    overview(maps)
    assert len(levels(open_cube(maps))) == 3
    assert bits(maps) == bits(kept)


def test_nobody_else_writes_while_it_is_made(maps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who would rewrite the maps is refused; what is made is of one state of them."""
    real, refusals = OverviewTask._write, []

    def writing(self: OverviewTask, square: Window) -> Any:
        with (
            pytest.raises(BusyError, match="overview on") as refusal,
            RunLock(self.base.location, "other", verb="predict", since="now"),
        ):
            pass
        refusals.append(refusal)
        return real(self, square)

    monkeypatch.setattr(OverviewTask, "_write", writing)
    assert overview(maps, overwrite=True).done == len(refusals) > 1
    assert len(levels(open_cube(maps))) == 3


def test_maps_whose_last_shards_are_not_done(maps: str) -> None:
    """Refused before anything is touched, with and without a plan asked for."""
    Ledger.of(open_cube(maps)).withdraw(Window(256, 448, 44, 52))
    before = bits(maps)
    for words in ((), ("--dry-run",)):
        told = refused("overview", maps, "--workers", "0", *words)
        assert "1 of 40 shards are not done" in told
    assert bits(maps) == before
