"""Where tiles' pixels lie: each against float64 by the projections' own formulas, one by one."""

from typing import Any

import morecantile
import numpy as np
import pyproj
import pytest
from tile_twin import lon_lat

from lunarscale.errors import UnknownError
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import normalise_longitude
from lunarscale.service.tiles.gathering import MOST_CHUNKS, Parts
from lunarscale.service.tiles.matrices import DEEPEST, MATRIX_SETS, Tile, matrix_set
from lunarscale.service.tiles.places import Pixels, nearest, neighbours, places_of

SETS = tuple(MATRIX_SETS)

#: A whole Moon that no power of two divides, a part of it, and one over the seam.
GRIDS = (
    RasterGrid.whole(1030 / 360),
    RasterGrid(1030, 30, 400, 200, 300),
    RasterGrid(1030, 0, 900, 515, 300),
)

#: Tiles by set: all, the seam's, the poles', and deep ones.
TILES = {
    "MoonCylindrical": [(0, 0, 0), (0, 1, 0), (3, 0, 3), (3, 15, 0), (6, 80, 30)],
    "MoonNorthPolar": [(0, 0, 0), (1, 0, 0), (1, 1, 1), (5, 15, 16), (9, 256, 255)],
    "MoonSouthPolar": [(0, 0, 0), (1, 1, 0), (5, 16, 16), (7, 64, 10)],
}
CASES = [(name, place) for name in SETS for place in TILES[name]]


@pytest.mark.parametrize("grid", GRIDS, ids=["whole", "part", "over the seam"])
@pytest.mark.parametrize(("name", "place"), CASES)
def test_each_pixel_is_the_one_that_holds_its_centre(
    name: str, place: tuple[int, int, int], grid: RasterGrid
) -> None:
    tile = Tile(matrix_set(name), *place)
    found = nearest(places_of(tile, grid.around), grid)
    lons, lats = lon_lat(tile)
    # centres on an edge of two pixels may fall to either by rounding
    down, east = (90.0 - lats) / grid.pixel_deg, (lons + 180.0) / grid.pixel_deg
    is_sure = (np.abs(down - np.rint(down)) > 1e-7) & (np.abs(east - np.rint(east)) > 1e-7)
    assert is_sure.mean() > 0.98
    some = np.flatnonzero(is_sure.ravel())[:: 257 if tile.zoom < 5 else 511]
    for at in some:
        i, j = divmod(int(at), tile.pixels)
        expected = grid.locate(normalise_longitude(float(lons[i, j])), float(lats[i, j]))
        given = int(found.rows[i, j]), int(found.cols[i, j])
        assert (given if given[0] >= 0 else None) == expected


