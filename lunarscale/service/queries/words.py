"""Flags and reasons in words: the store's own for machines, a phrase for people."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from lunarscale.bands import CAMERAS
from lunarscale.flags import (
    BAND_MASK,
    BITS_PER_BAND,
    EXTRAPOLATED,
    NEGATIVE,
    OUTSIDE_MARE,
    REASON_MASK,
    MapReason,
)
from lunarscale.service.layers import Layer
from lunarscale.store.layout import Layout

#: Why a map has no value.
_OF_MAPS = {
    MapReason.NO_INPUT: "a band that it needs was not measured there",
    MapReason.SATURATED_INPUT: "a band that it needs is saturated there",
    MapReason.OFF_SCALE_INPUT: "a band that it needs has a reflectance outside 0 to 1 there",
    MapReason.OUTSIDE_DOMAIN: "the reflectance at 750 nm is too low there for its model",
    MapReason.ANGLE_NOT_POSITIVE: "the titanium angle is not above 0 there",
    MapReason.BEYOND_RANGE: "the value there is beyond what the layer can hold",
}

#: Why a band of a mosaic has none.
_OF_BANDS = {
    MapReason.NO_INPUT: "the band was not measured there",
    MapReason.SATURATED_INPUT: "the band is saturated there",
    MapReason.OFF_SCALE_INPUT: "the reflectance there is outside 0 to 1",
}

_QUALIFIERS = {NEGATIVE: "negative", EXTRAPOLATED: "extrapolated", OUTSIDE_MARE: "outside_mare"}

#: Where nothing says why.
UNTOLD = "there is no value"

#: Why a place has no value where no flag can say it.
UNFINISHED = "this part of the dataset is not finished yet"
OUTSIDE = "the dataset does not reach there"


class Told(NamedTuple):
    """What a flag says.

    Parameters
    ----------
    words : tuple of str
        ``no_input``, ``negative``: of the store's own vocabulary (``flag_meanings``).
    reason : str
        Why there is no value, for people; empty where the flag does not say that there is none.
    """

    words: tuple[str, ...]
    reason: str


def teller(layer: Layer, layout: Layout) -> Callable[[int], Told]:
    """What reads the flags of one layer; each flag is worked out once."""
    if layer.band is None:
        return _told_of_map
    return cache(lambda flag: _told_of_band(flag, layout.camera, layer.band or 0))


@cache
def _told_of_map(flag: int) -> Told:
    code = flag & REASON_MASK
    if code == MapReason.HAS_VALUE:
        return Told(tuple(word for bit, word in _QUALIFIERS.items() if flag & bit), "")
    if code not in _OF_MAPS:  # of no meaning in this version
        return Told((), UNTOLD)
    reason = MapReason(code)
    return Told((reason.name.lower(),), _OF_MAPS[reason])


def _told_of_band(flag: int, camera: str, band: int) -> Told:
    code = (flag >> (BITS_PER_BAND * band)) & BAND_MASK
    reasons = {int(reason): reason for reason in CAMERAS[camera].reasons}
    if code not in reasons:
        return Told((), UNTOLD)
    reason = reasons[code]
    if reason.in_maps == MapReason.HAS_VALUE:
        return Told((), "")
    return Told((reason.name.lower(),), _OF_BANDS[reason.in_maps])
