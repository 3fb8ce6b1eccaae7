"""What ``--by`` takes, and how it answers what it cannot take."""

import json
import pickle

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from lunarscale.errors import RegionError, SourceError
from lunarscale.grid.raster import RasterGrid, weight_to_km2
from lunarscale.readers.regions import read_grouping

GRID = RasterGrid.whole(1)

# masks without georeferencing are written on purpose
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def from_origin(west, north, xsize, ysize):
    return Affine(xsize, 0.0, west, 0.0, -ysize, north)


def box(west, south, east, north):
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(*rings, **properties):
    geometry = {"type": "Polygon", "coordinates": list(rings)}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features, **members):
    return {"type": "FeatureCollection", "features": list(features), **members}


@pytest.fixture
def regions(tmp_path):
    def write(document, name="regions.geojson"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    return write


def write_raster(path, raster, **profile):
    height, width = raster.shape[-2:]
    bands = raster.reshape(-1, height, width)
    with rasterio.open(
        path, "w", width=width, height=height, count=len(bands), dtype=raster.dtype, **profile
    ) as image:
        image.write(bands)
    return str(path)


def areas(grouping, grid=GRID):
    numbers = grouping.numbers(grid, grid.window)
    weights = grid.row_weights()
    return [
        weight_to_km2(int(((numbers == g + 1).sum(axis=1) * weights).sum()))
        for g in range(len(grouping.groups))
    ]


def test_the_built_in_words():
    assert read_grouping("moon").groups == ("Moon",)
    assert read_grouping("maria").groups == ("maria", "non-maria")
    assert "Mare Imbrium" in read_grouping("seas").groups


def test_regions_have_their_names_and_pixels(regions):
    grouping = read_grouping(
        regions(
            collection(
                feature(box(170, -10, 190, 10), name="over the seam"),
                feature(box(-180, -90, 180, -80), MARE_NAME="south cap"),
                feature(box(0, 0, 10, 10), box(2, 2, 4, 4)),
                feature(box(20, 0, 30, 10), name="over the seam"),
            )
        )
    )
    assert grouping.name == "regions"
    assert grouping.groups == ("over the seam", "south cap", "region 3")
    numbers = grouping.numbers(GRID, GRID.window)
    assert [(numbers == g).sum() for g in (1, 2, 3)] == [400 + 100, 3600, 96]
    assert (numbers[-10:] == 2).all()
    assert numbers[90, [0, 9, 10, 350, 359]].tolist() == [1, 1, 0, 1, 1]


@pytest.mark.parametrize("kind", ["Polygon", "MultiPolygon", "Feature"])
def test_a_bare_geometry_is_a_region(regions, kind):
    documents = {
        "Polygon": {"type": "Polygon", "coordinates": [box(0, 0, 3, 4)]},
        "MultiPolygon": {
            "type": "MultiPolygon",
            "coordinates": [[box(0, 0, 3, 2)], [box(9, 0, 12, 2)]],
        },
        "Feature": feature(box(0, 0, 3, 4)),
    }
    grouping = read_grouping(regions(documents[kind], "bare.json"))
    assert grouping.groups == ("region 1",)
    assert (grouping.numbers(GRID, GRID.window) == 1).sum() == 12


BOWTIE = [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]
EARTH = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}}


