"""Why a pixel has no value, or a stretched one: the codes of both flag layers.

The **mosaic's** flag layer gives every band three bits, so that each bad band keeps its own
reason; the **maps'** flag layers give each product one byte: the low three bits are the reason
why there is no value (0: there is one), the others qualify a value that is there.
"""

from enum import IntEnum

#: The count that stands for no-data in every layer (CF ``_FillValue``).
NO_DATA = -32768


class BandReason(IntEnum):
    """Why one band of one mosaic pixel has no count.

    The first five are the archive's special pixels (Clementine UVVIS DIM volinfo, section 13).
    """

    VALID = 0
    NULL = 1  #: never imaged, or no tile there
    LOW_REPR_SATURATION = 2
    LOW_INSTR_SATURATION = 3
    HIGH_INSTR_SATURATION = 4
    HIGH_REPR_SATURATION = 5
    OFF_SCALE = 6  #: reflectance below 0 or above 1
    NEAR_SATURATION = 7  #: unflagged, beyond the archive's own VALID_MINIMUM in magnitude


BITS_PER_BAND = 3
BAND_MASK = 0b111


class MapReason(IntEnum):
    """Why one pixel of one map has no value: the low three bits of its flag."""

    HAS_VALUE = 0
    NO_INPUT = 1  #: a band it needs was never imaged there
    SATURATED_INPUT = 2  #: a band it needs is saturated
    OFF_SCALE_INPUT = 3  #: a band it needs has a reflectance outside 0-1
    OUTSIDE_DOMAIN = 4  #: R750 at or below the model's origin
    ANGLE_NOT_POSITIVE = 5  #: the titanium angle is not positive
    BEYOND_RANGE = 6  #: the value does not fit the layer's integers


REASON_MASK = 0b111
NEGATIVE = 8  #: a value, kept, below zero
EXTRAPOLATED = 16  #: a value, R750 outside the range the model was made for
OUTSIDE_MARE = 32  #: a value, of a mare equation, outside the mare mask

#: The map reason that each band reason becomes in a map.
MAP_REASON_OF_BAND: tuple[MapReason, ...] = (
    MapReason.HAS_VALUE,
    MapReason.NO_INPUT,
    MapReason.SATURATED_INPUT,
    MapReason.SATURATED_INPUT,
    MapReason.SATURATED_INPUT,
    MapReason.SATURATED_INPUT,
    MapReason.OFF_SCALE_INPUT,
    MapReason.SATURATED_INPUT,
)


def mosaic_flag_attributes(wavelengths_nm: tuple[int, ...]) -> dict[str, object]:
    """CF ``flag_masks``/``flag_values``/``flag_meanings`` of a mosaic's flag layer."""
    masks, values, meanings = [], [], []
    for index, wavelength in enumerate(wavelengths_nm):
        for reason in BandReason:
            if reason is not BandReason.VALID:
                masks.append(BAND_MASK << (BITS_PER_BAND * index))
                values.append(int(reason) << (BITS_PER_BAND * index))
                meanings.append(f"{reason.name.lower()}_{wavelength}nm")
    return {"flag_masks": masks, "flag_values": values, "flag_meanings": " ".join(meanings)}


def map_flag_attributes() -> dict[str, object]:
    """CF ``flag_masks``/``flag_values``/``flag_meanings`` of a map's flag layer."""
    reasons = [reason for reason in MapReason if reason is not MapReason.HAS_VALUE]
    qualifiers = {"negative": NEGATIVE, "extrapolated": EXTRAPOLATED, "outside_mare": OUTSIDE_MARE}
    return {
        "flag_masks": [REASON_MASK] * len(reasons) + list(qualifiers.values()),
        "flag_values": [int(reason) for reason in reasons] + list(qualifiers.values()),
        "flag_meanings": " ".join([r.name.lower() for r in reasons] + list(qualifiers)),
    }
