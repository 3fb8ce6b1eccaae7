"""Which family ships for an oxide: the rule, and what following the rule is worth.

The rule, for candidates that are families and plain means of a few:

1. a candidate must not stand below the reference under leave-one-mission-out (LOMO), nor below
   zero where any candidate stands above it: without skill at sites unlike its own, a model has
   no business far from them;
2. of those, the best under leave-one-out (LOO) leads;
3. of those that the paired bootstrap cannot tell from the leader (the 95 % interval of the
   difference of their LOO R2 holds zero), the best under LOMO ships.

To choose among hundreds after looking at their scores flatters the one that is chosen. What the
choice is really worth is told by nesting: the rule is followed again inside every fold, on scores
in which the held-out row or site had no part, and what it then chose predicts what was held out.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lunarscale.errors import StationError
from lunarscale.training.families import Average, Family
from lunarscale.training.folds import SCHEMES, Fold, partition
from lunarscale.training.judge import LEVEL, resampled_r2, row_resamples
from lunarscale.training.samples import Floats, Rows, Samples


@dataclass(frozen=True, eq=False)
class Candidates:
    """Families, and the plain means of up to ``size`` of them.

    Parameters
    ----------
    families : tuple of Family
        The reference first.
    members : tuple of tuple of int
        Positions of each candidate's members among the families; the first is the reference.
    weights : ndarray of float64, (candidate, family)
        From the families' predictions to the candidates'.
    """

    families: tuple[Family, ...]
    members: tuple[tuple[int, ...], ...]
    weights: Floats

    @classmethod
    def of(cls, families: Sequence[Family], *, size: int = 2) -> "Candidates":
        """All means of up to ``size`` families."""
        positions = range(len(families))
        members = tuple(c for k in range(1, size + 1) for c in combinations(positions, k))
        weights = np.zeros((len(members), len(families)))
        for row, chosen in enumerate(members):
            weights[row, chosen] = 1.0 / len(chosen)
        return cls(tuple(families), members, weights)

    def family(self, candidate: int) -> Family:
        """A candidate as a family."""
        chosen = tuple(self.families[index] for index in self.members[candidate])
        return chosen[0] if len(chosen) == 1 else Average(chosen)


@dataclass(frozen=True, eq=False)
class Selection:
    """What the rule chose for an oxide, and what choosing by it is worth.

    Parameters
    ----------
    oxide : str
    rows : ndarray of int
        Rows of the samples that have the oxide; all predictions are in their order.
    chosen : str
        Name of the candidate that the rule takes on all rows.
    predicted, nested : dict of str to ndarray of float64, (n,)
        By scheme, ``LOO`` and ``LOMO``: wt % of held-out rows, by the chosen candidate, and by
        what the rule chose without them.
    choices : dict of str to dict of str to str
        By scheme and fold: what the rule chose without it.
    """

    oxide: str
    rows: Rows
    chosen: str
    predicted: dict[str, Floats]
    nested: dict[str, Floats]
    choices: dict[str, dict[str, str]]


def choose(measured: Floats, loo: Floats, lomo: Floats) -> int:
    """The candidate that the rule takes.

    Parameters
    ----------
    measured : ndarray of float64, (n,)
    loo, lomo : ndarray of float64, (candidate, n)
        Predictions of held-out rows; the first candidate is the reference.
    """
    everyone = np.ones((1, measured.size))
    near = resampled_r2(measured, loo, everyone)[0]
    far = resampled_r2(measured, lomo, everyone)[0]
    admitted = far >= max(far[0], 0.0)
    if not admitted.any():
        admitted = far >= far[0]
    leader = int(np.where(admitted, near, -np.inf).argmax())
    resampled = resampled_r2(measured, loo, row_resamples(measured.size))
    # a resample that holds one value only has no R2, of none of them
    told = resampled[~np.isnan(resampled[:, leader])]
    as_good = np.quantile(told[:, [leader]] - told, (1.0 - LEVEL) / 2.0, axis=0) <= 0.0
    return int(np.where(admitted & as_good, far, -np.inf).argmax())


def select(candidates: Candidates, samples: Samples, oxide: str) -> Selection:
    """Follows the rule on all stations that have the oxide, and again inside every fold.

    Raises
    ------
    StationError
        If the oxide is known at too few stations or landing sites.
    """
    rows = samples.rows(oxide, at_least=4)
    _require_sites({samples.sites[row] for row in rows}, oxide)
    measured = samples.target(oxide)[rows]
    position = np.full(len(samples), -1)
    position[rows] = np.arange(rows.size)
    outer: dict[str, Floats] = {}
    picks: dict[str, list[tuple[Fold, int]]] = {}
    for scheme in ("LOO", "LOMO"):
        outer[scheme] = np.empty((len(candidates.members), rows.size))
        picks[scheme] = []
        for fold in SCHEMES[scheme](samples, rows):
            outside, loo, lomo = _inside(candidates, samples, oxide, fold=fold)
            outer[scheme][:, position[fold.held_out]] = outside
            pick = choose(samples.target(oxide)[fold.train], loo, lomo)
            picks[scheme].append((fold, pick))
    chosen = choose(measured, outer["LOO"], outer["LOMO"])
    nested = {scheme: np.empty(rows.size) for scheme in picks}
    for scheme, pairs in picks.items():
        for fold, pick in pairs:
            at = position[fold.held_out]
            nested[scheme][at] = outer[scheme][pick, at]
    return Selection(
        oxide,
        rows,
        candidates.family(chosen).name,
        {scheme: predictions[chosen] for scheme, predictions in outer.items()},
        nested,
        {
            scheme: {fold.name: candidates.family(pick).name for fold, pick in pairs}
            for scheme, pairs in picks.items()
        },
    )


def _require_sites(sites: Set[str], oxide: str) -> None:
    """Three at least: without one of two, another cannot be left out too."""
    if len(sites) < 3:
        raise StationError(
            f"{oxide} is known at {len(sites)} landing site(s) but choosing a model without each "
            "needs three at least; add stations elsewhere, or tell sites apart in the table"
        )


def _inside(
    candidates: Candidates, samples: Samples, oxide: str, *, fold: Fold
) -> tuple[Floats, Floats, Floats]:
    """Predictions of what a fold holds out, and of its own rows left out one by one and by site."""
    models = [family.fit(samples, oxide, fold.train) for family in candidates.families]
    alone = partition(range(fold.train.size))
    by_site = partition([samples.sites[row] for row in fold.train])
    outside = np.stack([m.predict(samples.reflectance[fold.held_out]) for m in models])
    loo, lomo = (np.stack([m.left_out(groups) for m in models]) for groups in (alone, by_site))
    return candidates.weights @ outside, candidates.weights @ loo, candidates.weights @ lomo
