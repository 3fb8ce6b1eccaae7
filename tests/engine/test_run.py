"""Runs again: nothing is done twice, what is new is done, and what does not fit is refused.

On the little Moon of eight shards; each case says which shards a second run writes.
"""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_moon import (
    LITTLE,
    MODELS,
    Contents,
    arrays,
    assert_same_arrays,
    contents,
    entries,
    make,
    plans,
    rewritten,
    stamps,
)

from lunarscale.errors import (
    FormatError,
    IncompleteError,
    ParametersError,
    SourceError,
    StoreError,
)
from lunarscale.simulated.archive import simulated_tile, write_tile
from lunarscale.steps.ingest import ingest, prepare_ingest
from lunarscale.steps.predict import predict, prepare_predict
from lunarscale.steps.validate import validate
from lunarscale.store.location import Location

#: A tile that lies within one shard, and that shard.
ONE, ITS_SHARD = "ui32n315.img", "r0000c0001"

#: Its neighbour in the east, whose image reaches into the next shard.
NEIGHBOUR, THEIR_SHARDS = "ui32n345.img", {"r0000c0001", "r0000c0002"}


@pytest.fixture
def made(little_tiles: Path, tmp_path: Path) -> Path:
    """A folder of its own with tiles, mosaic and maps."""
    shutil.copytree(little_tiles, tmp_path / "tiles")
    return make(tmp_path / "tiles", tmp_path)


def test_a_second_run_does_nothing(made: Path) -> None:
    before = {name: stamps(made / name) for name in ("mosaic.zarr", "maps.zarr")}
    again = prepare_ingest([str(made / "tiles")], out=str(made / "mosaic.zarr"), **LITTLE)
    maps = prepare_predict(str(made / "mosaic.zarr"), out=str(made / "maps.zarr"), models=MODELS)
    assert (again.jobs, maps.jobs) == ([], [])
    assert again.plan.done == maps.plan.done == again.plan.shards == 8
    assert again.plan.pixels == again.plan.write_bytes == 0
    make(made / "tiles", made)
    for name, stamp in before.items():
        assert stamps(made / name) == stamp


def test_preparing_writes_nothing(little_tiles: Path, tmp_path: Path) -> None:
    prepare_ingest([str(little_tiles)], out=str(tmp_path / "mosaic.zarr"), **LITTLE)
    assert list(tmp_path.iterdir()) == []


def test_further_tiles_redo_only_what_they_touch(
    little_tiles: Path, tmp_path: Path, undisturbed: Contents
) -> None:
    tiles = tmp_path / "tiles"
    shutil.copytree(little_tiles, tiles, ignore=shutil.ignore_patterns(ONE))
    made = make(tiles, tmp_path)
    assert not np.array_equal(
        contents(made).mosaic["reflectance"], undisturbed.mosaic["reflectance"]
    )
    before = {name: stamps(made / name) for name in ("mosaic.zarr", "maps.zarr")}
    shutil.copy(little_tiles / ONE, tiles)
    # only the new tile is named: those of the first run are remembered
    ingest([str(tiles / ONE)], out=str(made / "mosaic.zarr"), **LITTLE)
    predict(str(made / "mosaic.zarr"), out=str(made / "maps.zarr"), models=MODELS)
    for name, stamp in before.items():
        assert rewritten(stamp, made / name) == {ITS_SHARD}
    contents(made).assert_equal(undisturbed)


def test_a_tile_that_is_gone_changes_nothing(made: Path, undisturbed: Contents) -> None:
    before = stamps(made / "mosaic.zarr")
    (made / "tiles" / ONE).unlink()
    ingest([str(made / "tiles")], out=str(made / "mosaic.zarr"), **LITTLE)
    assert rewritten(before, made / "mosaic.zarr") == set()
    contents(made).assert_equal(undisturbed)


def test_a_tile_that_is_gone_is_not_silently_left_out(made: Path) -> None:
    (made / "tiles" / ONE).unlink()
    _simulate_again(made / "tiles", NEIGHBOUR)
    before = stamps(made / "mosaic.zarr")
    with pytest.raises(IncompleteError, match=r"made with UI32N315 from .*/ui32n315\.img"):
        ingest([str(made / "tiles")], out=str(made / "mosaic.zarr"), **LITTLE)
    assert rewritten(before, made / "mosaic.zarr") == THEIR_SHARDS - {ITS_SHARD}


def _simulate_again(tiles: Path, name: str) -> None:
    """Write another simulated Moon's tile under the same name: other counts, other label."""
    plan = next(plan for plan in plans(64) if plan.file_name == name)
    write_tile(tiles / name, plan, simulated_tile(plan, seed=99))


def test_a_torn_shard_is_not_made_again_without_a_tile_that_is_gone(made: Path) -> None:
    (made / "tiles" / ONE).unlink()
    torn = made / "mosaic.zarr" / "reflectance" / "c" / "0" / "0" / "1"
    torn.write_bytes(torn.read_bytes()[:-1])
    assert not validate(str(made / "mosaic.zarr")).is_whole
    with pytest.raises(IncompleteError, match=rf"{ITS_SHARD}.*{ONE[:-4].upper()}.*bring that"):
        ingest([str(made / "tiles")], out=str(made / "mosaic.zarr"), **LITTLE)


