"""Which pairs of FeO and Mg# look like a population of maria, and how much lies there."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ParametersError
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.density import held_at, region, smoothed
from lunarscale.reduce.joint import Axis

#: The thresholds and the share of Qiu 2025's screening; it defines no share, 0.95 is our choice.
FEO_WT_PCT, MG_NUMBER, DENSITY_SHARE = 15.0, 0.60, 0.95

#: Widths of the bins of FeO (wt %) and of Mg#; bins end exactly at the thresholds.
FEO_STEP, MG_STEP = 0.1, 0.005

#: What the bins cover; what lies beyond is counted in an open bin at either end.
FEO_RANGE, MG_RANGE = (-1.0, 31.0), (0.2, 0.9)

#: Standard deviations of the Gaussian that smooths the population's density, in units.
FEO_BANDWIDTH, MG_BANDWIDTH = 0.3, 0.01

#: Shares of the population, and thresholds beside the asked ones, that are compared.
SHARES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99)
FEO_OFFSETS = tuple(k * 0.5 for k in range(-6, 7))
MG_OFFSETS = tuple(k * 0.01 for k in range(-8, 9))


@dataclass(frozen=True)
class Screen:
    """What a place must be like: FeO above, Mg# below, and within the maria's density region.

    Parameters
    ----------
    feo_wt_pct : float
        FeO must be above it.
    mg_number : float
        Mg# must be below it.
    density_share : float
        Share of the maria's area that their highest-density region holds.

    Raises
    ------
    ParametersError
        If a threshold is outside what the bins cover, or the share is none.
    """

    feo_wt_pct: float = FEO_WT_PCT
    mg_number: float = MG_NUMBER
    density_share: float = DENSITY_SHARE

    def __post_init__(self) -> None:
        if not 0.0 < self.feo_wt_pct <= 25.0:
            raise ParametersError(
                f"--feo {self.feo_wt_pct:g}: the threshold must lie above 0 and at most at 25 "
                f"wt %; {FEO_WT_PCT:g} is the paper's"
            )
        if not 0.3 <= self.mg_number <= 0.85:
            raise ParametersError(
                f"--mg-number {self.mg_number:g}: the threshold of Mg / (Mg + Fe) must lie between "
                f"0.3 and 0.85; give a fraction, as {MG_NUMBER:g}"
            )
        if not 0.0 < self.density_share < 1.0:
            raise ParametersError(
                f"--density {self.density_share:g}: give the share of the maria that their region "
                f"is to hold, above 0 and below 1, as {DENSITY_SHARE:g}"
            )

    @property
    def words(self) -> str:
        """The thresholds for people."""
        mg = f"{self.mg_number:g}"
        return f"FeO > {self.feo_wt_pct:g} wt % and Mg# < {mg if len(mg) > 3 else f'{mg:0<4}'}"

    def axes(self, feo: str, mg: str) -> tuple[Axis, Axis]:
        """Fine bins of two layers that end exactly at the thresholds.

        Edges are the thresholds and what lies whole steps from them. A bin of FeO begins above
        its edge (FeO > 15), one of Mg# at it (Mg# < 0.60 ends below).
        """
        first, second = QUANTITIES["FeO"], QUANTITIES["Mg_number"]
        above = [
            math.floor(_exact(value) / _exact(first.quantum)) + 1 for value in self.feo_edges()
        ]
        return Axis(feo, tuple(above)), Axis.of(mg, second, self.mg_edges())

    def feo_edges(self) -> list[float]:
        """Edges of the bins of FeO, wt %."""
        return _steps_about(self.feo_wt_pct, FEO_STEP, FEO_RANGE)

    def mg_edges(self) -> list[float]:
        """Edges of the bins of Mg#."""
        return _steps_about(self.mg_number, MG_STEP, MG_RANGE)

    def feo_range(self) -> list[float]:
        """Thresholds of FeO that are compared, the asked one among them."""
        return _at_edges(self.feo_wt_pct, FEO_OFFSETS, self.feo_edges())

    def mg_range(self) -> list[float]:
        """Thresholds of Mg# that are compared, the asked one among them."""
        return _at_edges(self.mg_number, MG_OFFSETS, self.mg_edges())

    def shares(self) -> list[float]:
        """Shares of the maria that are compared, the asked one among them."""
        return sorted({*SHARES, self.density_share})