@pytest.mark.parametrize(
    ("document", "match"),
    [
        ("not json", "is not GeoJSON"),
        ("[1, 2]", "not GeoJSON: it has no type"),
        ({"type": "Topology"}, "'Topology' without features"),
        (collection(), "has no polygon"),
        (collection(feature(box(0, 0, 1, 1)), crs=EARTH), "not the Moon's"),
        (collection(feature(box(0, 0, 1, 95))), "latitude 95 is off the sphere"),
        (collection(feature(box(0, 0, 1e6, 5))), "off the sphere"),
        (collection(feature(BOWTIE, name="tie")), "regions, tie: an outline crosses itself"),
        (collection(feature([[0, 0], [9, 9], [0, 0], [0, 0]])), "bounds no area"),
        (
            collection(feature([[-180, -80], [-60, -80], [60, -80], [180, -80], [-180, -80]])),
            "around a pole goes along its parallel",
        ),
        (collection(feature(box(0, 0, 1, 1)[:-1])), "not a closed ring"),
        (collection(feature([])), "not a closed ring"),
        (
            collection(feature([[np.nan, 0], [9, 0], [9, 9], [np.nan, 0]])),
            "has a place that is no pair of numbers",
        ),
        (collection(feature([["a", "b"]] * 4)), "not a list of longitude"),
        (collection({"type": "Feature", "geometry": None}), "found the geometry 'None'"),
        (
            collection({"type": "Feature", "geometry": {"type": "Point", "coordinates": [0, 0]}}),
            "found the geometry 'Point'",
        ),
    ],
)
def test_what_does_not_describe_the_moon_is_refused_in_one_sentence(regions, document, match):
    with pytest.raises(RegionError, match=match) as caught:
        read_grouping(regions(document))
    assert "\n" not in str(caught.value)


def test_a_lunar_crs_member_is_welcome(regions):
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:IAU:2015:30100"}}
    grouping = read_grouping(regions(collection(feature(box(0, 0, 1, 1)), crs=crs)))
    assert grouping.groups == ("region 1",)


def test_a_long_outline_is_checked_quickly_and_its_crossing_found(regions):
    angle = np.linspace(0, 2 * np.pi, 20_001)
    radius = 20 + np.sin(400 * angle)
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    ring[-1] = ring[0]
    assert read_grouping(regions(collection(feature(ring.tolist())))).groups
    ring[9000, 1] += 5
    with pytest.raises(RegionError, match="crosses itself"):
        read_grouping(regions(collection(feature(ring.tolist()))))


def test_a_png_mask_spans_the_circle_around_the_equator(tmp_path):
    raster = np.zeros((100, 360), np.uint8)
    raster[:10] = 255
    grouping = read_grouping(write_raster(tmp_path / "mare.png", raster, driver="PNG"))
    assert grouping.groups == ("mare = 0", "mare = 255")
    numbers = grouping.numbers(GRID, GRID.window)
    assert (numbers[:40] == 0).all()
    assert (numbers[40:50] == 2).all()
    assert (numbers[50:140] == 1).all()
    assert (numbers[140:] == 0).all()


def test_maria_are_drawn_by_a_mask(tmp_path):
    raster = np.zeros((100, 360), np.uint8)
    raster[:10] = 255
    path = write_raster(tmp_path / "mare.png", raster, driver="PNG")
    grouping = read_grouping(f"maria={path}")
    assert (grouping.name, grouping.groups) == ("maria", ("maria", "non-maria"))
    numbers = grouping.numbers(GRID, GRID.window)
    assert numbers[[39, 40, 50, 140], 0].tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("crs", "scale"), [("IAU_2015:30100", 1.0), ("IAU_2015:30110", np.radians(1) * 1737400)]
)
def test_a_geotiff_lies_where_its_transform_says(tmp_path, crs, scale):
    place = from_origin(10 * scale, 20 * scale, 2 * scale, 2 * scale)
    path = write_raster(
        tmp_path / "m.tif",
        np.array([[1, 2, 9]], np.int16),
        driver="GTiff",
        crs=crs,
        transform=place,
        nodata=9,
    )
    grouping = read_grouping(path)
    assert grouping.groups == ("m = 1", "m = 2")
    numbers = grouping.numbers(GRID, GRID.window)
    assert numbers[70:72, 189:197].tolist() == [[0, 1, 1, 2, 2, 0, 0, 0]] * 2
    assert (numbers > 0).sum() == 8


