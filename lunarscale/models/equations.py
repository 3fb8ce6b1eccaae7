"""The published equations, as values with their sources.

Each takes two bands: a base near 750 nm and another, read as its ratio to the base.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lunarscale.errors import ModelError
from lunarscale.models.kernels import KERNEL_VERSION
from lunarscale.models.laws import AngleLine, AnglePower, Law, OriginDistance, Plane
from lunarscale.models.loops import Scaled, counts_loop, values_loop
from lunarscale.models.model import Prediction
from lunarscale.quantities import QUANTITIES, Quantity

#: Reflectances at 750 nm that the stations of the Clementine equations span, rounded outward.
CLEMENTINE_RANGE = (0.05, 0.40)


@dataclass(frozen=True)
class Equation:
    """A published equation: a ``Model`` of one quantity from two bands.

    Parameters
    ----------
    name : str
        Name for people and commands, ``qiu-2025-feo``.
    camera : str
        Name of the camera it was made for.
    bands_nm : tuple of int
        The base band and the other, in the order ``predict`` takes them.
    quantity : Quantity
        What it gives.
    law : Law
        Its shape and coefficients.
    source : str
        Where they were published.
    fitted_range : tuple of float
        Reflectances of the base band beyond which a value is flagged as extrapolated.
    mare_only : bool
        Whether it holds in the maria only.
    """

    name: str
    camera: str
    bands_nm: tuple[int, int]
    quantity: Quantity
    law: Law
    source: str
    fitted_range: tuple[float, float] = CLEMENTINE_RANGE
    mare_only: bool = False

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The one quantity it gives."""
        return (self.quantity,)

    @property
    def formula(self) -> str:
        """The equation with its numbers, for people."""
        base, other = (f"R{wavelength}" for wavelength in self.bands_nm)
        return self.law.formula(self.quantity.name, base, other)

    @property
    def validity(self) -> str:
        """Where it gives a value, and where the value is flagged."""
        base, other = (f"R{wavelength}" for wavelength in self.bands_nm)
        conditions = [f"{base} > {self.law.floor:g}"]
        if isinstance(self.law, AnglePower):
            conditions.append(f"{other}/{base} > {self.law.y0:g}")
        stated = f"value where {' and '.join(conditions)}"
        low, high = self.fitted_range
        if (low, high) != (0.0, 1.0):
            stated += f"; extrapolated outside {low:.2f}-{high:.2f}"
        return stated + ("; maria only" if self.mare_only else "")

    @property
    def remarks(self) -> tuple[str, ...]:
        """Where its one quantity holds."""
        return (self.validity,)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines its results."""
        determining = {
            "kernel_version": KERNEL_VERSION,
            "name": self.name,
            "camera": self.camera,
            "bands_nm": self.bands_nm,
            "quantity": self.quantity.name,
            "law": type(self.law).__name__,
            "coefficients": asdict(self.law),
            "fitted_range": self.fitted_range,
            "mare_only": self.mare_only,
        }
        return hashlib.sha256(json.dumps(determining, sort_keys=True).encode()).hexdigest()

    def predict(
        self, counts: NDArray[np.int16], scale: float, *, out: Prediction | None = None
    ) -> Prediction:
        """Values and flags of a block of pixels, each (1, pixel).

        Parameters
        ----------
        counts : ndarray of int16, (2, pixel)
            Counts of ``bands_nm``; ``NO_DATA`` where a band has none.
        scale : float
            Reflectance of one count.
        out : Prediction, optional
            Where to put the results; made if not given.

        Raises
        ------
        ModelError
            If the counts are not two rows of int16.
        """
        base, other = self._rows(counts)
        made = out or Prediction.empty(1, base.size)
        values_loop(self._scaled(scale))(base, other, made.values[0], made.flags[0])
        return made

    def predict_counts(
        self,
        counts: NDArray[np.int16],
        scale: float,
        *,
        out: tuple[NDArray[np.int16], NDArray[np.uint8]],
    ) -> None:
        """The layer's integers and flags of a block of pixels, each (1, pixel), in one pass.

        Parameters
        ----------
        counts : ndarray of int16, (2, pixel)
            Counts of ``bands_nm``; ``NO_DATA`` where a band has none.
        scale : float
            Reflectance of one count.
        out : (ndarray of int16, ndarray of uint8), each (1, pixel), contiguous
            Where to put what ``quantise`` makes of ``predict``.

        Raises
        ------
        ModelError
            If the counts are not two rows of int16.
        """
        base, other = self._rows(counts)
        loop = counts_loop(self._scaled(scale), self.quantity.quantum)
        loop(base, other, out[0][0], out[1][0])

    def exact(self, reflectance: Mapping[int, ArrayLike]) -> NDArray[np.float64]:
        """Values in float64 from reflectances, the reference that ``predict`` is held against.

        Parameters
        ----------
        reflectance : mapping of int to array_like
            Reflectance (fraction) by wavelength in nm; more bands than needed do no harm.

        Returns
        -------
        ndarray of float64
            In the quantity's units; NaN where the equation has no value.

        Raises
        ------
        ModelError
            If a band is missing.
        """
        if not set(self.bands_nm) <= set(reflectance):
            has = ", ".join(map(str, sorted(reflectance))) or "none"
            raise ModelError(
                f"{self.name} needs the bands {self._bands_text()} but was given {has} nm; "
                "give those too"
            )
        base, other = (np.asarray(reflectance[w], dtype=np.float64) for w in self.bands_nm)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.law.exact(base, other / base)

    def _scaled(self, scale: float) -> Scaled:
        return self.law, self.fitted_range, scale

    def _rows(self, counts: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Counts of the base band and the other, each contiguous."""
        if counts.ndim != 2 or counts.shape[0] != 2 or counts.dtype != np.int16:
            raise ModelError(
                f"{self.name} takes two rows of int16 counts ({self._bands_text()}) but was given "
                f"{counts.dtype} of shape {counts.shape}; pick its bands first"
            )
        return np.ascontiguousarray(counts[0]), np.ascontiguousarray(counts[1])

    def _bands_text(self) -> str:
        return ", ".join(map(str, self.bands_nm)) + " nm"


