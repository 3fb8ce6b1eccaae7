"""An object that is whole but another one's is told by whoever reads it."""

import shutil
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from engine_moon import LITTLE, MODELS, Contents, contents, make

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.promises import Promises
from lunarscale.errors import IncompleteError, TornError
from lunarscale.grid.raster import Window
from lunarscale.steps.ingest import ingest
from lunarscale.steps.opening import open_maps
from lunarscale.steps.predict import predict
from lunarscale.steps.summarise import summarise
from lunarscale.steps.validate import validate
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location
from lunarscale.store.shard import NOTHING


@pytest.fixture
def made(little_tiles: Path, tmp_path: Path) -> Path:
    """Mosaic and maps of the little Moon."""
    return make(little_tiles, tmp_path)


def _swap(store: Path, name: str) -> None:
    """Give two shards of one array each the other's object, cut or stretched to its length."""
    one, other = (store / name / "c" / place for place in ("0/0", "0/1"))
    first, second = one.read_bytes(), other.read_bytes()
    assert first != second
    one.write_bytes(second)
    other.write_bytes(first)


def test_shards_that_were_swapped_are_not_summed(made: Path) -> None:
    maps = made / "maps.zarr"
    layer = Cube.open(Location(str(maps))).layout.layers[0].name
    cube = open_maps(str(maps), None)
    _swap(maps, layer)
    with pytest.raises(
        TornError, match=r"is not the object that was written with shard r0000c0000"
    ):
        cube.read(layer, Window(0, 0, 16, 16))
    assert cube.read(layer, Window(40, 0, 16, 16)).shape == (16, 16)


def test_one_of_the_same_length_stops_a_map_and_is_mended(
    made: Path, little_tiles: Path, undisturbed: Contents
) -> None:
    mosaic, maps = made / "mosaic.zarr", made / "maps.zarr"
    shutil.rmtree(maps)
    older = (mosaic / "reflectance/c/1/1/1").read_bytes()
    bad = _of_the_same_length(older, Cube.open(Location(str(mosaic))))
    (mosaic / "reflectance/c/1/1/1").write_bytes(bad)
    with pytest.raises(
        IncompleteError, match="is not the object that was written with shard r0001"
    ):
        predict(str(mosaic), out=str(maps), models=MODELS)
    assert validate(str(mosaic), deep=True).torn
    ingest([str(little_tiles)], out=str(mosaic), **LITTLE)
    predict(str(mosaic), out=str(maps), models=MODELS)
    contents(made).assert_equal(undisturbed)


def _of_the_same_length(shard: bytes, cube: Cube) -> bytes:
    """A whole shard whose first two chunks have changed places, lengths and checksums in order."""
    packing = cube.array("reflectance").packing
    size = packing.across**2 * 16
    index = np.frombuffer(shard[-size - 4 : -4], "<u8").reshape(-1, 2).copy()
    index[[0, 1]] = index[[1, 0]]
    packed = index.tobytes()
    return shard[: -size - 4] + packed + int(google_crc32c.value(packed)).to_bytes(4, "little")


def test_what_should_be_empty_is(made: Path) -> None:
    """A run that was taken for dead may leave an object where there is none."""
    cube = open_maps(str(made / "maps.zarr"), None)
    layer, window = cube.layout.layers[0].name, Window(0, 0, 1, 1)
    ledger = Ledger.of(cube)
    entry = ledger.read(window)
    assert entry is not None
    entry.objects[cube.key(layer, window)] = NOTHING
    ledger.write(window, entry)
    with pytest.raises(TornError, match="is not the object"):
        cube.read(layer, Window(0, 0, 16, 16))
    (made / "maps.zarr" / cube.key(layer, window)).unlink()
    cube.read(layer, Window(0, 0, 16, 16))


def test_one_that_was_written_anew_is_read_anew(made: Path, little_tiles: Path) -> None:
    """What a thread has read of a ledger in an earlier run does not bind it."""
    maps = str(made / "maps.zarr")
    before = summarise(maps).rows
    predict(str(made / "mosaic.zarr"), out=maps, models=MODELS[:1], overwrite=True)
    after = summarise(maps).rows
    assert 0 < len(after) < len(before)
    cube = open_maps(maps, None)
    ledger, window = Ledger.of(cube), Window(0, 0, 1, 1)
    layer = cube.layout.layers[0].name
    cube.read(layer, Window(0, 0, 16, 16))
    entry = ledger.read(window)
    assert entry is not None
    key = cube.key(layer, window)
    (made / "maps.zarr" / key).write_bytes((made / "maps.zarr" / layer / "c/0/1").read_bytes())
    other = ledger.read(Window(0, 32, 1, 1))
    assert other is not None
    entry.objects[key] = other.objects[f"{layer}/c/0/1"]
    ledger.write(window, entry)
    found = cube.read(layer, Window(0, 0, 16, 16))
    assert (found == cube.read(layer, Window(0, 32, 16, 16))).all()


def test_an_older_store_is_held_to_its_lengths(made: Path) -> None:
    cube = open_maps(str(made / "maps.zarr"), None)
    layer, window = cube.layout.layers[0].name, Window(0, 0, 1, 1)
    entry = Ledger.of(cube).read(window)
    assert entry is not None
    key = cube.key(layer, window)
    reader = cube.reader(layer, window)
    older = Ledger(cube.location, cube.layout.shard)
    size, _ = reader.seal
    entry.objects[key] = [size + 1, 12345]
    older.write(window, entry)
    with pytest.raises(TornError, match="its bytes or its checksum"):
        Promises(older)(window, key, reader)
    entry.objects[key] = [size, 12345]
    older.write(window, entry)
    Promises(older)(window, key, cube.reader(layer, window))
