"""A cube: laid whole or not at all, and read through any window as NumPy would slice it."""

import json
import pickle
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
import zarr.storage
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lunarscale.errors import FormatError, RegionError, StoreError, TornError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout, MapLayer
from lunarscale.store.location import Location

WHOLE = RasterGrid.whole(0.25)  # 45 x 90 pixels: nothing divides it
PART = WHOLE.crop(100.0, -61.0, -120.0, 50.0)  # over the seam, 35 pixels wide
LAYERS = tuple(
    MapLayer(name, name, f"model of {name}", "a formula", "a source") for name in ("FeO", "OMAT")
)


def layout_of(grid: RasterGrid, kind: str = "mosaic") -> Layout:
    """A little layout of either kind."""
    if kind == "mosaic":
        return Layout("mosaic", grid, 16, 8, "clementine-uvvis")
    return Layout("maps", grid, 16, 8, "clementine-uvvis", LAYERS)


@dataclass(frozen=True)
class Filled:
    """A cube and the array that band 2 of its counts holds."""

    cube: Cube
    values: NDArray[np.int16]

    def sliced(self, window: Window) -> NDArray[np.int16]:
        """What NumPy gives of a window; columns past the last are the first again."""
        cols = np.arange(window.col, window.col + window.width) % self.values.shape[1]
        return self.values[window.row : window.row + window.height, cols]


def filled(grid: RasterGrid) -> Filled:
    """A mosaic in memory, band 2 filled; some shards and chunks are not there."""
    cube = Cube.create(Location(f"memory://{uuid.uuid4().hex}"), layout_of(grid), {})
    values = np.random.default_rng(7).integers(1, 999, (grid.height, grid.width), dtype=np.int16)
    values[16:32, 16:32] = NO_DATA  # a whole shard
    values[0:8, 0:8] = NO_DATA  # a whole chunk
    for window in cube.layout.windows():
        with cube.writing("reflectance", window, 2) as writer:
            for chunk in window.split(cube.layout.chunk):
                place = (chunk.row - window.row) // 8, (chunk.col - window.col) // 8
                writer.put(*place, values[chunk.slices])
    return Filled(cube, values)


@pytest.fixture(scope="module")
def whole() -> Iterator[Filled]:
    """All around the Moon."""
    made = filled(WHOLE)
    yield made
    made.cube.location.remove_tree("")


@pytest.fixture(scope="module")
def part() -> Iterator[Filled]:
    """A part of the Moon, over the seam."""
    made = filled(PART)
    yield made
    made.cube.location.remove_tree("")


@st.composite
def windows(draw: st.DrawFn, grid: RasterGrid) -> Window:
    """Any window of a grid; over the end of its columns where it closes."""
    row, col = draw(st.integers(0, grid.height - 1)), draw(st.integers(0, grid.width - 1))
    most = grid.width if grid.width == grid.around else grid.width - col
    height, width = draw(st.integers(1, grid.height - row)), draw(st.integers(1, most))
    return Window(row, col, height, width)


@settings(deadline=None)
@given(window=windows(WHOLE))
def test_any_window_is_numpys_slice(whole: Filled, window: Window) -> None:
    """Misaligned, larger than a shard, over the seam."""
    found = whole.cube.read("reflectance", window, 2)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, whole.sliced(window))


@settings(deadline=None)
@given(window=windows(PART))
def test_any_window_of_a_part_is_numpys_slice(part: Filled, window: Window) -> None:
    np.testing.assert_array_equal(part.cube.read("reflectance", window, 2), part.sliced(window))


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_one_reader_reads_many_windows(whole: Filled, data: st.DataObject) -> None:
    """More shards than it keeps, in any order, into arrays that are larger than the window."""
    reader = whole.cube.reads("reflectance", 2)
    for window in data.draw(st.lists(windows(WHOLE), min_size=2, max_size=12)):
        more = data.draw(st.integers(0, 3))
        out = np.zeros((window.height + more, window.width + more), np.int16)
        reader.read_into(window, out)
        np.testing.assert_array_equal(out[: window.height, : window.width], whole.sliced(window))


