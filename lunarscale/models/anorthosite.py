"""The criterion of magnesian anorthosite, and how far it is moved to see what hangs on it."""

from dataclasses import dataclass

from lunarscale.errors import ParametersError
from lunarscale.models.derived import (
    AL2O3_OF_PLAGIOCLASE,
    al2o3_of_plagioclase,
    plagioclase_of_al2o3,
)

#: Plagioclase by volume from which ground is called rich in it. A choice of lunarscale's, to be
#: moved: just below the 80 % of the highlands' average surface (Taylor 2009, Elements 5, 17), far
#: from the 90 % of anorthosite as a rock. Nomenclatures of highland rocks commonly draw the line
#: to noritic anorthosite there; their source was not at hand.
PLAGIOCLASE_RICH = 0.775

#: The Al2O3 that this much plagioclase gives, wt %, to the tenth: 26.7.
DEFAULT_AL2O3_WT_PCT = round(al2o3_of_plagioclase(PLAGIOCLASE_RICH), 1)

#: Mg# from which it is called magnesian: ferroan anorthosites lie below it.
DEFAULT_MG_NUMBER = 0.70

#: How far and in which steps either threshold is moved: wt % of Al2O3, and Mg#.
AL2O3_REACH, AL2O3_STEP = 5.0, 0.5
MG_REACH, MG_STEP = 0.10, 0.01


@dataclass(frozen=True)
class Criterion:
    """Magnesian anorthosite: rich in plagioclase and in magnesium over iron.

    Parameters
    ----------
    al2o3_wt_pct : float
        Least Al2O3; by default that of 77.5 % plagioclase by volume.
    mg_number : float
        Least molar Mg / (Mg + Fe); no public source states one for the published maps.

    Raises
    ------
    ParametersError
        If a threshold is beyond what there can be.
    """

    al2o3_wt_pct: float = DEFAULT_AL2O3_WT_PCT
    mg_number: float = DEFAULT_MG_NUMBER

    def __post_init__(self) -> None:
        most = AL2O3_OF_PLAGIOCLASE
        if not 0.0 < self.al2o3_wt_pct <= most:
            raise ParametersError(
                f"--al2o3 {self.al2o3_wt_pct:g}: the threshold must lie above 0 and at most at the "
                f"{most:.1f} wt % of pure plagioclase; {DEFAULT_AL2O3_WT_PCT:g} is 77.5 % of it "
                "by volume"
            )
        if not 0.0 < self.mg_number < 1.0:
            raise ParametersError(
                f"--mg-number {self.mg_number:g}: Mg / (Mg + Fe) lies between 0 and 1; give a "
                f"fraction, as {DEFAULT_MG_NUMBER:g}"
            )

    @property
    def plagioclase(self) -> float:
        """Plagioclase by volume (0-1) that the threshold of Al2O3 stands for."""
        return plagioclase_of_al2o3(self.al2o3_wt_pct)

    @property
    def words(self) -> str:
        """The criterion for people."""
        return (
            f"Al₂O₃ ≥ {self.al2o3_wt_pct:g} wt % (plagioclase ≥ {100 * self.plagioclase:.1f} % by "
            f"volume) and Mg# ≥ {self.mg_number:g}"
        )

    def al2o3_range(self) -> tuple[float, ...]:
        """Thresholds of Al2O3 to compare, wt %, the criterion's own among them."""
        found = _around(self.al2o3_wt_pct, AL2O3_REACH, AL2O3_STEP)
        return tuple(value for value in found if value <= AL2O3_OF_PLAGIOCLASE)

    def mg_range(self) -> tuple[float, ...]:
        """Thresholds of Mg# to compare, the criterion's own among them."""
        return tuple(v for v in _around(self.mg_number, MG_REACH, MG_STEP) if v < 1.0)


def _around(middle: float, reach: float, step: float) -> tuple[float, ...]:
    """Positive values about a middle, which is one of them as it is given."""
    steps = round(reach / step)
    values = (middle if k == 0 else round(middle + k * step, 9) for k in range(-steps, steps + 1))
    return tuple(value for value in values if value > 0.0)
