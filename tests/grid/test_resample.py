"""Laying an archive's pixels, against a literal loop over every pixel, and its laws.

The loop below is written from the words of issue and archive, in plain Python: which source
pixels fall into a target pixel, or which is nearest; then tile after tile.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lunarscale.bands import ClementineReason
from lunarscale.flags import NO_DATA
from lunarscale.grid.catalogue import Catalogue
from lunarscale.grid.projections import Lattice
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.resample import (
    MEAN_FROM,
    Overlay,
    source_lines,
    source_samples,
    touches,
)

BANDS = 2

#: A test's own code of counts: one that is none is so many more for each step of its reason.
STEP = 4000

#: Bytes of a count in a file.
ORDERS = (">i2", "<i2")


@dataclass(frozen=True)
class Image:
    """A tile: where its pixels are, and what they are."""

    lattice: Lattice
    counts: NDArray[np.int16]
    reasons: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and samples."""
        return self.counts.shape[1], self.counts.shape[2]

    def in_file(self, order: str) -> NDArray[np.int16]:
        """The counts as a file has them, where only ``table`` knows which are none."""
        return (self.counts * (self.reasons == 0) + np.int16(STEP) * self.reasons).astype(order)

    def table(self) -> NDArray[np.uint8]:
        """The reason of every count of the file, by its bits."""
        table = np.zeros(65536, np.uint8)
        if self.reasons.any():
            table[STEP * np.arange(8)] = np.arange(8)
        return table


def image(lattice: Lattice, shape: tuple[int, int], *, seed: int, good: float = 0.7) -> Image:
    """An image of random counts of which a share is valid, the others for random reasons."""
    rng = np.random.default_rng(seed)
    size = (BANDS, *shape)
    reasons = np.where(rng.random(size) < good, 0, rng.integers(1, 8, size)).astype(np.uint8)
    counts = rng.integers(-3, 4, size).astype(np.int16)
    counts[reasons == ClementineReason.NULL] = NO_DATA
    return Image(lattice, counts, reasons)


@st.composite
def lattices(draw: st.DrawFn) -> Lattice:
    """A lattice anywhere; its offsets are no round numbers, so that no centre is on an edge."""
    ppd = draw(st.sampled_from([0.03, 0.06, 0.1, 0.2])) * (1 + math.pi * 1e-4)
    lon0 = draw(st.integers(-180, 360)) + math.e * 1e-2
    top = draw(st.sampled_from([95, 90, 60, 33, 5, -40, -80])) + math.sqrt(2) * 1e-2
    first = draw(st.sampled_from([12, 7, 19, 36, 1, -5, 50])) + math.sqrt(3) * 1e-2
    kind = draw(st.sampled_from(["sinusoidal", "simple-cylindrical"]))
    return Lattice(kind, ppd, lon0, top * ppd, first)


@st.composite
def images(draw: st.DrawFn) -> Image:
    """A little image anywhere."""
    shape = draw(st.sampled_from([9, 14, 20, 1])), draw(st.sampled_from([24, 40, 75, 3, 1]))
    good = draw(st.sampled_from([0.8, 0.5, 1.0, 0.0]))
    return image(draw(lattices()), shape, seed=draw(st.integers(0, 999)), good=good)


