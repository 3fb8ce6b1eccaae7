"""Clementine tiles: every form the archive's copies have, every fault one sentence."""

import pickle
from pathlib import Path

import fsspec
import numpy as np
import pytest
import rasterio
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.bands import CLEMENTINE_UVVIS, ClementineReason
from lunarscale.errors import TileError
from lunarscale.grid.projections import Lattice
from lunarscale.readers.clementine import open_clementine
from lunarscale.readers.tile import band_reasons

EVERYTHING = (slice(None), slice(None))


def test_the_tile_is_what_its_label_says(tile_path: Path, counts) -> None:
    tile = open_clementine(str(tile_path))
    assert (tile.name, tile.path, tile.camera) == ("UI03N003", str(tile_path), CLEMENTINE_UVVIS)
    assert (tile.lines, tile.samples, tile.size_bytes) == (40, 30, tile_path.stat().st_size)
    assert not tile.simulated
    read = tile.read(*EVERYTHING)
    assert read.dtype == np.dtype("int16")
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, counts)


@pytest.mark.parametrize(
    ("lines", "samples"),
    [(slice(0, 1), slice(0, 1)), (slice(39, 40), slice(29, 30)), (slice(7, 23), slice(3, 19)),
     (slice(5, 5), slice(0, 3)), (slice(0, 40), slice(10, 10))],
)  # fmt: skip
def test_a_part_is_the_wholes_part(tile_path: Path, counts, lines: slice, samples: slice) -> None:
    read = open_clementine(str(tile_path)).read(lines, samples)
    np.testing.assert_array_equal(read, counts[:, lines, samples])


def test_only_the_lines_asked_for_are_read(tile_path: Path, counts, monkeypatch) -> None:
    tile = open_clementine(str(tile_path))
    asked = []

    def spy(path, starts, planes, options=None):
        asked.extend((a, a + plane.nbytes) for a, plane in zip(starts, planes, strict=True))
        return sum(plane.nbytes for plane in planes)

    monkeypatch.setattr("lunarscale.readers.band_sequential.read_into", spy)
    tile.read(slice(10, 12), slice(0, 5))
    assert [stop - start for start, stop in asked] == 5 * [2 * 30 * 2]
    assert asked[1][0] - asked[0][0] == 40 * 30 * 2


def test_gdal_reads_the_same_counts(tile_path: Path, counts) -> None:
    with rasterio.open(tile_path, driver="PDS") as image:
        np.testing.assert_array_equal(
            image.read(), open_clementine(str(tile_path)).read(*EVERYTHING)
        )


def test_the_place_of_ui03n003(tile_path: Path) -> None:
    """FORMATS: latitude 7.0 is line 1.0; latitude 0 longitude 0 is sample 1.0 in that tile."""
    lattice = open_clementine(str(tile_path)).lattice
    assert lattice == Lattice("sinusoidal", 303.23349, 15.0, 2123.6345297, 4549.5024429)
    assert float(lattice.line_of(7.0)) == pytest.approx(1.0, abs=1e-3)
    assert float(lattice.sample_of(0.0, 0.0)) == pytest.approx(1.0, abs=1e-3)
    south, north = open_clementine(str(tile_path)).lat_bounds()
    assert north == pytest.approx(7.0 + 0.5 / 303.23349, abs=1e-5)
    assert north - south == pytest.approx(40 / 303.23349)


@given(
    st.sampled_from(["sinusoidal", "simple-cylindrical"]),
    st.floats(-180, 180),
    st.floats(-89.9, 89.9),
    st.floats(-180, 180),
)
def test_places_and_pixels_are_inverse(projection, east: float, lat: float, lon0: float) -> None:
    lattice = Lattice(projection, 303.23349, lon0, 2123.6345297, 4549.5024429)
    line, sample = lattice.line_of(lat), lattice.sample_of(lon0 + east, lat)
    assert float(lattice.lat_of(line)) == pytest.approx(lat, abs=1e-9)
    assert float(lattice.lon_of(sample, lat)) == pytest.approx(lon0 + east, abs=1e-7)
    south = 2123.6345297 - lat * 303.23349
    assert float(line) == pytest.approx(south, abs=1e-9)


