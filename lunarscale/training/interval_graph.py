"""Prediction intervals inside a graph: exact, as all folds' models and residuals go in."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from lunarscale.training.graph import GraphBuilder, Rows
from lunarscale.training.intervals import Intervals
from lunarscale.training.ranking import smallest
from lunarscale.training.together import write_together


def write_intervals(builder: GraphBuilder, made: Sequence[Intervals]) -> list[tuple[Rows, Rows]]:
    """Writes the lower and the upper end of each of some intervals, all of one camera."""
    alike: dict[tuple[int, int], list[int]] = {}
    for index, intervals in enumerate(made):
        alike.setdefault((intervals.rank, len(intervals.models)), []).append(index)
    ends: dict[int, tuple[Rows, Rows]] = {}
    for indices in alike.values():
        ends.update(zip(indices, _write(builder, [made[i] for i in indices]), strict=True))
    return [ends[index] for index in range(len(made))]


def _write(builder: GraphBuilder, made: Sequence[Intervals]) -> list[tuple[Rows, Rows]]:
    """Both ends of intervals of one rank and as many folds, which are ranked side by side."""
    rank, count = made[0].rank, len(made)
    folds = list(zip(*(intervals.models for intervals in made), strict=True))
    middles = write_together(builder, [model for models in folds for model in models])
    lists = []
    for fold, middle in enumerate(builder.split(middles, count)):
        # the r-th largest of m + R is the negative of the r-th smallest of -m - R
        both = builder.concat([middle, builder.op("Neg", middle)])
        # a fold offers at most its ``rank`` largest residuals: a smaller one cannot decide
        offered = zip_longest(
            *(intervals.residuals[fold][:rank] for intervals in made), fillvalue=-np.inf
        )
        lists.append([builder.op("Sub", both, [*residuals] * 2) for residuals in offered])
    ranked = smallest(builder, lists, rank)
    lower, upper = builder.split(ranked, count)
    lowers, uppers = builder.split(lower), builder.split(builder.op("Neg", upper))
    return list(zip(lowers, uppers, strict=True))
