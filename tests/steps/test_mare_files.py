"""`--mare` takes the maria from a file of any kind, and every verb means the same ground by it."""

import json
import warnings
import zipfile

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import rasterio
import shapely
from maps_at_hand import write_maps
from rasterio.transform import Affine

from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid
from lunarscale.steps.anorthosites import question as anorthosite
from lunarscale.steps.reporting import like
from lunarscale.steps.screening import question as screening
from lunarscale.store.layout import MapLayer

GRID = RasterGrid.whole(0.5)
MOON = pyproj.CRS("IAU_2015:30100").to_wkt()

#: Two seas, west south east north; pixel edges of a mask of a pixel a degree.
SEAS = {"Mare A": (-60.0, 10.0, -10.0, 50.0), "Mare B": (100.0, -80.0, 150.0, -60.0)}
SHAPES = [shapely.box(*box) for box in SEAS.values()]


def as_mask(path):
    """A mask whose values other than 0 are mare."""
    lon, lat = np.meshgrid(np.arange(-179.5, 180), np.arange(89.5, -90, -1))
    inside = np.any([shapely.contains_xy(shape, lon, lat) for shape in SHAPES], axis=0)
    georeferenced = (
        {"crs": MOON, "transform": Affine(1, 0, -180, 0, -1, 90)} if path.suffix == ".tif" else {}
    )
    with (
        warnings.catch_warnings(action="ignore"),
        rasterio.open(
            path, "w", width=360, height=180, count=1, dtype="uint8", **georeferenced
        ) as out,
    ):
        out.write(inside.astype(np.uint8) * 255, 1)
    path.with_suffix(".png.aux.xml").unlink(missing_ok=True)
    return str(path)


def as_polygons(path, layer):
    """The two seas as polygons; a zip holds a shapefile."""
    if path.suffix == ".geojson":
        features = [
            {
                "type": "Feature",
                "properties": {"title": name},
                "geometry": shapely.geometry.mapping(shape),
            }
            for name, shape in zip(SEAS, SHAPES, strict=True)
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return str(path)
    inner = path.with_suffix(".shp") if path.suffix == ".zip" else path
    with warnings.catch_warnings(action="ignore"):  # GDAL takes the lunar CRS for an odd one
        pyogrio.raw.write(
            inner,
            shapely.to_wkb(np.array(SHAPES, dtype=object)),
            field_data=[np.array(list(SEAS), dtype=object)],
            fields=["title"],
            geometry_type="Unknown" if path.suffix == ".gpkg" else "Polygon",
            crs=MOON,
            layer=layer,
        )
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for part in path.parent.glob(f"{layer}.*"):
                if part != path:
                    archive.write(part, part.name)
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What `--mare` may be given, by kind."""
    folder = tmp_path_factory.mktemp("mare")
    return {
        "png": as_mask(folder / "mask.png"),
        "tif": as_mask(folder / "mask.tif"),
        "geojson": as_polygons(folder / "outlines.geojson", "outlines"),
        "gpkg": as_polygons(folder / "regions.gpkg", "seas") + "#seas",
        "shp": as_polygons(folder / "shores.shp", "shores") + "[title]",
        "zip": as_polygons(folder / "packed.zip", "packed") + "#packed[title]",
    }


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    counts = np.full((GRID.height, GRID.width), 2000, np.int16)
    names = ["FeO", "Al2O3", "Mg_number"]
    layers = [MapLayer(name, name, "qiu-2025-cnn", "none", "made for a test") for name in names]
    folder = tmp_path_factory.mktemp("maps") / "maps.zarr"
    return write_maps(folder, dict.fromkeys(names, counts), GRID, layers=layers)


def maria_of(verb, maps, mare):
    """Which pixels a verb takes for mare."""
    if verb == "anorthosite":
        grouping = anorthosite.ask(maps, mare=mare).grouping
        names = np.array(["", *grouping.groups])[grouping.numbers(GRID, GRID.window)]
        return np.char.endswith(names, " mare")
    if verb == "screen-pole":
        grouping = screening.ask(maps, mare=mare).maria
    else:
        grouping = like.ask(maps, mare=mare).groupings[1]
    return grouping.numbers(GRID, GRID.window) == 1


@pytest.mark.parametrize("verb", ["anorthosite", "screen-pole", "report"])
@pytest.mark.parametrize("kind", ["png", "tif", "geojson", "gpkg", "shp", "zip"])
def test_maria_of_any_file_are_the_same_ground(maps, files, verb, kind):
    lon, lat = np.meshgrid(GRID.lons(), GRID.lats())
    expected = np.any([shapely.contains_xy(shape, lon, lat) for shape in SHAPES], axis=0)
    found = maria_of(verb, maps, files[kind])
    np.testing.assert_array_equal(found, expected)
    circles = Maria.from_seas().numbers(GRID, GRID.window) == 1
    np.testing.assert_array_equal(maria_of(verb, maps, None), circles)