# --- forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_name", ["ui03n003.img", "UI03N003.IMG", "Ui03n003.img"])
@pytest.mark.parametrize("label_name", ["ui03n003.lbl", "UI03N003.LBL", "ui03n003.lab"])
@pytest.mark.parametrize(
    "pointer", ['"UI03N003.IMG"', '("ui03n003.img", 1)', '("UI03N003.IMG",1 <BYTES>)']
)
def test_a_detached_label(tmp_path, counts, make_label, image_name, label_name, pointer) -> None:
    image, label = tmp_path / image_name, tmp_path / label_name
    image.write_bytes(counts.astype(">i2").tobytes())
    label.write_text(make_label(counts.shape, pointer=pointer))
    for named in (image, label):
        tile = open_clementine(str(named))
        assert tile.path == str(image)
        np.testing.assert_array_equal(tile.read(*EVERYTHING), counts)


def test_a_detached_label_that_counts_records(tmp_path, counts, make_label) -> None:
    image = tmp_path / "ui03n003.img"
    image.write_bytes(bytes(2 * 60) + counts.astype(">i2").tobytes())
    label = make_label(counts.shape, pointer='("UI03N003.IMG", 3)')
    (tmp_path / "ui03n003.lbl").write_text(label)
    np.testing.assert_array_equal(open_clementine(str(image)).read(*EVERYTHING), counts)


def test_an_isis_label_beside_an_attached_one_is_not_looked_at(tile_path: Path, counts) -> None:
    tile_path.with_suffix(".lab").write_text(
        'CCSD3ZF0000100000001NJPL3IF0PDS200000001 = SFDU_LABEL\n^QUBE = ("ui03n003.img", 7)\nEND\n'
    )
    np.testing.assert_array_equal(open_clementine(str(tile_path)).read(*EVERYTHING), counts)
    with pytest.raises(TileError, match=r"ui03n003\.lab: the label has no TARGET_NAME"):
        open_clementine(str(tile_path.with_suffix(".lab")))


@pytest.mark.parametrize("sample_type", ["LSB_INTEGER", "PC_INTEGER"])
def test_little_endian_counts(tmp_path, counts, make_label, sample_type: str) -> None:
    pointer = '"ui03n003.img"'
    (tmp_path / "ui03n003.img").write_bytes(counts.astype("<i2").tobytes())
    label = tmp_path / "ui03n003.lbl"
    label.write_text(make_label(counts.shape, pointer=pointer, sample_type=sample_type))
    np.testing.assert_array_equal(open_clementine(str(label)).read(*EVERYTHING), counts)


def test_units_in_the_label(tmp_path, counts, make_tile) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(make_tile(counts, radius="1737.4 <KM>", ppd="303.23349 <PIXEL/DEGREE>"))
    assert open_clementine(str(path)).lattice.ppd == 303.23349


def test_a_simulated_tile_says_so(tmp_path, counts, make_tile) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(make_tile(counts, producer="LUNARSCALE SIMULATION"))
    assert open_clementine(str(path)).simulated


def test_a_tile_in_memory(counts, make_tile, make_label) -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/clementine/ui03n003.img", make_tile(counts))
    fs.pipe_file("/detached/ui03n003.img", counts.astype(">i2").tobytes())
    label = make_label(counts.shape, pointer='"UI03N003.IMG"')
    fs.pipe_file("/detached/ui03n003.lbl", label.encode())
    try:
        for folder in ("clementine", "detached"):
            tile = open_clementine(f"memory://{folder}/ui03n003.img")
            part = pickle.loads(pickle.dumps(tile)).read(slice(3, 9), slice(2, 30))
            np.testing.assert_array_equal(part, counts[:, 3:9, 2:30])
        fs.pipe_file("/detached/ui03n003.img", counts.astype(">i2").tobytes()[:-100])
        with pytest.raises(TileError, match=r"should hold 12,000 bytes in 5 bands but 11,900 are"):
            tile.read(*EVERYTHING)
    finally:
        fs.rm("/clementine", recursive=True)
        fs.rm("/detached", recursive=True)


