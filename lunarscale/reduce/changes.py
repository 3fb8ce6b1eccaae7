"""What changed from one map to another, region by region, and which regions changed most."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from lunarscale.grid.raster import weight_to_km2
from lunarscale.quantities import Quantity
from lunarscale.reduce.covariances import Covariances
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.relations import relation
from lunarscale.reduce.shape import box_of
from lunarscale.reduce.statistics import Statistics

#: Positions of the layers: the first map, the second, and the first less the second.
A, B, DIFFERENCE = range(3)

#: Bits of a difference's flag where it has no value, but the first map or the second has one.
HAS_A, HAS_B = 64, 128

#: The middle of the area whose differences are told as a range.
MIDDLE = (Fraction(25, 1000), Fraction(975, 1000))


@dataclass(frozen=True, kw_only=True)
class Change:
    """Two maps in one region, over the pixels where both have a value, weighted by true area.

    Differences are the first map less the second (A - B), in ``units``; ``p2_5`` to ``p97_5`` is
    the middle 95 % of the area. ``slope`` and ``intercept`` are of the least-squares line of A on
    B, the ``rma`` ones of the reduced major axis. *Moved* is where the difference is at least a
    stated size, either way. Areas are in km2; shares are of the area with both values.
    ``valid_a_km2`` and ``valid_b_km2`` are what each map has values on by itself, within the part
    of the Moon that both cover, and the common shares how much of that is ground where both have
    one. None where there is nothing to tell, and the note says why.
    """

    grouping: str
    group: str
    units: str
    mean_a: float | None = None
    mean_b: float | None = None
    mean_difference: float | None = None
    std_difference: float | None = None
    min_difference: float | None = None
    p2_5: float | None = None
    median: float | None = None
    p97_5: float | None = None
    max_difference: float | None = None
    rmse: float | None = None
    correlation: float | None = None
    slope: float | None = None
    intercept: float | None = None
    rma_slope: float | None = None
    rma_intercept: float | None = None
    moved_area_km2: float = 0.0
    moved_share: float | None = None
    area_km2: float
    group_area_km2: float
    area_share: float | None
    valid_a_km2: float | None = None
    valid_b_km2: float | None = None
    common_share_a: float | None = None
    common_share_b: float | None = None
    beyond_range_km2: float = 0.0
    note: str = ""


def changes(
    statistics: Statistics,
    products: Mapping[str, Covariances],
    quantity: Quantity,
    *,
    moved_by: int,
) -> list[Change]:
    """One row a group, groupings and groups in their order.

    Parameters
    ----------
    statistics : Statistics
        Of the layers A, B and their difference.
    products : mapping of grouping name to Covariances
        Of the same.
    quantity : Quantity
        What the maps show.
    moved_by : int
        Counts from which a pixel has moved, either way.
    """
    return [
        _change(
            statistics,
            products[label.name],
            (position, number),
            quantity=quantity,
            moved_by=moved_by,
        )
        for position, label in enumerate(statistics.groupings)
        for number in range(1, len(label.groups) + 1)
    ]


def _change(
    statistics: Statistics,
    products: Covariances,
    at: tuple[int, int],
    *,
    quantity: Quantity,
    moved_by: int,
) -> Change:
    position, number = at
    cell = statistics.group(position, number)
    counts, flags = cell.layers[DIFFERENCE]
    both = relation(products, (B, A), number, quantities=(quantity,) * 3)
    step = Fraction(str(quantity.quantum))
    valid = counts.weight
    moved = int(counts.weights[np.abs(counts.values.astype(np.int64)) >= moved_by].sum())
    beyond = _flagged(flags, HAS_A | HAS_B)
    common = valid + beyond
    own = [
        valid + sum(_flagged(flags, bits) for bits in (has, HAS_A | HAS_B))
        for has in (HAS_A, HAS_B)
    ]
    spread = {}
    if valid:
        mean, variance = counts.moments()
        low, high = (counts.quantile(share) for share in MIDDLE)
        spread = {
            "mean_difference": float(mean * step),
            "std_difference": math.sqrt(variance * step**2),
            "min_difference": float(counts.minimum * step),
            "p2_5": float(low * step),
            "median": float(counts.quantile(Fraction(1, 2)) * step),
            "p97_5": float(high * step),
            "max_difference": float(counts.maximum * step),
            "moved_share": moved / valid,
        }
    return Change(
        grouping=statistics.groupings[position].name,
        group=statistics.groupings[position].groups[number - 1],
        units=quantity.units,
        mean_a=both.y_mean,
        mean_b=both.x_mean,
        rmse=both.rmse,
        correlation=both.correlation,
        slope=both.slope,
        intercept=both.intercept,
        rma_slope=both.rma_slope,
        rma_intercept=both.rma_intercept,
        moved_area_km2=weight_to_km2(moved),
        area_km2=both.area_km2,
        group_area_km2=weight_to_km2(cell.weight),
        area_share=both.area_share,
        valid_a_km2=weight_to_km2(own[0]),
        valid_b_km2=weight_to_km2(own[1]),
        common_share_a=common / own[0] if own[0] else None,
        common_share_b=common / own[1] if own[1] else None,
        beyond_range_km2=weight_to_km2(beyond),
        note=both.note,
        **spread,
    )


def _flagged(flags: Histogram, bits: int) -> int:
    """Area whose flag says of the maps exactly this."""
    return int(flags.weights[flags.values & (HAS_A | HAS_B) == bits].sum())


def usual_size(difference: Histogram) -> int:
    """The size, in counts, from which a pixel is said to have moved where none is asked for.

    What is larger than the longer whisker of the whole area's box plot (``reduce.shape``): larger
    than the bulk of the differences explains. Where nothing is, as when a change fills more than
    a quarter of the area, the larger end of the middle 95 %. At least one count.
    """
    if not difference.weight:
        return 1
    box = box_of(difference)
    beyond = max(abs(box.low), abs(box.high)) + 1
    if np.abs(difference.values.astype(np.int64)).max() >= beyond:
        return beyond
    return max(1, *(abs(difference.quantile(share)) for share in MIDDLE))


def most_changed(
    rows: Sequence[Change], by: Literal["mean_difference", "moved_area"]
) -> list[Change]:
    """The regions that have both values, the one that changed most first; the whole is no region.

    Parameters
    ----------
    rows : sequence of Change
    by : {"mean_difference", "moved_area"}
        The size of the mean difference, or the area that moved.
    """
    regions = [row for row in rows if row.grouping != "moon" and row.mean_difference is not None]
    if by == "moved_area":
        return sorted(regions, key=lambda row: -row.moved_area_km2)
    return sorted(regions, key=lambda row: -abs(row.mean_difference or 0.0))