_QIU = "Qiu, Yan & Liu 2025, Commun. Earth Environ., doi 10.1038/s43247-025-02914-w"
_CLEMENTINE, _KAGUYA = "clementine-uvvis", "kaguya-mi"
_IRON_BANDS, _TITANIUM_BANDS = (750, 950), (750, 415)
_FEO, _TIO2, _OMAT = (QUANTITIES[name] for name in ("FeO", "TiO2", "OMAT"))

QIU_2025_FEO = Equation(
    "qiu-2025-feo",
    _CLEMENTINE,
    _IRON_BANDS,
    _FEO,
    AngleLine(x0=0.018, y0=1.188, sign=-1, a=24.770, b=-8.053),
    f"{_QIU}, eqs 1-2",
)
QIU_2025_TIO2 = Equation(
    "qiu-2025-tio2",
    _CLEMENTINE,
    _TITANIUM_BANDS,
    _TIO2,
    AnglePower(x0=0.0, y0=0.481, a=7.128, p=4.022),
    f"{_QIU}, eqs 3-4",
)
QIU_2025_OMAT = Equation(
    "qiu-2025-omat",
    _CLEMENTINE,
    _IRON_BANDS,
    _OMAT,
    OriginDistance(x0=0.018, y0=1.188),
    f"{_QIU}, eq 5",
)
LUCEY_2000_FEO = Equation(
    "lucey-2000-feo",
    _CLEMENTINE,
    _IRON_BANDS,
    _FEO,
    AngleLine(x0=0.08, y0=1.19, sign=-1, a=17.427, b=-7.565),
    "Lucey, Blewett & Jolliff 2000, JGR 105, 20297",
)
LUCEY_2000_TIO2 = Equation(
    "lucey-2000-tio2",
    _CLEMENTINE,
    _TITANIUM_BANDS,
    _TIO2,
    AnglePower(x0=0.0, y0=0.42, a=3.708, p=5.979),
    "Lucey, Blewett & Jolliff 2000, JGR 105, 20297",
)
LUCEY_2000_OMAT = Equation(
    "lucey-2000-omat",
    _CLEMENTINE,
    _IRON_BANDS,
    _OMAT,
    OriginDistance(x0=0.08, y0=1.19),
    "Lucey et al. 2000, JGR 105, 20377",
)
WILCOX_2005_FEO = Equation(
    "wilcox-2005-feo",
    _CLEMENTINE,
    _IRON_BANDS,
    _FEO,
    Plane(a=-137.97, u=0.9834, v=0.1813, b=57.46),
    "Wilcox, Lucey & Gillis 2005, JGR 110, E11001",
    mare_only=True,
)
OTAKE_2012_THETA_FE = Equation(
    "otake-2012-theta-fe",
    _KAGUYA,
    (749, 950),
    QUANTITIES["theta_Fe"],
    AngleLine(x0=0.037, y0=1.250, sign=-1),
    "Otake, Ohtake & Hirata 2012, LPSC 43, 1905",
    fitted_range=(0.0, 1.0),  # none is published: an angle by itself extrapolates nothing
)
OTAKE_2012_THETA_TI = Equation(
    "otake-2012-theta-ti",
    _KAGUYA,
    (749, 414),
    QUANTITIES["theta_Ti"],
    AngleLine(x0=-0.108, y0=0.208, sign=1),
    "Otake, Ohtake & Hirata 2012, LPSC 43, 1905",
    fitted_range=(0.0, 1.0),
)