def test_every_chunk_is_decoded_in_place(whole: Filled) -> None:
    """The way of ``predict``: one whole-chunk array; cut chunks come in its upper left corner."""
    reader, out = whole.cube.reads("reflectance", 2), np.empty((8, 8), np.int16)
    for shard in whole.cube.layout.windows():
        for chunk in shard.split(8):
            reader.read_into(chunk, out)
            inside = out[: chunk.height, : chunk.width]
            np.testing.assert_array_equal(inside, whole.sliced(chunk))


@pytest.mark.parametrize(
    "window",
    [Window(-1, 0, 8, 8), Window(40, 0, 8, 8), Window(0, -8, 8, 8), Window(48, 0, 8, 8)],
)
def test_rows_beyond_the_poles_are_refused(whole: Filled, window: Window) -> None:
    with pytest.raises(RegionError, match="but it has 45 x 90 pixels"):
        whole.cube.read("reflectance", window, 2)


@pytest.mark.parametrize("col", [28, 35, 40])
def test_columns_beyond_a_part_are_refused(part: Filled, col: int) -> None:
    """Its first columns are not the neighbours of its last."""
    with pytest.raises(RegionError, match=rf"columns {col} to {col + 8} were asked for"):
        part.cube.read("reflectance", Window(0, col, 8, 8), 2)


def test_what_is_not_written_reads_as_nothing(whole: Filled) -> None:
    assert np.all(whole.cube.read("reflectance", WHOLE.window, 0) == NO_DATA)
    never = whole.cube.array("flag").packing.fill_value
    assert np.all(whole.cube.read("flag", WHOLE.window) == never)


def test_a_layer_that_is_not_there_is_named(whole: Filled) -> None:
    with pytest.raises(StoreError, match="no layer FeO; the store has reflectance, flag"):
        whole.cube.read("FeO", WHOLE.window)


