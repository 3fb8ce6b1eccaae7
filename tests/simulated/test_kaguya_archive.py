"""Simulated Kaguya tiles: the real one's names and keywords, the same Moon as Clementine's."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from lunarscale.bands import CLEMENTINE_UVVIS, KAGUYA_MI
from lunarscale.errors import RegionError, TileError
from lunarscale.moon import RADIUS_M
from lunarscale.readers.kaguya import open_kaguya
from lunarscale.readers.label import Label
from lunarscale.readers.pds3 import parse_label, read_label
from lunarscale.simulated.kaguya_archive import (
    KaguyaPlan,
    kaguya_tiles,
    simulated_kaguya_tile,
    write_kaguya_archive,
    write_kaguya_tile,
)
from lunarscale.simulated.kaguya_label import label_text
from lunarscale.simulated.spectra import ORIGINS, station_spectra
from lunarscale.simulated.surface import counts, reflectance, simulated_truth
from lunarscale.stations import clementine_stations, kaguya_stations

BOX = (358.2, -0.6, 1.2, 0.5)
EVERYTHING = (slice(None), slice(None))


def keywords(label: Label) -> list[tuple[str, str]]:
    """Every keyword with its block, in the label's order."""
    return [(block.name, keyword) for block in label.walk() for keyword in block.values]


