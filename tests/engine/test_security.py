"""What foreign bytes may do: nothing but be read, or be refused with a sentence.

Stores, tiles, models, masks and tables come from other people. Each attack is planted in a good
file and met by the command that would read it: it must end with one of our sentences, having
taken little memory, read and written nothing elsewhere, and unpickled nothing.
"""

import ast
import io
import json
import pickle
import re
import shutil
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest
from engine_moon import make
from numcodecs import blosc

import lunarscale
from lunarscale.engine.ledger import Ledger
from lunarscale.errors import FormatError, LunarscaleError, ModelError, StoreError, TornError
from lunarscale.models.card import Card
from lunarscale.models.network_files import read_network
from lunarscale.models.registry import BUILT_IN
from lunarscale.readers.masks import mask_of
from lunarscale.reduce.statistics import MAGIC, Statistics
from lunarscale.steps.summarise import summarise
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Bytes that an attack may make us take beyond what is planted.
LITTLE_MEMORY = 50_000_000


@pytest.fixture(scope="module")
def good(little_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a mosaic and maps; nobody changes it."""
    return make(little_tiles, tmp_path_factory.mktemp("good"))


@pytest.fixture
def maps(good: Path, tmp_path: Path) -> Path:
    """A copy of the maps, to plant attacks in."""
    return shutil.copytree(good / "maps.zarr", tmp_path / "maps.zarr")


@pytest.fixture(autouse=True)
def frugal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within a test nothing is unpickled, and little memory is taken."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("foreign bytes were unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < LITTLE_MEMORY


def describe(store: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the root's description of a store."""
    document = json.loads((store / "zarr.json").read_bytes())
    change(document["attributes"]["lunarscale"])
    (store / "zarr.json").write_text(json.dumps(document))


def grid(**edges: Any) -> Callable[[dict[str, Any]], Any]:
    """A change of the grid."""
    return lambda told: told["grid"].update(edges)


def layer(**facts: Any) -> Callable[[dict[str, Any]], Any]:
    """A change of the first layer."""
    return lambda told: told["layers"][0].update(facts)


HUGE = 10**12

DESCRIPTIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a map of 10^12 x 10^12 pixels": grid(around=2 * HUGE, height=HUGE, width=2 * HUGE),
    "the same in one shard": lambda told: (
        grid(around=2 * HUGE, height=HUGE, width=2 * HUGE)(told),
        told.update(shard=4 * HUGE, chunk=4 * HUGE),
    ),
    "a chunk of 2^40 pixels": lambda told: told.update(shard=2**20, chunk=2**20),
    "a shard of 2^62 chunks": lambda told: told.update(shard=2**31, chunk=1),
    "a shard that is text": lambda told: told.update(shard="2048"),
    "a shard that is no whole number": lambda told: told.update(shard=32.0),
    "a shard that is true": lambda told: told.update(shard=True, chunk=True),
    "no shard at all": lambda told: told.update(shard=0, chunk=0),
    "a grid of text": grid(around="128"),
    "a grid of no number": grid(around=float("nan")),
    "a grid without end": grid(around=float("inf"), width=float("inf")),
    "a name that climbs out": layer(name="../../FeO"),
    "a name that is a path": layer(name="/etc/passwd"),
    "a name with a folder": layer(name="FeO/c/0"),
    "a name on Windows": layer(name="..\\FeO"),
    "a name that is a dot": layer(name=".."),
    "no name": layer(name=""),
    "a name that is a number": layer(name=7),
    "a name of two lines": layer(name="FeO\nmoon"),
    "a name that writes to terminals": layer(name="FeO\x1b[2J"),
    "a name of the ledger's": layer(name="ledger"),
    "a source that writes to terminals": layer(source="\x1b]0;moon\x07"),
    "a source that is a list": layer(source=["Lucey"] * 3),
    "two layers of one name": lambda told: told["layers"].append(told["layers"][0]),
    "thousands of layers": lambda told: told.update(
        layers=[{**told["layers"][0], "name": f"L{i}"} for i in range(2_000)]
    ),
    "layers of a fact too many": layer(__class__="os.system"),
    "a camera that is a list": lambda told: told.update(camera=[]),
    "a camera that climbs out": lambda told: told.update(camera="../../camera"),
    "a codec of another sort": lambda told: told.update(codec="pickle:1:noshuffle"),
    "a codec that is a number": lambda told: told.update(codec=5),
}