@pytest.mark.parametrize(
    ("shape", "profile", "match"),
    [
        ((200, 360), {}, "latitudes -100 to 100"),
        ((2, 2), {"crs": "EPSG:4326"}, "radius 6,378,137 m, where the Moon"),
        ((2, 2), {"crs": "IAU_2015:30135"}, "not in simple cylindrical"),
        ((2, 2), {"crs": None, "transform": from_origin(5, 5, 1, 1)}, "no CRS"),
        ((2, 2), {"crs": "IAU_2015:30100", "transform": from_origin(5, 5, 1, 2)}, "square"),
        ((2, 2, 2), {}, "2 bands of uint8"),
    ],
)
def test_a_mask_that_cannot_be_placed_is_refused(tmp_path, shape, profile, match):
    if profile.get("crs"):
        profile = {"transform": from_origin(1, 1, 0.5, 0.5), **profile}
    path = write_raster(tmp_path / "m.tif", np.ones(shape, np.uint8), driver="GTiff", **profile)
    with pytest.raises(RegionError, match=match):
        read_grouping(path)


def test_a_mask_of_real_numbers_or_no_image_is_refused(tmp_path):
    path = write_raster(tmp_path / "f.tif", np.ones((2, 2), np.float32), driver="GTiff")
    with pytest.raises(RegionError, match="float32 where a mask has one band of whole"):
        read_grouping(path)
    (tmp_path / "t.png").write_bytes(b"nothing of the kind")
    with pytest.raises(RegionError, match="cannot be read as an image"):
        read_grouping(str(tmp_path / "t.png"))


@pytest.mark.parametrize("damage", ["cut", "torn"])
def test_a_png_mask_that_is_not_whole_is_refused(tmp_path, damage):
    raster = np.random.default_rng(4).integers(0, 2, (90, 180), dtype=np.uint8)
    path = tmp_path / "mask.png"
    write_raster(path, raster, driver="PNG")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole if damage == "torn" else whole[: len(whole) // 2])
    with pytest.raises(RegionError, match="the PNG is cut or damaged at byte"):
        read_grouping(str(path))


@pytest.mark.parametrize("text", ["mares", "regions.kml", "seas=mask.png", "a=b.geojson#", ""])
def test_another_word_is_refused_with_what_there_is(text):
    with pytest.raises(RegionError, match="is no grouping: use moon, maria, seas"):
        read_grouping(text)


@pytest.mark.parametrize("text", ["absent.geojson", "nowhere://there/absent.png"])
def test_a_file_that_is_not_there(text):
    with pytest.raises(SourceError, match=r"absent\..* (there is no such file|cannot be read)"):
        read_grouping(text)


def test_a_file_s_grouping_travels_small_and_notices_a_change(regions):
    path = regions(collection(feature(box(0, 0, 5, 5))))
    grouping = read_grouping(path)
    travelling = pickle.dumps(grouping)
    assert len(travelling) < 1000
    again = pickle.loads(travelling)
    assert again.digest == grouping.digest
    assert areas(again) == areas(grouping)
    regions(collection(feature(box(0, 0, 5, 6))))
    assert read_grouping(path).digest != grouping.digest


def test_a_process_that_finds_another_file_says_so(regions):
    path = regions(collection(feature(box(0, 0, 5, 5))))
    rebuild, (origin, _) = read_grouping(path).__reduce__()
    with pytest.raises(RegionError, match="has changed since the run began"):
        rebuild(origin, "0" * 64)


def test_the_real_mare_mask(test_data):
    path = test_data("mare/mare_mask_76ppd_70S70N.png")
    grouping = read_grouping(f"maria={path}")
    maria, others = areas(grouping, RasterGrid.whole(8))
    assert maria == pytest.approx(6.23e6, rel=0.01)
    # within 70 degrees of the equator, all is one or the other
    assert maria + others == pytest.approx(37.93e6 * np.sin(np.radians(70)), rel=1e-3)
