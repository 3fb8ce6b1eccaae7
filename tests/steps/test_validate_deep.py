"""``validate --deep`` finds whatever is planted: any bit, any swap, anything that is foreign."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.engine.lock import RunLock
from lunarscale.engine.seals import sealed, unsealed
from lunarscale.errors import LunarscaleError
from lunarscale.simulated.archive import simulated_tile, write_tile
from lunarscale.simulated.tiling import plan_tile
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict
from lunarscale.steps.validate import validate
from lunarscale.store.location import Location

#: Two shards of a part of the Moon.
CUT: dict[str, Any] = {"ppd": 64 / 180, "bbox": (0, -20, 180, 20), "shard": 32, "chunk": 16}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``tiles``, ``mosaic.zarr`` and ``maps.zarr``; copied, never changed."""
    folder = tmp_path_factory.mktemp("deep")
    (folder / "tiles").mkdir()
    plan = plan_tile("UI00N060", (0.0, -20.0, 120.0, 20.0), ppd=0.4)
    write_tile(folder / "tiles" / plan.file_name, plan, simulated_tile(plan))
    made_again(folder)
    return folder


@pytest.fixture
def made(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "made"))


def made_again(folder: Path) -> None:
    """What a user would do: the same two commands."""
    ingest([str(folder / "tiles")], out=str(folder / "mosaic.zarr"), **CUT)
    predict(str(folder / "mosaic.zarr"), out=str(folder / "maps.zarr"), models=["qiu-2025-feo"])


def objects(store: Path) -> dict[str, bytes]:
    """All files of a store."""
    files = sorted(path for path in store.rglob("*") if path.is_file())
    return {str(path.relative_to(store)): path.read_bytes() for path in files}


def test_what_was_made_in_peace_is_whole(whole: Path) -> None:
    for store in ("mosaic.zarr", "maps.zarr"):
        verdict = validate(str(whole / store), deep=True)
        assert (verdict.is_whole, verdict.damaged, verdict.strange) == (True, [], [])
        assert verdict.shards == 2


def _finds(store: Path) -> bool:
    try:
        verdict = validate(str(store), deep=True)
    except LunarscaleError:
        return True
    return not verdict.is_whole


