"""Kaguya MI MAP tiles of both versions: placed by name and label, every fault one sentence."""

import pickle
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS, KAGUYA_MI, KaguyaReason
from lunarscale.errors import TileError
from lunarscale.flags import MapReason
from lunarscale.grid.projections import Lattice
from lunarscale.readers.kaguya import open_kaguya
from lunarscale.readers.sources import index_sources
from lunarscale.readers.tile import band_reasons

EVERYTHING = (slice(None), slice(None))
PPD = 12
NAME = "MI_MAP_03_N51E124N50E125SC"

# What a reader needs of the labels, 02 with its quotes and comments, 03 without.
LABEL = """\
PDS_VERSION_ID = PDS3
/*** FILE FORMAT ***/
RECORD_TYPE    = {record_type}
^GEOMETRIC_DATA_ALTITUDE = {altitude}
^IMAGE         = {pointer}
PRODUCT_ID     = "{product}"
TARGET_NAME    = {target}
PRODUCER_ID    = {producer}
PRODUCT_SET_ID = {product_set}
CENTER_FILTER_WAVELENGTH = ({wavelengths})
Object = GEOMETRIC_DATA_ALTITUDE
  LINES        = {lines}
  LINE_SAMPLES = {samples}
  SAMPLE_TYPE  = IEEE_REAL
  SAMPLE_BITS  = 32
End_Object = GEOMETRIC_DATA_ALTITUDE
Object = IMAGE
  BANDS                     = {bands}
  BAND_STORAGE_TYPE         = {storage}
  LINES                     = {lines}
  LINE_SAMPLES              = {samples}
  SAMPLE_TYPE               = {sample_type}
  SAMPLE_BITS               = {bits}
  SCALING_FACTOR            = {scale}
  OFFSET                    = {offset}
  INVALID_TYPE              = (SATURATION, MINUS, DUMMY_DEFECT, OTHER)
  INVALID_VALUE             = ({saturation}, -21000, -22000, -23000)
  OUT_OF_IMAGE_BOUNDS_VALUE = {outside}
End_Object = IMAGE
Object = IMAGE_MAP_PROJECTION
  MAP_PROJECTION_TYPE          = "{projection}"
  A_AXIS_RADIUS                = {radius}
  B_AXIS_RADIUS                = {radius}
  C_AXIS_RADIUS                = {radius}
  POSITIVE_LONGITUDE_DIRECTION = {direction}
  MAP_RESOLUTION               = {ppd} <pixel/deg>
  MAXIMUM_LATITUDE             = {north:.8f} <deg>
  MINIMUM_LATITUDE             = {south:.8f} <deg>
  EASTERNMOST_LONGITUDE        = {east:.8f} <deg>
  WESTERNMOST_LONGITUDE        = {west:.8f} <deg>
  LINE_PROJECTION_OFFSET       = {line_offset} <pixel>
  SAMPLE_PROJECTION_OFFSET     = {sample_offset} <pixel>
End_Object = IMAGE_MAP_PROJECTION
END
"""

Counts = NDArray[np.int16]


@pytest.fixture
def counts() -> Counts:
    """Nine bands of a degree of 12 x 12 counts, every one different from its neighbours."""
    return np.random.default_rng(7).integers(0, 32000, (9, PPD, PPD), dtype=np.int16)