def test_a_torn_object_names_itself(whole: Filled) -> None:
    key = whole.cube.key("reflectance", Window(0, 80, 1, 1), 2)
    blob = whole.cube.location.get(key)
    assert blob is not None
    whole.cube.location.put(key, blob[: len(blob) // 2])
    with pytest.raises(TornError, match=r"/reflectance/c/2/0/5: .* run the command"):
        whole.cube.read("reflectance", Window(0, 75, 2, 30), 2)
    whole.cube.location.put(key, blob)


def test_a_seal_is_size_and_checksum(tmp_path: Path) -> None:
    cube = Cube.create(Location(str(tmp_path / "a.zarr")), layout_of(WHOLE), {})
    window = Window(16, 32, 16, 16)
    with cube.making(window) as shard:
        shard.writer("flag").put(0, 0, np.zeros((8, 8), np.uint16))
        shard.writer("reflectance", 3).put(1, 1, np.ones((8, 8), np.int16))
    assert list(shard.seals) == [*(f"reflectance/c/{band}/1/2" for band in range(5)), "flag/c/1/2"]
    for key, seal in shard.seals.items():
        blob = cube.location.get(key)
        name, band = ("flag", None) if key.startswith("flag") else ("reflectance", int(key[14]))
        assert seal == [len(blob or b""), cube.reader(name, window, band).checksum()]
        assert (blob is not None) == (key in ("reflectance/c/3/1/2", "flag/c/1/2"))
    with cube.making(window) as empty:
        pass
    assert set(map(tuple, empty.seals.values())) == {(0, 0)}
    assert cube.location.get("flag/c/1/2") is None


def test_an_error_in_the_middle_leaves_what_was_there(tmp_path: Path) -> None:
    """Of all arrays, though the chunks of some of them are in their files already."""
    cube = Cube.create(Location(str(tmp_path / "a.zarr")), layout_of(WHOLE), {})
    window = Window(16, 32, 16, 16)
    with cube.making(window) as shard:
        shard.writer("flag").put(0, 0, np.zeros((8, 8), np.uint16))
    before = cube.location.all_keys(), cube.location.get("flag/c/1/2")
    with pytest.raises(TypeError):
        spoil(cube, window)
    assert (cube.location.all_keys(), cube.location.get("flag/c/1/2")) == before
    assert not list(tmp_path.rglob("*.partial"))


def spoil(cube: Cube, window: Window) -> None:
    """Begin a shard and fail."""
    with cube.making(window) as shard:
        shard.writer("flag").put(0, 0, np.ones((8, 8), np.uint16))
        shard.writer("reflectance", 1).put(0, 0, np.ones((8, 8), np.int16))
        shard.writer("flag").put(0, 1, np.ones((8, 8), np.int16))


def test_an_object_replaced_in_mid_read_stays_what_it_was(whole: Filled) -> None:
    """A reader goes on with the object it opened; one that is opened later is the new one."""
    window, band = Window(0, 16, 16, 16), 2
    reader = whole.cube.reader("reflectance", window, band)
    first = reader.chunk(0, 0)
    key = whole.cube.key("reflectance", window, band)
    old = whole.cube.location.get(key) or b""
    with whole.cube.writing("reflectance", window, band) as writer:
        writer.put(0, 0, np.ones((8, 8), np.int16))
    np.testing.assert_array_equal(reader.chunk(0, 0), first)
    np.testing.assert_array_equal(reader.chunk(1, 1), whole.values[8:16, 24:32])
    assert np.all(whole.cube.read("reflectance", Window(0, 16, 8, 8), band) == 1)
    whole.cube.location.put(key, old)


def test_a_part_of_an_array_is_no_place_to_decode_into(whole: Filled) -> None:
    """A chunk's rows that lie apart are pasted together like any other window's."""
    out = np.zeros((20, 20), np.int16)
    whole.cube.reads("reflectance", 2).read_into(Window(8, 16, 8, 8), out[4:12, 4:12])
    np.testing.assert_array_equal(out[4:12, 4:12], whole.values[8:16, 16:24])
    assert np.count_nonzero(out) == 64


@pytest.mark.parametrize("kind", ["mosaic", "maps"])
@pytest.mark.parametrize("grid", [WHOLE, PART], ids=["whole", "part"])
def test_zarr_finds_what_the_layout_says(kind: str, grid: RasterGrid, tmp_path: Path) -> None:
    """Every array with its type, cut and names; and no warning when it is listed."""
    layout = layout_of(grid, kind)
    Cube.create(Location(str(tmp_path / "a.zarr")), layout, {"title": "A title"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_group(tmp_path / "a.zarr", mode="r")
        arrays = dict(group.arrays())
    assert group.metadata.consolidated_metadata is not None
    assert group.attrs["title"] == "A title"
    coordinates = {"lon", "lat", "x", "y", "spatial_ref"}
    coordinates |= {"band"} if kind == "mosaic" else set()
    assert set(arrays) == coordinates | {spec.name for spec in layout.arrays()}
    for spec in layout.arrays():
        found = arrays[spec.name]
        assert found.shape == (*([spec.bands] if spec.bands else []), grid.height, grid.width)
        assert (found.chunks[-2:], found.shards[-2:]) == ((8, 8), (16, 16))
        assert (found.dtype, found.fill_value) == (spec.packing.dtype, spec.packing.fill_value)
        assert found.metadata.dimension_names[-2:] == ("y", "x")
        assert found.attrs["grid_mapping"] == "spatial_ref"
    np.testing.assert_array_equal(arrays["lon"][...], grid.lons())
    np.testing.assert_array_equal(arrays["lat"][...], grid.lats())


@pytest.mark.parametrize("kind", ["mosaic", "maps"])
def test_the_root_holds_what_zarr_would_consolidate(kind: str, tmp_path: Path) -> None:
    Cube.create(Location(str(tmp_path / "a.zarr")), layout_of(PART, kind), {})
    document = tmp_path / "a.zarr" / "zarr.json"
    ours = json.loads(document.read_bytes())
    with warnings.catch_warnings(action="ignore", category=zarr.errors.ZarrUserWarning):
        zarr.consolidate_metadata(zarr.storage.LocalStore(tmp_path / "a.zarr"), zarr_format=3)
    assert len(ours["consolidated_metadata"]["metadata"]) > 5
    assert json.loads(document.read_bytes()) == ours


def test_a_cube_opens_as_it_was_made_and_pickles(tmp_path: Path) -> None:
    made = Cube.create(Location(str(tmp_path / "a.zarr")), layout_of(PART, "maps"), {"title": "A"})
    opened = Cube.open(Location(str(tmp_path / "a.zarr")))
    assert opened.layout == made.layout == pickle.loads(pickle.dumps(opened)).layout
    assert opened.attributes["title"] == "A"
    assert opened.attributes["Conventions"] == "CF-1.11"


def test_something_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match="something is there already; name another place"):
        Cube.create(Location(str(tmp_path)), layout_of(WHOLE), {})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["flag", "reflectance", "anything"])
def test_a_file_of_the_users_is_no_debris(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("years of work")
    location = Location(str(tmp_path / name))
    assert not Cube.is_debris(location, layout_of(WHOLE))
    with pytest.raises(FormatError, match="a lunarscale store was expected"):
        Cube.open(location)


def test_a_store_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before any one of its objects: no store to be opened, and it can be laid again."""
    put, killed = Location.put, 0
    for survives in range(40):
        location = Location(str(tmp_path / f"{survives}.zarr"))
        left = survives

        def dying(self: Location, key: str, blob: bytes) -> None:
            nonlocal left
            if left == 0:
                target = Path(self.path, key)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.with_name(f".{target.name}.1f.partial").write_bytes(blob[:9])
                raise KeyboardInterrupt
            left -= 1
            put(self, key, blob)

        with monkeypatch.context() as patch:
            patch.setattr(Location, "put", dying)
            try:
                Cube.create(location, layout_of(WHOLE), {})
            except KeyboardInterrupt:
                killed += 1
            else:
                break
        with pytest.raises(FormatError):
            Cube.open(location)
        assert Cube.is_debris(location, layout_of(WHOLE))
        cube = Cube.create(location, layout_of(WHOLE), {})
        assert Cube.open(location).layout == cube.layout
    assert killed > 10


def put_root(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """A damage: the root's document changed."""

    def damage(store: Path) -> None:
        document = json.loads((store / "zarr.json").read_text())
        (store / "zarr.json").write_text(json.dumps(change(document)))

    return damage


DAMAGES: dict[str, Callable[[Path], None]] = {
    "truncated": lambda store: (store / "zarr.json").write_text(
        (store / "zarr.json").read_text()[:500]
    ),
    "empty": lambda store: (store / "zarr.json").write_bytes(b""),
    "not text": lambda store: (store / "zarr.json").write_bytes(b"\xff\xfe\x00"),
    "a list": put_root(lambda document: [document]),
    "no attributes": put_root(lambda document: {"zarr_format": 3, "node_type": "group"}),
    "another's": put_root(lambda document: {**document, "attributes": {"title": "Mars"}}),
    "a number": put_root(lambda document: {**document, "attributes": {"lunarscale": 5}}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_no_store_of_ours_is_refused(damage: str, tmp_path: Path) -> None:
    location = Location(str(tmp_path / "a.zarr"))
    Cube.create(location, layout_of(WHOLE), {})
    DAMAGES[damage](tmp_path / "a.zarr")
    with pytest.raises(FormatError, match=r"a\.zarr: this "):
        Cube.open(location)
    assert not Cube.is_debris(location, layout_of(WHOLE))


@pytest.mark.parametrize(("there", "found"), [(False, "nothing"), (True, "something else")])
def test_where_no_store_is_the_way_to_one_is_told(there: bool, found: str, tmp_path: Path) -> None:
    if there:
        (tmp_path / "a.txt").write_text("x")
    place = tmp_path if there else tmp_path / "a.zarr"
    with pytest.raises(FormatError, match=rf"expected but there is {found}; `lunarscale ingest`"):
        Cube.open(Location(str(place)))


@settings(deadline=None)
@given(
    west=st.floats(-180, 180),
    south=st.floats(-89, 80),
    width=st.floats(4, 350),
    tall=st.floats(4, 90),
)
def test_a_box_lies_where_it_says(
    whole: Filled, part: Filled, west: float, south: float, width: float, tall: float
) -> None:
    """Row and column of a box in a cube are those of the same place, or it is refused."""
    box = (west, south, (west + width + 180) % 360 - 180, min(south + tall, 90.0))
    for cube in (whole.cube, part.cube):
        try:
            grid, (row, col) = cube.within(box)
        except RegionError:
            assert cube is part.cube
            corners = [
                PART.locate(lon, lat)
                for lon in (box[0] + 1e-3, box[2] - 1e-3, box[0] + width / 2)
                for lat in (box[1] + 1e-3, box[3] - 1e-3)
            ]
            assert None in corners or width > 145
            continue
        np.testing.assert_allclose(grid.lats(), cube.grid.lats()[row : row + grid.height])
        lons = cube.grid.lons()[np.arange(col, col + grid.width) % cube.grid.width]
        np.testing.assert_allclose((grid.lons() - lons + 180) % 360 - 180, 0, atol=1e-9)