@pytest.mark.parametrize("what", DESCRIPTIONS)
def test_descriptions_that_are_no_map_of_the_moon(maps: Path, what: str) -> None:
    describe(maps, DESCRIPTIONS[what])
    with pytest.raises(FormatError, match=str(maps)):
        Cube.open(Location(str(maps)))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"attributes":' * 50_000, "\x80", "", "1e999"])
def test_documents_that_are_none(maps: Path, text: str) -> None:
    (maps / "zarr.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(FormatError, match=r"its zarr\.json does not describe one"):
        Cube.open(Location(str(maps)))


@pytest.mark.parametrize(
    "key", ["../secret", "a/../../secret", "/etc/hostname", "ledger/../../secret"]
)
def test_nothing_is_reached_beyond_a_store(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret").write_text("moon")
    (tmp_path / "store" / "ledger").mkdir(parents=True)
    place = Location(str(tmp_path / "store"))
    for reach in (
        place.get, place.size, place.opened, place.delete, place.keys, place.remove_tree,
        lambda key: place.put(key, b""), lambda key: place.put_new(key, b""),
    ):  # fmt: skip
        with pytest.raises(StoreError, match="beyond the store"):
            reach(key)
    assert (tmp_path / "secret").read_text() == "moon"


def shard_of(store: Path) -> Path:
    """The object of one shard with data."""
    return max((store / "FeO").rglob("c/*/*"), key=lambda path: path.stat().st_size)


def indexed(change: Callable[[np.ndarray], Any]) -> Callable[[bytearray], bytes]:
    """A change of a shard's index, with a checksum that fits."""

    def changed(blob: bytearray) -> bytes:
        index = np.frombuffer(bytes(blob[-68:-4]), "<u8").reshape(4, 2).copy()
        change(index)
        packed = index.tobytes()
        return bytes(blob[:-68]) + packed + struct.pack("<I", google_crc32c.value(packed))

    return changed


def put(row: int, values: tuple[int, int]) -> Callable[[np.ndarray], Any]:
    """A change of one chunk's place, the next chunk's size making up for it in 64 bits."""

    def change(index: np.ndarray) -> None:
        with np.errstate(over="ignore"):
            index[(row + 1) % 4, 1] += index[row, 1] - np.uint64(values[1])
        index[row] = values

    return change


def framed(decoded: int) -> Callable[[bytearray], bytes]:
    """A first chunk whose Blosc header claims so many bytes, with a checksum that fits."""

    def changed(blob: bytearray) -> bytes:
        offset, size = np.frombuffer(bytes(blob[-68:-4]), "<u8").reshape(4, 2)[0].tolist()
        blob[offset + 4 : offset + 8] = struct.pack("<I", decoded)
        frame = bytes(blob[offset : offset + size - 4])
        blob[offset + size - 4 : offset + size] = struct.pack("<I", google_crc32c.value(frame))
        return bytes(blob)

    return changed


SHARDS: dict[str, Callable[[bytearray], bytes]] = {
    "an index of other bytes": lambda blob: bytes(blob[:-10]) + b"moonmoon11",
    "an offset beyond the object": indexed(lambda index: index.__setitem__((0, 0), 2**40)),
    "an offset beyond all numbers": indexed(lambda index: index.__setitem__((0, 0), 2**63)),
    "a size of which sums wrap": indexed(put(0, (0, 2**63))),
    "a size just below 2^64": indexed(put(0, (0, 2**64 - 16))),
    "an empty chunk with a size": indexed(put(0, (2**64 - 1, 100))),
    "a chunk within the index": indexed(lambda index: index.__setitem__((3, 0), index[3, 0] + 30)),
    "a size of nothing": indexed(put(0, (0, 0))),
    "a header that claims 2 GiB": framed(2**31 - 1),
    "a header that claims 4 GiB": framed(2**32 - 1),
    "a header that claims nothing": framed(0),
    "a pickle": lambda blob: pickle.dumps(print) * 100,
}


@pytest.mark.parametrize("what", SHARDS)
def test_shards_that_are_none(maps: Path, what: str) -> None:
    path = shard_of(maps)
    path.write_bytes(SHARDS[what](bytearray(path.read_bytes())))
    cube = Cube.open(Location(str(maps)))
    row, col = int(path.parent.name), int(path.name)
    window = list(cube.layout.windows())[row * 4 + col]
    with pytest.raises(TornError, match="run the command that wrote it again"):
        cube.read("FeO", window)


def reckoned(body: bytes) -> bytes:
    """Partial statistics of any bytes, with a checksum that fits."""
    packed = blosc.compress(body, b"zstd", 1, typesize=8)
    return MAGIC + zlib.crc32(packed).to_bytes(4, "little") + packed


def header(told: Any, size: int | None = None) -> bytes:
    """Partial statistics of any header."""
    text = json.dumps(told).encode()
    return reckoned((len(text) if size is None else size).to_bytes(8, "little") + text)


def swollen() -> bytes:
    """Partial statistics whose Blosc header claims 2 GiB."""
    packed = bytearray(blosc.compress(b"moon" * 100, b"zstd", 1, typesize=8))
    packed[4:8] = struct.pack("<I", 2**31 - 1)
    return MAGIC + zlib.crc32(packed).to_bytes(4, "little") + bytes(packed)


EMPTY = {"layers": ["FeO"], "groupings": [["moon", ["Moon"], ""]]}

STATISTICS = {
    "no bytes": b"",
    "a pickle": MAGIC + pickle.dumps(print),
    "a header that claims 2 GiB": swollen(),
    "a text without end": reckoned((2**63).to_bytes(8, "little") + b"{}"),
    "no JSON": header("moon")[:-3] + b"xyz",
    "another's JSON": header({"moon": 1}),
    "a list": header([1, 2]),
    "nested without end": reckoned((10**5).to_bytes(8, "little") + b"[" * 10**5),
    "bins beyond the file": header({**EMPTY, "cells": [[[1], 1, 1, [[2**40, 1], [1, 1]]]]}),
    "bins below nothing": header({**EMPTY, "cells": [[[1], 1, 1, [[-1, 1], [1, 1]]]]}),
    "bins that are text": header({**EMPTY, "cells": [[[1], 1, 1, [["7", 1], [1, 1]]]]}),
}


@pytest.mark.parametrize("what", STATISTICS)
def test_statistics_that_are_none(what: str) -> None:
    with pytest.raises(TornError, match="compute the shard again"):
        Statistics.from_bytes(STATISTICS[what])


ENTRIES = {
    "a pickle": pickle.dumps(print),
    "nested without end": b"[" * 100_000,
    "another's JSON": b'{"key": "k", "objects": [1, 2]}',
    "a path that climbs out": b'{"key": "k", "objects": {"../../secret": [4, 5]}}',
    "a path from the root": b'{"key": "k", "objects": {"/etc/passwd": [4, 5]}}',
    "a size that is text": b'{"key": "k", "objects": {"FeO/c/0/0": ["4", 5]}}',
    "an entry of more": b'{"key": "k", "objects": {}, "__reduce__": "os.system"}',
}


@pytest.mark.parametrize("what", ENTRIES)
def test_entries_that_are_none_are_as_good_as_none(maps: Path, what: str) -> None:
    cube = Cube.open(Location(str(maps)))
    window = cube.layout.windows()[0]
    ledger = Ledger(cube.location, cube.layout.shard)
    (path,) = (maps / "ledger").glob(f"{ledger.name(window)}.json")
    path.write_bytes(ENTRIES[what])
    assert ledger.read(window) is None
    with pytest.raises(LunarscaleError, match="predict"):
        summarise(str(maps))


VRT = """<VRTDataset rasterXSize="36" rasterYSize="18"><VRTRasterBand dataType="Byte" band="1">
<SimpleSource><SourceFilename relativeToVRT="0">{}</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>"""


def test_a_mask_names_no_other_file(tmp_path: Path) -> None:
    """GDAL's VRT is a text that names other files and servers, whatever its own name is."""
    from PIL import Image

    secret = tmp_path / "secret.png"
    Image.new("L", (36, 18), 1).save(secret)
    whole = io.BytesIO()
    Image.new("L", (36, 18), 1).save(whole, "PNG")
    assert mask_of("mask.png", whole.getvalue())
    for place in (secret, "/vsicurl/http://127.0.0.1:9/mask.png"):
        with pytest.raises(LunarscaleError, match="cannot be read as an image"):
            mask_of("mask.tif", VRT.format(place).encode())


def protobuf(number: int, content: bytes) -> bytes:
    """A field of bytes."""
    size, length = len(content), b""
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    key = number << 3 | 2
    head = bytes([key]) if key < 128 else bytes([key & 0x7F | 0x80, key >> 7])
    return head + length + bytes([size]) + content


DIMS = b"\x0a" + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"  # packed dims hold 2^63 - 1 each

MODELS = {
    "weights elsewhere": protobuf(7, protobuf(5, b"\x70\x01") + protobuf(12, b"\x0a\x01y")),
    "weights by a path": protobuf(
        7, protobuf(5, protobuf(13, protobuf(1, b"location") + protobuf(2, b"../../secret")))
        + protobuf(12, b"\x0a\x01y"),
    ),
    "a tensor of a million axes": protobuf(
        7, protobuf(5, protobuf(1, DIMS[1:] * 1_000_000)) + protobuf(12, b"\x0a\x01y")
    ),
    "a length beyond the file": b"\x08\x0a\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "graphs within graphs": b"",
    "a pickle": pickle.dumps(print),
    "text": b"import os\n",
}  # fmt: skip


def nested(depth: int) -> bytes:
    """A graph in a node's attribute in a graph ..."""
    inner = b""
    for _ in range(depth):
        inner = protobuf(1, protobuf(5, protobuf(6, inner)))
    return inner


@pytest.mark.parametrize("what", MODELS)
def test_models_that_reach_further(tmp_path: Path, what: str) -> None:
    content = MODELS[what] or protobuf(7, nested(2000) + protobuf(12, b"\x0a\x01y"))
    path = tmp_path / "evil.onnx"
    path.write_bytes((b"" if content[:1] in b"\x08\x80i" else b"\x08\x0a") + content)
    with pytest.raises(LunarscaleError, match=r"evil\.onnx"):
        read_network(str(path))


OBJECTS = {
    "a call": "name: !!python/object/apply:os.system ['touch planted']",
    "an object": "name: !!python/object/new:os.system ['touch planted']",
    "a module": "name: !!python/module:antigravity",
    "a name": "name: !!python/name:os.system",
    "aliases": "a: &a [moon, moon]\nb: &b [*a, *a]\nname: [*b, *b]",
}


@pytest.mark.parametrize("what", OBJECTS)
def test_cards_are_text_and_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"evil\.yaml"):
        Card.from_yaml(OBJECTS[what], where="evil.yaml")
    assert not Path("planted").exists()


#: Calls that make code or objects out of bytes, and the one file that may: what it unpickles comes
#: from the cluster, whose certificates say who that is.
MAKES_OBJECTS = re.compile(
    r"(eval|exec|compile|__import__|os\.system|os\.popen|yaml\.(unsafe_|full_)?load"
    r"|(\w*pickle|marshal|shelve|dill|joblib)\.\w+|(torch|np|numpy)\.load|pd\.read_pickle"
    r"|(lxml|minidom|sax)\.\w+|subprocess\.\w+)"
)
ALLOWED = {
    "engine/shipping.py": {"pickle.dumps", "pickle.loads"},
    # lists of words, no shell: the user's kubectl, and our own module in a process that may die
    "clusters/kubectl.py": {"subprocess.run"},
    "service/trial.py": {"subprocess.run"},
}


def test_no_code_is_made_out_of_bytes() -> None:
    package = Path(lunarscale.__file__).parent
    for path in package.rglob("*.py"):
        calls = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            # a name, or what a name holds: no pattern is longer, and unparsing takes its time
            and isinstance(getattr(node.func, "value", node.func), ast.Name)
        }
        name = path.relative_to(package).as_posix()
        found = {call for call in calls if MAKES_OBJECTS.fullmatch(call)} - ALLOWED.get(name, set())
        assert not found, f"{name} calls {found}"


def test_names_of_models_are_no_paths() -> None:
    assert all("/" not in name and ".." not in name for name in BUILT_IN)
