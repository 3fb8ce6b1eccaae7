"""Tiles for the oracle: a small Moon of every edge, written as the archive writes its tiles.

Gores of 30 degrees (60 at the poles) at 3.3 px/deg, each a rectangle of sinusoidal pixels that
is null outside its own longitudes but for a seam's width, where neighbours disagree. Beside the
ordinary ground there is one tile of the equations' domain edges, one of bad counts in every
proportion, and a holey product that a second volume holds whole. Imports nothing of lunarscale.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from oracle import BANDS, SourceTile

#: Map resolution of all tiles, px/deg: no simple ratio to any target's.
RESOLUTION = 3.2971347

Gore = tuple[str, str, float, float, float, float]

#: (volume, product, west, east, south, north); the central longitude is the middle.
GORES = (
    ("cl_4017", "UI20N015", 0, 30, 2, 38),
    ("cl_4017", "UI20N345", 330, 360, 2, 38),  # ends at 360
    ("cl_4009", "UI47N015", 0, 30, 33, 62),
    ("cl_4031", "UI45N045", 30, 60, 28, 62),
    ("cl_4005", "UI45N045", 30, 60, 28, 62),  # the same product, full of holes, comes first
    ("cl_4050", "UI06S165", 150, 180, -25, 12),  # ends at 180
    ("cl_4051", "UI06S195", 180, 210, -25, 12),
    ("cl_4052", "UI50N180", 160, 200, 35, 66),  # lies across 180
    ("cl_4053", "UI53S000", -20, 20, -66, -40),  # lies across 0
    ("cl_4060", "UI30S075", 60, 90, -47, -12),  # domain edges
    ("cl_4061", "UI30S105", 90, 120, -47, -12),  # bad counts in every proportion
    *(("cl_4001", f"UI79N{c:03d}", c - 30, c + 30, 66, 90.0) for c in (30, 90, 150, 210, 270)),
    *(("cl_4078", f"UI79S{c:03d}", c - 30, c + 30, -90.0, -66) for c in (30, 90, 210)),
    ("cl_4002", "UI79N330", 300, 360, 66, 90.7),  # lines and samples off the Moon hold counts
    ("cl_4077", "UI79S150", 120, 180, -90.7, -66),
)

#: Every kind of count that is no measurement, and the first and last of each kind.
BAD_COUNTS = (
    *(-32768, -32767, -32766, -32765, -32764),  # special
    *(-1, -2, -7408, -32752, 7408, 9000, 20000, 32752),  # off-scale
    *(-32753, -32760, -32763, 32753, 32760, 32767),  # near saturation
)

#: Counts (415, 750, 950 nm) at and on both sides of every edge of the equations' domains.
EDGE_SPECTRA = (
    *((200, c750, 220) for c750 in (0, 1, 133, 134, 370, 371, 592, 593)),  # R750: x0, 0.05
    *((1800, c750, 3100) for c750 in (2962, 2963, 5000, 7407)),  # R750: 0.40
    *((c415, 2000, 2100) for c415 in (961, 962, 963)),  # 0.481, where Qiu's angle is zero
    *((c415, 2000, 2100) for c415 in (839, 840, 841)),  # 0.42, Lucey's
    *((481 * k + d, 1000 * k, 999 * k) for k in (1, 3) for d in (-1, 0, 1)),
    *((1300, 2222, c950) for c950 in (2400, 2489, 2700, 6000)),  # FeO below zero
    *((700, 1500, c950) for c950 in (0, 500, 7407)),  # OMAT near 1, and beyond the integers
    *((250, 300, c950) for c950 in (1200, 1350, 7407)),
)


def ground(rng: Generator, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.int16]:
    """Counts (band, line, sample) of highlands and seas, with noise in every pixel and band."""
    sea = 0.5 + 0.5 * np.sin(np.radians(7.0 * lon)) * np.cos(np.radians(5.0 * lat))
    r750 = 0.24 - 0.13 * sea + rng.normal(0.0, 0.004, lat.shape)
    ratios = (
        np.array([0.58, 1.0, 1.04, 1.07, 1.10])[:, None, None]
        + np.array([0.08, 0.0, -0.05, -0.08, -0.06])[:, None, None] * sea
    )
    noise = rng.normal(1.0, 0.01, (BANDS, *lat.shape))
    return np.rint(r750 * ratios * noise / 1.35e-4).astype(np.int16)


def blocks(shape: tuple[int, ...], side: int) -> NDArray[np.int64]:
    """Number of the square block that each pixel of an image lies in."""
    line, sample = np.indices(shape)
    number: NDArray[np.int64] = line // side * (shape[1] // side + 1) + sample // side
    return number


def edge_spectra(counts: NDArray[np.int16]) -> None:
    """Fill a tile with blocks of the edge spectra, in place."""
    which = blocks(counts.shape[1:], 13) % len(EDGE_SPECTRA)
    counts[[0, 1, 3]] = np.moveaxis(np.array(EDGE_SPECTRA, dtype=np.int16)[which], -1, 0)


def bad_proportions(rng: Generator, counts: NDArray[np.int16]) -> None:
    """Spoil a tile block by block, in place: each block its share of bad counts and its kinds."""
    number = blocks(counts.shape[1:], 11)
    kinds = rng.choice(BAD_COUNTS, (number.max() + 1, 3))
    kinds[::2] = kinds[::2, :1]  # every other block of one kind, or the greatest reason wins all
    for band in range(BANDS):
        share = rng.choice([0.0, 0.4, 0.5, 0.6, 1.0, 1.0], number.max() + 1)
        bad = rng.random(number.shape) < share[number]
        kind = kinds[number, rng.integers(0, 3, number.shape)]
        counts[band][bad] = kind[bad]


def sprinkle(rng: Generator, counts: NDArray[np.int16]) -> None:
    """Spoil single bands of single pixels, in place, with every kind of bad count."""
    number = counts[0].size // 60
    band, line, sample = (rng.integers(0, size, number) for size in counts.shape)
    counts[band, line, sample] = np.resize(BAD_COUNTS, number)


def make_tile(gore: Gore, seed: int) -> SourceTile:
    """One tile of the list, its offsets odd fractions to seven decimals as labels have them."""
    volume, name, west, east, south, north = gore
    rng = np.random.default_rng(seed)
    widest = np.cos(np.radians(0.0 if south < 0 < north else min(abs(south), abs(north))))
    half = (east - west) / 2 * RESOLUTION * widest
    line_offset = round(north * RESOLUTION + 1 + rng.uniform(0.1, 0.4), 7)
    sample_offset = round(half + 1 + rng.uniform(0.1, 0.9), 7)
    lines = int((north - south) * RESOLUTION) + 2
    samples = int(2 * half) + 3
    lon0 = (west + east) / 2
    lat = (line_offset - np.arange(1, lines + 1)[:, None]) / RESOLUTION
    spacing = RESOLUTION * np.cos(np.radians(lat))
    steps = np.arange(1, samples + 1)[None, :] - sample_offset
    counts = ground(rng, *np.broadcast_arrays(lat, lon0 + steps / spacing))
    if volume == "cl_4060":
        edge_spectra(counts)
    elif volume == "cl_4061":
        bad_proportions(rng, counts)
    elif volume == "cl_4005":
        counts[:, rng.random(counts.shape[1:]) < 0.5] = -32768
    sprinkle(rng, counts)
    counts[:, np.abs(steps) > (east - west) / 2 * np.abs(spacing) + 0.8] = -32768
    if max(north, -south) > 90:
        counts[:, (np.abs(lat) > 90) | (np.abs(steps) > 180 * np.abs(spacing))] = 7000
    return SourceTile(
        name=name,
        path=f"{volume}/data/{name.lower()}.img",
        resolution=RESOLUTION,
        lon0=lon0,
        line_offset=line_offset,
        sample_offset=sample_offset,
        counts=counts,
    )


def make_tiles(
    gores: Iterable[Gore] = GORES,
) -> list[SourceTile]:
    """All tiles of the small Moon, always the same."""
    return [make_tile(gore, seed) for seed, gore in enumerate(gores)]


def label(tile: SourceTile, label_records: int) -> str:
    """The attached label, worded as the archive's example (volinfo.txt, section 12).

    Its corner keywords are as loose as the archive's: georeferencing from them goes wrong.
    """
    _, lines, samples = tile.counts.shape
    north = (tile.line_offset - 1) / tile.resolution
    width = samples / tile.resolution
    valid = tile.counts[(tile.counts >= 0) & (tile.counts <= 7407)]
    statements = f"""
