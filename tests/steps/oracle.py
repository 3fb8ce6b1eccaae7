"""What mosaic and maps must be, by brute force: an oracle that imports nothing of lunarscale.

It restates the definitions in plain float64 NumPy: which source pixels a target pixel takes,
when a mean counts, which reason an empty pixel keeps, and the published equations. All of it is
reckoned on the whole Moon; a bounding box is a slice of that. Sums and ties are decided in
integers, and ``floor`` refuses an argument that rounding could put on either side of an edge,
so what comes out does not hang on the order of the operations.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

BANDS = 5
NO_DATA = -32768
SCALE = 1.35e-4
NULL, OFF_SCALE, NEAR_SATURATION = 1, 6, 7

#: Least distance, in pixels or degrees, of any place from an edge it is compared with.
CLEARANCE = 1e-9

#: Float32 kernels err by less than this (wt %, or 1): nothing may lie so near a flag's limit.
FLAG_CLEARANCE = 1e-4


@dataclass(frozen=True)
class SourceTile:
    """A tile as its label gives it; offsets count from 1, ``counts`` is (band, line, sample)."""

    name: str
    path: str
    resolution: float
    lon0: float
    line_offset: float
    sample_offset: float
    counts: NDArray[np.int16]


def wrap(lon: NDArray[np.floating]) -> NDArray[np.floating]:
    """Longitudes brought to [-180, 180)."""
    return (lon + 180.0) % 360.0 - 180.0


def floor(x: NDArray[np.floating]) -> NDArray[np.int64]:
    """``numpy.floor``, sure of itself: no argument may lie within ``CLEARANCE`` of an integer."""
    assert np.all(np.abs(x - np.rint(x)) > CLEARANCE), "a place lies on a pixel's edge"
    return np.floor(x).astype(np.int64)


def round_half_even(total: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.int64]:
    """``total / number`` to the nearest integer, a half to the even one, in integers."""
    quotient, rest = total // number, total % number
    up = (2 * rest > number) | ((2 * rest == number) & (quotient % 2 == 1))
    rounded: NDArray[np.int64] = quotient + up
    return rounded


def classify(counts: NDArray[np.int16]) -> NDArray[np.int64]:
    """Why each count is no measurement: 0 valid, 1-5 special, 6 off-scale, 7 near-saturated."""
    count = counts.astype(np.int64)
    reason = np.zeros(count.shape, dtype=np.int64)
    reason[(count < 0) | (count * SCALE > 1.0)] = OFF_SCALE
    reason[np.abs(count) > 32752] = NEAR_SATURATION
    for special in range(5):  # null, low repr., low instr., high instr., high repr. saturation
        reason[count == -32768 + special] = 1 + special
    return reason


def nearest(tile: SourceTile, height: int) -> list[NDArray[np.int64]]:
    """Every target pixel whose centre has a nearest source pixel in the image.

    Target pixels are numbered row by row over the whole Moon; the answer is three arrays: the
    target's number, and the line and sample (from 0) of its source pixel.
    """
    pixel = 180.0 / height
    _, lines, samples = tile.counts.shape
    lat = 90.0 - (np.arange(height) + 0.5) * pixel
    east = wrap((np.arange(2 * height) + 0.5) * pixel - 180.0 - tile.lon0)
    assert np.all(np.abs(np.abs(east) - 180.0) > CLEARANCE), "a centre lies opposite the tile"
    line = floor(tile.line_offset - lat * tile.resolution + 0.5) - 1
    row = np.flatnonzero((line >= 0) & (line < lines))
    spacing = tile.resolution * np.cos(np.radians(lat[row]))
    sample = floor(tile.sample_offset + east[None, :] * spacing[:, None] + 0.5) - 1
    hit, col = np.nonzero((sample >= 0) & (sample < samples))
    return [row[hit] * 2 * height + col, line[row[hit]], sample[hit, col]]


def inside(tile: SourceTile, height: int) -> list[NDArray[np.int64]]:
    """Every source pixel on the Moon, with the target pixel that its centre falls inside.

    Three arrays as ``nearest`` gives them, one entry a source pixel.
    """
    pixel = 180.0 / height
    _, lines, samples = tile.counts.shape
    line, sample = (i.ravel() for i in np.indices((lines, samples)))
    lat = (tile.line_offset - (line + 1)) / tile.resolution
    east = (sample + 1 - tile.sample_offset) / (tile.resolution * np.cos(np.radians(lat)))
    assert np.all(np.abs(np.abs(lat) - 90.0) > CLEARANCE), "a source line lies on a pole"
    assert np.all(np.abs(np.abs(east) - 180.0) > CLEARANCE), "a source pixel lies on its seam"
    on_moon = (np.abs(lat) < 90.0) & (east >= -180.0) & (east < 180.0)
    line, sample, lat, east = (a[on_moon] for a in (line, sample, lat, east))
    row = floor((90.0 - lat) / pixel)
    col = floor((wrap(tile.lon0 + east) + 180.0) / pixel)
    return [row * 2 * height + col, line, sample]


def contributions(tile: SourceTile, height: int) -> list[NDArray[np.int64]]:
    """Which source pixels of a tile go into which target pixels: target, line, sample."""
    near = nearest(tile, height)
    if tile.resolution * 180.0 / height < 1.5:
        return near
    mean = inside(tile, height)
    left = ~np.isin(near[0], mean[0])
    return [np.concatenate([m, n[left]]) for m, n in zip(mean, near, strict=True)]


@dataclass(frozen=True)
class Mosaic:
    """Counts (band, row, col) int16 and flags (row, col) uint16; row 0 north, column 0 at -180."""

    counts: NDArray[np.int16]
    flags: NDArray[np.uint16]

    def crop(self, west: float, south: float, east: float, north: float) -> "Mosaic":
        """The pixels that a box touches; west > east goes on past the seam."""
        height, width = self.flags.shape
        rows, cols = box_pixels((west, south, east, north), height)
        return Mosaic(
            np.take(self.counts[:, rows], cols % width, axis=2),
            np.take(self.flags[rows], cols % width, axis=1),
        )


def box_pixels(
    box: tuple[float, float, float, float], height: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns that a box of decimal degrees touches; columns run on past the seam."""
    west, south, east, north = (Fraction(str(edge)) for edge in box)
    east += 360 * (west > east)
    a_pixel = Fraction(180, height)
    rows = np.arange(math.floor((90 - north) / a_pixel), math.ceil((90 - south) / a_pixel))
    return rows, np.arange(math.floor((west + 180) / a_pixel), math.ceil((east + 180) / a_pixel))