def label_of(name: str, **changes: object) -> str:
    """The label of a tile of that name; of the archive's own figures unless changed."""
    north = int(name[11:13]) * (1 if name[10] == "N" else -1)
    west = int(name[14:17])
    values: dict[str, object] = {
        "record_type": "UNDEFINED", "altitude": f"({name}.img, 1 <BYTES>)",
        "pointer": f"({name}.img, {4 * PPD**2 + 1} <BYTES>)", "product": name, "target": "MOON",
        "producer": "LISM", "product_set": "MI_MAP", "bands": 9, "lines": PPD, "samples": PPD,
        "wavelengths": "414.0 <nm>, 749.0 <nm>, 901.0 <nm>, 950.0 <nm>,\n  1001.0 <nm>, "
        "1000.0 <nm>, 1049.0 <nm>, 1248.0 <nm>, 1548.0 <nm>",
        "storage": "BAND_SEQUENTIAL", "sample_type": "MSB_INTEGER", "bits": 16,
        "scale": "2e-05", "offset": "0.0", "saturation": -20000, "outside": -30000,
        "projection": "SIMPLE CYLINDRICAL", "radius": "1737.4 <km>", "direction": "EAST",
        "ppd": float(PPD), "north": north, "south": north - 1 + 1 / PPD,
        "west": west, "east": west + 1 - 1 / PPD, "line_offset": float(north * PPD),
        "sample_offset": float(-west * PPD),
    }  # fmt: skip
    assert set(changes) <= set(values), "a keyword that the label has no place for"
    return LABEL.format(**(values | changes)).replace("\n", "\r\n")


def put(folder: Path, name: str, counts: Counts, **changes: object) -> Path:
    """A tile with its label beside it; returns the image."""
    image = folder / f"{name}.img"
    image.write_bytes(bytes(4 * PPD**2) + counts.astype(">i2").tobytes())
    image.with_suffix(".lbl").write_text(label_of(name, **changes))
    return image


def put_attached(folder: Path, name: str, counts: Counts, unit: str, **changes: object) -> Path:
    """A tile of version 02: label, altitudes and image in one file."""
    room = 4096
    places = {"altitude": f"{room + 1}{unit}", "pointer": f"{room + 4 * PPD**2 + 1}{unit}"}
    label = label_of(name, **(places | {"storage": '"BAND SEQUENTIAL"'} | changes))
    image = folder / f"{name}.img"
    planes = np.full(PPD**2, 1.5, ">f4").tobytes() + counts.astype(">i2").tobytes()
    image.write_bytes(label.encode().ljust(room) + planes)
    return image


# --- what it is -------------------------------------------------------------------------------


def test_the_tile_is_what_name_and_label_say(tmp_path: Path, counts: Counts) -> None:
    image = put(tmp_path, NAME, counts)
    for named in (image, image.with_suffix(".lbl")):
        tile = open_kaguya(str(named))
        assert (tile.name, tile.path, tile.camera) == (NAME, str(image), KAGUYA_MI)
        assert (tile.lines, tile.samples, tile.version) == (PPD, PPD, 3)
        assert (tile.size_bytes, tile.simulated) == (image.stat().st_size, False)
        np.testing.assert_array_equal(tile.read(*EVERYTHING), counts)
    assert pickle.loads(pickle.dumps(tile)) == tile


@pytest.mark.parametrize("unit", [" <BYTES>", ""])
@pytest.mark.parametrize("record_type", ["UNDEFINED", '"UNDEFINED"'])
def test_version_02_has_its_label_attached(tmp_path, counts, unit: str, record_type: str) -> None:
    name = NAME.replace("_03_", "_02_")
    tile = open_kaguya(str(put_attached(tmp_path, name, counts, unit, record_type=record_type)))
    assert (tile.name, tile.version, tile.offset) == (name, 2, 4096 + 4 * PPD**2)
    np.testing.assert_array_equal(tile.read(*EVERYTHING), counts)


def test_the_first_pixel_is_centred_on_the_corner(tmp_path: Path, counts: Counts) -> None:
    tile = open_kaguya(str(put(tmp_path, NAME, counts)))
    assert tile.lattice == Lattice("simple-cylindrical", 12.0, 124.5, 51 * 12 + 1.0, 7.0)
    assert float(tile.lattice.lat_of(1)) == 51.0
    assert float(tile.lattice.lat_of(PPD)) == pytest.approx(50 + 1 / 12)
    assert float(tile.lattice.lon_of(1, 50.5)) == 124.0
    assert float(tile.lattice.lon_of(PPD, 50.5)) == pytest.approx(125 - 1 / 12)


