"""Prediction intervals from held-out residuals: CV+ by landing site, and jackknife+.

Barber, Candes, Ramdas & Tibshirani 2021 (Annals of Statistics 49, 486), sections 2 and 3. With
``m_k`` the model without fold k, ``R_i = |y_i - m_k(i)(x_i)|`` the residual of row i under the
model that has not seen it, and ``r = floor((1 - level) (n + 1))``, the interval at x reaches

    from the r-th smallest of m_k(i)(x) - R_i    to the r-th largest of m_k(i)(x) + R_i .

For rows that can be exchanged jackknife+ covers at least 2 level - 1, CV+ with folds of one
size a little less, and both about ``level`` in practice. Folds by site are of very different
sizes, of which nothing is proved: ``nested_coverage`` tells what they do here.
Stations of one site resemble each other, so they cannot be exchanged for stations elsewhere:
folds by landing site are the default, and tell how wrong a map may be where nobody has landed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lunarscale.errors import StationError
from lunarscale.training.families import Family, Fitted
from lunarscale.training.folds import Fold, leave_one_mission_out, leave_one_out
from lunarscale.training.samples import Floats, Rows, Samples

#: Share of stations that an interval is to cover.
LEVEL = 0.9

#: Normal quantile of the 95 % intervals of coverages.
_Z95 = 1.959963984540054

#: The method that is used unless another is asked for, and the other one.
DEFAULT_METHOD, JACKKNIFE = "CV+ by landing site", "jackknife+"

#: The ways to hold out, by name.
METHODS: dict[str, Callable[[Samples, Rows], tuple[Fold, ...]]] = {
    DEFAULT_METHOD: leave_one_mission_out,
    JACKKNIFE: leave_one_out,
}


@dataclass(frozen=True, eq=False)
class Intervals:
    """Prediction intervals of one oxide.

    Parameters
    ----------
    models : tuple of Fitted
        One a fold.
    residuals : tuple of ndarray of float64
        wt %, absolute, of each fold's held-out rows, largest first.
    level : float
        Share to cover.
    """

    models: tuple[Fitted, ...]
    residuals: tuple[Floats, ...] = field(repr=False)
    level: float = LEVEL

    @property
    def rank(self) -> int:
        """Which smallest and which largest value the ends are."""
        return rank_of(self.level, sum(r.size for r in self.residuals))

    def ends(self, reflectance: Floats) -> tuple[Floats, Floats]:
        """Lower and upper end in wt %, each (n,), from reflectances (n, band) as fractions."""
        low, high = [], []
        for model, residuals in zip(self.models, self.residuals, strict=True):
            middle = model.predict(reflectance)[:, None]
            low.append(middle - residuals)
            high.append(middle + residuals)
        lower, upper = np.concatenate(low, axis=1), np.concatenate(high, axis=1)
        upper.sort(axis=1)
        lower.sort(axis=1)
        return lower[:, self.rank - 1], upper[:, -self.rank]


@dataclass(frozen=True)
class Coverage:
    """How many held-out stations lie in intervals that were made without them.

    Parameters
    ----------
    inside, n : int
    level : float
        The share promised.
    low, high : float
        95 % binomial interval of the share (Wilson 1927, JASA 22, 209), as if stations were
        independent.
    width : float
        Median width of the intervals, wt %.
    """

    inside: int
    n: int
    level: float
    low: float
    high: float
    width: float

    @property
    def share(self) -> float:
        """Share of the stations inside."""
        return self.inside / self.n


def rank_of(level: float, rows: int) -> int:
    """``floor((1 - level) (n + 1))``.

    Raises
    ------
    StationError
        If the level is no share, or the rows are too few for it.
    """
    if not 0.0 < level < 1.0:
        raise StationError(f"a level of {level:g} is no share between 0 and 1; give 0.9 for 90 %")
    rank = math.floor((1.0 - level) * (rows + 1) + 1e-9)  # 0.1 x 50 is 5, not 4.999...
    if rank < 1:
        needed = math.ceil(1.0 / (1.0 - level) - 1e-9) - 1
        raise StationError(
            f"intervals that cover {level:.0%} need at least {needed} stations but there are "
            f"{rows}; add stations, or ask for a lower level"
        )
    return rank


def intervals_of(
    family: Family, samples: Samples, oxide: str, *, train: Rows | None = None,
    level: float = LEVEL, method: str = DEFAULT_METHOD,
) -> Intervals:  # fmt: skip
    """The intervals that some rows give.

    Parameters
    ----------
    family : Family
    samples : Samples
    oxide : str
    train : ndarray of int, optional
        Rows to take; all that have the oxide if not given.
    level : float
        Share to cover.
    method : str
        One of ``METHODS``.

    Raises
    ------
    StationError
        If there are too few rows or sites.
    """
    rows = samples.rows(oxide) if train is None else train
    rank_of(level, rows.size)
    models, residuals = [], []
    for fold in METHODS[method](samples, rows):
        model = family.fit(samples, oxide, fold.train)
        missed = samples.target(oxide)[fold.held_out] - model.predict(
            samples.reflectance[fold.held_out]
        )
        models.append(model)
        residuals.append(np.sort(np.abs(missed))[::-1])
    return Intervals(tuple(models), tuple(residuals), level)


def nested_coverage(
    family: Family, samples: Samples, oxide: str, *, folds: Sequence[Fold],
    level: float = LEVEL, method: str = DEFAULT_METHOD,
) -> Coverage:  # fmt: skip
    """How many rows lie in intervals made from the rows outside their fold.

    Raises
    ------
    StationError
        If a fold leaves too few rows or sites.
    """
    inside, widths = 0, []
    for fold in folds:
        made = intervals_of(family, samples, oxide, train=fold.train, level=level, method=method)
        lower, upper = made.ends(samples.reflectance[fold.held_out])
        measured = samples.target(oxide)[fold.held_out]
        inside += int(np.sum((lower <= measured) & (measured <= upper)))
        widths.append(upper - lower)
    width = float(np.median(np.concatenate(widths)))
    n = sum(fold.held_out.size for fold in folds)
    return Coverage(inside, n, level, *wilson(inside, n), width)


def wilson(inside: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of which ``inside`` of ``n`` were seen."""
    share, z2 = inside / n, _Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return middle - half, middle + half
