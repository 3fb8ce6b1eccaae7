"""The figures of one layer in one group, in units, read off its histogram and flags."""

import math
from fractions import Fraction

import numpy as np

from lunarscale.flags import REASON_MASK, MapReason
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.shape import box_of, shape_of

#: What the note of a row without values says, and why that is.
NOTHING = "no valid pixel"
NO_PIXEL = f"{NOTHING}: the map has no pixel there"
NO_LAYER = f"{NOTHING}: the layer has none anywhere"

#: Share of the area at or below each quantile.
QUANTILES = {
    "p2_5": Fraction(25, 1000),
    "p25": Fraction(1, 4),
    "median": Fraction(1, 2),
    "p75": Fraction(3, 4),
    "p97_5": Fraction(975, 1000),
}


def figures_of(counts: Histogram, step: Fraction, *, bin_quanta: int) -> dict[str, float | None]:
    """What a histogram tells, by the columns of a ``Row``; None where there is nothing to tell.

    Parameters
    ----------
    counts : Histogram
    step : Fraction
        The quantum, in units.
    bin_quanta : int
        Width of a mode's bin.
    """
    if not counts.weight:
        return dict.fromkeys(("mean", "std", "min", *QUANTILES, "max", "mode"))
    mean, variance = counts.moments()
    shape, box = shape_of(counts), box_of(counts)
    places = {name: counts.quantile(share) for name, share in QUANTILES.items()}
    places |= {"min": counts.minimum, "max": counts.maximum}
    places |= {"whisker_low": box.low, "whisker_high": box.high}
    return {
        "mean": float(mean * step),
        "std": math.sqrt(variance * step**2),
        "skewness": None if shape is None else shape.skewness,
        "excess_kurtosis": None if shape is None else shape.excess_kurtosis,
        **{name: float(count * step) for name, count in places.items()},
        "quantile_error": float(step / 2),
        "outside_whiskers_share": float(box.outside),
        "mode": float(_fullest(counts, bin_quanta) * step),
    }


def _fullest(counts: Histogram, width: int) -> Fraction:
    """Middle of the fullest bin, the lowest of equals, in counts."""
    first, areas = counts.binned(width)
    return (first + int(np.argmax(areas)) + Fraction(1, 2)) * width


def note_of(counts: Histogram, flags: Histogram, *, pixels: int, unit_km2: float) -> str:
    """Why a group has no value, and what the layer's integers could not hold.

    Parameters
    ----------
    counts, flags : Histogram
    pixels : int
        Pixels of the group, with a value or not.
    unit_km2 : float
        Square kilometres of one unit of weight.
    """
    notes = [] if counts.weight else [NOTHING if pixels else NO_PIXEL]
    beyond = int(flags.weights[(flags.values & REASON_MASK) == MapReason.BEYOND_RANGE].sum())
    if beyond:
        share = 100.0 * beyond / flags.weight
        notes.append(
            f"{beyond * unit_km2:,.3g} km² ({share:.2g} %) left out, beyond the layer's integers"
        )
    return "; ".join(notes)
