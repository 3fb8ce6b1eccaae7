"""What maps spectra to an oxide: families, what they become when fitted, and their averages.

A family is a recipe without numbers; fitted to some rows it becomes a ``Fitted``, which predicts
in float64 and writes itself into an ONNX graph. Everything a family chooses (standardisation,
ridge penalty, length scale) it chooses from the rows that it is given, so that a held-out row has
no say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lunarscale.training.folds import Fold
from lunarscale.training.samples import Floats, Rows, Samples

if TYPE_CHECKING:  # graph imports onnx, which predicting does without
    from lunarscale.training import graph


class Fitted(Protocol):
    """A model of one oxide."""

    def predict(self, reflectance: Floats) -> Floats:
        """The oxide in wt %, (n,), from reflectances (n, band) as fractions."""

    def left_out(self, groups: Sequence[Rows]) -> Floats:
        """What each training row would be predicted to be, had its group been left out.

        In closed form: what was chosen from the training rows (standardisation, penalty, length
        scale) stays, the weights are solved again. Selection inside a fold lives on this.

        Parameters
        ----------
        groups : sequence of ndarray of int
            A partition of the positions 0..n-1 of the training rows.

        Returns
        -------
        ndarray of float64, (n,)
            wt %, in the order of the training rows.
        """

    def write(self, builder: "graph.GraphBuilder", others: Sequence["Fitted"] = ()) -> "graph.Rows":
        """Writes this model, and others of the same family, into a graph; one channel each."""


class Family(Protocol):
    """A recipe that stations turn into a model."""

    @property
    def name(self) -> str:
        """Name for people, ``reference ridge``."""

    def fit(self, samples: Samples, oxide: str, train: Rows) -> Fitted:
        """The model that some rows give.

        Raises
        ------
        StationError
            If there are too few rows, or a column is constant in them.
        TrainingError
            If the oxide's values are not ones that the family can take.
        """


def held_out(family: Family, samples: Samples, oxide: str, *, folds: Sequence[Fold]) -> Floats:
    """Each row predicted by the model that never saw it.

    Returns
    -------
    ndarray of float64, (samples,)
        wt %; NaN in rows that no fold holds out.
    """
    predicted = np.full(len(samples), np.nan)
    for fold in folds:
        model = family.fit(samples, oxide, fold.train)
        predicted[fold.held_out] = model.predict(samples.reflectance[fold.held_out])
    return predicted


@dataclass(frozen=True)
class Average:
    """The plain mean of some families' predictions.

    Parameters
    ----------
    members : tuple of Family
        At least one.
    """

    members: tuple[Family, ...]

    @property
    def name(self) -> str:
        """The members' names."""
        return " & ".join(member.name for member in self.members)

    def fit(self, samples: Samples, oxide: str, train: Rows) -> "FittedAverage":
        """Each member fitted to the same rows."""
        return FittedAverage(tuple(m.fit(samples, oxide, train) for m in self.members))


@dataclass(frozen=True)
class FittedAverage:
    """The mean of some models.

    Parameters
    ----------
    members : tuple of Fitted
    """

    members: tuple[Fitted, ...]

    def predict(self, reflectance: Floats) -> Floats:
        """The mean of the members' predictions, wt %."""
        return _mean([member.predict(reflectance) for member in self.members])

    def left_out(self, groups: Sequence[Rows]) -> Floats:
        """The mean of what the members would have predicted."""
        return _mean([member.left_out(groups) for member in self.members])

    def write(self, builder: "graph.GraphBuilder", others: Sequence[Fitted] = ()) -> "graph.Rows":
        """The mean of the members' rows, a channel for this average and each of the others."""
        alike = [other for other in others if isinstance(other, FittedAverage)]
        rows = [
            member.write(builder, [other.members[index] for other in alike])
            for index, member in enumerate(self.members)
        ]
        total = rows[0]
        for row in rows[1:]:
            total = builder.op("Add", total, row)
        return total if len(rows) == 1 else builder.op("Mul", total, 1.0 / len(rows))


def _mean(predictions: Sequence[Floats]) -> Floats:
    return np.asarray(np.mean(predictions, axis=0), dtype=np.float64)