def test_a_server_without_byte_ranges(tile_path: Path, monkeypatch) -> None:
    """The plainest HTTP servers answer any range with the whole file."""
    whole = tile_path.read_bytes()
    monkeypatch.setattr(MemoryFileSystem, "cat_file", lambda self, path, start, end: whole)
    with pytest.raises(TileError, match="the server gives whole files only; fetch it to this"):
        open_clementine("memory://ui03n003.img")


def test_tiles_pickle_compare_and_hash(tile_path: Path) -> None:
    tile = open_clementine(str(tile_path), {"anon": True})
    twin = pickle.loads(pickle.dumps(tile))
    assert twin == tile
    assert hash(twin) == hash(tile)
    assert twin.storage_options == {"anon": True}


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "VENUS"}, "TARGET_NAME should be MOON but the label has VENUS"),
        ({"data_set": "CLEM1-L-N-5-DIM-NIR-V1.0"}, "DATA_SET_ID should be CLEM1-L-U-5-DIM-UVVIS"),
        ({"projection": "MERCATOR"}, "MAP_PROJECTION_TYPE should be SINUSOIDAL but"),
        ({"east": "WEST"}, "POSITIVE_LONGITUDE_DIRECTION should be EAST but the label has WEST"),
        ({"radius": "6051.00"}, "should have the radius 1737.4 km but the label has A_AXIS_RADIUS"),
        ({"radius": "1737400 <m>"}, "A_AXIS_RADIUS should be a number in km but the label has"),
        ({"wavelengths": "415.0,750.0,950.0,900.0,1000.0"}, "at 415, 750, 950, 900, 1000 nm"),
        ({"bands": 6}, "should have 5 bands at 415, 750, 900, 950, 1000 nm but the label has 6"),
        ({"storage": "SAMPLE_INTERLEAVED"}, "BAND_STORAGE_TYPE should be BAND_SEQUENTIAL but"),
        ({"sample_type": "MSB_UNSIGNED_INTEGER"}, "but the label has 16-bit MSB_UNSIGNED_INTEGER"),
        ({"bits": 8}, "but the label has 8-bit MSB_INTEGER"),
        ({"scale": "2e-05"}, "reflectance should be 0.000135 x count + 0 but the label has 2e-05"),
        ({"offset": "0.5"}, "but the label has 0.000135 x count + 0.5"),
        ({"null": 0}, "NULL should be -32768 but the label has 0"),
        ({"lines": 0}, "the label has 0 lines of 30 samples"),
        ({"ppd": "0.0"}, "MAP_RESOLUTION should be positive but"),
        ({"lon0": '"N/A"'}, "CENTER_LONGITUDE should be a number but the label has 'N/A'"),
        ({"pointer": '("OTHER.IMG", 3)'}, "its label describes another file, OTHER.IMG"),
    ],
)  # fmt: skip
def test_a_foreign_tile_is_one_sentence(tmp_path, counts, make_tile, changes, message) -> None:
    path = tmp_path / "ui03n003.img"
    path.write_bytes(make_tile(counts, **changes))
    with pytest.raises(TileError) as caught:
        open_clementine(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_truncated_tile(tile_path: Path) -> None:
    whole = tile_path.read_bytes()
    tile_path.write_bytes(whole[:-7001])
    with pytest.raises(TileError) as caught:
        open_clementine(str(tile_path))
    assert str(caught.value) == (
        f"{tile_path}: label promises 5 x 40 x 30 samples (12,000 bytes) but 4,999 follow it; "
        "fetch the tile again"
    )


def test_a_label_that_promises_more(tmp_path, counts, make_tile) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(make_tile(counts, lines=2127))
    with pytest.raises(
        TileError, match=r"promises 5 x 2127 x 30 samples \(638,100 bytes\) but 12,000"
    ):
        open_clementine(str(path))


def test_a_tile_truncated_after_indexing(tile_path: Path) -> None:
    tile = open_clementine(str(tile_path))
    tile_path.write_bytes(tile_path.read_bytes()[:-11])
    tile.read(slice(0, 39), slice(None))
    with pytest.raises(
        TileError, match=r"lines 40-40 should hold 300 bytes in 5 bands but 289 are"
    ):
        tile.read(slice(39, 40), slice(None))
    tile_path.unlink()
    with pytest.raises(TileError, match="there is no such file"):
        tile.read(slice(0, 1), slice(None))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "the file is empty"), (b"\x00" * 9000, "should begin with a PDS3 label, or have one")],
)
def test_no_tile_at_all(tmp_path, content: bytes, message: str) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(content)
    with pytest.raises(TileError, match=message):
        open_clementine(str(path))


