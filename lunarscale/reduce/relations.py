"""How two maps go together: covariance, correlation, lines of regression, differences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from lunarscale.grid.raster import weight_to_km2
from lunarscale.quantities import Quantity
from lunarscale.reduce.covariances import Common, Covariances

#: What the note of a row without figures says.
NOWHERE_BOTH = "no pixel has both values"


@dataclass(frozen=True, kw_only=True)
class Relation:
    """Two maps in one group, over the pixels where both have a value, weighted by true area.

    ``slope`` and ``intercept`` are of the ordinary least-squares line of y on x; ``rma_slope``
    and ``rma_intercept`` of the reduced major axis, sign(r) s_y / s_x through the means, which
    takes neither map for the truth. Deviations and ``covariance`` are of the population. ``bias``
    is the mean and ``rmse`` the root mean square of y - x, where both show the same quantity. The
    sums are exact; each figure is rounded at its end. None where there is nothing to tell.
    """

    x: str
    y: str
    grouping: str
    group: str
    x_units: str
    y_units: str
    x_mean: float | None = None
    y_mean: float | None = None
    x_std: float | None = None
    y_std: float | None = None
    covariance: float | None = None
    correlation: float | None = None
    slope: float | None = None
    intercept: float | None = None
    rma_slope: float | None = None
    rma_intercept: float | None = None
    bias: float | None = None
    rmse: float | None = None
    area_km2: float
    area_share: float | None
    note: str = ""


def relations(sums: Covariances, quantities: Sequence[Quantity]) -> list[Relation]:
    """Every pair of layers in every group, groups in their order.

    Parameters
    ----------
    sums : Covariances
    quantities : sequence of Quantity
        What each layer shows, in the order of its layers.
    """
    return [
        relation(sums, pair, group, quantities=quantities)
        for group in range(1, len(sums.grouping.groups) + 1)
        for pair in combinations(range(len(sums.layers)), 2)
    ]


def relation(
    sums: Covariances, pair: tuple[int, int], group: int, *, quantities: Sequence[Quantity]
) -> Relation:
    """Two layers, by their positions, in one group, by its number."""
    common, whole = sums.common(group, pair), sums.common(group, ()).weight
    x, y = (quantities[layer] for layer in pair)
    moments = second_moments(common, pair, quantities=(x, y)) if common.weight else None
    figures = {} if moments is None else _figures(moments, comparable=x.name == y.name)
    constant = [] if moments is None else [
        sums.layers[layer]
        for layer, spread in zip(pair, moments.variances, strict=True)
        if not spread
    ]  # fmt: skip
    note = NOWHERE_BOTH if moments is None else ""
    if constant:
        note = f"{' and '.join(constant)}: one value all over, so there is no correlation"
    return Relation(
        x=sums.layers[pair[0]],
        y=sums.layers[pair[1]],
        grouping=sums.grouping.name,
        group=sums.grouping.groups[group - 1],
        x_units=x.units,
        y_units=y.units,
        area_km2=weight_to_km2(common.weight),
        area_share=common.weight / whole if whole else None,
        note=note,
        **figures,
    )


@dataclass(frozen=True)
class Moments:
    """Exact means, variances and covariance of two layers in their units."""

    means: tuple[Fraction, Fraction]
    variances: tuple[Fraction, Fraction]
    covariance: Fraction


def second_moments(
    common: Common, pair: tuple[int, int], *, quantities: tuple[Quantity, Quantity]
) -> Moments:
    """The moments of two layers over an area that is not empty; of the population."""
    i, j = pair
    weight, first = common.weight, common.first
    steps = [Fraction(str(quantity.quantum)) for quantity in quantities]
    return Moments(
        means=(steps[0] * Fraction(first[i], weight), steps[1] * Fraction(first[j], weight)),
        variances=(
            steps[0] ** 2 * common.covariance(i, i),
            steps[1] ** 2 * common.covariance(j, j),
        ),
        covariance=steps[0] * steps[1] * common.covariance(i, j),
    )


def _figures(moments: Moments, *, comparable: bool) -> dict[str, float]:
    (x_mean, y_mean), (x_var, y_var) = moments.means, moments.variances
    shared = moments.covariance
    found = {
        "x_mean": float(x_mean),
        "y_mean": float(y_mean),
        "x_std": math.sqrt(x_var),
        "y_std": math.sqrt(y_var),
        "covariance": float(shared),
    }
    if x_var:
        slope = shared / x_var
        found |= {"slope": float(slope), "intercept": float(y_mean - slope * x_mean)}
    if x_var and y_var:
        found["correlation"] = math.copysign(math.sqrt(shared**2 / (x_var * y_var)), shared)
        axis = math.copysign(math.sqrt(y_var / x_var), shared)
        found |= {"rma_slope": axis, "rma_intercept": float(y_mean - Fraction(axis) * x_mean)}
    if comparable:
        bias = y_mean - x_mean
        found["bias"] = float(bias)
        found["rmse"] = math.sqrt(bias**2 + x_var + y_var - 2 * shared)
    return found