@pytest.mark.parametrize(
    ("name", "west", "north"),
    [
        ("MI_MAP_03_N01E359N00E360SC", -1.0, 1.0),
        ("MI_MAP_03_N01E359N00E000SC", -1.0, 1.0),
        ("MI_MAP_03_N00E000S01E001SC", 0.0, 0.0),
        ("MI_MAP_03_S64E180S65E181SC", -180.0, -64.0),
        ("MI_MAP_03_N65E179N64E180SC", 179.0, 65.0),
    ],
)
def test_longitudes_become_those_of_the_grid(tmp_path, counts, name, west, north) -> None:
    tile = open_kaguya(str(put(tmp_path, name, counts)))
    assert float(tile.lattice.lon_of(1, 0.0)) == west
    assert float(tile.lattice.lat_of(1)) == north
    assert -180.0 <= tile.lattice.lon0 < 180.0


@pytest.mark.parametrize("sample_offset", [-1488.0, 1488.0, 0.0, 99.5])
def test_the_sample_offset_is_not_looked_at(tmp_path, counts, sample_offset: float) -> None:
    """FORMATS: the label's SAMPLE_PROJECTION_OFFSET has the wrong sign."""
    tile = open_kaguya(str(put(tmp_path, NAME, counts, sample_offset=sample_offset)))
    assert float(tile.lattice.lon_of(1, 0.0)) == 124.0


def test_only_the_lines_asked_for_are_read(tmp_path, counts, monkeypatch) -> None:
    tile = open_kaguya(str(put(tmp_path, NAME, counts)))
    np.testing.assert_array_equal(tile.read(slice(3, 7), slice(2, 9)), counts[:, 3:7, 2:9])
    asked = []

    def spy(path, starts, planes, options=None):
        asked.extend((a, a + plane.nbytes) for a, plane in zip(starts, planes, strict=True))
        return sum(plane.nbytes for plane in planes)

    monkeypatch.setattr("lunarscale.readers.band_sequential.read_into", spy)
    tile.read(slice(3, 5), slice(0, 5))
    first = 4 * PPD**2 + 3 * PPD * 2
    assert asked == [(first + b * PPD**2 * 2, first + b * PPD**2 * 2 + 48) for b in range(9)]


def test_a_simulated_tile_says_so(tmp_path: Path, counts: Counts) -> None:
    image = put(tmp_path, NAME, counts, producer='"LUNARSCALE SIMULATION"')
    assert open_kaguya(str(image)).simulated


# --- among sources ----------------------------------------------------------------------------


def test_both_cameras_are_told_apart_by_their_labels(tmp_path, counts, make_tile) -> None:
    (tmp_path / "ui03n003.img").write_bytes(make_tile(counts[:5]))
    put(tmp_path, NAME, counts)
    old = put_attached(tmp_path, NAME.replace("_03_", "_02_"), counts, "")
    found = index_sources([str(tmp_path)])
    assert not found.problems
    # the later version of a product is laid first
    assert [(tile.name[:9], tile.camera) for tile in found.tiles] == [
        ("MI_MAP_03", KAGUYA_MI), ("MI_MAP_02", KAGUYA_MI), ("UI03N003", CLEMENTINE_UVVIS)
    ]  # fmt: skip
    (tile,) = index_sources([str(tmp_path / "MI_MAP_02*.img")]).tiles
    assert tile.path == str(old)


def test_a_label_without_its_image_is_a_problem(tmp_path: Path, counts: Counts) -> None:
    put(tmp_path, NAME, counts).unlink()
    (problem,) = index_sources([str(tmp_path)]).problems
    assert f"the label describes {NAME}.img, which is not beside it; fetch it too" in str(problem)