@dataclass(frozen=True, eq=False)
class Likeness:
    """How like the maria each pair of bins is, and which pairs pass.

    Parameters
    ----------
    screen : Screen
    maria : ndarray of int64, (bin of FeO, bin of Mg#)
        Area of the population, in any unit.

    Raises
    ------
    ParametersError
        If there is no population.
    """

    screen: Screen
    maria: NDArray[np.int64]

    @cached_property
    def density(self) -> NDArray[np.float64]:
        """The population, smoothed."""
        return smoothed(self.maria, (FEO_BANDWIDTH / FEO_STEP, MG_BANDWIDTH / MG_STEP))

    @cached_property
    def held(self) -> NDArray[np.float64]:
        """Share of the population in denser bins (``density.held_at``)."""
        return held_at(self.maria, self.density)

    def overlap(self, share: float | None = None) -> NDArray[np.bool_]:
        """Pairs of bins within the density region of a share, by default the asked one."""
        return region(self.held, self.screen.density_share if share is None else share)

    def passing(self) -> NDArray[np.bool_]:
        """Pairs of bins that pass: within the region, and beyond both thresholds."""
        passing = self.overlap().copy()
        passing[: self.screen.feo_edges().index(self.screen.feo_wt_pct) + 1] = False
        passing[:, self.screen.mg_edges().index(self.screen.mg_number) + 1 :] = False
        return passing

    def sensitivity(self, areas: NDArray[np.int64]) -> NDArray[np.int64]:
        """What passes, by every compared share and thresholds.

        Parameters
        ----------
        areas : ndarray of int64, (bin of FeO, bin of Mg#)
            Areas, or numbers of cells.

        Returns
        -------
        ndarray of int64, (share, threshold of FeO, threshold of Mg#)
        """
        screen = self.screen
        rows = [screen.feo_edges().index(value) + 1 for value in screen.feo_range()]
        cols = [screen.mg_edges().index(value) for value in screen.mg_range()]
        found = []
        for share in screen.shares():
            inside = np.where(self.overlap(share), areas, 0)
            passing = inside[::-1].cumsum(axis=0)[::-1].cumsum(axis=1)
            found.append(passing[np.ix_(rows, cols)])
        return np.array(found, dtype=np.int64)

    def overlaps(self, areas: NDArray[np.int64]) -> NDArray[np.int64]:
        """What lies within the region of every compared share, whatever the thresholds."""
        sums = [areas[self.overlap(share)].sum() for share in self.screen.shares()]
        return np.array(sums, dtype=np.int64)


def pair_counts(
    first: NDArray[np.int16], second: NDArray[np.int16], axes: tuple[Axis, Axis]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bins of samples of two maps, and how many are in each pair.

    Parameters
    ----------
    first, second : ndarray of int16, (n,)
        Counts; ``NO_DATA`` where there is none.
    axes : (Axis, Axis)

    Returns
    -------
    tuple of ndarray of int64
        Position of each sample's pair in the flattened bins, -1 where either map has no value,
        ``(n,)``; and samples a pair, ``(bin of the first, bin of the second)``.
    """
    row, col = (
        axis.lookup()[np.ascontiguousarray(counts).view(np.uint16)].astype(np.int64)
        for axis, counts in zip(axes, (first, second), strict=True)
    )
    shape = axes[0].bins, axes[1].bins
    valid = (row < shape[0]) & (col < shape[1])
    pair = np.where(valid, row * shape[1] + col, -1)
    counts = np.bincount(pair[valid], minlength=shape[0] * shape[1]).astype(np.int64)
    return pair, counts.reshape(shape)


def _exact(value: float) -> Fraction:
    return Fraction(str(value))  # 0.005 is meant as 1/200


def _steps_about(middle: float, step: float, ends: tuple[float, float]) -> list[float]:
    """What lies whole steps from a value within a range, the value itself as it is given."""
    low, high = (round((end - middle) / step) for end in ends)
    return [middle if k == 0 else round(middle + k * step, 9) for k in range(low, high + 1)]


def _at_edges(middle: float, offsets: tuple[float, ...], edges: list[float]) -> list[float]:
    """The edges that lie these far from a value, those that there are."""
    wanted = (middle if not offset else round(middle + offset, 9) for offset in offsets)
    return [value for value in wanted if value in edges]
