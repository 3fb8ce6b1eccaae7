"""Many models in one graph: the ridges among them as one layer over all their features."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lunarscale.training.families import Fitted, FittedAverage
from lunarscale.training.features import Form, read_feature
from lunarscale.training.ridge import FittedRidge

if TYPE_CHECKING:
    from lunarscale.training import graph


def write_together(builder: "graph.GraphBuilder", models: Sequence[Fitted]) -> "graph.Rows":
    """One channel a model, each in wt %.

    Ridges and means of ridges are two dense layers, of the oxides and of their logarithms, over
    the union of the features; models of another family are written one by one.
    """
    if not models:
        raise ValueError("there is no model to write")
    means = [ridges for model in models if (ridges := _ridges(model))]
    if len(means) < len(models):
        return builder.concat([model.write(builder) for model in models])
    return _write_means(builder, means)


def _ridges(model: Fitted) -> list[FittedRidge]:
    """What a model is the mean of, where those are ridges; else nothing."""
    members = model.members if isinstance(model, FittedAverage) else (model,)
    ridges = [member for member in members if isinstance(member, FittedRidge)]
    return ridges if len(ridges) == len(members) else []


def _write_means(builder: "graph.GraphBuilder", means: list[list[FittedRidge]]) -> "graph.Rows":
    """The means of some ridges, a channel each."""
    names = _ordered({name for ridges in means for ridge in ridges for name in ridge.features},
                     means[0][0].bands_nm)  # fmt: skip
    x = builder.features(names)
    weight, bias = np.zeros((len(names), len(means))), np.zeros(len(means))
    logarithms, shares = [], []
    for channel, ridges in enumerate(means):
        share = np.eye(len(means))[channel] / len(ridges)
        for ridge in ridges:
            if ridge.logarithm:
                logarithms.append(ridge)
                shares.append(share)
            else:
                weight += np.outer(_spread(ridge, names), share)
                bias += ridge.bias * share
    if not logarithms:
        return builder.dense(x, weight, bias)
    columns = np.column_stack([_spread(ridge, names) for ridge in logarithms])
    powers = builder.dense(x, columns, [ridge.bias for ridge in logarithms], activation="exp")
    if not weight.any():
        return builder.dense(powers, np.vstack(shares), bias)
    return builder.dense(powers, np.vstack(shares), plus=builder.dense(x, weight, bias))


def _spread(ridge: FittedRidge, names: Sequence[str]) -> np.ndarray:
    """A ridge's weights among all features."""
    own = dict(zip(ridge.features, ridge.weight, strict=True))
    return np.array([own.get(name, 0.0) for name in names])


def _ordered(names: set[str], bands_nm: Sequence[int]) -> list[str]:
    """Features of one form beside each other, in the order of their bands."""
    forms = list(Form)

    def place(name: str) -> tuple[int, tuple[int, ...], str]:
        feature = read_feature(name, bands_nm)
        return forms.index(feature.form), feature.bands, name

    return sorted(names, key=place)
