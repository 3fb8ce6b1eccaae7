"""Ridge regression on features of the spectrum, the penalty chosen among the rows it is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lunarscale.errors import StationError, TrainingError
from lunarscale.training.families import Fitted
from lunarscale.training.features import feature_matrix
from lunarscale.training.samples import Floats, Rows, Samples

if TYPE_CHECKING:
    from lunarscale.training import graph

#: Penalties tried, four a decade; on this grid the project's published reference figures come out.
ALPHAS: tuple[float, ...] = tuple(10.0 ** np.linspace(-5.0, 2.0, 29))


@dataclass(frozen=True)
class Ridge:
    """Ridge on standardised features, with an intercept that is not penalised.

    The weights minimise ``sum (y - b - z w)^2 + alpha sum w^2``, with z the features less their
    mean, over their standard deviation (of the training rows, divided by n). The alpha is that
    with the least leave-one-out error among the training rows, which has a closed form.

    Parameters
    ----------
    name : str
        Name for people.
    features : tuple of str
        In the grammar of ``lunarscale.training.features``.
    logarithm : bool
        Fit the natural logarithm of the oxide, so that its predictions are positive and errors
        count by their ratio; otherwise the oxide itself.
    alphas : tuple of float
        Penalties to choose from.
    """

    name: str
    features: tuple[str, ...]
    logarithm: bool = False
    alphas: tuple[float, ...] = ALPHAS

    def fit(self, samples: Samples, oxide: str, train: Rows) -> "FittedRidge":
        """The ridge of some rows.

        Raises
        ------
        StationError
            If there are fewer than three rows, or a feature is constant or undefined in them.
        TrainingError
            If the logarithm of an oxide is asked for that is not positive.
        """
        measured = target_of(samples, oxide, train, logarithm=self.logarithm, who=self.name)
        z, mean, deviation = standardised(self.features, samples, train)
        centred = measured - measured.mean()
        left, singular, right = np.linalg.svd(z, full_matrices=False)
        along = left.T @ centred
        # all penalties at once, (penalty, row)
        shrunk = singular**2 / (singular**2 + np.array(self.alphas)[:, None])
        leverage = shrunk @ (left**2).T + 1.0 / train.size
        missed = (centred - (shrunk * along) @ left.T) / (1.0 - leverage)
        chosen = self.alphas[int(np.einsum("pr,pr->p", missed, missed).argmin())]
        kept = singular**2 / (singular**2 + chosen)
        weight = right.T @ (singular / (singular**2 + chosen) * along) / deviation
        return FittedRidge(
            features=self.features,
            bands_nm=samples.bands_nm,
            logarithm=self.logarithm,
            weight=weight,
            bias=float(measured.mean() - mean @ weight),
            residual=centred - left @ (kept * along),
            hat=(left * kept) @ left.T + 1.0 / train.size,
            measured=measured,
        )


@dataclass(frozen=True, eq=False)
class FittedRidge:
    """A fitted ridge: weights on the raw features, and what it takes to leave rows out of it.

    Parameters
    ----------
    features : tuple of str
    bands_nm : tuple of int
        Bands of the spectra it was fitted to.
    logarithm : bool
        Whether it gives the logarithm of the oxide.
    weight : ndarray of float64, (feature,)
    bias : float
    residual, measured : ndarray of float64, (n,)
        Of the training rows, in logarithms where it is fitted to them.
    hat : ndarray of float64, (n, n)
        From measured to fitted.
    """

    features: tuple[str, ...]
    bands_nm: tuple[int, ...]
    logarithm: bool
    weight: Floats
    bias: float
    residual: Floats = field(repr=False)
    measured: Floats = field(repr=False)
    hat: Floats = field(repr=False)

    def predict(self, reflectance: Floats) -> Floats:
        """The oxide in wt %, (n,), from reflectances (n, band) as fractions."""
        x = feature_matrix(self.features, reflectance, self.bands_nm)
        return self._oxide(x @ self.weight + self.bias)

    def left_out(self, groups: Sequence[Rows]) -> Floats:
        """``y_g - (1 - H_gg)^-1 r_g`` for each group g: exact for a given penalty and scaling."""
        # rows left out alone, and most are, need no system of equations
        predicted = self.measured - self.residual / (1.0 - np.diagonal(self.hat))
        for group in groups:
            if group.size > 1:
                inside = np.eye(group.size) - self.hat[np.ix_(group, group)]
                missed = np.linalg.solve(inside, self.residual[group])
                predicted[group] = self.measured[group] - missed
        return self._oxide(predicted)

    def write(self, builder: "graph.GraphBuilder", others: Sequence[Fitted] = ()) -> "graph.Rows":
        """One dense layer on the features, a channel for this ridge and each of the others."""
        ridges = [self, *(other for other in others if isinstance(other, FittedRidge))]
        return builder.dense(
            builder.features(self.features),
            np.column_stack([ridge.weight for ridge in ridges]),
            [ridge.bias for ridge in ridges],
            activation="exp" if self.logarithm else None,
        )

    def _oxide(self, value: Floats) -> Floats:
        return np.exp(value) if self.logarithm else value


def target_of(samples: Samples, oxide: str, train: Rows, *, logarithm: bool, who: str) -> Floats:
    """The oxide of the training rows, or its natural logarithm.

    Raises
    ------
    StationError
        If there are fewer than three rows, one lacks the oxide, or all hold one value.
    TrainingError
        If the logarithm of an oxide is asked for that is not positive.
    """
    measured = samples.target(oxide)[train]
    if train.size < 3 or np.isnan(measured).any() or np.ptp(measured) == 0.0:
        raise StationError(
            f"{who} needs at least three stations with different {oxide} but was given "
            f"{np.unique(measured[~np.isnan(measured)]).size} such among {train.size}; add some"
        )
    if not logarithm:
        return measured
    if measured.min() <= 0.0:
        station = samples.names[train[int(measured.argmin())]]
        raise TrainingError(
            f"{who} takes the logarithm of {oxide}, but {station} has {measured.min():g} wt %; "
            "use a family that fits the oxide itself, or leave the station out"
        )
    return np.log(measured)


def standardised(
    names: Sequence[str], samples: Samples, train: Rows
) -> tuple[Floats, Floats, Floats]:
    """The training rows' features with mean 0 and variance 1, and the mean and deviation.

    Raises
    ------
    StationError
        If a feature is constant, or not defined, in the training rows.
    """
    x = feature_matrix(names, samples.reflectance[train], samples.bands_nm)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    for name, spread in zip(names, deviation, strict=True):
        if not spread > 0.0:  # NaN where the feature is undefined somewhere
            raise StationError(
                f"{name} is constant or not defined over the {train.size} training stations, "
                "which teaches nothing; check their spectra, or leave the feature out"
            )
    return (x - mean) / deviation, mean, deviation