PDS_VERSION_ID                 = PDS3

/*          FILE FORMAT AND LENGTH */

RECORD_TYPE                    = FIXED_LENGTH
RECORD_BYTES                   = {2 * samples}
FILE_RECORDS                   = {label_records + BANDS * lines}
LABEL_RECORDS                  = {label_records}
INTERCHANGE_FORMAT             = BINARY

/*          POINTERS TO START RECORDS OF OBJECTS IN FILE */

^IMAGE                         = {label_records + 1}

/*          IMAGE DESCRIPTION */

DATA_SET_ID                    = "CLEM1-L-U-5-DIM-UVVIS-V1.0"
PRODUCT_ID                     = "{tile.name}"
PRODUCER_INSTITUTION_NAME      = "UNITED STATES GEOLOGICAL SURVEY"
PRODUCT_TYPE                   = MDIM
MISSION_NAME                   = "DEEP SPACE PROGRAM SCIENCE
                                  EXPERIMENT"
SPACECRAFT_NAME                = "CLEMENTINE 1"
INSTRUMENT_NAME                = "ULTRAVIOLET/VISIBLE CAMERA"
INSTRUMENT_ID                  = "UVVIS"
TARGET_NAME                    = "MOON"
FILTER_NAME                    = ("A","B","C","D","E")
CENTER_FILTER_WAVELENGTH       = (415.000,750.000,900.000,
                                  950.000,1000.000)