@pytest.mark.parametrize("name", SETS)
def test_neighbours_are_next_to_each_other_also_over_the_poles_and_the_seam(name: str) -> None:
    grid = GRIDS[0]
    for zoom, col, row in TILES[name]:
        places = places_of(Tile(matrix_set(name), zoom, col, row), grid.around)
        middle, corners = nearest(places, grid), neighbours(places, grid)
        flat = [corner.rows.astype(np.int64) * grid.width + corner.cols for corner in corners]
        own = middle.rows.astype(np.int64) * grid.width + middle.cols
        assert (np.stack(flat) == own).any(axis=0).all(), "the nearest is one of the four"
        east = (corners[1].cols - corners[0].cols) % grid.width
        assert (east == 1).all()
        steps = corners[2].rows - corners[0].rows
        over = steps == 0  # a pole lies between
        assert set(np.unique(steps)) <= {0, 1}
        assert np.isin(corners[0].rows[over], (0, grid.height - 1)).all()
        turned = (corners[2].cols - corners[0].cols)[over] % grid.width
        assert (turned == grid.width // 2).all()


def test_the_pole_and_the_seam_have_no_gap() -> None:
    grid = GRIDS[0]
    for name in ("MoonNorthPolar", "MoonSouthPolar"):
        pixels = nearest(places_of(Tile(matrix_set(name), 0, 0, 0), grid.around), grid)
        assert (pixels.rows >= 0).all()
    lines = [
        nearest(places_of(Tile(matrix_set("MoonCylindrical"), 1, col, 0), 1030), grid)
        for col in range(4)
    ]
    cols = np.concatenate([pixels.cols[0] for pixels in lines])
    assert cols[0] == 0
    assert cols[-1] == grid.width - 1
    assert (np.diff(cols) >= 0).all()


def brute_parts(pixels: Pixels, chunk: int) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Every chunk with the tile's pixels in it."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j in np.argwhere(pixels.rows >= 0).tolist():
        place = int(pixels.rows[i, j]) // chunk, int(pixels.cols[i, j]) // chunk
        found.setdefault(place, []).append((i, j))
    return found


@pytest.mark.parametrize("grid", GRIDS, ids=["whole", "part", "over the seam"])
@pytest.mark.parametrize("name", SETS)
def test_parts_are_the_chunks_that_pixels_lie_in(name: str, grid: RasterGrid) -> None:
    tile = Tile(matrix_set(name), 1, 1, 0)
    pixels = nearest(places_of(tile, grid.around), grid)
    parts = Parts.of(pixels, 64)
    assert parts is not None
    truth = brute_parts(pixels, 64)
    assert len(parts) == len(truth)
    into = np.full(pixels.rows.shape, -1, np.int64)
    for part in parts:
        inside = truth[part.row, part.col]
        rows, cols = [i for i, _ in inside], [j for _, j in inside]
        assert part.span == (min(rows), max(rows) + 1, min(cols), max(cols) + 1)
        source = np.arange(64 * 64).reshape(64, 64) + 10_000 * (100 * part.row + part.col)
        parts.take(part, source, into)
    in_chunk = pixels.rows % 64 * 64 + pixels.cols % 64
    expected = in_chunk + 10_000 * (100 * (pixels.rows // 64) + pixels.cols // 64)
    assert np.array_equal(into, np.where(pixels.rows >= 0, expected, -1))


def test_pixels_too_far_apart_are_no_parts_and_take_no_memory() -> None:
    size = MOST_CHUNKS + 1
    rows, cols = np.array([[0, 0]], np.int32), np.array([[0, size]], np.int32)
    assert Parts.of(Pixels(rows, cols), 1) is None
    assert Parts.of(Pixels(rows, cols), 2) is not None


@pytest.mark.parametrize("name", SETS)
def test_morecantile_reads_the_sets_and_puts_tiles_where_we_do(name: str) -> None:
    described: dict[str, Any] = matrix_set(name).as_json()
    read = morecantile.TileMatrixSet.model_validate(described)
    assert (read.minzoom, read.maxzoom) == (0, DEEPEST)
    assert read.is_quadtree or name == "MoonCylindrical"
    crs = pyproj.CRS.from_user_input(described["crs"])
    assert crs.to_authority() == ("IAU_2015", str(matrix_set(name).crs))
    assert crs.ellipsoid is not None
    assert crs.ellipsoid.semi_major_metre == crs.ellipsoid.semi_minor_metre == 1_737_400.0
    rng = np.random.default_rng(6)
    edge = 60.0 if "Polar" in name else 0.0
    for _ in range(20):
        lon, lat = float(rng.uniform(-179, 179)), float(rng.uniform(edge + 1, 89))
        lat = -lat if name == "MoonSouthPolar" else lat
        zoom = int(rng.integers(0, DEEPEST))
        theirs = read.tile(lon, lat, zoom)
        ours = matrix_set(name).tile_over(lon, lat, zoom=zoom)
        assert (theirs.x, theirs.y) == (ours.col, ours.row)
        bounds = read.xy_bounds(theirs)
        assert ours.cell_m * 256 == pytest.approx(bounds.right - bounds.left)


def test_each_zoom_halves_the_cell_and_the_plane_stays() -> None:
    for each in MATRIX_SETS.values():
        for matrix in each.as_json()["tileMatrices"]:
            width = matrix["matrixWidth"] * matrix["tileWidth"] * matrix["cellSize"]
            height = matrix["matrixHeight"] * matrix["tileHeight"] * matrix["cellSize"]
            assert (width, height) == pytest.approx((-2 * each.left, 2 * each.top))
            assert matrix["scaleDenominator"] == pytest.approx(matrix["cellSize"] / 0.00028)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("MoonCylindrical", (0, 2, 0)),
        ("MoonCylindrical", (0, 0, 1)),
        ("MoonNorthPolar", (0, 1, 0)),
        ("MoonSouthPolar", (3, 0, 8)),
        ("MoonSouthPolar", (DEEPEST + 1, 0, 0)),
        ("MoonSouthPolar", (1, -1, 0)),
    ],
)
def test_a_tile_outside_of_its_set_is_told(name: str, place: tuple[int, int, int]) -> None:
    with pytest.raises(UnknownError, match=name):
        Tile(matrix_set(name), *place).require()


def test_a_set_that_there_is_none_of_names_those_there_are() -> None:
    with pytest.raises(UnknownError, match="MoonCylindrical, MoonNorthPolar, MoonSouthPolar"):
        matrix_set("WebMercatorQuad")


def test_polar_places_are_those_of_proj() -> None:
    tile = Tile(matrix_set("MoonSouthPolar"), 3, 2, 5)
    found = places_of(tile, 1000)
    xs = tile.set.left + (tile.col * 256 + np.arange(256) + 0.5) * tile.cell_m
    ys = tile.set.top - (tile.row * 256 + np.arange(256) + 0.5) * tile.cell_m
    plane = pyproj.CRS.from_user_input("IAU_2015:30135")
    lons, lats = pyproj.Transformer.from_crs(
        plane, plane.geodetic_crs, always_xy=True
    ).transform(*np.meshgrid(xs, ys))  # fmt: skip
    assert np.abs(found.down - (90.0 - lats) / 0.36).max() < 1e-8
    assert np.abs(found.east - (lons + 180.0) / 0.36).max() < 1e-8
