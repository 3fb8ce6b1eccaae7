"""The families there are to choose from, the same for every camera.

Their features follow what is known of lunar spectra: albedo
falls with iron and glass; the 950 nm band and the iron angle tell iron apart from maturity
(Lucey 2000); the slope from 415 to 750 nm and the titanium angle tell titanium (Lucey 2000).
Few features generalise to sites unlike all others, many features tell neighbours apart.

The menu, the rule of ``selection`` and the size of means were settled with scores in sight, nested
ones among them: even nested figures are somewhat too good.
"""

from collections.abc import Sequence

from lunarscale.training.families import Family
from lunarscale.training.gaussian_process import GaussianProcess
from lunarscale.training.ridge import Ridge

#: The family that all others are held against.
REFERENCE = "reference"

#: Ends the name of a ridge that fits the logarithm of the oxide.
IN_LOGARITHMS = ", ln"

#: Oxides that such ridges are tried for: those that soils hold within more than a factor of two.
#: For the others (CaO, SiO2) a logarithm is as good as a line, and runs away beyond the stations.
SPANNING_OXIDES = ("FeO", "TiO2", "Al2O3", "MgO")

_ANGLES = ("theta_Fe", "theta_Ti")


def features_of(bands_nm: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """The features of each kind of ridge, by its name.

    Parameters
    ----------
    bands_nm : sequence of int
        Bands of the spectra, with one of 740-760 nm.
    """
    base = base_nm(bands_nm)
    logarithms = tuple(f"log R{w}" for w in bands_nm)
    squares = tuple(f"{name} squared" for name in logarithms)
    ratios = tuple(f"R{w}/R{base}" for w in bands_nm if w != base)
    albedo = (f"log R{base}", f"log R{base} squared")
    maturity = ("OMAT",) if base == 750 else ()
    return {
        REFERENCE: logarithms + squares,
        "reference and iron angle": (*logarithms, *squares, "theta_Fe"),
        "everything": logarithms + squares + _ANGLES + ratios,
        "ratios and angles": ratios + _ANGLES + maturity,
        "logarithms": logarithms,
        "bands": tuple(f"R{w}" for w in bands_nm),
        "albedo": albedo,
        "albedo and iron angle": (*albedo, "theta_Fe"),
        "iron angle": ("theta_Fe",),
        "titanium angle": ("theta_Ti",),
        "angles": _ANGLES,
    }


def ridges(bands_nm: Sequence[int], oxide: str | None = None) -> dict[str, Ridge]:
    """The ridges by name, the reference first; of each kind one of the oxide and one of its ln.

    Parameters
    ----------
    bands_nm : sequence of int
    oxide : str, optional
        Leave out those of the logarithm where it is none of ``SPANNING_OXIDES``.
    """
    logarithms = (False, True) if oxide is None or oxide in SPANNING_OXIDES else (False,)
    made = [
        Ridge(f"{kind}{IN_LOGARITHMS if logarithm else ''}", features, logarithm)
        for kind, features in features_of(bands_nm).items()
        for logarithm in logarithms
    ]
    return {ridge.name: ridge for ridge in made}


def processes(bands_nm: Sequence[int]) -> dict[str, GaussianProcess]:
    """Gaussian processes by name: judged beside the ridges, and slower in a map."""
    kinds = features_of(bands_nm)
    made = (
        GaussianProcess("Gaussian process", kinds["logarithms"]),
        GaussianProcess("Gaussian process and slope", kinds["logarithms"], slope=1.0),
        GaussianProcess("Gaussian process of angles and slope", kinds["angles"], slope=1.0),
    )
    return {process.name: process for process in made}


def families(bands_nm: Sequence[int]) -> dict[str, Family]:
    """All families by name."""
    return {**ridges(bands_nm), **processes(bands_nm)}


def base_nm(bands_nm: Sequence[int]) -> int:
    """The band of a camera that ratios and albedo are taken at, near 750 nm."""
    return min(bands_nm, key=lambda wavelength: abs(wavelength - 750))
