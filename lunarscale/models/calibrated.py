"""The equations that lunarscale calibrated itself, before and with Chang'e-6.

Qiu et al. 2025 compare their maps with those of an older calibration that did not know Chang'e-6,
but do not print its coefficients. These two pairs tell the same story with nothing hidden: one
search (``lunarscale calibrate --with-cross-calibrated``), with and without that one station. The
stations are the 47 of Wilcox et al. 2005 and Chang'e-5, or these and Chang'e-6; the Clementine
reflectances of both landing sites are estimated by cross-calibration, not measured. A test makes
the coefficients again from the stations.
"""

from lunarscale.models.equations import Equation
from lunarscale.models.laws import AngleLine, AnglePower
from lunarscale.quantities import QUANTITIES

_CAMERA = "clementine-uvvis"
_IRON_BANDS, _TITANIUM_BANDS = (750, 950), (750, 415)
_FEO, _TIO2 = QUANTITIES["FeO"], QUANTITIES["TiO2"]

_CALIBRATED = "lunarscale calibrate --with-cross-calibrated"
_BEFORE = (
    f"{_CALIBRATED}, 48 stations: 47 of Wilcox et al. 2005 and Chang'e-5, without Chang'e-6; the "
    "reflectances of Chang'e-5 are estimated, not measured"
)
_WITH = (
    f"{_CALIBRATED}, 49 stations: 47 of Wilcox et al. 2005, Chang'e-5 and Chang'e-6; the "
    "reflectances of Chang'e-5 and Chang'e-6 are estimated, not measured"
)

BEFORE_CE6_FEO = Equation(
    "before-ce6-feo",
    _CAMERA,
    _IRON_BANDS,
    _FEO,
    AngleLine(x0=0.019, y0=1.192, sign=-1, a=24.502, b=-8.24135),
    _BEFORE,
)
BEFORE_CE6_TIO2 = Equation(
    "before-ce6-tio2",
    _CAMERA,
    _TITANIUM_BANDS,
    _TIO2,
    AnglePower(x0=0.0, y0=0.461, a=5.91669, p=4.624),
    _BEFORE,
)
WITH_CE6_FEO = Equation(
    "with-ce6-feo",
    _CAMERA,
    _IRON_BANDS,
    _FEO,
    AngleLine(x0=0.017, y0=1.195, sign=-1, a=24.8296, b=-8.5873),
    _WITH,
)
WITH_CE6_TIO2 = Equation(
    "with-ce6-tio2",
    _CAMERA,
    _TITANIUM_BANDS,
    _TIO2,
    AnglePower(x0=0.0, y0=0.467, a=6.18291, p=4.41188),
    _WITH,
)

#: What ``predict --model`` takes: a calibration gives both its equations, or one by its own name.
CALIBRATIONS: dict[str, tuple[Equation, ...]] = {
    "before-ce6": (BEFORE_CE6_FEO, BEFORE_CE6_TIO2),
    "with-ce6": (WITH_CE6_FEO, WITH_CE6_TIO2),
    **{e.name: (e,) for e in (BEFORE_CE6_FEO, BEFORE_CE6_TIO2, WITH_CE6_FEO, WITH_CE6_TIO2)},
}
