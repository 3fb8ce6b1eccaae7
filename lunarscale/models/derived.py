"""What follows from oxides: the magnesium number, and the plagioclase behind a soil's aluminium."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lunarscale.errors import ModelError

#: Molar masses in g/mol, from the IUPAC standard atomic weights of 2021 (Pure Appl. Chem. 94,
#: 573): Na 22.990, Mg 24.305, Al 26.982, Si 28.085, Ca 40.078, Fe 55.845, O 15.999.
MGO_G_PER_MOL = 40.304
FEO_G_PER_MOL = 71.844
AL2O3_G_PER_MOL = 101.961
ANORTHITE_G_PER_MOL = 278.204  # CaAl2Si2O8
ALBITE_G_PER_MOL = 262.219  # NaAlSi3O8

#: Molar share of anorthite in the plagioclase of the lunar highlands (Warren 1990, Am. Mineral.
#: 75, 46: An 94-98 in ferroan anorthosites).
ANORTHITE_SHARE = 0.96

#: Densities in g/cm3 of calcic plagioclase, and of the pyroxene and olivine beside it (Deer,
#: Howie & Zussman 1992, An Introduction to the Rock-Forming Minerals).
PLAGIOCLASE_DENSITY, MAFIC_DENSITY = 2.75, 3.30


def mg_number(mgo_wt_pct: ArrayLike, feo_wt_pct: ArrayLike) -> NDArray[np.float64]:
    """Molar Mg / (Mg + Fe), all iron as FeO.

    Parameters
    ----------
    mgo_wt_pct, feo_wt_pct : array_like
        Abundances in wt %, broadcast against each other.

    Returns
    -------
    ndarray of float64
        In 0-1; NaN where an oxide is negative or missing, or where there is neither.
    """
    magnesium = np.asarray(mgo_wt_pct, dtype=np.float64) / MGO_G_PER_MOL
    iron = np.asarray(feo_wt_pct, dtype=np.float64) / FEO_G_PER_MOL
    total = magnesium + iron
    defined = (magnesium >= 0.0) & (iron >= 0.0) & (total > 0.0)
    number = np.full(total.shape, np.nan)
    np.divide(magnesium, total, out=number, where=defined)
    return number


def al2o3_of_plagioclase(volume_share: float) -> float:
    """Al2O3 (wt %) of a rock of plagioclase and mafic minerals.

    The plagioclase is An96 with 36.0 wt % Al2O3 (pure anorthite has 36.6); what little aluminium
    pyroxene and olivine hold is left out, so the figure is a lower bound.

    Parameters
    ----------
    volume_share : float
        Plagioclase by volume, 0-1.

    Raises
    ------
    ModelError
        If the share is no share.
    """
    if not 0.0 <= volume_share <= 1.0:
        raise ModelError(f"plagioclase makes 0 to 1 of a rock's volume, not {volume_share:g}")
    plagioclase = volume_share * PLAGIOCLASE_DENSITY
    mass_share = plagioclase / (plagioclase + (1.0 - volume_share) * MAFIC_DENSITY)
    return mass_share * AL2O3_OF_PLAGIOCLASE


def plagioclase_of_al2o3(al2o3_wt_pct: float) -> float:
    """Plagioclase by volume (0-1) that gives a rock this Al2O3: ``al2o3_of_plagioclase`` undone.

    Raises
    ------
    ModelError
        If no rock of plagioclase and mafic minerals has it.
    """
    if not 0.0 <= al2o3_wt_pct <= AL2O3_OF_PLAGIOCLASE:
        raise ModelError(
            f"plagioclase gives a rock 0 to {AL2O3_OF_PLAGIOCLASE:.1f} wt % Al2O3, "
            f"not {al2o3_wt_pct:g}"
        )
    mass_share = al2o3_wt_pct / AL2O3_OF_PLAGIOCLASE
    plagioclase = mass_share / PLAGIOCLASE_DENSITY
    return plagioclase / (plagioclase + (1.0 - mass_share) / MAFIC_DENSITY)


def _al2o3_of(anorthite: float) -> float:
    """Al2O3 of plagioclase, wt %: a mole of anorthite holds one of it, a mole of albite half."""
    mass = anorthite * ANORTHITE_G_PER_MOL + (1.0 - anorthite) * ALBITE_G_PER_MOL
    return 100.0 * AL2O3_G_PER_MOL * (anorthite + (1.0 - anorthite) / 2.0) / mass


#: Al2O3 of the highlands' plagioclase, wt %: 36.0.
AL2O3_OF_PLAGIOCLASE = _al2o3_of(ANORTHITE_SHARE)
