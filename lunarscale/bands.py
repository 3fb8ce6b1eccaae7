"""Cameras and their bands: wavelengths, the scale of the counts, why a count is none."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

from lunarscale.errors import ModelError
from lunarscale.flags import BAND_MASK, BITS_PER_BAND, NEVER_IMAGED, VALID, MapReason


class BandReason(IntEnum):
    """Why one band of one mosaic pixel has no count: what every camera's own reasons are.

    A member is a code of three bits and the reason that it becomes in a map. Every camera has
    ``VALID`` (0), a reason of code 1 for ground that was never imaged, and ``OFF_SCALE`` for an
    unflagged reflectance outside 0-1. Of the pixels under one pixel of a mosaic the largest code
    is kept, so the codes rise with what a user should rather know.
    """

    in_maps: MapReason

    def __new__(cls, code: int, in_maps: MapReason) -> Self:
        reason = int.__new__(cls, code)
        reason._value_ = code
        reason.in_maps = in_maps
        return reason


class ClementineReason(BandReason):
    """Clementine UVVIS DIM's special pixels (volinfo.txt, section 13), and two of our own."""

    VALID = VALID, MapReason.HAS_VALUE
    NULL = NEVER_IMAGED, MapReason.NO_INPUT
    LOW_REPR_SATURATION = 2, MapReason.SATURATED_INPUT
    LOW_INSTR_SATURATION = 3, MapReason.SATURATED_INPUT
    HIGH_INSTR_SATURATION = 4, MapReason.SATURATED_INPUT
    HIGH_REPR_SATURATION = 5, MapReason.SATURATED_INPUT
    OFF_SCALE = 6, MapReason.OFF_SCALE_INPUT
    #: unflagged, beyond the archive's own VALID_MINIMUM in magnitude
    NEAR_SATURATION = 7, MapReason.SATURATED_INPUT


class KaguyaReason(BandReason):
    """Kaguya MI MAP's invalid values (INVALID_TYPE of its labels), and one of our own."""

    VALID = VALID, MapReason.HAS_VALUE
    OUT_OF_BOUNDS = NEVER_IMAGED, MapReason.NO_INPUT
    DUMMY_DEFECT = 2, MapReason.NO_INPUT
    OTHER = 3, MapReason.NO_INPUT
    SATURATION = 4, MapReason.SATURATED_INPUT
    #: flagged as negative by the archive
    MINUS = 5, MapReason.OFF_SCALE_INPUT
    OFF_SCALE = 6, MapReason.OFF_SCALE_INPUT