BANDWIDTH                      = (40.000,10.000,20.000,
                                  30.000,30.000)
START_TIME                     = "N/A"
STOP_TIME                      = "N/A"
SPACECRAFT_CLOCK_START_COUNT   = "N/A"
SPACECRAFT_CLOCK_STOP_COUNT    = "N/A"
PRODUCT_CREATION_TIME          = 1999-01-27T16:10:29
NOTE                           = "UVVIS 5-BAND MOSAIC"

/*          DESCRIPTION OF OBJECTS CONTAINED IN FILE */

OBJECT                         = IMAGE
  BANDS                        = {BANDS}
  BAND_STORAGE_TYPE            = BAND_SEQUENTIAL
  BAND_NAME                    = "N/A"
  LINES                        = {lines}
  LINE_SAMPLES                 = {samples}
  SAMPLE_TYPE                  = MSB_INTEGER
  SAMPLE_BITS                  = 16
  SAMPLE_BIT_MASK              = 2#1111111111111111#
  OFFSET                       = 0.0
  SCALING_FACTOR               = 1.350000E-04
  VALID_MINIMUM                = -32752
  NULL                         = -32768
  LOW_REPR_SATURATION          = -32767
  LOW_INSTR_SATURATION         = -32766
  HIGH_INSTR_SATURATION        = -32765
  HIGH_REPR_SATURATION         = -32764
  MINIMUM                      = {valid.min()}
  MAXIMUM                      = {valid.max()}
  CHECKSUM                     = {int(np.sum(tile.counts.view(np.uint8), dtype=np.int64))}
END_OBJECT                     = IMAGE

OBJECT                         = IMAGE_MAP_PROJECTION
  ^DATA_SET_MAP_PROJECTION     = "DSMAP.CAT"
  COORDINATE_SYSTEM_TYPE       = "BODY-FIXED ROTATING"
  COORDINATE_SYSTEM_NAME       = "PLANETOGRAPHIC"
  MAP_PROJECTION_TYPE          = "SINUSOIDAL"
  MAP_RESOLUTION               = {tile.resolution:.7f}
  MAP_SCALE                    = {30.3233470 / tile.resolution:.7f}
  MAXIMUM_LATITUDE             = {min(north, 90.0):.7f}
  MINIMUM_LATITUDE             = {max(north - lines / tile.resolution, -90.0):.7f}
  EASTERNMOST_LONGITUDE        = {tile.lon0 + width / 2 + 0.0586:.7f}
  WESTERNMOST_LONGITUDE        = {tile.lon0 - width / 2:.7f}
  LINE_PROJECTION_OFFSET       = {tile.line_offset:.7f}
  SAMPLE_PROJECTION_OFFSET     = {tile.sample_offset:.7f}
  A_AXIS_RADIUS                = 1737.4000000
  B_AXIS_RADIUS                = 1737.4000000
  C_AXIS_RADIUS                = 1737.4000000
  FIRST_STANDARD_PARALLEL      = "N/A"
  SECOND_STANDARD_PARALLEL     = "N/A"
  POSITIVE_LONGITUDE_DIRECTION = EAST
  CENTER_LATITUDE              = 0.0
  CENTER_LONGITUDE             = {tile.lon0:.7f}
  REFERENCE_LATITUDE           = "N/A"
  REFERENCE_LONGITUDE          = "N/A"
  LINE_FIRST_PIXEL             = 1
  SAMPLE_FIRST_PIXEL           = 1
  LINE_LAST_PIXEL              = {lines}
  SAMPLE_LAST_PIXEL            = {samples}
  MAP_PROJECTION_ROTATION      = 0.0000000
  VERTICAL_FRAMELET_OFFSET     = "N/A"
  HORIZONTAL_FRAMELET_OFFSET   = "N/A"
END_OBJECT                     = IMAGE_MAP_PROJECTION
END
"""
    return statements.lstrip().replace("\n", "\r\n")


def write_tile(tile: SourceTile, path: Path) -> None:
    """Write one tile: the label padded with blanks to whole records, then the MSB counts."""
    record = 2 * tile.counts.shape[2]
    records = -(-len(label(tile, 99)) // record)
    head = label(tile, records).encode("ascii").ljust(records * record)
    assert len(head) == records * record, "the label outgrew its records"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + tile.counts.astype(">i2").tobytes())


def write_tiles(tiles: Sequence[SourceTile], folder: Path) -> None:
    """Write tiles under a folder as the archive's volumes hold them."""
    for tile in tiles:
        write_tile(tile, folder / tile.path)
