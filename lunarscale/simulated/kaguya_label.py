"""The PDS3 labels of Kaguya MI MAP tiles, versions 02 and 03: the archive's keywords and order."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import KAGUYA_MI
from lunarscale.moon import RADIUS_M
from lunarscale.simulated.kaguya_tiling import KaguyaPlan

#: Longest line of the archive's labels.
WIDTH = 78

#: The label of MI_MAP_03_N51E124N50E125SC, its facts left open.
TEMPLATE = """\
PDS_VERSION_ID             = PDS3
RECORD_TYPE                = UNDEFINED
FILE_NAME                  = {image_name}
^GEOMETRIC_DATA_ALTITUDE   = {altitude_pointer}
^IMAGE                     = {image_pointer}
MISSION_NAME               = SELENE
DATA_SET_ID                = SLN-L-MI-5-MAP-V{version_number}.0
DATA_SET_NAME              = "SELENE MOON MI 5 MAP V{version_number}.0"
L2DB_ORIGINAL_ID           = MI_MAP
PRODUCT_ID                 = {name}
INSTRUMENT_TYPE            = IMAGER
INSTRUMENT_ID              = MI
INSTRUMENT_NAME            = "MULTIBAND IMAGER"
INSTRUMENT_HOST_NAME       = "SELENE MAIN ORBITER"
TARGET_TYPE                = SATELLITE
TARGET_NAME                = MOON
START_TIME                 = UNK
STOP_TIME                  = UNK
SOFTWARE_NAME              = LUNARSCALE
SOFTWARE_VERSION           = N/A
PROCESS_VERSION_ID         = MAP
PRODUCT_CREATION_TIME      = UNK
PROGRAM_START_TIME         = UNK
PRODUCER_ID                = "LUNARSCALE SIMULATION"
NOTE                       = "SIMULATED 9-BAND MAP"
PRODUCT_SET_ID             = MI_MAP
PRODUCT_VERSION_ID         = "{version}"
REGISTERED_PRODUCT         = N
SPICE_METAKERNEL_FILE_NAME = N/A
REV_STRIP                  = N/A
OBSERVATION_MODE_ID        = NORMAL
SENSOR_DESCRIPTION         = "SIMULATED"
SENSOR_DESCRIPTION2        = "SIMULATED"
FILTER_NAME                = (MV1, MV2, MV3, MV4, MV5, MN1, MN2, MN3, MN4)
{wavelengths}
{bandwidths}
BASE_BAND                  = MV5
Object = GEOMETRIC_DATA_ALTITUDE
  BINNING_START_PIXEL_POSITION = (1, 1)
  BINNING_INTERVAL             = 1
  LINES                        = {lines}
  LINE_SAMPLES                 = {samples}
  SAMPLE_TYPE                  = IEEE_REAL
  SAMPLE_BITS                  = 32
  UNIT                         = km
End_Object = GEOMETRIC_DATA_ALTITUDE
Object = IMAGE
  BANDS                          = 9
  BAND_STORAGE_TYPE              = {storage}
  LINES                          = {lines}
  LINE_SAMPLES                   = {samples}
  SAMPLE_TYPE                    = MSB_INTEGER
  SAMPLE_BITS                    = 16
  IMAGE_VALUE_TYPE               = REFLECTANCE
  UNIT                           = ND
  SCALING_FACTOR                 = 2e-05
  OFFSET                         = 0.0
{statistics}
  STRETCHED_FLAG                 = FALSE
End_Object = IMAGE
Object = IMAGE_MAP_PROJECTION
  ^DATA_SET_MAP_PROJECTION     = DSMAP.CAT
  MAP_PROJECTION_TYPE          = "SIMPLE CYLINDRICAL"
  COORDINATE_SYSTEM_TYPE       = "BODY-FIXED ROTATING"
  COORDINATE_SYSTEM_NAME       = PLANETOCENTRIC
  A_AXIS_RADIUS                = {radius_km:.1f} <km>
  B_AXIS_RADIUS                = {radius_km:.1f} <km>
  C_AXIS_RADIUS                = {radius_km:.1f} <km>
  FIRST_STANDARD_PARALLEL      = N/A
  SECOND_STANDARD_PARALLEL     = N/A
  POSITIVE_LONGITUDE_DIRECTION = EAST
  CENTER_LATITUDE              = 0.0 <deg>
  CENTER_LONGITUDE             = 0.0 <deg>
  REFERENCE_LATITUDE           = N/A
  REFERENCE_LONGITUDE          = N/A
  LINE_FIRST_PIXEL             = 1
  LINE_LAST_PIXEL              = {lines}
  SAMPLE_FIRST_PIXEL           = 1
  SAMPLE_LAST_PIXEL            = {samples}
  MAP_PROJECTION_ROTATION      = 0.0 <deg>
  MAP_RESOLUTION               = {ppd:.1f} <pixel/deg>
  MAP_SCALE                    = {km_a_pixel:.12f} <km/pixel>
  MAXIMUM_LATITUDE             = {north:.1f} <deg>
  MINIMUM_LATITUDE             = {last_lat:.8f} <deg>
  EASTERNMOST_LONGITUDE        = {last_lon:.8f} <deg>
  WESTERNMOST_LONGITUDE        = {west:.1f} <deg>
  LINE_PROJECTION_OFFSET       = {line_offset:.1f} <pixel>
  SAMPLE_PROJECTION_OFFSET     = {sample_offset:.1f} <pixel>
