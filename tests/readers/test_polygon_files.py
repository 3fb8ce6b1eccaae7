"""Regions in every kind of polygon file against points in polygons, and files that are no good."""

import json
import pickle
import warnings
import zipfile
from pathlib import Path

import fsspec
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely

from lunarscale.errors import RegionError, SourceError
from lunarscale.grid.groupings import WHOLE_PIXEL, Covering
from lunarscale.grid.raster import RasterGrid, weight_to_km2
from lunarscale.readers.regions import read_grouping

GRID = RasterGrid.whole(1.3)
MOON = "IAU_2015:30100"
SOUTH, NORTH = "IAU_2015:30135", "IAU_2015:30130"
PROJECTED = {
    "simple cylindrical": "IAU_2015:30110",
    "sinusoidal": "IAU_2015:30120",
    "orthographic": "+proj=ortho +lat_0=-55 +lon_0=165 +R=1737400 +type=crs",
    "south polar": SOUTH,
    "north polar": NORTH,
}
KINDS = ("geojson", "gpkg", "shp", "zip")


def write(folder, kind, shapes, *, crs=MOON, names=None, column="name", stem="regions", into=""):
    """A file of that kind with these shapes; shapely's, in the CRS's coordinates."""
    names = np.array(names or [f"r{n}" for n in range(1, len(shapes) + 1)], dtype=object)
    path = Path(folder, f"{into or stem}.{kind}")
    if kind == "geojson":
        features = [
            {
                "type": "Feature",
                "properties": {column: name},
                "geometry": shapely.geometry.mapping(s),
            }
            for name, s in zip(names, shapes, strict=True)
        ]
        member = {"crs": {"type": "name", "properties": {"name": crs}}} if crs else {}
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **member}))
        return str(path)
    inner = path.with_suffix(".shp") if kind == "zip" else path
    with warnings.catch_warnings(action="ignore"):  # GDAL takes the lunar CRSs for odd ones
        pyogrio.raw.write(
            inner,
            shapely.to_wkb(np.array(shapes, dtype=object)),
            field_data=[names],
            fields=[column],
            geometry_type="Unknown" if kind == "gpkg" else "Polygon",
            crs=pyproj.CRS(crs).to_wkt() if crs else None,
            layer=stem,
        )
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in sorted(path.parent.glob(f"{stem}.*")):
                if part != path:
                    archive.write(part, f"folder/{part.name}")
                    part.unlink()
    return str(path)


@pytest.fixture
def made(tmp_path):
    return lambda kind, shapes, **more: write(tmp_path, kind, shapes, **more)


def inside(shapes, crs):
    """The twin: which shape holds each pixel's centre, on the map that it is drawn on."""
    lon, lat = np.meshgrid(GRID.lons(), GRID.lats())
    numbers = np.zeros(lon.shape, int)
    crs = pyproj.CRS(crs)
    if crs.is_projected:
        to = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
        places = [to.transform(lon, lat)]
    else:
        places = [(lon + turn, lat) for turn in (-360, 0, 360)]
    for number, shape in enumerate(shapes, start=1):
        for x, y in places:
            seen = np.isfinite(x) & np.isfinite(y)
            numbers[seen] = np.where(
                shapely.contains_xy(shape, x[seen], y[seen]), number, numbers[seen]
            )
    return numbers


