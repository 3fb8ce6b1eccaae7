"""Mosaic, maps and GeoTIFF in xarray, rioxarray and rasterio: the right value at the right place.

Tiles of a simulated Moon carry marks: spots of a known spectrum at known longitudes and
latitudes. Each is looked up by its place through each of the libraries.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import rioxarray  # noqa: F401, it adds ``.rio``
import xarray as xr
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.flags import NO_DATA
from lunarscale.models.registry import DEFAULT_MODELS
from lunarscale.moon import RADIUS_M
from lunarscale.simulated.archive import plan_tile, simulated_tile, write_tile
from lunarscale.steps.export import export
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

# rioxarray 0.19 and rasterio 1.4 multiply transforms with the operator that affine 3 renames
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

#: Pixels a degree of tiles and mosaic: over 512 around, so that the GeoTIFF has an overview.
PPD = 2.0

#: Over the seam at 180 degrees.
SEAM = (150.0, -40.0, -150.0, 60.0)

#: Longitude and latitude of the marks; none on a pixel's edge.
PLACES = {
    "a mare": (-14.9, 34.6),
    "a highland": (160.1, 12.3),
    "north pole": (77.3, 89.9),
    "south pole": (-101.4, -89.9),
    "near the north pole": (-33.3, 87.4),
    "first column": (-179.9, 5.1),
    "last column": (179.9, -23.4),
    "opposite the seam": (0.1, -0.1),
}

#: Those within ``SEAM``.
AT_SEAM = ("a highland", "first column", "last column")


def spectrum(name: str) -> NDArray[np.int16]:
    """The five counts of a mark, another for each."""
    return np.array([1100, 1800, 1900, 1950, 2000], np.int16) + 70 * list(PLACES).index(name)


@dataclass(frozen=True)
class Made:
    """The stores of one run."""

    mosaic: Path
    maps: Path
    names: tuple[str, ...]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Moon of a few large tiles, marked."""
    folder = tmp_path_factory.mktemp("archive")
    for south, north in ((-90, -45), (-45, 45), (45, 90)):
        for west in range(0, 360, 60):
            hemisphere = f"{abs(south + north) // 2:02d}{'N' if north > -south else 'S'}"
            name = f"UI{hemisphere}{west + 30:03d}"
            plan = plan_tile(name, (west, south, west + 60, north), ppd=PPD)
            counts = simulated_tile(plan)
            lon, lat = plan.places()
            for mark, (at_lon, at_lat) in PLACES.items():
                east = (lon - at_lon + 180) % 360 - 180
                near = np.hypot(east * np.cos(np.radians(lat)), lat - at_lat) < 1.2 / PPD
                counts[:, near & plan.inside()] = spectrum(mark)[:, None]
            write_tile(folder / plan.file_name, plan, counts)
    return folder