@pytest.mark.parametrize("store", ["mosaic.zarr", "maps.zarr"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_bit_of_any_object(
    store: str, whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kept = objects(whole / store)
    key = data.draw(st.sampled_from(sorted(kept)))
    bit = data.draw(st.integers(0, 8 * len(kept[key]) - 1))
    place = tmp_path_factory.mktemp("flipped") / store
    shutil.copytree(whole / store, place)
    try:
        flipped = bytearray(kept[key])
        flipped[bit // 8] ^= 1 << bit % 8
        (place / key).write_bytes(bytes(flipped))
        if not _finds(place):
            assert _means_the_same(key, bytes(flipped), kept[key], place, whole / store)
    finally:
        shutil.rmtree(place)


def _means_the_same(key: str, mine: bytes, theirs: bytes, place: Path, other: Path) -> bool:
    """Whether a bit is without meaning: an escape's letter, a spare bit of a frame's header."""
    if key.endswith("zarr.json") and "/" in key:  # a word that zarr does not ask for
        one, two = (zarr.open_array(at, path=key.split("/")[0]) for at in (place, other))
        return bool(one.metadata == two.metadata and np.array_equal(one[...], two[...]))
    try:
        return bool(json.loads(mine) == json.loads(theirs))
    except ValueError:
        assert not key.startswith(("reflectance", "flag", "FeO", "ledger"))
    with xr.open_zarr(place, chunks=None) as mended, xr.open_zarr(other, chunks=None) as kept:
        name = key.split("/")[0]
        return bool(np.array_equal(mended[name].values, kept[name].values))


def _swap_chunks(store: Path) -> None:
    """Two chunks of one shard change places, and its index's checksum is made to fit."""
    path = store / "FeO/c/0/0"
    blob = bytearray(path.read_bytes())
    index = blob[-68:-4]
    index[:] = index[16:32] + index[0:16] + index[32:]
    blob[-68:] = bytes(index) + int(google_crc32c.value(bytes(index))).to_bytes(4, "little")
    path.write_bytes(bytes(blob))


def _swap_shards(store: Path) -> None:
    one, other = store / "FeO/c/0/0", store / "FeO/c/0/1"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _swap_entries_too(store: Path) -> None:
    _swap_shards(store)
    one, other = (store / "ledger" / f"r0000c000{col}.json" for col in (0, 1))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _take_the_flags_shard(store: Path) -> None:
    (store / "FeO/c/0/0").write_bytes((store / "FeO_flag/c/0/0").read_bytes())


def _give_no_data_an_object(store: Path) -> None:
    """An object where the entry says there is none: Zarr would read it."""
    path = store / "ledger/r0000c0000.json"
    facts = unsealed(path.read_bytes())
    assert facts is not None
    facts["objects"]["FeO/c/0/0"] = [0, 0]
    path.write_bytes(sealed(facts))


def _take_another_store_s_entry(store: Path) -> None:
    path = store / "ledger/r0000c0000.json"
    facts = unsealed(path.read_bytes())
    assert facts is not None
    path.write_bytes(sealed({**facts, "store": "0123456789ab"}))


def _other_statistics(store: Path) -> None:
    one, other = (store / "ledger" / f"r0000c000{col}.statistics" for col in (0, 1))
    one.write_bytes(other.read_bytes())


def _append(key: str) -> Callable[[Path], None]:
    def append(store: Path) -> None:
        with (store / key).open("ab") as file:
            file.write(b"\0")

    return append


def _cut(key: str) -> Callable[[Path], None]:
    def cut(store: Path) -> None:
        blob = (store / key).read_bytes()
        (store / key).write_bytes(blob[:-1])

    return cut


def _other_fill_value(store: Path) -> None:
    path = store / "FeO/zarr.json"
    facts = json.loads(path.read_bytes())
    facts["fill_value"] = 0
    path.write_text(json.dumps(facts))


def _other_longitudes(store: Path) -> None:
    shutil.copy(store / "lat/c/0", store / "x/c/0")


#: What is planted, and whether the next validation finds all in order: the ledger's entry is
#: withdrawn and the shard made again, or the document is written again from the layout.
PLANTED: dict[str, Callable[[Path], None]] = {
    "chunks swapped within a shard": _swap_chunks,
    "shards swapped": _swap_shards,
    "shards and entries swapped": _swap_entries_too,
    "another array's shard": _take_the_flags_shard,
    "an object where there is none": _give_no_data_an_object,
    "another store's entry": _take_another_store_s_entry,
    "another shard's statistics": _other_statistics,
    "a shard longer": _append("FeO/c/0/1"),
    "a shard shorter": _cut("FeO/c/0/1"),
    "statistics longer": _append("ledger/r0000c0001.statistics"),
    "an entry shorter": _cut("ledger/r0000c0001.json"),
    "another fill value": _other_fill_value,
    "other coordinates": _other_longitudes,
    "a coordinate gone": lambda store: (store / "lat/c/0").unlink(),
    "metadata gone": lambda store: (store / "FeO_flag/zarr.json").unlink(),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_found_and_made_good(planted: str, whole: Path, made: Path) -> None:
    PLANTED[planted](made / "maps.zarr")
    assert _finds(made / "maps.zarr")
    made_again(made)
    verdict = validate(str(made / "maps.zarr"), deep=True)
    assert verdict.is_whole, verdict
    kept, found = (
        {key: blob for key, blob in objects(store / "maps.zarr").items() if "ledger" not in key}
        for store in (whole, made)
    )
    assert found == kept


def _flip_history(store: Path) -> None:
    blob = (store / "zarr.json").read_bytes()
    (store / "zarr.json").write_bytes(blob.replace(b"created by", b"creatad by"))


def _flip_layout(store: Path) -> None:
    blob = (store / "zarr.json").read_bytes()
    (store / "zarr.json").write_bytes(blob.replace(b'"chunk": 16', b'"chunk": 32'))


@pytest.mark.parametrize("damage", [_flip_history, _flip_layout])
def test_a_false_root_is_told_and_nothing_is_mended_by_it(
    damage: Callable[[Path], None], made: Path
) -> None:
    damage(made / "maps.zarr")
    before = objects(made / "maps.zarr")
    verdict = validate(str(made / "maps.zarr"))
    assert not verdict.is_whole
    assert "zarr.json: what" in verdict.damaged[0]
    assert "does not match its CRC32C; bring this document back" in verdict.damaged[0]
    assert objects(made / "maps.zarr") == before


def test_what_is_foreign_or_left_is_named(made: Path) -> None:
    store = made / "mosaic.zarr"
    (store / "reflectance/c/9/9").mkdir(parents=True)
    for key in ("notes.txt", "reflectance/c/9/9/9", "flag/c/0/.0.0123.partial"):
        (store / key).write_bytes(b"x")
    verdict = validate(str(store), deep=True)
    assert verdict.is_whole
    assert [sentence.removeprefix(f"{store}/") for sentence in verdict.strange] == [
        "notes.txt: no run of lunarscale wrote this; remove it",
        "reflectance/c/9/9/9: no run of lunarscale wrote this; remove it",
        "flag/c/0/.0.0123.partial: half-written: a run is at it now, or a killed worker left "
        "it; the next run removes it",
    ]


@pytest.fixture
def held(made: Path) -> Iterator[Path]:
    """Maps that a run writes to."""
    place = Location(str(made / "maps.zarr"))
    with RunLock(place, "run", verb="predict", since="now"):
        yield made / "maps.zarr"


def test_while_a_run_writes_nothing_is_taken_back(held: Path) -> None:
    _append("FeO/c/0/0")(held)
    (held / "lat/c/0").unlink()
    before = objects(held)
    verdict = validate(str(held), deep=True)
    assert len(verdict.torn) == 1
    assert "predict on" in verdict.busy
    changed = {key for key, blob in objects(held).items() if before[key] != blob}
    assert changed <= {"ledger/lock/000002"}, "nothing but the run's own beat"


def test_progress_counts_shards(whole: Path) -> None:
    told: list[tuple[int, int]] = []
    validate(str(whole / "maps.zarr"), deep=True, progress=lambda *step: told.append(step))
    assert told == [(0, 2), (1, 2), (2, 2)]