def mosaic(tiles: Sequence[SourceTile], height: int) -> Mosaic:
    """The mosaic of the whole Moon with ``height`` rows.

    Tiles are laid down in the order of name and path. A band of a pixel is settled after the
    first tile by which at least one contribution is valid, and they are at least half of what
    the richest tile so far had to give.
    """
    pixels = height * 2 * height
    richest = np.zeros(pixels, dtype=np.int64)
    valid, total, worst = (np.zeros((BANDS, pixels), dtype=np.int64) for _ in range(3))
    settled = np.zeros((BANDS, pixels), dtype=bool)
    counts = np.full((BANDS, pixels), NO_DATA, dtype=np.int64)
    for tile in sorted(tiles, key=lambda t: (t.name.upper(), t.path)):
        target, line, sample = contributions(tile, height)
        richest = np.maximum(richest, np.bincount(target, minlength=pixels))
        for band in range(BANDS):
            count = tile.counts[band, line, sample].astype(np.int64)
            reason = classify(tile.counts[band, line, sample])
            np.add.at(valid[band], target, reason == 0)
            np.add.at(total[band], target, np.where(reason == 0, count, 0))
            np.maximum.at(worst[band], target, reason)
            enough = (valid[band] >= 1) & (2 * valid[band] >= richest)
            now = np.flatnonzero(enough & ~settled[band])
            counts[band, now] = round_half_even(total[band, now], valid[band, now])
            settled[band, now] = True
    reasons = np.where(settled, 0, np.maximum(worst, NULL))
    flags = sum(reasons[band] << (3 * band) for band in range(BANDS))
    return Mosaic(
        counts.reshape(BANDS, height, 2 * height).astype(np.int16),
        np.asarray(flags, dtype=np.uint16).reshape(height, 2 * height),
    )