def test_a_detached_label_without_its_image(tmp_path, counts, make_label) -> None:
    label = tmp_path / "ui03n003.lbl"
    label.write_text(make_label(counts.shape, pointer='"UI03N003.IMG"'))
    with pytest.raises(TileError, match=r"describes UI03N003\.IMG, which is not beside it"):
        open_clementine(str(label))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("lola/LDEM_4.IMG", "should be CLEM1-L-U-5-DIM-UVVIS-V1.0 but is LRO-L-LOLA-4-GDR-V1.0"),
        ("lola/LDEM_4.LBL", "should be CLEM1-L-U-5-DIM-UVVIS-V1.0 but is LRO-L-LOLA-4-GDR-V1.0"),
        (
            "kaguya_mi/MI_MAP_03_N51E124N50E125SC_cropped.img",
            "should be CLEM1-L-U-5-DIM-UVVIS-V1.0 but is SLN-L-MI-5-MAP-V3.0",
        ),
    ],
)
def test_another_archives_file(test_data, file: str, message: str) -> None:
    with pytest.raises(TileError, match=message):
        open_clementine(str(test_data(file)))


# --- why a count is none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (-32768, ClementineReason.NULL),
        (-32767, ClementineReason.LOW_REPR_SATURATION),
        (-32766, ClementineReason.LOW_INSTR_SATURATION),
        (-32765, ClementineReason.HIGH_INSTR_SATURATION),
        (-32764, ClementineReason.HIGH_REPR_SATURATION),
        (-32763, ClementineReason.NEAR_SATURATION),
        (-32753, ClementineReason.NEAR_SATURATION),
        (-32752, ClementineReason.OFF_SCALE),
        (-1, ClementineReason.OFF_SCALE),
        (0, ClementineReason.VALID),
        (7407, ClementineReason.VALID),  # 0.999945
        (7408, ClementineReason.OFF_SCALE),  # 1.00008
        (32752, ClementineReason.OFF_SCALE),
        (32753, ClementineReason.NEAR_SATURATION),
        (32767, ClementineReason.NEAR_SATURATION),
    ],
)
def test_why_a_count_is_none(
    tmp_path, counts, make_tile, count: int, reason: ClementineReason
) -> None:
    counts[2, 17, 11] = count
    path = tmp_path / "a.img"
    path.write_bytes(make_tile(counts))
    read = open_clementine(str(path)).read(*EVERYTHING)
    assert read[2, 17, 11] == count
    reasons = band_reasons(read, CLEMENTINE_UVVIS)
    assert reasons[2, 17, 11] == reason
    assert np.count_nonzero(reasons) == (reason is not ClementineReason.VALID)


def test_reasons_of_every_count() -> None:
    """The table against its words, count by count."""
    every = np.arange(-32768, 32768).astype(np.int16)
    for count, reason in zip(every.tolist(), band_reasons(every, CLEMENTINE_UVVIS), strict=True):
        if count in CLEMENTINE_UVVIS.special:
            assert reason == CLEMENTINE_UVVIS.special[count]
        elif abs(count) > 32752:
            assert reason == ClementineReason.NEAR_SATURATION
        elif not 0 <= count * 1.35e-4 <= 1:
            assert reason == ClementineReason.OFF_SCALE
        else:
            assert reason == ClementineReason.VALID
