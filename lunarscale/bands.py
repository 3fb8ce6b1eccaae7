"""Cameras and their bands: wavelengths, the scale of the counts, the special pixels."""

from dataclasses import dataclass, field

from lunarscale.errors import ModelError
from lunarscale.flags import BandReason


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
    special : dict of int to BandReason
        Counts that are no measurement, and what they mean.
    valid_minimum : int
        The archive's VALID_MINIMUM; an unflagged count beyond it in magnitude is saturated.
    source : str
        Where these numbers come from.
    """

    name: str
    title: str
    wavelengths_nm: tuple[int, ...]
    scale: float
    special: dict[int, BandReason] = field(hash=False)
    valid_minimum: int
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


CLEMENTINE_UVVIS = Camera(
    name="clementine-uvvis",
    title="Clementine UVVIS",
    wavelengths_nm=(415, 750, 900, 950, 1000),
    scale=1.35e-4,
    special={
        -32768: BandReason.NULL,
        -32767: BandReason.LOW_REPR_SATURATION,
        -32766: BandReason.LOW_INSTR_SATURATION,
        -32765: BandReason.HIGH_INSTR_SATURATION,
        -32764: BandReason.HIGH_REPR_SATURATION,
    },
    valid_minimum=-32752,
    source="CLEM1-L-U-5-DIM-UVVIS-V1.0, volinfo.txt, section 13 (example label)",
)

CAMERAS: dict[str, Camera] = {camera.name: camera for camera in (CLEMENTINE_UVVIS,)}
