"""GeoTIFFs: the PDS4 form of a tile and the USGS mosaic, in place to the pixel."""

import pickle
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import Affine

from lunarscale.bands import CLEMENTINE_UVVIS, ClementineReason
from lunarscale.errors import TileError
from lunarscale.readers.geotiff import open_geotiff
from lunarscale.readers.tile import band_reasons

EVERYTHING = (slice(None), slice(None))
MOON = "+R=1737400 +no_defs"
GEOGRAPHIC = f"+proj=longlat {MOON}"
CYLINDRICAL = f"+proj=eqc +lat_ts=0 +lat_0=0 +lon_0=180 +units=m {MOON}"
SINUSOIDAL = f"+proj=sinu +lon_0=315 +units=m {MOON}"
METRES_A_DEGREE = np.pi / 180 * 1737400

#: Entities that unfold tenfold, one after the other.
LAUGHS = '<!ENTITY l0 "moon">' + "".join(
    f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10)
)

PDS4 = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<Product_Observational xmlns="http://pds.nasa.gov/pds4/pds/v1"
  xmlns:img="http://pds.nasa.gov/pds4/img/v1">
  <Observation_Area>
    <Target_Identification><name>{target}</name><type>Satellite</type></Target_Identification>
    <Discipline_Area><img:Imaging>{filters}</img:Imaging></Discipline_Area>
  </Observation_Area>