def test_the_label_has_the_archives_keywords(test_data: Callable[[str], Path], tmp_path) -> None:
    real = test_data("kaguya_mi/MI_MAP_03_N51E124N50E125SC_cropped.lbl").read_text("ascii")
    plan = KaguyaPlan(124, 51, 2048 // 64)
    image = write_kaguya_tile(tmp_path, plan, simulated_kaguya_tile(plan))
    found = keywords(read_label(str(image.with_suffix(".lbl")))[0])
    assert [k for k in found if k != ("", "NOTE")] == keywords(parse_label(real, "real"))
    assert plan.name == "MI_MAP_03_N51E124N50E125SC"


def test_at_full_resolution_the_label_says_what_the_real_one_says(
    test_data: Callable[[str], Path],
) -> None:
    """Pointers aside, which the cropped copy has changed, and sizes, which it has cut."""
    real = parse_label(
        test_data("kaguya_mi/MI_MAP_03_N51E124N50E125SC_cropped.lbl").read_text("ascii"), "real"
    )
    plan = KaguyaPlan(124, 51, 2048)
    few = np.zeros((9, 2, 2), np.int16)
    mine = parse_label(label_text(plan, few, altitude_pointer="1", image_pointer="2"), "mine")
    for block, ignored in (("IMAGE_MAP_PROJECTION", "MAP_SCALE"), ("GEOMETRIC_DATA_ALTITUDE", "")):
        own, other = dict(mine.block(block).values), dict(real.block(block).values)
        assert own.keys() == other.keys()
        # the archive's scale is off in the eleventh digit
        assert {k for k in own if own[k] != other[k]} <= {ignored}
    image, other_image = mine.block("IMAGE"), real.block("IMAGE")
    same = {k for k in image.values if image.value(k) == other_image.value(k)}
    assert same >= {"BANDS", "BAND_STORAGE_TYPE", "SAMPLE_TYPE", "SAMPLE_BITS", "SCALING_FACTOR"}
    assert same >= {"OFFSET", "INVALID_TYPE", "INVALID_VALUE", "OUT_OF_IMAGE_BOUNDS_VALUE"}
    assert mine.value("CENTER_FILTER_WAVELENGTH") == real.value("CENTER_FILTER_WAVELENGTH")
    assert mine.value("BANDWIDTH") == real.value("BANDWIDTH")


@pytest.mark.parametrize("version", ["02", "03"])
def test_the_archive_is_read_back(tmp_path: Path, version: str) -> None:
    written = write_kaguya_archive(tmp_path, ppd=8, bbox=BOX, version=version)
    plans = kaguya_tiles(8, BOX, version=version)
    assert [path.name for path in written] == [plan.image_name for plan in plans]
    assert {plan.west for plan in plans} == {358, 359, 0, 1}
    assert {plan.north for plan in plans} == {1, 0}
    assert all(path.with_suffix(".lbl").exists() == (version == "03") for path in written)
    for path, plan in zip(written, plans, strict=True):
        tile = open_kaguya(str(path))
        assert tile.simulated
        np.testing.assert_array_equal(tile.read(*EVERYTHING), simulated_kaguya_tile(plan))
        lon, lat = plan.places()
        np.testing.assert_allclose(tile.lattice.lat_of(np.arange(8) + 1), lat[:, 0])
        east = tile.lattice.lon_of(np.arange(8) + 1, 0.0) - lon
        np.testing.assert_allclose((east + 180) % 360, 180)


@pytest.mark.parametrize("version", ["02", "03"])
@pytest.mark.parametrize("corner", [(124, 51), (300, 0), (0, -64)])
def test_gdal_reads_the_same_counts_at_the_same_place(
    tmp_path: Path, corner: tuple[int, int], version: str
) -> None:
    """GDAL places the tile by its projection offsets, the reader by its name."""
    plan = KaguyaPlan(*corner, 16, version)
    image = simulated_kaguya_tile(plan)
    path = write_kaguya_tile(tmp_path, plan, image)
    lattice = open_kaguya(str(path)).lattice
    with rasterio.open(path if version == "02" else path.with_suffix(".lbl"), driver="PDS") as file:
        np.testing.assert_array_equal(file.read(), image)
        lon, lat = (math.degrees(v / RADIUS_M) for v in file.xy(0, 0))
    assert (lon + 180) % 360 - 180 == pytest.approx(float(lattice.lon_of(1, 0.0)), abs=1e-6)
    assert lat == pytest.approx(float(lattice.lat_of(1)), abs=1e-6)


def test_both_cameras_see_the_same_moon() -> None:
    """The counts of MI and of Clementine follow the one composition, at MI's level."""
    lon, lat = np.meshgrid(np.arange(-180, 180, 1.5), np.arange(-64, 65, 1.5))
    clementine = reflectance(lon, lat).astype(np.float64)
    kaguya = reflectance(lon, lat, KAGUYA_MI).astype(np.float64)
    truth = simulated_truth(lon, lat)
    assert kaguya.shape == (9, *lon.shape)
    ratio = kaguya[1] / clementine[1]
    assert np.median(ratio) == pytest.approx(0.585, abs=0.055)  # FORMATS: 0.585 +- 0.055
    angle = -np.arctan((kaguya[3] / kaguya[1] - 1.250) / (kaguya[1] - 0.037))
    assert np.corrcoef(angle.ravel(), truth.FeO.ravel())[0, 1] > 0.9
    seen, missing = counts(lon, lat, KAGUYA_MI), counts(lon, lat)
    np.testing.assert_array_equal(np.all(seen == -30000, 0), np.all(missing == -32768, 0))
    valid = np.all(seen >= 0, axis=0)
    np.testing.assert_allclose((seen * 2e-5 / kaguya)[:, valid], 1.0, atol=0.005)


def test_noise_is_independent_between_bands_and_words() -> None:
    lon, lat = np.meshgrid(np.linspace(-60, 60, 200), np.linspace(-60, 60, 200))
    seen, clean = counts(lon, lat, KAGUYA_MI), reflectance(lon, lat, KAGUYA_MI)
    valid = np.all((seen >= 0) & (seen < 32767), axis=0)
    errors = (seen * 2e-5 / clean - 1.0)[:, valid]
    others = np.corrcoef(errors) - np.eye(9)
    assert np.abs(others).max() < 0.03


def test_stations_are_kaguyas_own_where_its_table_names_them() -> None:
    table, points = station_spectra(KAGUYA_MI), {p.name: p for p in kaguya_stations()}
    named = 0
    for row, station in zip(table, clementine_stations(), strict=True):
        assert np.all((row > 0.02) & (row < 0.3))
        assert min(row[3], row[4]) <= row[5] <= max(row[3], row[4])  # 1000 between 950 and 1001
        if station.name in points:
            named += 1
            bands = [w for w in KAGUYA_MI.wavelengths_nm if w != 1000]
            own = [points[station.name].reflectance[w] for w in bands]
            np.testing.assert_array_equal(np.delete(row, 5), own)
    assert named == 44
    assert np.all(station_spectra(CLEMENTINE_UVVIS)[0] == list(
        clementine_stations()[0].reflectance.values()))  # fmt: skip
    assert all(len(o.ratios) == len(c.wavelengths_nm) for o, c in
               ((ORIGINS[c.name], c) for c in (CLEMENTINE_UVVIS, KAGUYA_MI)))  # fmt: skip


@pytest.mark.parametrize("version", ["02", "03"])
def test_the_label_counts_what_is_invalid(tmp_path: Path, version: str) -> None:
    plan = KaguyaPlan(0, 1, 8, version)
    image = np.full((9, 8, 8), 5000, np.int16)
    image[2, 0, :3], image[3, 1, :2], image[8, 7, 7] = -20000, -23000, -30000
    path = write_kaguya_tile(tmp_path, plan, image)
    label = read_label(str(path if version == "02" else path.with_suffix(".lbl")))[0]
    pixels = label.block("IMAGE").value("INVALID_PIXELS")
    assert isinstance(pixels, tuple)
    assert pixels[2] == (3, 0, 0, 0)
    assert pixels[3] == (0, 0, 0, 2)
    assert label.block("IMAGE").value("OUT_OF_IMAGE_BOUNDS_PIXELS") == (0,) * 8 + (1,)
    assert label.block("IMAGE").numbers("SCENE_AVERAGE_DN") == (5000.0,) * 9


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    for ppd, box in ((8, (0, 5, 1, 5)), (8.5, (0, 0, 1, 1)), (8, (0, 0, 0, 1))):
        with pytest.raises(RegionError, match="Kaguya tiles need W S E N"):
            kaguya_tiles(ppd, box)
    with pytest.raises(RegionError, match=r"a Kaguya tile of version 04 at 3 E, 1 N .* cannot be"):
        KaguyaPlan(3, 1, 8, "04")
    with pytest.raises(
        TileError, match=r"promises int16 counts of shape \(9, 8, 8\) but got int64"
    ):
        write_kaguya_tile(tmp_path, KaguyaPlan(3, 1, 8), np.zeros((9, 8, 8), np.int64))