End_Object = IMAGE_MAP_PROJECTION
Object = PROCESSING_PARAMETERS
  DARK_FILE_NAME                = N/A
  FT_FILE_NAME                  = N/A
  FLAT_FILE_NAME                = N/A
  EFFIC_FILE_NAME               = N/A
  NONLIN_FILE_NAME              = N/A
  RAD_CNV_COEF                  = N/A
  REF_CNV_COEF                  = N/A
  STANDARD_GEOMETRY             = (30.0, 0.0, 30.0)
  PHOTO_CORR_ID                 = N/A
  PHOTO_CORR_COEF               = N/A
  RESAMPLING_METHOD             = N/A
  OVERLAP_SELECTION_ID          = N/A
  MATCHING_MOSAIC               = N/A
  L2A_DEAD_PIXEL_THRESHOLD      = N/A
  L2A_SATURATION_THRESHOLD      = N/A
  DARK_VALID_MINIMUM            = N/A
  FT_VALID_MINIMUM              = N/A
  RADIANCE_SATURATION_THRESHOLD = N/A
  REF_SATURATION_THRESHOLD      = 0.65534 <ND>
End_Object = PROCESSING_PARAMETERS
END
"""

#: The labels' own order of the invalid values.
_INVALID = {"SATURATION": -20000, "MINUS": -21000, "DUMMY_DEFECT": -22000, "OTHER": -23000}
_OUT_OF_BOUNDS = -30000
_BANDWIDTHS_NM = (20, 12, 21, 30, 42, 27, 28, 33, 48)


def label_text(
    plan: KaguyaPlan, counts: NDArray[np.int16], *, altitude_pointer: str, image_pointer: str
) -> str:
    """The label of a tile.

    Parameters
    ----------
    plan : KaguyaPlan
    counts : ndarray of int16, (9, lines, samples)
    altitude_pointer, image_pointer : str
        What the pointers to the plane of altitudes and to the image say.
    """
    return TEMPLATE.format(
        image_name=plan.image_name,
        altitude_pointer=altitude_pointer,
        image_pointer=image_pointer,
        name=plan.name,
        version=plan.version,
        version_number=int(plan.version),
        # 02 writes it with a blank
        storage='"BAND SEQUENTIAL"' if plan.version == "02" else "BAND_SEQUENTIAL",
        wavelengths=_listed("CENTER_FILTER_WAVELENGTH", _nm(KAGUYA_MI.wavelengths_nm)),
        bandwidths=_listed("BANDWIDTH", _nm(_BANDWIDTHS_NM)),
        statistics="\n".join(_statistics(counts)),
        lines=plan.ppd,
        samples=plan.ppd,
        ppd=plan.ppd,
        km_a_pixel=math.radians(RADIUS_M / 1000.0) / plan.ppd,
        north=plan.north,
        last_lat=plan.north - 1.0 + 1.0 / plan.ppd,
        last_lon=plan.west + 1.0 - 1.0 / plan.ppd,
        west=plan.west,
        line_offset=plan.north * plan.ppd,
        sample_offset=-plan.west * plan.ppd,
        radius_km=RADIUS_M / 1000.0,
    ).replace("\n", "\r\n")


def _statistics(counts: NDArray[np.int16]) -> list[str]:
    """The keywords that are counted: the scene's figures over what is valid, and what is not."""
    scenes = [band[band >= 0] for band in counts]
    scenes = [scene if scene.size else np.zeros(1, np.int16) for scene in scenes]
    bands = len(counts)
    invalid = [[np.count_nonzero(b == count) for count in _INVALID.values()] for b in counts]
    outside = [np.count_nonzero(band == _OUT_OF_BOUNDS) for band in counts]
    return [
        _listed("  MIN_FOR_STATISTICAL_EVALUATION", [0] * bands),
        _listed("  MAX_FOR_STATISTICAL_EVALUATION", [32767] * bands),
        _listed("  SCENE_MAXIMUM_DN", [scene.max() for scene in scenes]),
        _listed("  SCENE_MINIMUM_DN", [scene.min() for scene in scenes]),
        _listed("  SCENE_AVERAGE_DN", [f"{scene.mean():.1f}" for scene in scenes]),
        _listed("  SCENE_STDEV_DN", [f"{scene.std():.1f}" for scene in scenes]),
        _listed("  SCENE_MODE_DN", [np.bincount(scene).argmax() for scene in scenes]),
        _listed("  SHADOWED_AREA_MINIMUM", [0] * bands),
        _listed("  SHADOWED_AREA_MAXIMUM", [0] * bands),
        _listed("  SHADOWED_AREA_PERCENTAGE", [0] * bands),
        _listed("  INVALID_TYPE", _INVALID),
        _listed("  INVALID_VALUE", _INVALID.values()),
        _listed("  INVALID_PIXELS", [f"({', '.join(map(str, band))})" for band in invalid]),
        f"  OUT_OF_IMAGE_BOUNDS_VALUE = {_OUT_OF_BOUNDS}",
        _listed("  OUT_OF_IMAGE_BOUNDS_PIXELS", outside),
    ]


def _nm(wavelengths: Iterable[int]) -> list[str]:
    return [f"{wavelength:.1f} <nm>" for wavelength in wavelengths]


def _listed(keyword: str, items: Iterable[object]) -> str:
    """A keyword and its sequence, broken between items into lines of the archive's width."""
    lines = [f"{keyword} ="]
    texts = [str(item) for item in items]
    texts[0], texts[-1] = f"({texts[0]}", f"{texts[-1]})"
    for index, text in enumerate(texts):
        piece = f" {text}{',' if index + 1 < len(texts) else ''}"
        if len(lines[-1]) + len(piece) > WIDTH:
            lines.append(" " * 19)
        lines[-1] += piece
    return "\n".join(lines)