</Product_Observational>
"""
FILTER = (
    "<img:Optical_Filter><img:center_filter_wavelength unit='nm'>{}"
    "</img:center_filter_wavelength></img:Optical_Filter>"
)


def pds4_label(*wavelengths: object, target: str = "Moon") -> str:
    filters = "".join(map(FILTER.format, wavelengths or (415, 750, 900, 950, 1000)))
    return PDS4.format(target=target, filters=filters)


def write(path: Path, counts: np.ndarray, crs: str, place: Affine, **more: Any) -> Path:
    bands, height, width = counts.shape
    shape = {"count": bands, "height": height, "width": width, "dtype": counts.dtype}
    scale = more.pop("scale", None)
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=place, **shape, **more) as out:
        out.write(counts)
        if scale:
            out.scales, out.offsets = [scale] * bands, [0.0] * bands
    return path


@pytest.fixture
def pds4(tmp_path: Path, counts) -> Path:
    """The PDS4 form of a tile near 18 N 309 E, 100 m a pixel, with its label."""
    place = Affine(100, 0, -180_000, 0, -100, 546_000)
    path = write(tmp_path / "uvvis_17n_309e.tif", counts, SINUSOIDAL, place, nodata=-32768)
    path.with_suffix(".xml").write_text(pds4_label())
    return path


def assert_in_place(path: Path, tile: Any) -> None:
    """Hold the lattice against PROJ: the centres of the corner pixels, there and back."""
    with rasterio.open(path) as image:
        place = image.transform
        crs = pyproj.CRS.from_wkt(image.crs.to_wkt())
    lonlat = pyproj.CRS.from_proj4(GEOGRAPHIC)
    to_lonlat = pyproj.Transformer.from_crs(crs, lonlat, always_xy=True)
    for row in (0, tile.lines - 1):
        for col in (0, 3, tile.samples - 1):
            x, y = place.c + place.a * (col + 0.5), place.f + place.e * (row + 0.5)
            lon, lat = to_lonlat.transform(x, y)
            assert float(tile.lattice.line_of(lat)) == pytest.approx(row + 1, abs=1e-6)
            east = (lon - tile.lattice.lon0 + 180) % 360 - 180
            sample = float(tile.lattice.sample_of(tile.lattice.lon0 + east, lat))
            assert sample == pytest.approx(col + 1, abs=1e-6)


def test_the_pds4_form(pds4: Path, counts) -> None:
    tile = open_geotiff(str(pds4))
    assert (tile.name, tile.lines, tile.samples) == ("UVVIS_17N_309E", 40, 30)
    assert (tile.lattice.projection, tile.lattice.lon0 % 360) == ("sinusoidal", 315.0)
    assert tile.lattice.ppd == pytest.approx(303.23349, rel=1e-6)
    read = tile.read(*EVERYTHING)
    assert read.dtype == np.dtype("int16")
    np.testing.assert_array_equal(read, counts)
    np.testing.assert_array_equal(tile.read(slice(3, 9), slice(4, 30)), counts[:, 3:9, 4:30])
    assert_in_place(pds4, tile)


def test_the_pds4_form_lies_where_the_pds3_form_does(tmp_path, counts) -> None:
    """UI03N003: latitude 7.0 is line 1.0, latitude 0 longitude 0 sample 1.0."""
    pixel = METRES_A_DEGREE / 303.23349
    west, north = (0.5 - 4549.5024429) * pixel, (2123.6345297 - 0.5) * pixel
    place = Affine(pixel, 0, west, 0, -pixel, north)
    crs = SINUSOIDAL.replace("315", "15")
    lattice = open_geotiff(str(write(tmp_path / "a.tif", counts, crs, place))).lattice
    assert float(lattice.line_of(7.0)) == pytest.approx(1.0, abs=1e-3)
    assert float(lattice.sample_of(0.0, 0.0)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("west", [-180.0, 0.0])
@pytest.mark.parametrize("crs", [GEOGRAPHIC, CYLINDRICAL])
def test_a_global_mosaic_reaches_every_column(tmp_path, west: float, crs: str) -> None:
    counts = np.random.default_rng(3).integers(0, 7000, (5, 36, 72), dtype=np.int16)
    unit, origin = (1.0, 0.0) if crs == GEOGRAPHIC else (METRES_A_DEGREE, 180.0)
    place = Affine(5 * unit, 0, (west - origin) * unit, 0, -5 * unit, 90 * unit)
    path = write(tmp_path / "Mosaic.TIF", counts, crs, place, scale=1.35e-4, compress="deflate")
    tile = open_geotiff(str(path))
    assert tile.lattice.projection == "simple-cylindrical"
    assert tile.lattice.ppd == pytest.approx(0.2)
    lons = np.arange(-180, 180, 5) + 2.5
    east = (lons - tile.lattice.lon0 + 180) % 360 - 180
    samples = tile.lattice.sample_of(tile.lattice.lon0 + east, 0.0)
    np.testing.assert_allclose(np.sort(samples), np.arange(1, 73), atol=1e-9)
    # the column of each longitude, computed without the lattice
    expected = counts[:, :, ((lons - west) % 360 // 5).astype(int)]
    read = tile.read(*EVERYTHING)[:, :, np.rint(samples).astype(int) - 1]
    np.testing.assert_array_equal(read, expected)
    assert tile.lat_bounds() == pytest.approx((-90.0, 90.0))


@pytest.mark.parametrize("lon0", [0, 45, 180])
def test_equirectangular_part(tmp_path, counts, lon0: int) -> None:
    crs = CYLINDRICAL.replace("lon_0=180", f"lon_0={lon0} +x_0=1000 +y_0=-500")
    path = write(tmp_path / "a.tif", counts, crs, Affine(200, 0, 31_000, 0, -200, 912_300))
    assert_in_place(path, open_geotiff(str(path)))


def test_the_files_own_no_data_is_null(tmp_path, counts) -> None:
    counts[1, 2, 3], counts[0, 0, 0] = -9999, -32765
    path = write(tmp_path / "a.tif", counts, GEOGRAPHIC, Affine(1, 0, 0, 0, -1, 40), nodata=-9999)
    reasons = band_reasons(open_geotiff(str(path)).read(*EVERYTHING), CLEMENTINE_UVVIS)
    assert reasons[1, 2, 3] == ClementineReason.NULL
    assert reasons[0, 0, 0] == ClementineReason.HIGH_INSTR_SATURATION
    assert np.count_nonzero(reasons) == 2


def test_a_geotiff_in_memory(pds4: Path, counts) -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/tiff/a.tif", pds4.read_bytes())
    fs.pipe_file("/tiff/a.xml", pds4_label().encode())
    try:
        tile = pickle.loads(pickle.dumps(open_geotiff("memory://tiff/a.tif")))
        part = tile.read(slice(10, 20), slice(0, 7))
        np.testing.assert_array_equal(part, counts[:, 10:20, :7])
        assert tile.label_sha256 == open_geotiff(str(pds4)).label_sha256
    finally:
        fs.rm("/tiff", recursive=True)


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        (
            "EPSG:4326",
            "should have the radius 1737.4 km but the CRS 'WGS 84' has 6378.14 x 6356.75",
        ),
        ("+proj=longlat +R=3396190", "has 3396.19 x 3396.19 km; it is another body's map"),
        (f"+proj=stere +lat_0=90 +units=m {MOON}", "is Polar Stereographic"),
        (f"+proj=eqc +lat_ts=40 +units=m {MOON}", "true to scale at the equator"),
        (f"+proj=merc +units=m {MOON}", "is Mercator"),
    ],
)
def test_another_place(tmp_path, counts, crs: str, message: str) -> None:
    path = write(tmp_path / "a.tif", counts, crs, Affine(1, 0, 10, 0, -1, 60))
    with pytest.raises(TileError) as caught:
        open_geotiff(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "place",
    [Affine(1, 0, 10, 0, 1, 60), Affine(1, 0, 10, 0, -2, 60), Affine(1, 0.1, 10, 0, -1, 60)],
)
def test_a_skewed_lattice(tmp_path, counts, place: Affine) -> None:
    path = write(tmp_path / "a.tif", counts, GEOGRAPHIC, place)
    with pytest.raises(TileError, match="should have north up and square pixels but"):
        open_geotiff(str(path))


def test_metres_under_a_crs_of_degrees(tmp_path, counts) -> None:
    path = write(tmp_path / "a.tif", counts, GEOGRAPHIC, Affine(100, 0, 0, 0, -100, 4000))
    with pytest.raises(
        TileError, match=r"should lie in -90\.\.90 but its transform spans 0\.\.4000"
    ):
        open_geotiff(str(path))


def test_other_counts(tmp_path, counts) -> None:
    place = Affine(1, 0, 10, 0, -1, 60)
    for name, array, more, message in (
        ("four", counts[:4], {}, "should have 5 bands of int16 but the file has 4 of int16"),
        ("float", counts.astype("f4"), {}, "but the file has 5 of float32"),
        (
            "scale",
            counts,
            {"scale": 2e-5},
            "should be 0.000135 x count [+] 0 but the file declares",
        ),
    ):
        path = write(tmp_path / f"{name}.tif", array, GEOGRAPHIC, place, **more)
        with pytest.raises(TileError, match=message):
            open_geotiff(str(path))


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"compress": "deflate"},
        {"interleave": "pixel"},
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
    ],
)
def test_a_truncated_geotiff(tmp_path, counts, layout: dict[str, Any]) -> None:
    place = Affine(100, 0, 0, 0, -100, 0)
    path = write(tmp_path / "a.tif", counts, SINUSOIDAL, place, **layout)
    tile, whole = open_geotiff(str(path)), path.read_bytes()
    path.write_bytes(whole[:-1500])
    with pytest.raises(TileError, match=r"promises 5 x 40 x 30 samples up to byte .* bytes; fetch"):
        open_geotiff(str(path))
    with pytest.raises(TileError, match=r"should be a complete GeoTIFF but cannot .*; fetch the"):
        tile.read(*EVERYTHING)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "the file is empty"), (b"not a tiff at all", "should be a complete GeoTIFF")],
)
def test_no_geotiff_at_all(tmp_path, content: bytes, message: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(TileError, match=message):
        open_geotiff(str(path))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_tiff_without_a_place(tmp_path, counts) -> None:
    path = write(tmp_path / "a.tif", counts, None, Affine.identity())
    with pytest.raises(TileError, match="says no projection, so its place is unknown"):
        open_geotiff(str(path))


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (pds4_label(415, 750, 950, 900, 1000), "but the label has 415, 750, 950, 900, 1000 nm"),
        (pds4_label(target="Mercury"), "the target should be the Moon but is Mercury"),
        ("<Product", "it should be the PDS4 label of the image beside it"),
        (" " * 10_000_001, "a PDS4 label has 10,000,000 bytes at most but this has 10,000,001"),
        (f"<!DOCTYPE a [{LAUGHS}]><a>&l9;</a>", "limit on input amplification"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', "undefined entity"),
    ],
)
def test_a_pds4_label_that_disagrees(pds4: Path, label: str, message: str) -> None:
    pds4.with_suffix(".xml").write_text(label)
    with pytest.raises(TileError) as caught:
        open_geotiff(str(pds4))
    assert message in str(caught.value)