@dataclass(frozen=True)
class Equation:
    """One published equation: layer, kind (FeO, TiO2 or OMAT), origin and coefficients."""

    layer: str
    kind: str
    x0: float
    y0: str
    coefficients: tuple[float, float] = (math.nan, math.nan)

    @property
    def quantum(self) -> float:
        """Step of the map's integers, wt % or 1."""
        return 1e-4 if self.kind == "OMAT" else 0.005


#: Qiu, Yan & Liu 2025, eqs 1-5; Lucey et al. 2000, JGR 105, 20297 and 20377.
EQUATIONS = {
    "qiu-2025-feo": Equation("FeO", "FeO", 0.018, "1.188", (24.770, -8.053)),
    "qiu-2025-tio2": Equation("TiO2", "TiO2", 0.0, "0.481", (7.128, 4.022)),
    "qiu-2025-omat": Equation("OMAT", "OMAT", 0.018, "1.188"),
    "lucey-2000-feo": Equation("FeO_lucey_2000", "FeO", 0.08, "1.19", (17.427, -7.565)),
    "lucey-2000-tio2": Equation("TiO2_lucey_2000", "TiO2", 0.0, "0.42", (3.708, 5.979)),
    "lucey-2000-omat": Equation("OMAT_lucey_2000", "OMAT", 0.08, "1.19"),
}

#: What each band reason becomes in a map: null 1, saturated 2, off-scale 3.
MAP_REASON = np.array([0, 1, 2, 2, 2, 2, 3, 2])


def predict(source: Mosaic, equation: Equation) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Map of one equation: counts of its quantum and flags, (row, col)."""
    other = 0 if equation.kind == "TiO2" else 3  # 415 nm over 750 nm, else 950 over 750
    reason_750, reason_other = ((source.flags >> (3 * band)) & 7 for band in (1, other))
    flag = np.maximum(MAP_REASON[reason_750], MAP_REASON[reason_other])
    usable = flag == 0
    # a stand-in keeps the arithmetic quiet where there is no input; its result is not used
    count_750, count_other = (
        np.where(usable, source.counts[band], 1).astype(np.int64) for band in (1, other)
    )
    r750 = count_750 * SCALE
    flag[usable & (r750 <= equation.x0)] = 4
    usable = flag == 0
    run = np.where(usable, r750 - equation.x0, 1.0)
    rise = count_other / np.maximum(count_750, 1) - float(equation.y0)
    if equation.kind == "FeO":
        value = -np.arctan(rise / run) * equation.coefficients[0] + equation.coefficients[1]
    elif equation.kind == "TiO2":
        # the ratio meets a three-decimal y0 exactly at some counts: decided in integers
        not_positive = 1000 * count_other <= round(Fraction(equation.y0) * 1000) * count_750
        flag[usable & not_positive] = 5
        angle = np.where(not_positive, 0.0, np.arctan(rise / run))
        value = equation.coefficients[0] * angle ** equation.coefficients[1]
    else:
        value = np.sqrt(run**2 + rise**2)
    usable = flag == 0
    assert not near(value[usable], 32767.5 * equation.quantum), (
        "a value too near to the range's end"
    )
    assert equation.kind != "FeO" or not near(value[usable], 0.0), "an FeO too near to zero"
    steps = np.rint(value / equation.quantum)
    flag[usable & (np.abs(steps) > 32767)] = 6
    usable = flag == 0
    flag[usable & (value < 0)] |= 8
    flag[usable & ((r750 < 0.05) | (r750 > 0.40))] |= 16
    return np.where(usable, steps, NO_DATA).astype(np.int16), flag.astype(np.uint8)


def near(value: NDArray[np.floating], limit: float) -> bool:
    """Whether any value lies so near a limit that float32 may put it on the other side."""
    return bool(np.any(np.abs(value - limit) < FLAG_CLEARANCE))