@dataclass(frozen=True)
class Camera:
    """A camera as its archive writes it.

    Parameters
    ----------
    name : str
        Name used in stores and messages, ``clementine-uvvis``.
    title : str
        Name for people.
    wavelengths_nm : tuple of int
        Band centres in nanometres, in the archive's order.
    scale : float
        Reflectance (fraction) of one count; the offset is zero.
    reasons : type of BandReason
        Its vocabulary of reasons.
    special : dict of int to BandReason
        Counts that are no measurement, and what they mean.
    valid_minimum : int
        The archive's VALID_MINIMUM; an unflagged count beyond it in magnitude is the reasons'
        ``NEAR_SATURATION``. Where the archive names none, int16's own.
    usual_ppd : float
        Pixels a degree at which its mosaics are made unless asked otherwise.
    source : str
        Where these numbers come from.
    """

    name: str
    title: str
    wavelengths_nm: tuple[int, ...]
    scale: float
    reasons: type[BandReason]
    special: dict[int, BandReason] = field(hash=False)
    valid_minimum: int
    usual_ppd: float
    source: str

    def band_indices(self, wavelengths_nm: tuple[int, ...], who: str) -> tuple[int, ...]:
        """Positions of the given bands in the camera's order.

        Raises
        ------
        ModelError
            If the camera lacks one of them; the message names both sides.
        """
        missing = [w for w in wavelengths_nm if w not in self.wavelengths_nm]
        if missing:
            needs, has = (", ".join(map(str, ws)) for ws in (wavelengths_nm, self.wavelengths_nm))
            raise ModelError(
                f"{who} needs the bands {needs} nm but the {self.title} has {has} nm; "
                "use a model for this camera (`lunarscale models` lists them)"
            )
        return tuple(self.wavelengths_nm.index(w) for w in wavelengths_nm)

    @property
    def flag_dtype(self) -> str:
        """Number type of a mosaic's flag layer: it holds three bits a band."""
        return "uint16" if BITS_PER_BAND * len(self.wavelengths_nm) <= 16 else "uint32"

    @property
    def never_imaged(self) -> int:
        """The flag of a pixel that was imaged in no band."""
        bands = range(len(self.wavelengths_nm))
        return sum(NEVER_IMAGED << (BITS_PER_BAND * band) for band in bands)

    @property
    def map_reasons(self) -> tuple[MapReason, ...]:
        """What each of the eight codes of a band becomes in a map; unused ones no input."""
        known = {int(reason): reason.in_maps for reason in self.reasons}
        return tuple(known.get(code, MapReason.NO_INPUT) for code in range(BAND_MASK + 1))

    def flag_attributes(self) -> dict[str, object]:
        """CF ``flag_masks``/``flag_values``/``flag_meanings`` of a mosaic's flag layer."""
        masks, values, meanings = [], [], []
        for index, wavelength in enumerate(self.wavelengths_nm):
            for reason in self.reasons:
                if reason != VALID:
                    masks.append(BAND_MASK << (BITS_PER_BAND * index))
                    values.append(int(reason) << (BITS_PER_BAND * index))
                    meanings.append(f"{reason.name.lower()}_{wavelength}nm")
        return {"flag_masks": masks, "flag_values": values, "flag_meanings": " ".join(meanings)}


CLEMENTINE_UVVIS = Camera(
    name="clementine-uvvis",
    title="Clementine UVVIS",
    wavelengths_nm=(415, 750, 900, 950, 1000),
    scale=1.35e-4,
    reasons=ClementineReason,
    special={
        -32768: ClementineReason.NULL,
        -32767: ClementineReason.LOW_REPR_SATURATION,
        -32766: ClementineReason.LOW_INSTR_SATURATION,
        -32765: ClementineReason.HIGH_INSTR_SATURATION,
        -32764: ClementineReason.HIGH_REPR_SATURATION,
    },
    valid_minimum=-32752,
    usual_ppd=303.23349,  # the archive's own: 100 m at the equator (MAP_RESOLUTION)
    source="CLEM1-L-U-5-DIM-UVVIS-V1.0, volinfo.txt, section 13 (example label)",
)

KAGUYA_MI = Camera(
    name="kaguya-mi",
    title="Kaguya MI",
    wavelengths_nm=(414, 749, 901, 950, 1001, 1000, 1049, 1248, 1548),
    scale=2e-5,
    reasons=KaguyaReason,
    special={
        -20000: KaguyaReason.SATURATION,
        -21000: KaguyaReason.MINUS,
        -22000: KaguyaReason.DUMMY_DEFECT,
        -23000: KaguyaReason.OTHER,
        -30000: KaguyaReason.OUT_OF_BOUNDS,
        32767: KaguyaReason.SATURATION,  # the labels' REF_SATURATION_THRESHOLD, 0.65534
    },
    valid_minimum=-32768,
    usual_ppd=512.0,  # 59 m, the mean of 4 x 4 of the archive's pixels: what the literature maps
    source="SLN-L-MI-5-MAP-V3.0, label of MI_MAP_03_N51E124N50E125SC",
)

CAMERAS: dict[str, Camera] = {camera.name: camera for camera in (CLEMENTINE_UVVIS, KAGUYA_MI)}


def camera_name(word: str) -> str:
    """A camera's name from what people write: ``clementine`` for ``clementine-uvvis``.

    Raises
    ------
    ModelError
        If no camera is called so, or begins so.
    """
    fits = [name for name in CAMERAS if name == word or name.split("-")[0] == word]
    if not fits:
        raise ModelError(f"there is no camera {word!r}; it is {' or '.join(CAMERAS)}")
    return fits[0]
