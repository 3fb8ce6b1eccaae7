"""Files in the archives' own formats, written without any help of lunarscale."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

# The example label of volinfo.txt, section 12, with places for what differs between tiles.
LABEL = """\
PDS_VERSION_ID                 = PDS3

/*          FILE FORMAT AND LENGTH */

RECORD_TYPE                    = FIXED_LENGTH
RECORD_BYTES                   = {record_bytes}
FILE_RECORDS                   = {file_records}
LABEL_RECORDS                  = {label_records}
INTERCHANGE_FORMAT             = BINARY

/*          POINTERS TO START RECORDS OF OBJECTS IN FILE */

^IMAGE                         = {pointer}

/*          IMAGE DESCRIPTION */

DATA_SET_ID                    = "{data_set}"
PRODUCT_ID                     = "{product}"
PRODUCER_INSTITUTION_NAME      = "{producer}"
PRODUCT_TYPE                   = MDIM
MISSION_NAME                   = "DEEP SPACE PROGRAM SCIENCE
                                  EXPERIMENT"
SPACECRAFT_NAME                = "CLEMENTINE 1"
INSTRUMENT_NAME                = "ULTRAVIOLET/VISIBLE CAMERA"
INSTRUMENT_ID                  = "UVVIS"
TARGET_NAME                    = "{target}"
FILTER_NAME                    = ("A","B","C","D","E")
CENTER_FILTER_WAVELENGTH       = ({wavelengths})
BANDWIDTH                      = (40.000,10.000,20.000,
                                  30.000,30.000)
START_TIME                     = "N/A"
PRODUCT_CREATION_TIME          = 1999-01-27T16:10:29
NOTE                           = "UVVIS 5-BAND MOSAIC"

/*          DESCRIPTION OF OBJECTS CONTAINED IN FILE */

OBJECT                         = IMAGE
  BANDS                        = {bands}
  BAND_STORAGE_TYPE            = {storage}
  BAND_NAME                    = "N/A"
  LINES                        = {lines}
  LINE_SAMPLES                 = {samples}
  SAMPLE_TYPE                  = {sample_type}
  SAMPLE_BITS                  = {bits}
  SAMPLE_BIT_MASK              = 2#1111111111111111#
  OFFSET                       = {offset}
  SCALING_FACTOR               = {scale}
  VALID_MINIMUM                = -32752
  NULL                         = {null}
  LOW_REPR_SATURATION          = -32767
  LOW_INSTR_SATURATION         = -32766
  HIGH_INSTR_SATURATION        = -32765
  HIGH_REPR_SATURATION         = -32764
  MINIMUM                      = 521
  MAXIMUM                      = 2465
  CHECKSUM                     = 2621856957
END_OBJECT                     = IMAGE

OBJECT                         = IMAGE_MAP_PROJECTION
  ^DATA_SET_MAP_PROJECTION     = "DSMAP.CAT"
  COORDINATE_SYSTEM_TYPE       = "BODY-FIXED ROTATING"
  COORDINATE_SYSTEM_NAME       = "PLANETOGRAPHIC"
  MAP_PROJECTION_TYPE          = "{projection}"
  MAP_RESOLUTION               = {ppd}
  MAP_SCALE                    = 0.1000000
  MAXIMUM_LATITUDE             = 7.0000000
  MINIMUM_LATITUDE             = -0.0132000
  EASTERNMOST_LONGITUDE        = 360.0586
  WESTERNMOST_LONGITUDE        = 0.0000000
  LINE_PROJECTION_OFFSET       = {line_offset}
  SAMPLE_PROJECTION_OFFSET     = {sample_offset}
  A_AXIS_RADIUS                = {radius}
  B_AXIS_RADIUS                = {radius}
  C_AXIS_RADIUS                = {radius}
  FIRST_STANDARD_PARALLEL      = "N/A"
  POSITIVE_LONGITUDE_DIRECTION = {east}
  CENTER_LATITUDE              = 0.0
  CENTER_LONGITUDE             = {lon0}
  REFERENCE_LATITUDE           = "N/A"
  LINE_FIRST_PIXEL             = 1
  SAMPLE_FIRST_PIXEL           = 1
  LINE_LAST_PIXEL              = {lines}
  SAMPLE_LAST_PIXEL            = {samples}
  MAP_PROJECTION_ROTATION      = 0.0000000
END_OBJECT                     = IMAGE_MAP_PROJECTION
END
"""

Counts = NDArray[np.int16]


def label_text(shape: tuple[int, ...], **changes: object) -> str:
    """The label of an image of ``shape``; UI03N003's own figures unless changed."""
    bands, lines, samples = shape
    values: dict[str, object] = {
        "record_bytes": 2 * samples, "file_records": 0, "label_records": 0, "pointer": 3,
        "producer": "UNITED STATES GEOLOGICAL SURVEY", "data_set": "CLEM1-L-U-5-DIM-UVVIS-V1.0",
        "product": "UI03N003", "target": "MOON",
        "wavelengths": "415.000,750.000,900.000,\n          950.000,1000.000",
        "bands": bands, "storage": "BAND_SEQUENTIAL", "lines": lines, "samples": samples,
        "sample_type": "MSB_INTEGER", "bits": 16, "offset": "0.0", "scale": "1.350000E-04",
        "null": -32768, "projection": "SINUSOIDAL", "ppd": "303.2334900",
        "line_offset": "2123.6345297", "sample_offset": "4549.5024429", "radius": "1737.4000000",
        "east": "EAST", "lon0": "15.0000000",
    }  # fmt: skip
    assert set(changes) <= set(values), "a keyword that the label has no place for"
    return LABEL.format(**(values | changes)).replace("\n", "\r\n")


def attached(counts: Counts, **changes: object) -> bytes:
    """A whole tile: label, padding to a full record, the image in big-endian order."""
    record = 2 * counts.shape[2]
    records = -(-len(label_text(counts.shape, **changes)) // record) + 1
    sizes = {
        "label_records": records,
        "file_records": records + counts.shape[0] * counts.shape[1],
        "pointer": records + 1,
    }
    label = label_text(counts.shape, **(sizes | changes)).encode("ascii")
    return label.ljust(records * record) + counts.astype(">i2").tobytes()


@pytest.fixture
def make_label() -> Callable[..., str]:
    """``label_text(shape, **changes)``."""
    return label_text


@pytest.fixture
def make_tile() -> Callable[..., bytes]:
    """``attached(counts, **changes)``."""
    return attached


@pytest.fixture
def counts() -> Counts:
    """Five bands of 40 x 30 counts, every one different from its neighbours."""
    return np.random.default_rng(7).integers(0, 7400, (5, 40, 30), dtype=np.int16)


@pytest.fixture
def tile_path(tmp_path: Path, counts: Counts) -> Path:
    """One good tile with an attached label."""
    path = tmp_path / "ui03n003.img"
    path.write_bytes(attached(counts))
    return path