@pytest.fixture(scope="module", params=["whole", "seam"])
def made(
    request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    """Mosaic and maps of the whole Moon, and of a part over the seam."""
    folder = tmp_path_factory.mktemp(request.param)
    box, names = (None, tuple(PLACES)) if request.param == "whole" else (SEAM, AT_SEAM)
    result = Made(folder / "mosaic.zarr", folder / "maps.zarr", names)
    cut = {"shard": 128, "chunk": 64}
    ingest([str(archive)], out=str(result.mosaic), ppd=PPD, bbox=box, **cut)
    predict(str(result.mosaic), out=str(result.maps))
    return result


def wt_pct(layer: str, name: str) -> float:
    """What a model makes of a mark's spectrum."""
    model = next(m for m in DEFAULT_MODELS if m.quantities[0].name == layer)
    bands = CLEMENTINE_UVVIS.band_indices(model.bands_nm, "test")
    counts = np.ascontiguousarray(spectrum(name)[list(bands), None])
    return float(model.predict(counts, CLEMENTINE_UVVIS.scale).values[0, 0])


def around(dataset: xr.Dataset | xr.DataArray, name: str) -> tuple[int, int]:
    """Row and column nearest a place, by the coordinates ``lat`` and ``lon``."""
    lon, lat = PLACES[name]
    east = (dataset["lon"].values - lon + 180) % 360 - 180
    return int(np.argmin(np.abs(dataset["lat"].values - lat))), int(np.argmin(np.abs(east)))


def metres(name: str, store: xr.Dataset | xr.DataArray) -> dict[str, float]:
    """x and y of a place; past the seam in a store that goes on there."""
    lon, lat = PLACES[name]
    x, turn = math.radians(lon) * RADIUS_M, 2 * math.pi * RADIUS_M
    half = math.radians(0.5 / PPD) * RADIUS_M
    return {
        "x": x + turn if x < float(store["x"][0]) - half else x,
        "y": math.radians(lat) * RADIUS_M,
    }


def test_xarray_finds_every_mark_in_the_mosaic(made: Made) -> None:
    """By lon and lat and by x and y; scaled to reflectance."""
    with xr.open_zarr(made.mosaic) as mosaic:
        assert set(mosaic.data_vars) == {"reflectance", "flag"}
        assert mosaic["reflectance"].dims == ("band", "y", "x")
        assert set(mosaic.coords) == {"band", "x", "y", "lon", "lat", "spatial_ref"}
        assert mosaic["band"].values.tolist() == [415, 750, 900, 950, 1000]
        for name in made.names:
            row, col = around(mosaic, name)
            expected = spectrum(name) * CLEMENTINE_UVVIS.scale
            by_place = mosaic["reflectance"].isel(y=row, x=col)
            by_metres = mosaic["reflectance"].sel(metres(name, mosaic), method="nearest")
            np.testing.assert_allclose(by_place, expected, rtol=1e-6)
            np.testing.assert_allclose(by_metres, expected, rtol=1e-6)
            assert int(mosaic["flag"][row, col]) == 0


def test_a_mark_is_nowhere_else(made: Made) -> None:
    """Found only within two pixels of where it was put."""
    with xr.open_zarr(made.mosaic, mask_and_scale=False) as mosaic:
        counts = mosaic["reflectance"].transpose("band", "y", "x").values
        for name in made.names:
            rows, cols = np.nonzero(np.all(counts == spectrum(name)[:, None, None], axis=0))
            row, col = around(mosaic, name)
            assert (row, col) in set(zip(rows.tolist(), cols.tolist(), strict=True))
            assert np.abs(rows - row).max() <= 2
            if abs(PLACES[name][1]) < 45:
                width = mosaic.sizes["x"] if made.names == tuple(PLACES) else 10**6
                off = np.abs(cols - col)
                assert np.minimum(off, width - off).max() <= 3


@pytest.mark.parametrize("layer", ["FeO", "TiO2", "OMAT"])
def test_xarray_finds_every_mark_in_the_maps(made: Made, layer: str) -> None:
    with xr.open_zarr(made.maps) as maps:
        assert maps[layer].dims == ("y", "x")
        quantum = maps[layer].encoding["scale_factor"]
        for name in made.names:
            row, col = around(maps, name)
            expected = wt_pct(layer, name)
            assert float(maps[layer][row, col]) == pytest.approx(expected, abs=0.51 * quantum)
            found = maps[layer].sel(metres(name, maps), method="nearest")
            assert float(found) == float(maps[layer][row, col])


def test_xarray_masks_what_has_no_value(made: Made) -> None:
    """NaN where the count is no-data; elsewhere counts times the declared scale."""
    for store in (made.mosaic, made.maps):
        with xr.open_zarr(store) as values, xr.open_zarr(store, mask_and_scale=False) as counts:
            assert "flag_masks" in next(iter(v for n, v in counts.items() if "flag" in n)).attrs
            for name, raw in counts.data_vars.items():
                if "flag" in str(name):
                    assert np.issubdtype(values[name].dtype, np.unsignedinteger), name
                    np.testing.assert_array_equal(values[name], raw)
                    continue
                assert (raw.dtype, raw.attrs["_FillValue"]) == (np.int16, NO_DATA)
                scaled = raw.values * raw.attrs["scale_factor"]
                expected = np.where(raw.values == NO_DATA, np.nan, scaled)
                np.testing.assert_allclose(values[name].values, expected, rtol=1e-6)


def test_ours_is_theirs(made: Made) -> None:
    """Every pixel of every array as our own reader gives it."""
    for store in (made.mosaic, made.maps):
        cube = Cube.open(Location(str(store)))
        with xr.open_zarr(store, mask_and_scale=False) as theirs:
            for spec in cube.layout.arrays():
                for band in range(spec.bands) if spec.bands else [None]:
                    their = theirs[spec.name] if band is None else theirs[spec.name][band]
                    ours = cube.read(spec.name, cube.grid.window, band)
                    np.testing.assert_array_equal(their.values, ours)
            np.testing.assert_array_equal(theirs["lon"], cube.grid.lons())
            np.testing.assert_array_equal(theirs["lat"], cube.grid.lats())


def test_rioxarray_knows_crs_transform_and_no_data(made: Made) -> None:
    """Of both stores, though it is told nothing."""
    moon = rasterio.crs.CRS.from_user_input("IAU_2015:30110")
    for store, layer in ((made.mosaic, "reflectance"), (made.maps, "FeO")):
        grid = Cube.open(Location(str(store))).grid
        with xr.open_zarr(store) as dataset:
            array = dataset[layer]
            assert array.rio.grid_mapping == "spatial_ref"
            assert array.rio.crs == moon
            theirs = pyproj.CRS.from_wkt(array.rio.crs.to_wkt())
            assert theirs.equals(pyproj.CRS.from_user_input("IAU_2015:30110"))
            assert theirs.ellipsoid is not None
            assert theirs.ellipsoid.semi_major_metre == RADIUS_M == 1_737_400
            assert theirs.ellipsoid.semi_minor_metre == RADIUS_M
            assert (array.rio.x_dim, array.rio.y_dim) == ("x", "y")
            assert (array.rio.height, array.rio.width) == (grid.height, grid.width)
            assert array.rio.encoded_nodata == NO_DATA
            bounds = np.radians(grid.bounds()) * RADIUS_M
            np.testing.assert_allclose(array.rio.bounds(), bounds, atol=1e-3)
            for recalculate in (False, True):  # as declared, and from x and y
                step = math.radians(grid.pixel_deg) * RADIUS_M
                transform = array.rio.transform(recalc=recalculate)
                expected = (step, 0, bounds[0], 0, -step, bounds[3])
                np.testing.assert_allclose(tuple(transform)[:6], expected, atol=1e-3)


def test_rioxarray_finds_every_mark(made: Made) -> None:
    """Clipped to a little box in metres around each."""
    with xr.open_zarr(made.maps) as maps:
        half = math.radians(1.4 / PPD) * RADIUS_M
        for name in made.names:
            x, y = metres(name, maps).values()
            part = maps["FeO"].rio.clip_box(x - half, y - half, x + half, y + half)
            assert max(part.shape) <= 4
            value = float(maps["FeO"][around(maps, name)])
            assert value in part.values
            assert value == float(part[around(part, name)])
            assert value == pytest.approx(wt_pct("FeO", name), abs=0.0026)


def test_the_crs_survives_being_saved(made: Made, tmp_path: Path) -> None:
    """A layer written by rioxarray as GeoTIFF lies where ours does."""
    with xr.open_zarr(made.maps) as maps:
        maps["FeO"].rio.to_raster(tmp_path / "theirs.tif")
    export(str(made.maps), layer="FeO", out=str(tmp_path / "ours.tif"))
    with (
        rasterio.open(tmp_path / "theirs.tif") as theirs,
        rasterio.open(tmp_path / "ours.tif") as ours,
    ):
        assert theirs.crs == ours.crs
        assert theirs.transform.almost_equals(ours.transform, 1e-3)
        assert (theirs.nodata, theirs.scales) == (ours.nodata, ours.scales)
        np.testing.assert_array_equal(theirs.read(1), ours.read(1))


@pytest.mark.parametrize("layer", ["FeO", "OMAT"])
def test_rasterio_opens_the_geotiff(made: Made, layer: str, tmp_path: Path) -> None:
    """CRS, scale, no-data, tags; and every mark where its longitude and latitude say."""
    export(str(made.maps), layer=layer, out=str(tmp_path / "layer.tif"))
    with rasterio.open(tmp_path / "layer.tif") as file, xr.open_zarr(made.maps) as maps:
        attributes = maps[layer].attrs
        assert file.crs == rasterio.crs.CRS.from_user_input("IAU_2015:30110")
        assert (file.nodata, file.dtypes) == (NO_DATA, ("int16",))
        assert (file.scales, file.offsets) == ((maps[layer].encoding["scale_factor"],), (0.0,))
        assert (file.units, file.descriptions) == (
            (attributes["units"],),
            (attributes["long_name"],),
        )
        assert file.tags()["model"] == attributes["model"]
        assert file.tags()["simulated"] == "True"
        assert file.tags()["title"].startswith("Simulated")
        cube = Cube.open(Location(str(made.maps)))
        np.testing.assert_array_equal(file.read(1), cube.read(layer, cube.grid.window))
        for name in made.names:
            x, y = metres(name, maps).values()
            count = next(file.sample([(x, y)]))[0]
            assert count == cube.read(layer, cube.grid.window)[around(maps, name)]
            expected = wt_pct(layer, name)
            assert count * file.scales[0] == pytest.approx(expected, abs=0.51 * file.scales[0])


def test_the_geotiff_is_cloud_optimised(made: Made, tmp_path: Path) -> None:
    """Tiles of 512, and by GDAL's own word; a mosaic of this size has one overview."""
    export(str(made.maps), layer="FeO", out=str(tmp_path / "layer.tif"))
    with rasterio.open(tmp_path / "layer.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.block_shapes == [(512, 512)]
        levels = file.overviews(1)
        counts = file.read(1, masked=True).astype(np.float64)
    if max(counts.shape) <= 512:
        assert levels == []
        return
    assert levels == [2]
    with rasterio.open(tmp_path / "layer.tif", overview_level=0) as file:
        small = file.read(1, masked=True)
    height, width = counts.shape[0] // 2, counts.shape[1] // 2
    means = counts.reshape(height, 2, width, 2).mean(axis=(1, 3))
    assert small.shape == means.shape
    np.testing.assert_array_equal(np.ma.getmaskarray(small), np.ma.getmaskarray(means))
    assert np.abs(small - means).max() <= 0.5 + 1e-9
    assert small.std() > 100


def test_a_box_over_the_seam_goes_on_past_it(made: Made, tmp_path: Path) -> None:
    """Exported from either store, x exceeds 180 degrees and the marks of both sides are there."""
    export(
        str(made.maps),
        layer="FeO",
        out=str(tmp_path / "box.tif"),
        bbox=(170.2, -30.3, -170.2, 20.1),
    )
    with rasterio.open(tmp_path / "box.tif") as file, xr.open_zarr(made.maps) as maps:
        degrees = np.degrees(np.array(file.bounds) / RADIUS_M)
        np.testing.assert_allclose(degrees, (170.0, -30.5, 190.0, 20.5), atol=1e-9)
        for name in ("first column", "last column"):
            lon, lat = PLACES[name]
            place = np.radians([lon % 360, lat]) * RADIUS_M
            found = next(file.sample([tuple(place)]))[0] * file.scales[0]
            assert found == pytest.approx(float(maps["FeO"][around(maps, name)]))
            assert found == pytest.approx(wt_pct("FeO", name), abs=0.0026)


def test_the_conventions_are_declared(made: Made) -> None:
    """CF and Zarr's ``proj:`` and ``spatial:`` at the root, and whose Moon it is."""
    for store in (made.mosaic, made.maps):
        with xr.open_zarr(store) as dataset:
            attributes = dataset.attrs
            assert attributes["Conventions"].startswith("CF-")
            assert attributes["title"].startswith("Simulated ")
            assert attributes["history"]
            names = {convention["name"] for convention in attributes["zarr_conventions"]}
            assert names == {"proj:", "spatial:"}
            declared = rasterio.crs.CRS.from_wkt(attributes["proj:wkt2"])
            assert declared == next(iter(dataset.data_vars.values())).rio.crs
            np.testing.assert_allclose(
                attributes["spatial:transform"], tuple(dataset.rio.transform())[:6], atol=1e-3
            )
            assert attributes["spatial:shape"] == [dataset.sizes["y"], dataset.sizes["x"]]


def test_the_flags_read_as_cf_says(made: Made) -> None:
    """Each pixel's reasons by masks and values, and no value without exactly one reason."""
    with xr.open_zarr(made.maps, mask_and_scale=False) as maps:
        flag, counts = maps["FeO_flag"], maps["FeO"].values
        assert maps["FeO"].attrs["ancillary_variables"] == "FeO_flag"
        triples = zip(
            flag.attrs["flag_masks"],
            flag.attrs["flag_values"],
            flag.attrs["flag_meanings"].split(),
            strict=True,
        )
        means = {name: (flag.values & mask) == value for mask, value, name in triples}
        qualifiers = {"negative", "extrapolated", "outside_mare"}
        reasons = np.sum([is_so for name, is_so in means.items() if name not in qualifiers], axis=0)
        np.testing.assert_array_equal(reasons, counts == NO_DATA)
