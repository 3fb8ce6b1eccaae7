"""What a model is told about a spectrum, by name.

====================  =======================================================================
``R750``              reflectance, a fraction
``log R750``          its natural logarithm
``log R750 squared``  the square of that logarithm
``R950/R750``         ratio of two reflectances
``log R950/R750``     the natural logarithm of the ratio
``OMAT``              optical maturity (Clementine: Qiu 2025, eq 5)
``theta_Fe``          iron angle in radians (Clementine: Qiu 2025, eq 1; Kaguya MI: Otake 2012)
``theta_Ti``          titanium angle in radians (Clementine: Qiu 2025, eq 3; Kaguya MI: Otake 2012)
====================  =======================================================================

A name is read once, into a ``Feature``; ``graph.py`` writes the same value into ONNX in float32.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import TrainingError
from lunarscale.models.equations import (
    OTAKE_2012_THETA_FE,
    OTAKE_2012_THETA_TI,
    QIU_2025_FEO,
    QIU_2025_OMAT,
    QIU_2025_TIO2,
    Equation,
)
from lunarscale.models.laws import AngleLine, AnglePower, OriginDistance

Floats = NDArray[np.float64]

#: The equations whose origins the named features take; the first whose bands are there counts.
EQUATIONS: dict[str, tuple[Equation, ...]] = {
    "OMAT": (QIU_2025_OMAT,),
    "theta_Fe": (QIU_2025_FEO, OTAKE_2012_THETA_FE),
    "theta_Ti": (QIU_2025_TIO2, OTAKE_2012_THETA_TI),
}

_GRAMMAR = re.compile(r"(?P<log>log )?R(?P<first>\d+)(?:/R(?P<second>\d+))?(?P<squared> squared)?")


class Form(Enum):
    """The shape of a feature, with r its first band and s its second."""

    BAND = "r"
    LOG = "ln r"
    LOG_SQUARED = "(ln r)^2"
    RATIO = "r / s"
    LOG_RATIO = "ln(r / s)"
    LAW = "law(s, r / s)"  #: an angle or a distance about an origin


_FORMS = {
    (False, False, False): Form.BAND,
    (True, False, False): Form.LOG,
    (True, False, True): Form.LOG_SQUARED,
    (False, True, False): Form.RATIO,
    (True, True, False): Form.LOG_RATIO,
}


@dataclass(frozen=True)
class Feature:
    """One feature of a spectrum, read from its name.

    Parameters
    ----------
    name : str
        As written, ``log R950/R750``.
    form : Form
        What is computed.
    bands : tuple of int
        Positions in the spectrum of r and, where there is one, s.
    law : AngleLine or OriginDistance, optional
        Of ``Form.LAW``: the angle itself (a 1, b 0), or the distance from the origin.
    """

    name: str
    form: Form
    bands: tuple[int, ...]
    law: AngleLine | OriginDistance | None = None

    def of(self, reflectance: Floats) -> Floats:
        """The feature of each spectrum.

        Parameters
        ----------
        reflectance : ndarray of float64, (n, band)
            Fractions.

        Returns
        -------
        ndarray of float64, (n,)
            NaN or infinite where it is not defined (a logarithm of what is not positive).
        """
        r = reflectance[:, self.bands[0]]
        s = reflectance[:, self.bands[-1]]
        with np.errstate(divide="ignore", invalid="ignore"):
            match self.form:
                case Form.BAND:
                    return r.astype(np.float64)
                case Form.LOG:
                    return np.log(r)
                case Form.LOG_SQUARED:
                    return np.asarray(np.log(r) ** 2)
                case Form.RATIO:
                    return np.asarray(r / s)
                case Form.LOG_RATIO:
                    return np.log(r / s)
                case Form.LAW:
                    assert self.law is not None  # what read_feature promises of this form
                    return self.law.exact(s, r / s)


def read_feature(name: str, bands_nm: Sequence[int]) -> Feature:
    """The feature of a name, for spectra of the given bands.

    Raises
    ------
    TrainingError
        If the name is not of the grammar, or needs a band that is not there.
    """
    if name in EQUATIONS:
        return _named(name, bands_nm)
    match = _GRAMMAR.fullmatch(name)
    shape = (bool(match["log"]), bool(match["second"]), bool(match["squared"])) if match else None
    if match is None or shape not in _FORMS:
        raise TrainingError(
            f"{name!r} is no feature: one is a band (R750), its logarithm (log R750, log R750 "
            f"squared), a ratio (R950/R750, log R950/R750), or one of {', '.join(EQUATIONS)}"
        )
    wanted = [int(match[group]) for group in ("first", "second") if match[group]]
    return Feature(name, _FORMS[shape], _positions(name, wanted, bands_nm))


def feature(name: str, reflectance: Floats, bands_nm: Sequence[int]) -> Floats:
    """One feature of each spectrum, (n,) float64, from reflectances (n, band) as fractions.

    Raises
    ------
    TrainingError
        If the name is not of the grammar, or needs a band that is not there.
    """
    return read_feature(name, bands_nm).of(reflectance)


def feature_matrix(names: Sequence[str], reflectance: Floats, bands_nm: Sequence[int]) -> Floats:
    """Several features of each spectrum, (n, feature) float64, in the order of the names.

    Raises
    ------
    TrainingError
        If a name is not of the grammar, or needs a band that is not there.
    """
    return np.column_stack([feature(name, reflectance, bands_nm) for name in names])


def _named(name: str, bands_nm: Sequence[int]) -> Feature:
    equations = EQUATIONS[name]
    equation = next((e for e in equations if set(e.bands_nm) <= set(bands_nm)), equations[0])
    base, other = equation.bands_nm
    return Feature(name, Form.LAW, _positions(name, [other, base], bands_nm), _bare(equation))


def _bare(equation: Equation) -> AngleLine | OriginDistance:
    """The angle or distance that an equation is made of, without its coefficients."""
    match equation.law:
        case AngleLine(x0, y0, sign):
            return AngleLine(x0, y0, sign)
        case AnglePower(x0, y0):
            return AngleLine(x0, y0, sign=1)
        case OriginDistance() as law:
            return law
        case law:
            raise TrainingError(f"{equation.name} has no origin ({law}); take another equation")


def _positions(name: str, wanted: Sequence[int], bands_nm: Sequence[int]) -> tuple[int, ...]:
    bands = list(bands_nm)
    missing = [w for w in wanted if w not in bands]
    if missing:
        raise TrainingError(
            f"{name} needs the band {missing[0]} nm but the spectra have "
            f"{', '.join(map(str, bands))} nm; take a feature of those bands"
        )
    return tuple(bands.index(w) for w in wanted)