def test_an_archive_that_was_moved_is_the_same_archive(made: Path) -> None:
    before = {name: e and e.disagreements for name, e in entries(made / "mosaic.zarr").items()}
    shutil.copytree(made / "tiles", made / "moved")
    again = ingest([str(made / "moved")], out=str(made / "mosaic.zarr"), **LITTLE)
    assert again.done == 8  # other paths are other inputs, but no tile is laid twice
    after = {name: e and e.disagreements for name, e in entries(made / "mosaic.zarr").items()}
    assert after == before
    shutil.rmtree(made / "tiles")
    assert not prepare_ingest([str(made / "moved")], out=str(made / "mosaic.zarr"), **LITTLE).jobs


def test_what_fails_its_md5_sum_is_left_out_until_it_is_mended(
    little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    shutil.copytree(little_tiles, tmp_path / "tiles")
    sums = tmp_path / "sums"
    sums.write_text(
        "".join(f"{md5(p.read_bytes()).hexdigest()}  {p.name}\n" for p in little_tiles.iterdir())
    )
    good = (little_tiles / ONE).read_bytes()
    (tmp_path / "tiles" / ONE).write_bytes(good[:-2] + b"\x05\x05")
    out = str(tmp_path / "mosaic.zarr")
    with pytest.raises(IncompleteError, match=r"ui32n315.*fetch the tile again"):
        ingest([str(tmp_path / "tiles")], out=out, verify=str(sums), **LITTLE)
    (tmp_path / "tiles" / ONE).write_bytes(good)
    ingest([str(tmp_path / "tiles")], out=out, verify=str(sums), **LITTLE)
    assert_same_arrays(arrays(tmp_path / "mosaic.zarr"), undisturbed.mosaic)


def test_tiles_of_a_run_that_was_stopped_are_not_forgotten(
    little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    for number, path in enumerate(sorted(little_tiles.iterdir())):
        shutil.copy(path, tmp_path / ("first", "second")[number % 2])
    out = str(tmp_path / "mosaic.zarr")
    prepare_ingest([str(tmp_path / "first")], out=out, **LITTLE).begin()  # and then killed
    (tmp_path / "first").rename(tmp_path / "away")
    with pytest.raises(IncompleteError, match=r"8 shards .* without 30 tiles of earlier runs"):
        ingest([str(tmp_path / "second")], out=out, **LITTLE)
    (tmp_path / "away").rename(tmp_path / "first")
    ingest([str(tmp_path / "second")], out=out, **LITTLE)
    assert_same_arrays(arrays(tmp_path / "mosaic.zarr"), undisturbed.mosaic)


def test_a_damaged_list_of_tiles_is_made_good_from_what_was_laid(made: Path) -> None:
    listed = made / "mosaic.zarr" / "ledger" / "tiles.json"
    whole = listed.read_bytes()
    listed.write_bytes(whole.replace(b"ui", b"uj", 1))
    _simulate_again(made / "tiles", ONE)
    ingest([str(made / "tiles" / ONE)], out=str(made / "mosaic.zarr"), **LITTLE)
    assert json.loads(listed.read_bytes()) == json.loads(whole)


def test_a_worker_that_does_not_see_the_mosaic_makes_nothing(made: Path) -> None:
    prepared = prepare_predict(str(made / "mosaic.zarr"), out=str(made / "new.zarr"), models=MODELS)
    task = prepared.begin()
    (made / "mosaic.zarr").rename(made / "elsewhere")
    outcome = task(prepared.jobs[0])
    assert isinstance(outcome.problem, StoreError)
    assert "let every worker see the mosaic" in str(outcome.problem)
    assert set(entries(made / "new.zarr").values()) == {None}


def test_a_changed_tile_redoes_what_it_touches(made: Path, tmp_path: Path) -> None:
    before = {name: stamps(made / name) for name in ("mosaic.zarr", "maps.zarr")}
    _simulate_again(made / "tiles", ONE)
    make(made / "tiles", made)
    for name, stamp in before.items():
        assert rewritten(stamp, made / name) == {ITS_SHARD}
    fresh = make(made / "tiles", tmp_path / "fresh")
    contents(made).assert_equal(contents(fresh))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"ppd": 96 / 180}, "grid"),
        ({"bbox": (0, 0, 90, 45)}, "grid"),
        ({"shard": 64}, "shard"),
        ({"chunk": 32}, "chunk"),
    ],
)
def test_another_mosaic_is_refused(made: Path, changed: dict[str, Any], named: str) -> None:
    before = stamps(made)
    with pytest.raises(ParametersError, match=f"made with {named} .*--overwrite") as error:
        ingest([str(made / "tiles")], out=str(made / "mosaic.zarr"), **{**LITTLE, **changed})
    assert str(error.value).startswith(str(made / "mosaic.zarr"))
    assert stamps(made) == before
    ingest(
        [str(made / "tiles")],
        out=str(made / "mosaic.zarr"),
        overwrite=True,
        **{**LITTLE, **changed},
    )
    ingest([str(made / "tiles")], out=str(made / "mosaic.zarr"), **{**LITTLE, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"models": MODELS[:3]},
        {"models": MODELS[::-1]},
        {"bbox": (0, 0, 90, 45)},
        {"mare": "mare.tif"},
    ],
    ids=["fewer models", "other order", "bbox", "mare mask"],
)
def test_other_maps_are_refused(made: Path, changed: dict[str, Any]) -> None:
    if "mare" in changed:
        changed = {"mare": str(_mare_mask(made / "mare.tif"))}
    before = stamps(made)
    mosaic, maps = str(made / "mosaic.zarr"), str(made / "maps.zarr")
    with pytest.raises(StoreError, match="--overwrite to start afresh"):
        predict(mosaic, out=maps, **{"models": MODELS, **changed})
    assert stamps(made) == before
    predict(mosaic, out=maps, overwrite=True, **{"models": MODELS, **changed})
    assert prepare_predict(mosaic, out=maps, **{"models": MODELS, **changed}).jobs == []
    fresh = made / "fresh.zarr"
    predict(mosaic, out=str(fresh), **{"models": MODELS, **changed})
    assert_same_arrays(arrays(made / "maps.zarr"), arrays(fresh))