@st.composite
def places(draw: st.DrawFn) -> tuple[RasterGrid, Window]:
    """A grid, whole or a part, over the seam too, and a window of it."""
    around = 2 * draw(st.integers(2, 14))
    grid = RasterGrid(around, 0, 0, around // 2, around)
    if draw(st.booleans()):
        row, col = draw(st.integers(0, around // 2 - 1)), draw(st.integers(0, around - 1))
        height, width = draw(st.integers(1, around // 2 - row)), draw(st.integers(1, around))
        grid = RasterGrid(around, row, col, height, width)
    if draw(st.booleans()):
        return grid, grid.window
    top, left = draw(st.integers(0, grid.height - 1)), draw(st.integers(0, grid.width - 1))
    height, width = draw(st.integers(1, grid.height - top)), draw(st.integers(1, grid.width - left))
    return grid, Window(top, left, height, width)


TILES = st.lists(images(), min_size=1, max_size=3)


def laid(
    tiles: list[Image], grid: RasterGrid, window: Window, *, cut: bool = False, order: str = ">i2"
) -> Overlay:
    """The tiles laid in their order; ``cut`` to what the window can need, as the engine does."""
    overlay = Overlay(grid, window, BANDS)
    for tile in tiles:
        lines, samples = (slice(0, size) for size in tile.shape)
        if cut:
            if not touches(tile.lattice, tile.shape, grid=grid, window=window):
                continue
            lines = source_lines(tile.lattice, tile.shape[0], grid=grid, window=window)
            samples = source_samples(tile.lattice, tile.shape[1], grid=grid, window=window)
            if lines.start == lines.stop or samples.start == samples.stop:
                continue
        overlay.lay(
            tile.in_file(order)[:, lines, samples],
            tile.table(),
            lattice=tile.lattice,
            first=(lines.start, samples.start),
        )
    return overlay


def inside(tile: Image, grid: RasterGrid) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Source pixels by the row and column of the whole grid that hold their centres."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    lattice, pixel = tile.lattice, 360.0 / grid.around
    for line in range(tile.shape[0]):
        lat = (lattice.line_offset - (line + 1)) / lattice.ppd
        if abs(lat) > 90:
            continue
        squeeze = math.cos(math.radians(lat)) if lattice.projection == "sinusoidal" else 1.0
        for sample in range(tile.shape[1]):
            east = (sample + 1 - lattice.sample_offset) / (lattice.ppd * squeeze)
            if -180 <= east < 180:
                col = math.floor(((lattice.lon0 + east + 180) % 360) / pixel)
                place = math.floor((90 - lat) / pixel), col
                found.setdefault(place, []).append((line, sample))
    return found


def nearest(tile: Image, lon: float, lat: float) -> list[tuple[int, int]]:
    """The source pixel that holds a place, if the image does."""
    lattice = tile.lattice
    squeeze = math.cos(math.radians(lat)) if lattice.projection == "sinusoidal" else 1.0
    east = (lon - lattice.lon0 + 180) % 360 - 180
    line = math.floor(lattice.line_offset - lat * lattice.ppd + 0.5) - 1
    sample = math.floor(lattice.sample_offset + east * lattice.ppd * squeeze + 0.5) - 1
    is_in = 0 <= line < tile.shape[0] and 0 <= sample < tile.shape[1]
    return [(line, sample)] if is_in else []


@dataclass
class Pixel:
    """One band of one target pixel while tiles are laid one after the other."""

    held: list[int]
    most: int = 0
    worst: int = int(ClementineReason.NULL)
    count: int | None = None
    disagreements: int = 0

    def add(self, counts: list[int], reasons: list[int], most: int) -> None:
        """One tile's pixels."""
        self.most = most
        good = [c for c, r in zip(counts, reasons, strict=True) if r == ClementineReason.VALID]
        if self.count is not None:
            if good and 2 * len(good) >= len(counts):
                self.disagreements += round(sum(good) / len(good)) != self.count
            return
        self.held += good
        self.worst = max(self.worst, *reasons)
        if self.held and 2 * len(self.held) >= self.most:
            self.count = round(sum(self.held) / len(self.held))


def literally(
    tiles: list[Image], grid: RasterGrid, window: Window
) -> tuple[NDArray[np.int16], NDArray[np.uint8], int]:
    """Counts, reasons and disagreements, pixel by pixel."""
    counts = np.full((BANDS, window.height, window.width), NO_DATA, np.int16)
    reasons = np.zeros(counts.shape, np.uint8)
    disagreements = 0
    members = [inside(tile, grid) for tile in tiles]
    for row in range(window.height):
        for col in range(window.width):
            place = grid.row + window.row + row, (grid.col + window.col + col) % grid.around
            lat = 90 - (place[0] + 0.5) * 360 / grid.around
            lon = (grid.col + window.col + col + 0.5) * 360 / grid.around - 180
            pixels, most = [Pixel([]) for _ in range(BANDS)], 0
            for tile, member in zip(tiles, members, strict=True):
                found = member.get(place, []) if is_mean(tile, grid) else []
                found = found or nearest(tile, lon, lat)
                most = max(most, len(found))
                if found:
                    for band, pixel in enumerate(pixels):
                        pixel.add(
                            [int(tile.counts[(band, *at)]) for at in found],
                            [int(tile.reasons[(band, *at)]) for at in found],
                            most,
                        )
            for band, pixel in enumerate(pixels):
                if pixel.count is not None:
                    counts[band, row, col] = pixel.count
                reasons[band, row, col] = 0 if pixel.count is not None else pixel.worst
                disagreements += pixel.disagreements
    return counts, reasons, disagreements


def is_mean(tile: Image, grid: RasterGrid) -> bool:
    """Whether a target pixel is at least 1.5 native ones."""
    return tile.lattice.ppd * 360 / grid.around >= MEAN_FROM


def assert_same(found: Overlay, expected: Overlay) -> None:
    """Counts, reasons and disagreements, bit for bit."""
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_array_equal(found.reasons, expected.reasons)
    assert found.disagreements == expected.disagreements


@settings(deadline=None, max_examples=300)
@given(tiles=TILES, place=places(), order=st.sampled_from(ORDERS))
def test_every_pixel_is_the_literal_loops(
    tiles: list[Image], place: tuple[RasterGrid, Window], order: str
) -> None:
    counts, reasons, disagreements = literally(tiles, *place)
    found = laid(tiles, *place, order=order)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_array_equal(found.reasons, reasons)
    assert found.disagreements == disagreements


@settings(deadline=None, max_examples=300)
@given(tiles=TILES, place=places())
def test_what_a_window_asks_for_is_enough(
    tiles: list[Image], place: tuple[RasterGrid, Window]
) -> None:
    """Tiles left out, lines and samples cut off: nothing of them would have been laid."""
    assert_same(laid(tiles, *place, cut=True), laid(tiles, *place))


@settings(deadline=None, max_examples=300)
@given(tiles=TILES, place=places())
def test_a_catalogue_forgets_no_tile(tiles: list[Image], place: tuple[RasterGrid, Window]) -> None:
    """What it leaves out would have been laid to no effect."""
    near = Catalogue.of((tile.lattice, tile.shape) for tile in tiles).near(*place)
    assert_same(laid([tiles[number] for number in near], *place), laid(tiles, *place))


def test_a_catalogue_leaves_out_what_is_far() -> None:
    """Of all the degrees of the Moon, a window of four has its own and their neighbours."""
    corners = [(west, north) for north in range(65, -65, -1) for west in range(-180, 180)]
    images = [
        (Lattice("simple-cylindrical", 8, west + 0.5, north * 8 + 1.0, 5.0), (8, 8))
        for west, north in corners
    ]
    catalogue, grid = Catalogue.of(images), RasterGrid.whole(8)
    for window in (Window(300, 640, 32, 32), Window(300, 0, 32, 32), Window(700, 2848, 32, 32)):
        near = catalogue.near(grid, window)
        west, south, east, north = grid.bounds(window)
        held = [
            number
            for number, (lon, lat) in enumerate(corners)
            if south < lat <= north and (lon - west) % 360 < east - west
        ]
        assert set(held) <= set(near.tolist())
        assert len(held) == 16
        assert len(near) <= 49


@settings(deadline=None)
@given(tiles=TILES, place=places(), size=st.integers(1, 20))
def test_any_split_gives_the_same_bits(
    tiles: list[Image], place: tuple[RasterGrid, Window], size: int
) -> None:
    grid, window = place
    whole, disagreements = laid(tiles, grid, window), 0
    for part in window.split(size):
        piece = laid(tiles, grid, part, cut=True)
        at = Window(part.row - window.row, part.col - window.col, part.height, part.width).slices
        np.testing.assert_array_equal(piece.counts, whole.counts[:, *at])
        np.testing.assert_array_equal(piece.reasons, whole.reasons[:, *at])
        disagreements += piece.disagreements
    assert disagreements == whole.disagreements


@settings(deadline=None)
@given(tile=images(), place=places(), seed=st.integers(0, 99), before=st.booleans())
def test_a_null_never_covers_a_valid_pixel(
    tile: Image, place: tuple[RasterGrid, Window], seed: int, before: bool
) -> None:
    """A tile of nothing laid below or above another of the same lattice changes no count."""
    empty = image(tile.lattice, tile.shape, seed=seed, good=0.0)
    found = laid([empty, tile] if before else [tile, empty], *place)
    alone = laid([tile], *place)
    np.testing.assert_array_equal(found.counts, alone.counts)
    assert found.disagreements == 0


@settings(deadline=None)
@given(tiles=TILES, place=places())
def test_of_nearest_pixels_the_first_valid_one_wins(
    tiles: list[Image], place: tuple[RasterGrid, Window]
) -> None:
    tiles = [tile for tile in tiles if not is_mean(tile, place[0])]
    counts = [laid([tile], *place).counts for tile in tiles]
    first = np.full((BANDS, place[1].height, place[1].width), NO_DATA, np.int16)
    for mine in reversed(counts):
        first = np.where(mine == NO_DATA, first, mine)
    found = laid(tiles, *place)
    np.testing.assert_array_equal(found.counts, first)
    others = [np.count_nonzero((mine != NO_DATA) & (mine != first)) for mine in counts]
    assert found.disagreements == sum(others)


@settings(deadline=None)
@given(tile=images(), place=places())
def test_a_tile_agrees_with_itself(tile: Image, place: tuple[RasterGrid, Window]) -> None:
    """Laid again it changes no count; by the mean it may fill a pixel that lacked the half."""
    twice = laid([tile, tile], *place)
    once = laid([tile], *place)
    held = once.counts != NO_DATA if is_mean(tile, place[0]) else np.s_[...]
    np.testing.assert_array_equal(twice.counts[held], once.counts[held])
    assert twice.disagreements == 0


def cylindrical(ppd: float, grid: RasterGrid) -> Lattice:
    """A simple cylindrical lattice whose first pixel's corner is the grid's."""
    west, _, _, north = grid.bounds()
    return Lattice("simple-cylindrical", ppd, west + 180, north * ppd + 0.5, 180 * ppd + 0.5)


def test_a_mean_is_rounded_half_to_even_and_needs_half() -> None:
    """Four native pixels a target pixel, in six cases whose answer one can see."""
    grid = RasterGrid.whole(0.1)
    tile = Image(
        cylindrical(0.2, grid),
        np.array([[[1, 2, 1, 2, 9, 0, 7, 9, 9, 9, -1, -2]]], np.int16).repeat(2, 1).repeat(2, 0),
        np.zeros((2, 2, 12), np.uint8),
    )
    tile.counts[:, 1, 2:4] = 2, 1
    tile.counts[:, 1, 0] = 2  # 1 2 2 2: 1.75
    tile.reasons[:, :, 5] = ClementineReason.HIGH_REPR_SATURATION  # two of four
    tile.reasons[:, 0, 7], tile.reasons[:, 1, 6:8] = 1, 3  # one of four
    tile.reasons[:, :, 8:10] = ClementineReason.NULL
    found = laid([tile], grid, Window(0, 0, 1, 6))
    assert found.counts[0, 0].tolist() == [2, 2, 9, NO_DATA, NO_DATA, -2]
    assert found.reasons[0, 0].tolist() == [0, 0, 0, 3, 1, 0]


def test_half_of_two_tiles_fills_a_border_pixel() -> None:
    """Two tiles that each hold half of a target pixel's native ones give the mean of both."""
    grid = RasterGrid.whole(0.1)
    lattice = cylindrical(0.2, grid)
    counts = np.array([[10, 20], [30, 41]], np.int16)[None].repeat(2, 0)
    left, right = (np.zeros((2, 2, 2), np.uint8) for _ in "ab")
    left[:, 1, 0] = left[:, :, 1] = ClementineReason.NULL  # one of four alone is not enough
    right[:, :, 0] = ClementineReason.NULL
    tiles = [Image(lattice, counts, reasons) for reasons in (left, right)]
    found = laid(tiles, grid, Window(0, 0, 1, 1))
    assert found.counts[0, 0, 0] == round((10 + 20 + 41) / 3)
    assert laid(tiles[:1], grid, Window(0, 0, 1, 1)).counts[0, 0, 0] == NO_DATA


def test_a_pixel_that_nothing_reaches_is_null() -> None:
    found = Overlay(RasterGrid.whole(0.1), Window(0, 0, 2, 3), BANDS)
    assert np.all(found.counts == NO_DATA)
    assert np.all(found.reasons == ClementineReason.NULL)


@pytest.mark.parametrize("ppd", [1.0, 1.499, 1.5, 4.0])
def test_the_whole_moon_in_one_image_leaves_no_gap(ppd: float) -> None:
    """Both poles, the seam, and the meridian opposite the centre, by nearest and by mean."""
    grid = RasterGrid.whole(1.0)
    lattice = Lattice("sinusoidal", ppd, 33.3, 90 * ppd + 0.5, 180 * ppd + 0.5)
    size = BANDS, round(180 * ppd), round(360 * ppd)
    tile = Image(lattice, np.ones(size, np.int16), np.zeros(size, np.uint8))
    found = laid([tile], grid, grid.window, cut=True)
    assert np.all(found.counts == 1)


def degree(west: int, north: int, ppd: int, seed: int) -> Image:
    """A tile of one degree as Kaguya's are: its first pixel is centred on its corner."""
    counts = np.random.default_rng(seed).integers(0, 30000, (BANDS, ppd, ppd)).astype(np.int16)
    lattice = Lattice("simple-cylindrical", ppd, west + 0.5, north * ppd + 1.0, ppd / 2 + 1.0)
    return Image(lattice, counts, np.zeros(counts.shape, np.uint8))


@pytest.mark.parametrize("ppd", [8, 12, 20, 28, 100])
@pytest.mark.parametrize("corner", [(124, 51), (-180, 1), (179, 0), (-1, -37), (0, 90)])
@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_pixels_centred_on_edges_fill_their_own_degree(
    ppd: int, corner: tuple[int, int], ratio: int
) -> None:
    """Halfway between two pixels either would do, but all must go the same way: float64 mean."""
    west, north = corner
    tiles = [
        degree((west + right + 180) % 360 - 180, north - down, ppd, 7 * right + down + 8)
        for right in (-1, 0, 1)
        for down in (-1, 0, 1)
        if -89 <= north - down <= 90
    ]
    own = degree(*corner, ppd, 8)
    grid = RasterGrid.whole(ppd / ratio).crop(west, north - 1, west + 1, north)
    blocks = own.counts.reshape(BANDS, ppd // ratio, ratio, ppd // ratio, ratio)
    mean = np.rint(blocks.astype(np.float64).mean(axis=(2, 4))).astype(np.int16)
    for order in (tiles, tiles[::-1]):
        found = laid(order, grid, grid.window, cut=True)
        assert found.disagreements == 0
        np.testing.assert_array_equal(found.counts, mean)
        assert not found.reasons.any()