def crooked(seed, centre, reach):
    """A crooked outline with a hole that is like it."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 9)) + 0.01
    radius = reach * rng.uniform(0.6, 1.0, 9)
    outline = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return shapely.Polygon(outline + centre, [0.4 * outline + centre])


@pytest.mark.parametrize("kind", KINDS)
def test_degrees_over_the_seam_with_holes_and_parts_are_points_in_polygons(made, kind):
    parts = [crooked(4, (-40.3, 20.2), 15.0), crooked(5, (20.1, -30.2), 20.0)]
    shapes = [crooked(1, (181.2, 10.3), 30.0), shapely.MultiPolygon(parts)]
    grouping = read_grouping(made(kind, shapes))
    assert (grouping.name, grouping.groups) == ("regions", ("r1", "r2"))
    expected = inside(shapes, MOON)
    assert (expected[:, 0] == 1).any()
    assert (expected[:, -1] == 1).any()
    np.testing.assert_array_equal(grouping.numbers(GRID, GRID.window), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("crs", [SOUTH, NORTH])
def test_a_ring_round_either_pole_of_a_projected_map_is_closed_there(made, kind, crs):
    around = crooked(2, (1.1e5, -0.7e5), 9e5)
    beside = crooked(3, (1.4e6, 0.9e6), 4e5)
    grouping = read_grouping(made(kind, [around, beside], crs=crs))
    expected = inside([around, beside], crs)
    pole = expected[0 if crs == NORTH else -1]
    assert not pole.any()  # the hole holds the pole
    found = grouping.numbers(GRID, GRID.window)
    np.testing.assert_array_equal(found, expected)
    filled = shapely.Polygon(around.exterior)
    found = read_grouping(made(kind, [filled], crs=crs)).numbers(GRID, GRID.window)
    np.testing.assert_array_equal(found, inside([filled], crs))
    assert (found[0 if crs == NORTH else -1] == 1).all()


@pytest.mark.parametrize("name", PROJECTED)
@pytest.mark.parametrize("seed", range(3))
def test_projected_polygons_are_points_in_polygons_on_their_own_map(made, name, seed):
    crs, rng = PROJECTED[name], np.random.default_rng(seed)
    shapes = [crooked(seed, rng.uniform(-5e5, 5e5, 2), rng.uniform(3e5, 8e5))]
    grouping = read_grouping(made("gpkg", shapes, crs=crs))
    np.testing.assert_array_equal(grouping.numbers(GRID, GRID.window), inside(shapes, crs))


def test_a_straight_edge_of_a_polar_map_is_followed_to_a_metre(made):
    # an edge that passes the pole at 40 km, as two vertices
    triangle = shapely.Polygon([(-1e6, 4e4), (1e6, 4e4), (0, 1e6)])
    grouping = read_grouping(made("gpkg", [triangle], crs=SOUTH))
    edges = grouping.inner.polygons[0].edges
    to = pyproj.Transformer.from_crs(pyproj.CRS(SOUTH).geodetic_crs, SOUTH, always_xy=True)
    share = np.linspace(0, 1, 11)[:, None, None]
    lon, lat = ((1 - share) * edges[:, :2] + share * edges[:, 2:]).reshape(-1, 2).T
    x, y = to.transform(lon, lat)
    away = shapely.distance(shapely.points(x, y), triangle.exterior)
    assert away[lat > -89.99].max() < 1.5  # metres on the map, whose scale is up to 1.1 here


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_of_a_projected_map_share_pixels_out_to_the_last_unit(made, kind):
    rng = np.random.default_rng(8)
    spine = np.stack([np.linspace(-8e5, 8e5, 7), rng.uniform(-2e5, 2e5, 7)], axis=1)
    up = shapely.Polygon([*spine, (8e5, 9e5), (-8e5, 9e5)])
    down = shapely.Polygon([*spine[::-1], (-8e5, -9e5), (8e5, -9e5)])
    both = shapely.Polygon(
        [spine[0], (-8e5, -9e5), (8e5, -9e5), spine[-1], (8e5, 9e5), (-8e5, 9e5)]
    )
    apart = read_grouping(made(kind, [up, down], crs=SOUTH), coverage=True)
    as_one = read_grouping(made(kind, [both], crs=SOUTH, stem="one"), coverage=True)
    assert isinstance(apart, Covering)
    sums = []
    for grouping in (apart, as_one):
        total = np.where(grouping.numbers(GRID, GRID.window) > 0, WHOLE_PIXEL, 0)
        pieces = grouping.pieces(GRID, GRID.window)
        of_region = pieces.groups > 0
        np.add.at(total, (pieces.rows[of_region], pieces.cols[of_region]), pieces.shares[of_region])
        sums.append(total)
    np.testing.assert_array_equal(*sums)
    assert len(apart.pieces(GRID, GRID.window).rows) > 50


def test_longitudes_of_both_habits_and_over_the_seam_are_one_place(made):
    habits = {
        "east": [(175, -9), (185, -9), (185, 9), (175, 9)],
        "wrapped": [(175, -9), (-175, -9), (-175, 9), (175, 9)],
        "west": [(-185, -9), (-175, -9), (-175, 9), (-185, 9)],
    }
    found = {
        stem: read_grouping(made("gpkg", [shapely.Polygon(p)], stem=stem), coverage=True)
        for stem, p in habits.items()
    }
    numbers = [of.numbers(GRID, GRID.window) for of in found.values()]
    pieces = [of.pieces(GRID, GRID.window) for of in found.values()]
    for other in (1, 2):
        np.testing.assert_array_equal(numbers[0], numbers[other])
        for mine, theirs in zip(pieces[0], pieces[other], strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert numbers[0].sum() > 200


def test_a_ring_of_degrees_that_goes_round_is_closed_at_the_nearer_pole(made):
    lons = np.arange(-170.0, 190.0, 10.0)
    south = shapely.Polygon([(lon, -70 + 5 * np.sin(3 * lon)) for lon in lons])
    north = shapely.Polygon([(lon, 80.5) for lon in -lons])
    hole = shapely.Polygon([(lon, -84.3) for lon in lons + 7.0])
    cap = shapely.Polygon(south.exterior.coords, [hole.exterior.coords])
    grouping = read_grouping(made("geojson", [cap, north]))
    numbers = grouping.numbers(GRID, GRID.window)
    lats = GRID.lats()
    assert (numbers[lats > 80.5] == 2).all()
    assert (numbers[(lats > -83) & (lats < -76)] == 1).all()
    assert not numbers[(lats < -84.3) | ((lats > -64) & (lats < 80))].any()


BOX = shapely.box(0, 0, 20, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_the_user_s_names_the_regions(made, kind):
    shapes = [BOX, shapely.box(30, 0, 40, 10), shapely.box(50, 0, 60, 10)]
    path = made(kind, shapes, names=["Imbrium", "Crisium", "Imbrium"], column="SEA")
    assert read_grouping(path).groups == ("region 1", "region 2", "region 3")
    grouping = read_grouping(f"{path}[SEA]")
    assert grouping.groups == ("Imbrium", "Crisium")
    assert np.unique(grouping.numbers(GRID, GRID.window)).tolist() == [0, 1, 2]
    with pytest.raises(RegionError, match=r"'PLACE' to name its regions by; it has SEA"):
        read_grouping(f"{path}[PLACE]")


def test_the_usual_columns_name_the_regions_by_themselves(made):
    path = made("shp", [BOX, BOX], names=["Mare Australe", "Schickard"], column="MARE_NAME")
    assert read_grouping(path).groups == ("Mare Australe", "Schickard")


def test_maria_and_seas_are_drawn_by_polygons(made):
    path = made("shp", [BOX, shapely.box(30, 0, 40.1, 10)], names=["Imbrium", "Crisium"])
    seas, maria = read_grouping(f"seas={path}"), read_grouping(f"maria={path}")
    assert (seas.name, seas.groups) == ("seas", ("Imbrium", "Crisium"))
    assert (maria.name, maria.groups) == ("maria", ("maria", "non-maria"))
    assert seas.inner.polygons is maria.inner.of.polygons  # read once
    drawn = seas.numbers(GRID, GRID.window)
    np.testing.assert_array_equal(maria.numbers(GRID, GRID.window), np.where(drawn > 0, 1, 2))
    shared = read_grouping(f"maria={path}", coverage=True)
    assert shared.pieces(GRID, GRID.window).groups.tolist() == [1, 2] * 13
    assert len({seas.digest, maria.digest, shared.digest}) == 3


@pytest.mark.parametrize("kind", ["gpkg", "zip"])
def test_a_layer_is_taken_by_its_name(tmp_path, kind):
    shapes = BOX, shapely.box(0, -5.3, 40, 0)
    one = Path(write(tmp_path, kind, [shapes[0]], stem="basins"))
    if kind == "gpkg":
        write(tmp_path, kind, [shapes[1]], stem="seas", into="basins")
    else:
        other = write(tmp_path, kind, [shapes[1]], stem="seas")
        with zipfile.ZipFile(one, "a") as archive, zipfile.ZipFile(other) as others:
            for member in others.namelist():
                archive.writestr(member, others.read(member))
    with pytest.raises(RegionError, match=r"has 2 layers, basins, seas; name one after a #"):
        read_grouping(str(one))
    with pytest.raises(RegionError, match=r"has no layer 'craters'; it has basins, seas"):
        read_grouping(f"{one}#craters")
    for text, shape in zip((f"{one}#basins", f"{one}#seas[name]"), shapes, strict=True):
        found = read_grouping(text).numbers(GRID, GRID.window)
        np.testing.assert_array_equal(found, inside([shape], MOON))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("crs", "match"),
    [
        ("EPSG:4326", "'WGS 84', which is not the Moon's: its body has a radius of 6,378,137 m"),
        ("EPSG:3031", "not the Moon's"),
        ("IAU_2015:49900", "radius of 3,396,190 m, the Moon 1,737,400"),
    ],
)
def test_another_body_is_refused(made, kind, crs, match):
    with pytest.raises(RegionError, match=match):
        read_grouping(made(kind, [BOX], crs=crs))


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("kind", ["gpkg", "shp", "zip"])
def test_a_file_that_does_not_say_its_body_is_refused_with_what_to_do(made, kind):
    with pytest.raises(RegionError, match=r"does not say its CRS.* assign the Moon's"):
        read_grouping(made(kind, [BOX], crs=None))


TIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shapes", "match"),
    [
        ([BOX, TIE], "regions, r2: an outline crosses itself"),
        ([shapely.box(0, 80, 10, 95)], "latitude 95 is off the sphere"),
        ([shapely.box(1e5, 0, 2e5, 1e5)], "off the sphere; give degrees"),
        ([BOX, shapely.Polygon()], r"r2: (it has no|its) geometry"),
        ([], "has no polygon|has no layer of shapes"),
    ],
)
def test_outlines_that_bound_nothing_are_refused_in_one_sentence(made, kind, shapes, match):
    with pytest.raises(RegionError, match=match) as caught:
        read_grouping(made(kind, shapes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "shape", [shapely.Point(1, 1), shapely.LineString([(0, 0), (5, 5)])], ids=["point", "line"]
)
def test_points_and_lines_are_no_regions(made, shape):
    for kind in ("geojson", "gpkg"):
        with pytest.raises(RegionError, match=f"'?{shape.geom_type}'?; a region is made of"):
            read_grouping(made(kind, [BOX, shape]))


@pytest.mark.parametrize("west", [15, 40], ids=["across", "outside"])
@pytest.mark.parametrize("kind", ["geojson", "gpkg"])  # of a shapefile's rings GDAL makes parts
def test_a_hole_that_is_not_within_its_outline_is_refused(made, kind, west):
    shape = shapely.Polygon(BOX.exterior, [shapely.box(west, 1, west + 10, 9).exterior])
    with pytest.raises(RegionError, match=r"crosses itself or its holes .*, with holes within"):
        read_grouping(made(kind, [shape]))


def test_outlines_may_touch_themselves(made):
    # two lobes that meet in a point, drawn as one ring that does not cross itself there
    lobes = shapely.Polygon([(0, 0), (10, 0), (10, 10), (5, 5), (0, 10), (5, 5)])
    assert read_grouping(made("gpkg", [lobes])).groups == ("r1",)
    # drawn the other way through that point, it does
    eight = shapely.Polygon([(0, 0), (5, 5), (10, 10), (10, 0), (5, 5), (0, 10)])
    with pytest.raises(RegionError, match=r"bounds no area|crosses itself"):
        read_grouping(made("gpkg", [eight]))


@pytest.mark.parametrize(
    ("kind", "part", "match"),
    [
        ("geojson", "geojson", "is not GeoJSON"),
        ("gpkg", "gpkg", r"is cut off: it promises [\d,]+ bytes but has [\d,]+; fetch it again"),
        ("zip", "zip", "cannot be read as a zip"),
        ("shp", "shp", "its .shp is cut off: it promises 236 bytes but has 141"),
        ("shp", "shx", "its .shx is cut off"),
        ("shp", "dbf", "its .dbf is cut off"),
    ],
)
def test_a_file_that_is_cut_off_is_refused(made, kind, part, match):
    path = made(kind, [BOX])
    cut = Path(path).with_suffix(f".{part}")
    content = cut.read_bytes()
    cut.write_bytes(content[: int(0.6 * len(content))])
    with pytest.raises(RegionError, match=match):
        read_grouping(path)


@pytest.mark.parametrize(
    ("suffix", "match"),
    [
        (".gpkg", "is not a GeoPackage, whatever its suffix says"),
        (".zip", "cannot be read as a zip"),
        (".shp", "its .shp is not a shapefile's, whatever the suffix says"),
        (".json", "is not GeoJSON"),
    ],
)
def test_another_kind_of_file_under_the_suffix_is_refused(tmp_path, made, suffix, match):
    made("shp", [BOX])
    path = tmp_path / f"regions{suffix}"
    path.write_bytes(b"nothing of the kind, in so many bytes that there is room for a header")
    with pytest.raises(RegionError, match=match):
        read_grouping(str(path))


@pytest.mark.parametrize("suffix", [".shx", ".dbf"])
def test_a_side_file_that_is_missing_is_named(made, suffix):
    path = made("shp", [BOX])
    Path(path).with_suffix(suffix).unlink()
    with pytest.raises(RegionError, match=f"lacks the shapefile's {suffix} with their"):
        read_grouping(path)


def test_side_files_may_be_in_capitals(made):
    path = Path(made("shp", [BOX]))
    for suffix in (".shx", ".dbf", ".prj"):
        path.with_suffix(suffix).rename(path.with_suffix(suffix.upper()))
    assert read_grouping(str(path)).groups == ("r1",)


def test_a_zip_without_a_shapefile_and_a_shapefile_at_a_url(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "none here")
    with pytest.raises(RegionError, match="is a zip without a shapefile"):
        read_grouping(str(tmp_path / "a.zip"))
    with pytest.raises(RegionError, match=r"a shapefile is several files; give a \.zip"):
        read_grouping("memory://maria.shp[NAME]")
    (tmp_path / "a.json").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(RegionError, match="has no layers; leave '#one' out"):
        read_grouping(str(tmp_path / "a.json#one"))
    with pytest.raises(SourceError, match=r"absent\.shp: there is no such file"):
        read_grouping(str(tmp_path / "absent.shp"))


def test_regions_that_the_map_has_none_of_are_named_with_its_bounds(made):
    grouping = read_grouping(f"maria={made('gpkg', [BOX])}")
    grouping.require_within(RasterGrid.whole(1).crop(10, -20, 30, 20))
    with pytest.raises(
        RegionError, match=r"none of its 1 polygons touches the map.* longitudes 40 to 60 and"
    ):
        grouping.require_within(RasterGrid.whole(1).crop(40, -20, 60, 20))


@pytest.mark.parametrize("kind", KINDS)
def test_it_travels_small_and_is_the_same_on_arrival(made, kind):
    grouping = read_grouping(f"{made(kind, [crooked(3, (90, 0), 40)])}[name]", coverage=True)
    travelling = pickle.dumps(grouping)
    assert len(travelling) < 1000
    again = pickle.loads(travelling)
    assert again.digest == grouping.digest
    np.testing.assert_array_equal(
        again.pieces(GRID, GRID.window).shares, grouping.pieces(GRID, GRID.window).shares
    )


def fractal(rng, corners, reach, centre):
    """A shore with detail down to its corners, as digitised outlines have."""
    orders = np.arange(2, corners // 4)
    waves = np.zeros(corners // 2 + 1, complex)
    phases = np.exp(2j * np.pi * rng.random(orders.size))
    waves[orders] = 0.35 / orders**1.35 * phases * corners / 2
    radius = reach * np.maximum(1 + np.fft.irfft(waves, corners), 0.2)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return shapely.Polygon(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1) + centre)


def test_a_shapefile_as_large_as_the_maria_s_is_planned_and_exact(made):
    rng = np.random.default_rng(6)
    shapes = [fractal(rng, 60_000, 20.0, (-50, 10)), fractal(rng, 20_000, 8.0, (30, -20))]
    grouping = read_grouping(made("shp", shapes), coverage=True)
    # 33 bytes an edge are kept, and reading takes half as much again of what the plan doubles
    assert grouping.kept_bytes == pytest.approx(1.5 * 33 * 80_000, rel=0.01)
    grid = RasterGrid.whole(4)
    pieces, numbers = grouping.pieces(grid, grid.window), grouping.numbers(grid, grid.window)
    area = (numbers == 1).sum() + pieces.shares[pieces.groups == 1].sum() / WHOLE_PIXEL
    assert area * grid.pixel_deg**2 == pytest.approx(shapes[0].area, rel=1e-9)


def test_the_names_of_the_real_maria(made, test_data):
    """Nelson's 644 names over made outlines: the archive's own are not at hand."""
    table = test_data("mare/LROC_GLOBAL_MARE_180.DBF")
    _, _, _, columns = pyogrio.raw.read(table)
    names, areas = columns[1].tolist(), columns[3]
    lons = np.linspace(-100, 100, len(names))
    shapes = [shapely.box(lon, -0.1, lon + 0.2, 0.1) for lon in lons]
    grouping = read_grouping(f"seas={made('shp', shapes, names=names, column='MARE_NAME')}")
    assert len(grouping.groups) == 97
    assert {"Oceanus Procellarum", "Mare Imbrium"} <= set(grouping.groups)
    # SCIENCE: the sum of the table's areas is 6.15e6 km2
    assert areas.sum() == pytest.approx(6.15e6, rel=0.002)
    grid = RasterGrid.whole(20)
    drawn = (grouping.numbers(grid, grid.window) > 0).sum(axis=1)
    found = weight_to_km2(int((drawn * grid.row_weights()).sum()))
    assert found == pytest.approx(644 * 0.04 * (1737.4 * np.pi / 180) ** 2, rel=0.01)


@pytest.mark.parametrize("kind", ["geojson", "gpkg", "zip"])
def test_a_file_of_one_piece_may_lie_at_a_url(made, kind):
    shapes = [crooked(5, (150.2, 30.1), 25.0)]
    local = Path(made(kind, shapes))
    place = f"memory://polygons/{local.name}"
    with fsspec.open(place, "wb") as file:
        file.write(local.read_bytes())
    grouping = read_grouping(f"{place}[name]")
    assert grouping.groups == ("r1",)
    np.testing.assert_array_equal(grouping.numbers(GRID, GRID.window), inside(shapes, MOON))
