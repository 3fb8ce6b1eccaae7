"""Why a pixel has no value, or a stretched one: the codes of both flag layers.

The **mosaic's** flag layer gives every band three bits, so that each bad band keeps its own
reason, in the words of its camera; the **maps'** flag layers give each product one byte: the low
three bits are the reason why there is no value (0: there is one), the others qualify a value that
is there.
"""

from enum import IntEnum

#: The count that stands for no-data in every layer (CF ``_FillValue``).
NO_DATA = -32768

#: Bits of the mosaic's flag that are one band's.
BITS_PER_BAND = 3
BAND_MASK = 0b111

#: The two codes of a band that all cameras share: a count, and ground that was never imaged. The
#: others are a camera's own (``lunarscale.bands.BandReason``).
VALID, NEVER_IMAGED = 0, 1


class MapReason(IntEnum):
    """Why one pixel of one map has no value: the low three bits of its flag."""

    HAS_VALUE = 0
    NO_INPUT = 1  #: a band it needs was not measured there
    SATURATED_INPUT = 2  #: a band it needs is saturated
    OFF_SCALE_INPUT = 3  #: a band it needs has a reflectance outside 0-1
    OUTSIDE_DOMAIN = 4  #: R750 at or below the model's origin
    ANGLE_NOT_POSITIVE = 5  #: the titanium angle is not positive
    BEYOND_RANGE = 6  #: the value does not fit the layer's integers


REASON_MASK = 0b111
NEGATIVE = 8  #: a value, kept, below zero
EXTRAPOLATED = 16  #: a value, R750 outside the range the model was made for
OUTSIDE_MARE = 32  #: a value, of a mare equation, outside the mare mask


def map_flag_attributes() -> dict[str, object]:
    """CF ``flag_masks``/``flag_values``/``flag_meanings`` of a map's flag layer."""
    reasons = [reason for reason in MapReason if reason is not MapReason.HAS_VALUE]
    qualifiers = {"negative": NEGATIVE, "extrapolated": EXTRAPOLATED, "outside_mare": OUTSIDE_MARE}
    return {
        "flag_masks": [REASON_MASK] * len(reasons) + list(qualifiers.values()),
        "flag_values": [int(reason) for reason in reasons] + list(qualifiers.values()),
        "flag_meanings": " ".join([r.name.lower() for r in reasons] + list(qualifiers)),
    }