def test_tiles_in_memory(tmp_path: Path, counts: Counts) -> None:
    fs = fsspec.filesystem("memory")
    for file in (put(tmp_path, NAME, counts), tmp_path / f"{NAME}.lbl"):
        fs.pipe_file(f"/kaguya/{file.name}", file.read_bytes())
    try:
        (tile,) = index_sources(["memory://kaguya"]).tiles
        np.testing.assert_array_equal(tile.read(slice(1, 3), slice(0, 4)), counts[:, 1:3, :4])
    finally:
        fs.rm("/kaguya", recursive=True)


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "VENUS"}, "TARGET_NAME should be MOON but the label has VENUS"),
        ({"product_set": "MI_Level3C5"}, "PRODUCT_SET_ID should be MI_MAP but the label has"),
        ({"product": "MI_MAP_03_N52E124N51E125SC"}, f"PRODUCT_ID should be the file's name {NAME}"),
        ({"projection": "POLAR STEREOGRAPHIC"}, "MAP_PROJECTION_TYPE should be SIMPLE CYLINDRICAL"),
        ({"direction": "WEST"}, "POSITIVE_LONGITUDE_DIRECTION should be EAST but the label has"),
        ({"radius": "3396.0 <km>"}, "should have the radius 1737.4 km but the label has A_AXIS_RA"),
        ({"ppd": 0.0}, "MAP_RESOLUTION should be positive but the label has 0"),
        ({"bands": 8}, "should have 9 bands at 414, 749, 901, 950, 1001, 1000, 1049, 1248, 1548 n"),
        ({"wavelengths": "414, 749, 901, 950, 1000, 1001, 1049, 1248, 1548"}, "no such tile of"),
        ({"storage": "SAMPLE_INTERLEAVED"}, "BAND_STORAGE_TYPE should be BAND_SEQUENTIAL but"),
        ({"sample_type": "IEEE_REAL"}, "but the label has 16-bit IEEE_REAL"),
        ({"bits": 8}, "but the label has 8-bit MSB_INTEGER"),
        ({"scale": "1.35e-04"}, "reflectance should be 2e-05 x count + 0 but the label has 0.0001"),
        ({"offset": "0.1"}, "but the label has 2e-05 x count + 0.1"),
        ({"saturation": -19999}, "the invalid values should be SATURATION -20000, MINUS -21000, D"),
        ({"outside": -32768}, "OUT_OF_BOUNDS -30000 but the label has OUT_OF_BOUNDS -32768"),
        ({"north": 52}, f"MAXIMUM_LATITUDE of {NAME} should be 51 but the label has 52"),
        ({"south": 50.0}, "MINIMUM_LATITUDE of"),
        ({"west": 125.0}, f"WESTERNMOST_LONGITUDE of {NAME} should be 124 but the label has 125"),
        ({"east": 125.0}, "EASTERNMOST_LONGITUDE of"),
        ({"line_offset": -612.0}, "LINE_PROJECTION_OFFSET of"),
        ({"lines": 5, "samples": 5}, "9 x 12 x 12 samples (2,592 bytes) but the label has 9 x 5 x"),
        ({"ppd": 2048.0}, "1 x 1 degrees at 2048 pixels a degree should be 9 x 2048 x 2048"),
        ({"pointer": "(OTHER.img, 577 <BYTES>)"}, "its label describes another file, OTHER.img"),
        ({"pointer": "(A.img, B.img)"}, "^IMAGE should be a place counted from 1 but the label"),
    ],
)  # fmt: skip
def test_a_foreign_tile_is_one_sentence(tmp_path, counts, changes, message: str) -> None:
    image = put(tmp_path, NAME, counts, **changes)
    with pytest.raises(TileError) as caught:
        open_kaguya(str(image))
    assert str(caught.value).startswith(f"{tmp_path}/{NAME}.")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tile", "a Kaguya MI MAP tile's name should say its place, as MI_MAP_03_N51E124N50E125SC"),
        ("MI_MAP_03_N51E124N52E125SC", "its name says latitudes 51..52 and longitudes 124..125"),
        ("MI_MAP_03_N51E400N50E401SC", "no place on the Moon"),
        ("MI_MAP_01_N51E124N50E125SC", "reads the versions 02 and 03 of the Kaguya MI MAP but"),
    ],
)  # fmt: skip
def test_a_name_that_is_no_place(tmp_path, counts, name: str, message: str) -> None:
    image = put(tmp_path, NAME, counts)
    image.unlink()
    image = tmp_path / f"{name}.img"
    image.write_bytes(bytes(4 * PPD**2) + counts.astype(">i2").tobytes())
    pointer = f"({name}.img, {4 * PPD**2 + 1} <BYTES>)"
    label = label_of(NAME, pointer=pointer, product=name)
    image.with_suffix(".lbl").write_text(label)
    with pytest.raises(TileError, match=message.replace(".", r"\.")):
        open_kaguya(str(image))


