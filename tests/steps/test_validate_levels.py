"""``validate`` of maps reads their overviews too: whatever is planted there is found and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_at_hand import lunarscale
from maps_at_hand import open_cube, write_maps
from overview_at_hand import AROUND, bits

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.lock import RunLock
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.steps.overview import overview
from lunarscale.steps.validate import validate
from lunarscale.steps.validating.verdict import Verdict
from lunarscale.store.levels import DOCUMENT, levels

#: Twelve shards, and two levels of four and one.
PART = RasterGrid(AROUND, 100, 7, 180, 250)
SHARDS, OF_LEVELS = 12, [4, 1]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Maps with their levels; not to be changed."""
    rng = np.random.default_rng(3)
    shape = (PART.height, PART.width)
    counts, flags = rng.integers(0, 4000, shape).astype(np.int16), np.zeros(shape, np.uint8)
    holes = rng.random(shape) < 0.1
    counts[holes], flags[holes] = NO_DATA, 2
    path = tmp_path_factory.mktemp("deep_levels") / "maps.zarr"
    maps = write_maps(path, {"FeO": counts}, PART, flags={"FeO": flags}, shard=64, chunk=32)
    overview(maps)
    return maps


@pytest.fixture
def maps(kept: str, tmp_path: Path) -> str:
    """A copy of them, to be hurt."""
    return shutil.copytree(kept, tmp_path / "maps.zarr").as_posix()


def _flip(path: Path) -> None:
    blob = bytearray(path.read_bytes())
    blob[len(blob) // 3] ^= 16
    path.write_bytes(bytes(blob))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _of(maps: str, folder: str) -> Path:
    return Path(maps, "overviews", folder)


def test_what_was_made_in_peace_is_whole(kept: str) -> None:
    """Every shard of every level is counted, and progress is told over all of them."""
    told: list[tuple[int, int]] = []
    verdict = validate(kept, deep=True, progress=lambda *step: told.append(step))
    assert verdict.is_whole
    assert [(each.shards, each.done) for each in verdict.levels] == [(n, n) for n in OF_LEVELS]
    assert (verdict.shards, verdict.strange, verdict.unread) == (SHARDS, [], "")
    assert told == [(n, SHARDS + sum(OF_LEVELS)) for n in range(SHARDS + sum(OF_LEVELS) + 1)]


#: What is planted in which level's object; only a deep look finds a flipped bit.
PLANTED: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "a bit of counts": (_flip, "2", "FeO/c/1/0", "does not match its CRC32C"),
    "a bit of flags": (_flip, "4", "FeO_flag/c/0/0", "does not match its CRC32C"),
    "an object cut short": (_cut, "2", "FeO_flag/c/0/1", "bytes were written but"),
    "an object gone": (Path.unlink, "4", "FeO/c/0/0", "bytes were written but 0 are there"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_in_a_level_is_named_and_made_good(
    planted: str, maps: str, kept: str
) -> None:
    """Level and shard are named; its entry is withdrawn, and only ``overview`` is to be run."""
    hurt, folder, key, words = PLANTED[planted]
    hurt(_of(maps, folder) / key)
    if hurt is _flip:
        assert validate(maps).is_whole, "only a deep validation reads the bytes"
    verdict = validate(maps, deep=True)
    assert verdict.is_whole_itself
    torn = [fault for level in verdict.levels for fault in level.torn]
    assert len(torn) == 1
    assert torn[0].startswith(f"{_of(maps, folder)}/{key}")
    assert words in torn[0]
    told = lunarscale("validate", maps, "--deep", code=1).stdout
    row, col = key.split("/")[-2:]
    assert f"not made yet: {_of(maps, folder)}: r000{row}c000{col}\n" in told
    assert f"Run `lunarscale overview {maps}`" in told
    assert "the command that made the store" not in told
    assert overview(maps).done > 0
    assert bits(maps) == bits(kept)
    assert validate(maps, deep=True).is_whole


def _damaged(verdict: Verdict) -> list[str]:
    return [fault for level in verdict.levels for fault in level.damaged]


def test_any_bit_of_the_document_that_names_them(maps: str) -> None:
    """It is told, whichever it is; where it is not, the document says the same."""
    place = Path(maps, DOCUMENT)
    kept = place.read_bytes()
    for byte in range(0, len(kept), 23):
        flipped = bytearray(kept)
        flipped[byte] ^= 1 << byte % 8
        place.write_bytes(bytes(flipped))
        if not (faults := _damaged(validate(maps))):
            assert json.loads(bytes(flipped)) == json.loads(kept)
            continue
        assert faults == [
            f"{place}: this document is not what `lunarscale overview` wrote, and nobody reads "
            f"the levels; run `lunarscale overview {maps}` again"
        ]
    _cut(place)
    assert _damaged(validate(maps))
    overview(maps)
    assert validate(maps, deep=True).is_whole


@pytest.mark.parametrize("key", ["zarr.json", "lat/c/0", "FeO/zarr.json"])
@pytest.mark.parametrize("hurt", [Path.unlink, _cut])
def test_documents_of_a_level(hurt: Callable[[Path], None], key: str, maps: str) -> None:
    """Found by a deep look, and good again once done what the sentence says."""
    hurt(_of(maps, "2") / key)
    verdict = validate(maps, deep=True)
    assert verdict.is_whole_itself
    faults = _damaged(verdict)
    assert str(_of(maps, "2")) in faults[0]
    again = _damaged(validate(maps, deep=True))
    assert "lunarscale overview" in again[0], "what is mended is not read until it is looked at"
    if "remove what is here" in again[0]:
        shutil.rmtree(_of(maps, "2"))
    overview(maps)
    assert validate(maps, deep=True).is_whole
    assert len(levels(open_cube(maps))) == 3


def test_levels_of_the_past_are_told_and_no_fault(maps: str) -> None:
    """Whoever writes to the maps makes them such; so does a torn shard that is taken back."""
    with RunLock(open_cube(maps).location, "other", verb="predict", since="now"):
        pass
    _flip(_of(maps, "2") / "FeO/c/0/0")
    verdict = validate(maps, deep=True)
    assert (verdict.is_whole, verdict.levels) == (True, [])
    told = lunarscale("validate", maps).stdout
    assert f"not read: {_of(maps, '')}" in told
    assert f"`lunarscale overview {maps}` brings them up to date" in told
    Path(maps, DOCUMENT).unlink()
    assert "are not finished" in validate(maps).unread


def test_a_torn_map_and_a_torn_level(maps: str) -> None:
    """Both are found in one look, and both commands are named."""
    _cut(Path(maps, "FeO/c/0/0"))
    _cut(_of(maps, "4") / "FeO/c/0/0")
    told = lunarscale("validate", maps, code=1).stdout
    assert f"torn: {maps}/FeO/c/0/0" in told
    assert f"torn: {_of(maps, '4')}/FeO/c/0/0" in told
    assert "Run the command that made the store again" in told
    assert f"Then run `lunarscale overview {maps}`" in told
    assert Ledger.of(open_cube(maps)).read(Window(0, 0, 64, 64)) is None
