"""Faults by table: a full disk, Ctrl-C, torn objects. The next run completes, the bits agree."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from engine_moon import (
    LITTLE,
    MODELS,
    Contents,
    arrays,
    contents,
    entries,
    make,
    rewritten,
    stamps,
)

from lunarscale.engine.executors import Serial
from lunarscale.errors import IncompleteError, LunarscaleError, StoreError
from lunarscale.steps.ingest import ingest, prepare_ingest
from lunarscale.steps.predict import predict, prepare_predict
from lunarscale.steps.summarise import summarise
from lunarscale.steps.validate import validate

#: The shard that the faults befall.
SHARD, ROW, COL = "r0001c0002", 1, 2


@pytest.fixture(scope="module")
def whole(little_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mosaic and maps made in peace; copied, never changed."""
    return make(little_tiles, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def made(whole: Path, tmp_path: Path) -> Path:
    """A copy of them to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "made"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _remove(path: Path) -> None:
    path.unlink()


def _flip(where: float) -> Callable[[Path], None]:
    """Another value of one bit, at a share of the object's length."""

    def flip(path: Path) -> None:
        blob = bytearray(path.read_bytes())
        blob[int(where * (len(blob) - 1))] ^= 4
        path.write_bytes(bytes(blob))

    return flip


#: What may befall an object, and whether its size tells.
DAMAGES: dict[str, tuple[Callable[[Path], None], bool]] = {
    "last byte gone": (_cut, True),
    "half gone": (_halve, True),
    "empty": (_empty, True),
    "removed": (_remove, True),
    "bit of the data": (_flip(0.2), False),
    "bit of the index": (_flip(0.99), False),
    "last bit": (_flip(1.0), False),
}


@pytest.mark.parametrize(
    ("store", "key", "damage"),
    [
        *(("mosaic.zarr", "reflectance/c/3/1/2", damage) for damage in DAMAGES),
        *(("maps.zarr", "OMAT/c/1/2", damage) for damage in ("half gone", "bit of the data")),
    ],
)
def test_a_torn_object_is_found_and_only_its_shard_made_again(
    store: str, key: str, damage: str, *, made: Path, little_tiles: Path, undisturbed: Contents
) -> None:
    tear, size_tells = DAMAGES[damage]
    tear(made / store / key)
    before = stamps(made / store)
    if not size_tells:
        assert validate(str(made / store)).is_whole, "only a deep validation reads the bytes"
        entry = entries(made / store)[SHARD]
        assert entry is not None
    verdict = validate(str(made / store), deep=not size_tells)
    assert not verdict.is_whole
    assert (verdict.shards, verdict.done, verdict.missing) == (8, 7, [])
    assert verdict.torn
    assert all(f"{made / store}/{key}" in fault for fault in verdict.torn)
    assert validate(str(made / store)).missing == [SHARD]
    make(little_tiles, made)
    assert rewritten(before, made / store) == {SHARD}
    assert validate(str(made / store), deep=True).is_whole
    contents(made).assert_equal(undisturbed)


@pytest.mark.parametrize("damage", [name for name, (_, tells) in DAMAGES.items() if tells])
def test_a_run_finds_a_short_object_by_itself(
    damage: str, *, made: Path, little_tiles: Path, undisturbed: Contents
) -> None:
    for store, key in (("mosaic.zarr", "flag/c/1/2"), ("maps.zarr", "FeO_flag/c/1/2")):
        DAMAGES[damage][0](made / store / key)
    before = {store: stamps(made / store) for store in ("mosaic.zarr", "maps.zarr")}
    make(little_tiles, made)
    for store, stamp in before.items():
        assert rewritten(stamp, made / store) == {SHARD}
    contents(made).assert_equal(undisturbed)


@pytest.mark.parametrize("damage", ["half gone", "removed", "bit of the data", "last bit"])
def test_predict_reads_nothing_torn(
    damage: str, *, made: Path, little_tiles: Path, undisturbed: Contents
) -> None:
    mosaic, maps = str(made / "mosaic.zarr"), made / "fresh.zarr"
    DAMAGES[damage][0](made / "mosaic.zarr" / "reflectance/c/1/1/2")
    with pytest.raises(IncompleteError) as error:
        predict(mosaic, out=str(maps), models=MODELS)
    message = str(error.value)
    assert "finished but for 1 problem" in message
    assert SHARD in message or "reflectance/c/1/1/2" in message
    done = {name for name, entry in entries(maps).items() if entry is not None}
    assert done == set(entries(maps)) - {SHARD}
    fills = {"FeO": -32768, "FeO_flag": arrays(maps)["FeO_flag"][40, 70]}
    for layer, fill in fills.items():
        assert (arrays(maps)[layer][32:, 64:96] == fill).all()
    with pytest.raises(StoreError, match="1 of 8 shards are not done or torn"):
        summarise(str(maps))
    validate(mosaic, deep=True)
    ingest([str(little_tiles)], out=mosaic, **LITTLE)
    predict(mosaic, out=str(maps), models=MODELS)
    shutil.rmtree(made / "maps.zarr")
    maps.rename(made / "maps.zarr")
    contents(made).assert_equal(undisturbed)


def test_summarise_reads_nothing_that_is_gone(made: Path) -> None:
    (made / "maps.zarr" / "FeO/c/1/2").unlink()
    with pytest.raises(StoreError, match="1 of 8 shards are not done or torn"):
        summarise(str(made / "maps.zarr"))


def test_a_count_over_a_torn_shard_names_it(made: Path) -> None:
    box = [[[-170, -60], [0, -60], [170, -60], [170, 60], [0, 60], [-170, 60], [-170, -60]]]
    region = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": box}}
    regions = made / "regions.geojson"
    regions.write_text(json.dumps({**region, "properties": {"name": "most of the Moon"}}))
    # statistics of regions are not kept: they are counted from the pixels
    assert len(summarise(str(made / "maps.zarr"), by=[str(regions)]).rows) == 7
    _flip(0.2)(made / "maps.zarr" / "FeO/c/1/2")
    with pytest.raises(IncompleteError, match=r"FeO/c/1/2: chunk"):
        summarise(str(made / "maps.zarr"), by=[str(regions)])


def test_statistics_that_are_gone_are_made_again_with_their_shard(made: Path) -> None:
    expected = summarise(str(made / "maps.zarr")).rows
    (made / "maps.zarr" / "ledger" / f"{SHARD}.statistics").unlink()
    with pytest.raises(StoreError, match="1 of 8 shards are not done or torn"):
        summarise(str(made / "maps.zarr"))
    tale = predict(str(made / "mosaic.zarr"), out=str(made / "maps.zarr"), models=MODELS)
    assert tale.done == 1
    assert summarise(str(made / "maps.zarr")).rows == expected


def _full_at(monkeypatch: pytest.MonkeyPatch, wanted: str) -> list[str]:
    """A disk that fills up in the middle of one object of the shard; it names what it hit."""
    hit: list[str] = []
    write = os.write

    def fill(descriptor: int, piece: Any) -> int:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if f"/{wanted}" not in path.replace("/.", "/"):
            return write(descriptor, piece)
        if path not in hit:
            hit.append(path)
            return write(descriptor, piece[: len(piece) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(os, "write", fill)
    return hit


@pytest.mark.parametrize(
    ("store", "key"),
    [
        ("mosaic.zarr", "reflectance/c/2/1/2"),
        ("mosaic.zarr", "flag/c/1/2"),
        ("mosaic.zarr", f"ledger/{SHARD}.json"),
        ("maps.zarr", "TiO2/c/1/2"),
        ("maps.zarr", f"ledger/{SHARD}.statistics"),
        ("maps.zarr", f"ledger/{SHARD}.json"),
    ],
)
def test_a_full_disk(
    store: str,
    key: str,
    *,
    little_tiles: Path,
    undisturbed: Contents,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        hit = _full_at(patch, f"{store}/{key}")
        with pytest.raises(IncompleteError) as error:
            make(little_tiles, tmp_path)
        assert len(hit) == 1
    message = str(error.value)
    assert f"{tmp_path / store}: the disk is full: " in message
    assert f"bytes of {key} did not fit; free some room and run the same command again" in message
    assert entries(tmp_path / store)[SHARD] is None
    assert sum(entry is not None for entry in entries(tmp_path / store).values()) == 7
    assert not list(tmp_path.rglob("*.partial"))
    make(little_tiles, tmp_path)
    contents(tmp_path).assert_equal(undisturbed)


@pytest.mark.parametrize("key", ["FeO/c/1/2", f"ledger/{SHARD}.statistics"])
def test_a_full_disk_leaves_the_old_object(
    key: str, *, made: Path, undisturbed: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = made / "maps.zarr"
    old = (maps / key).read_bytes()
    (maps / "ledger" / f"{SHARD}.json").unlink()
    with monkeypatch.context() as patch:
        _full_at(patch, f"maps.zarr/{key}")
        with pytest.raises(IncompleteError, match="the disk is full"):
            predict(str(made / "mosaic.zarr"), out=str(maps), models=MODELS)
    assert (maps / key).read_bytes() == old
    predict(str(made / "mosaic.zarr"), out=str(maps), models=MODELS)
    contents(made).assert_equal(undisturbed)


@pytest.mark.parametrize(
    "key", ["lon/zarr.json", "flag/zarr.json", "zarr.json", "ledger/tiles.json"]
)
def test_a_disk_full_while_the_store_is_laid(
    key: str,
    *,
    little_tiles: Path,
    undisturbed: Contents,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        _full_at(patch, f"mosaic.zarr/{key}")
        with pytest.raises(StoreError, match=rf"the disk is full: .* of {key} did not fit"):
            make(little_tiles, tmp_path)
    make(little_tiles, tmp_path)
    contents(tmp_path).assert_equal(undisturbed)


@pytest.mark.parametrize("stop_after", [0, 1, 5, 7])
def test_stopped_in_mid_run(
    stop_after: int, *, little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    def stop(tale: Any, todo: int) -> None:
        if tale.done == stop_after:
            raise KeyboardInterrupt

    mosaic, maps = str(tmp_path / "mosaic.zarr"), str(tmp_path / "maps.zarr")
    for prepare in (
        lambda: prepare_ingest([str(little_tiles)], out=mosaic, **LITTLE),
        lambda: prepare_predict(mosaic, out=maps, models=MODELS),
    ):
        with pytest.raises(KeyboardInterrupt):
            prepare().run(Serial(), stop)
        again = prepare()
        assert len(again.jobs) == 8 - stop_after
        again.run(Serial())
    contents(tmp_path).assert_equal(undisturbed)


def test_an_unfinished_mosaic_gives_what_it_has(little_tiles: Path, tmp_path: Path) -> None:
    def stop(tale: Any, todo: int) -> None:
        if tale.done == 5:
            raise KeyboardInterrupt

    mosaic, maps = str(tmp_path / "mosaic.zarr"), str(tmp_path / "maps.zarr")
    with pytest.raises(KeyboardInterrupt):
        prepare_ingest([str(little_tiles)], out=mosaic, **LITTLE).run(Serial(), stop)
    with pytest.raises(IncompleteError, match="3 of the 8 shards lie where the mosaic is not"):
        predict(mosaic, out=maps, models=MODELS)
    assert sum(entry is not None for entry in entries(Path(maps)).values()) == 5


def test_a_shard_s_problem_is_one_of_ours(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not ours stops the run and is raised as it is: nothing is swallowed."""
    (made / "maps.zarr" / "ledger" / f"{SHARD}.json").unlink()

    def denied(descriptor: int, piece: Any) -> int:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if not path.startswith(f"{made}/"):
            return write(descriptor, piece)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    write = os.write
    monkeypatch.setattr(os, "write", denied)
    with pytest.raises(PermissionError) as error:
        predict(str(made / "mosaic.zarr"), out=str(made / "maps.zarr"), models=MODELS)
    assert not isinstance(error.value, LunarscaleError)


def _lunarscale(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lunarscale.cli", *arguments]


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.parametrize("to", ["the process", "the whole group"])
def test_ctrl_c_on_the_command_line(
    to: str, *, moon_tiles: Path, tmp_path: Path, hears_ctrl_c: Callable[[], None]
) -> None:
    """SIGINT when the ledger has its first entry, as ``kill`` sends it or as a terminal does."""
    mosaic = tmp_path / "mosaic.zarr"
    command = _lunarscale(
        "ingest", str(moon_tiles), "--out", str(mosaic), "--ppd", str(512 / 180),
        "--shard", "32", "--chunk", "16", "--workers", "2", "--memory-limit", "2GB",
    )  # fmt: skip
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    )
    while not list(mosaic.glob("ledger/r*.json")):
        assert process.poll() is None, process.communicate()
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    if to == "the process":
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, out + err
    assert "lunarscale ingest: stopped" in err
    assert "run it again, without --overwrite, to go on" in err
    assert "Traceback" not in out + err
    _, alive = psutil.wait_procs(workers, timeout=300)
    assert not alive
    done = [name for name, entry in entries(mosaic).items() if entry is not None]
    assert 0 < len(done) < 512
    before = stamps(mosaic)
    ingest([str(moon_tiles)], out=str(mosaic), ppd=512 / 180, shard=32, chunk=16)
    assert not set(done) & rewritten(before, mosaic)
    assert validate(str(mosaic), deep=True).is_whole