@pytest.mark.parametrize("attached", [False, True])
def test_a_truncated_tile(tmp_path: Path, counts: Counts, attached: bool) -> None:
    write = put_attached if attached else put
    image = write(tmp_path, NAME, counts, **({"unit": ""} if attached else {}))
    image.write_bytes(image.read_bytes()[:-592])
    with pytest.raises(TileError) as caught:
        open_kaguya(str(image))
    assert str(caught.value) == (
        f"{image}: label promises 9 x 12 x 12 samples (2,592 bytes) but 2,000 follow it; "
        "fetch the tile again"
    )


def test_the_real_label_of_a_cropped_image(test_data: Callable[[str], Path]) -> None:
    """A real label is read to its end, and what it lacks is said with its size."""
    for suffix in ("img", "lbl"):
        path = test_data(f"kaguya_mi/MI_MAP_03_N51E124N50E125SC_cropped.{suffix}")
        with pytest.raises(TileError) as caught:
            open_kaguya(str(path))
        assert str(caught.value) == (
            f"{path.with_suffix('.lbl')}: 1 x 1 degrees at 2048 pixels a degree should be "
            "9 x 2048 x 2048 samples (75,497,472 bytes) but the label has 9 x 5 x 5 (450 bytes): "
            "the tile is truncated; fetch it again"
        )


# --- why a count is none ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "reason", "in_maps"),
    [
        (-30000, KaguyaReason.OUT_OF_BOUNDS, MapReason.NO_INPUT),
        (-23000, KaguyaReason.OTHER, MapReason.NO_INPUT),
        (-22000, KaguyaReason.DUMMY_DEFECT, MapReason.NO_INPUT),
        (-21000, KaguyaReason.MINUS, MapReason.OFF_SCALE_INPUT),
        (-20000, KaguyaReason.SATURATION, MapReason.SATURATED_INPUT),
        (-32768, KaguyaReason.OFF_SCALE, MapReason.OFF_SCALE_INPUT),
        (-1, KaguyaReason.OFF_SCALE, MapReason.OFF_SCALE_INPUT),
        (0, KaguyaReason.VALID, MapReason.HAS_VALUE),
        (32766, KaguyaReason.VALID, MapReason.HAS_VALUE),
        (32767, KaguyaReason.SATURATION, MapReason.SATURATED_INPUT),
    ],
)
def test_why_a_count_is_none(tmp_path, counts, count, reason, in_maps) -> None:
    counts[5, 7, 11] = count
    read = open_kaguya(str(put(tmp_path, NAME, counts))).read(*EVERYTHING)
    reasons = band_reasons(read, KAGUYA_MI)
    assert reasons[5, 7, 11] == reason
    assert reason.in_maps == KAGUYA_MI.map_reasons[reason] == in_maps
    assert np.count_nonzero(reasons) == (reason is not KaguyaReason.VALID)


def test_reasons_of_every_count() -> None:
    special = {-20000: 4, -21000: 5, -22000: 2, -23000: 3, -30000: 1, 32767: 4}
    every = np.arange(-32768, 32768).astype(np.int16)
    expected = [special.get(c, 6 if c < 0 else 0) for c in every.tolist()]
    assert band_reasons(every, KAGUYA_MI).tolist() == expected
