"""The attached PDS3 label of a tile: the archive's keywords, in its order and form."""

import math

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.moon import RADIUS_M
from lunarscale.simulated.tiling import TilePlan

#: The archive's example label (volinfo.txt, section 12), its facts left open.
TEMPLATE = """\
PDS_VERSION_ID                 = PDS3

/*          FILE FORMAT AND LENGTH */

RECORD_TYPE                    = FIXED_LENGTH
RECORD_BYTES                   = {record_bytes}
FILE_RECORDS                   = {file_records}
LABEL_RECORDS                  = {label_records}
INTERCHANGE_FORMAT             = BINARY

/*          POINTERS TO START RECORDS OF OBJECTS IN FILE */

^IMAGE                         = {image_record}

/*          IMAGE DESCRIPTION */

DATA_SET_ID                    = "CLEM1-L-U-5-DIM-UVVIS-V1.0"
PRODUCT_ID                     = "{name}"
PRODUCER_INSTITUTION_NAME      = "LUNARSCALE SIMULATION"
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
PRODUCT_CREATION_TIME          = "N/A"
NOTE                           = "SIMULATED UVVIS 5-BAND MOSAIC"

/*          DESCRIPTION OF OBJECTS CONTAINED IN FILE */

OBJECT                         = IMAGE
  BANDS                        = 5
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
  MINIMUM                      = {minimum}
  MAXIMUM                      = {maximum}
  CHECKSUM                     = {checksum}
END_OBJECT                     = IMAGE

OBJECT                         = IMAGE_MAP_PROJECTION
  ^DATA_SET_MAP_PROJECTION     = "DSMAP.CAT"
  COORDINATE_SYSTEM_TYPE       = "BODY-FIXED ROTATING"
  COORDINATE_SYSTEM_NAME       = "PLANETOGRAPHIC"
  MAP_PROJECTION_TYPE          = "SINUSOIDAL"
  MAP_RESOLUTION               = {ppd:.7f}
  MAP_SCALE                    = {km_a_pixel:.7f}
  MAXIMUM_LATITUDE             = {north:.7f}
  MINIMUM_LATITUDE             = {south:.7f}
  EASTERNMOST_LONGITUDE        = {east:.7f}
  WESTERNMOST_LONGITUDE        = {west:.7f}
  LINE_PROJECTION_OFFSET       = {line_offset:.7f}
  SAMPLE_PROJECTION_OFFSET     = {sample_offset:.7f}
  A_AXIS_RADIUS                = {radius_km:.7f}
  B_AXIS_RADIUS                = {radius_km:.7f}
  C_AXIS_RADIUS                = {radius_km:.7f}
  FIRST_STANDARD_PARALLEL      = "N/A"
  SECOND_STANDARD_PARALLEL     = "N/A"
  POSITIVE_LONGITUDE_DIRECTION = EAST
  CENTER_LATITUDE              = 0.0
  CENTER_LONGITUDE             = {lon0:.7f}
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


def attached_label(plan: TilePlan, counts: NDArray[np.int16], image: bytes) -> bytes:
    """The label of a tile, padded with blanks to whole records.

    CHECKSUM is the sum of the image's bytes modulo 2**32; MINIMUM and MAXIMUM are over the
    counts from VALID_MINIMUM on, and NULL where there is none.

    Parameters
    ----------
    plan : TilePlan
    counts : ndarray of int16, (5, lines, samples)
    image : bytes
        The counts as they follow the label.
    """
    valid = counts[counts >= CLEMENTINE_UVVIS.valid_minimum]
    facts = {
        "name": plan.name,
        "lines": plan.lines,
        "samples": plan.samples,
        "minimum": valid.min() if valid.size else min(CLEMENTINE_UVVIS.special),
        "maximum": valid.max() if valid.size else min(CLEMENTINE_UVVIS.special),
        "checksum": int(np.frombuffer(image, np.uint8).sum(dtype=np.uint64)) % 2**32,
        "ppd": plan.lattice.ppd,
        "km_a_pixel": math.radians(RADIUS_M / 1000.0) / plan.lattice.ppd,
        "north": plan.north,
        "south": plan.south,
        "east": plan.east,
        "west": plan.west,
        "line_offset": plan.lattice.line_offset,
        "sample_offset": plan.lattice.sample_offset,
        "lon0": plan.lattice.lon0,
        "radius_km": RADIUS_M / 1000.0,
    }
    record_bytes = 2 * plan.samples
    records, needed = 0, 1
    # the label counts its own records, and more of them can need more digits
    while needed > records:
        records = needed
        text = TEMPLATE.format(
            record_bytes=record_bytes,
            file_records=records + len(image) // record_bytes,
            label_records=records,
            image_record=records + 1,
            **facts,
        ).replace("\n", "\r\n")
        needed = math.ceil(len(text) / record_bytes)
    return text.encode("ascii").ljust(records * record_bytes)