def _mare_mask(path: Path) -> Path:
    import rasterio

    with rasterio.open(
        path, "w", driver="GTiff", width=36, height=18, count=1, dtype="uint8",
        crs="+proj=longlat +R=1737400 +no_defs",
        transform=rasterio.Affine(10.0, 0.0, -180.0, 0.0, -10.0, 90.0),
    ) as file:  # fmt: skip
        file.write(np.eye(18, 36, dtype=np.uint8), 1)
    return path


def _a_folder_of_photographs(place: Path) -> None:
    (place / "holiday").mkdir(parents=True)
    (place / "holiday" / "1.jpg").write_bytes(b"me")


def _a_file(place: Path) -> None:
    place.write_bytes(b"text")


def _another_zarr_store(place: Path) -> None:
    import zarr

    zarr.create_group(place, zarr_format=3).create_array("lon", shape=(3,), dtype="f8")


def _folders_that_are_named_like_ours(place: Path) -> None:
    for name in ("x", "y", "flag", "reflectance"):
        (place / name).mkdir(parents=True)
        (place / name / "notes.txt").write_bytes(b"years of work")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "put",
    [
        _a_folder_of_photographs,
        _a_file,
        _another_zarr_store,
        _folders_that_are_named_like_ours,
    ],
)
def test_what_is_no_lunarscale_store_is_never_touched(
    put: Callable[[Path], None], overwrite: bool, *, little_tiles: Path, tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    put(place)
    before = stamps(tmp_path)
    with pytest.raises(FormatError, match=str(place)):
        ingest([str(little_tiles)], out=str(place), overwrite=overwrite, **LITTLE)
    assert stamps(tmp_path) == before


def test_another_kind_is_named(made: Path) -> None:
    with pytest.raises(ParametersError, match="a store of maps"):
        ingest([str(made / "tiles")], out=str(made / "maps.zarr"), **LITTLE)
    with pytest.raises(ParametersError, match="a mosaic was expected but this is a store of maps"):
        predict(str(made / "maps.zarr"), out=str(made / "other.zarr"))


def test_a_run_leaves_its_record(made: Path) -> None:
    from lunarscale.engine.record import read_runs

    runs = read_runs(Location(str(made / "maps.zarr")))
    assert [(run["verb"], run["shards_done"], run["problems"]) for run in runs] == [
        ("predict", 8, [])
    ]
    assert all(entry is not None for entry in entries(made / "maps.zarr").values())


@pytest.mark.parametrize("survives", [0, 1, 5, 17, 60])
def test_an_overwrite_killed_while_it_removes_goes_on(
    made: Path, survives: int, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, unlink = survives, os.unlink

    def dying(path: Any, **kwargs: Any) -> None:
        nonlocal left
        if "ledger/lock" in str(path):
            return unlink(path, **kwargs)
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return unlink(path, **kwargs)

    again = {**LITTLE, "shard": 64}
    with monkeypatch.context() as patch:
        patch.setattr("os.unlink", dying)
        with pytest.raises(KeyboardInterrupt):
            ingest([str(made / "tiles")], out=str(made / "mosaic.zarr"), overwrite=True, **again)
    with pytest.raises(FormatError):
        predict(str(made / "mosaic.zarr"), out=str(made / "other.zarr"))
    ingest([str(made / "tiles")], out=str(made / "mosaic.zarr"), **again)
    ingest([str(made / "tiles")], out=str(made / "fresh.zarr"), **again)
    assert_same_arrays(arrays(made / "mosaic.zarr"), arrays(made / "fresh.zarr"))


def test_no_tiles_no_store(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError):
        ingest([str(tmp_path / "empty")], out=str(tmp_path / "mosaic.zarr"), **LITTLE)
    assert not (tmp_path / "mosaic.zarr").exists()
