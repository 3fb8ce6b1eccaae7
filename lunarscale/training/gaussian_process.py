"""Gaussian processes over features of the spectrum, their scales set by the likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lunarscale.training.families import Fitted
from lunarscale.training.features import feature_matrix
from lunarscale.training.ridge import standardised, target_of
from lunarscale.training.samples import Floats, Rows, Samples

if TYPE_CHECKING:
    from lunarscale.training import graph

#: Length scales tried, in standard deviations. Below 0.5 every station is an island, and for
#: TiO2 the likelihood has a second, worse maximum there.
LENGTHS: tuple[float, ...] = tuple(10.0 ** np.arange(-0.3, 2.0, 0.05))

#: Ratios of noise to signal variance tried.
NOISES: tuple[float, ...] = tuple(10.0 ** np.arange(-6.0, 1.01, 0.1))


@dataclass(frozen=True)
class GaussianProcess:
    """A process with the kernel ``exp(-|z - z'|^2 / 2 l^2) + slope z.z'``, plus white noise.

    z are standardised features. The length l and the noise are those, among ``lengths`` and
    ``noises``, of the greatest marginal likelihood of the training rows, with the variance of the
    signal at its best in closed form (Rasmussen & Williams 2006, eq 5.8). The mean is the
    training rows'.

    Parameters
    ----------
    name : str
        Name for people.
    features : tuple of str
        In the grammar of ``lunarscale.training.features``.
    slope : float
        Prior variance of a linear trend beside the process; 0 lets it fall back to the mean far
        from all stations.
    lengths, noises : tuple of float
        To choose from.
    """

    name: str
    features: tuple[str, ...]
    slope: float = 0.0
    lengths: tuple[float, ...] = LENGTHS
    noises: tuple[float, ...] = NOISES

    def fit(self, samples: Samples, oxide: str, train: Rows) -> "FittedProcess":
        """The process of some rows.

        Raises
        ------
        StationError
            If there are fewer than three rows, or a feature is constant or undefined in them.
        """
        measured = target_of(samples, oxide, train, logarithm=False, who=self.name)
        z, mean, deviation = standardised(self.features, samples, train)
        centred = measured - measured.mean()
        length, noise = self._likeliest(z, centred)
        covariance = kernel(z, z, length, self.slope) + noise * np.eye(train.size)
        inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        return FittedProcess(
            family=self,
            bands_nm=samples.bands_nm,
            mean=mean,
            deviation=deviation,
            length=length,
            centres=z,
            weight=inverse @ centred,
            bias=float(measured.mean()),
            inverse=inverse,
            measured=measured,
        )

    def _likeliest(self, z: Floats, centred: Floats) -> tuple[float, float]:
        noises = np.array(self.noises)
        best, chosen = np.inf, (self.lengths[0], self.noises[0])
        for length in self.lengths:
            values, vectors = np.linalg.eigh(kernel(z, z, length, self.slope))
            spectrum = np.maximum(values, 0.0)[:, None] + noises
            signal = np.mean((vectors.T @ centred)[:, None] ** 2 / spectrum, axis=0)
            cost = centred.size * np.log(signal) + np.log(spectrum).sum(axis=0)
            index = int(cost.argmin())
            if cost[index] < best:
                best, chosen = float(cost[index]), (length, self.noises[index])
        return chosen


@dataclass(frozen=True, eq=False)
class FittedProcess:
    """A fitted Gaussian process.

    Parameters
    ----------
    family : GaussianProcess
    bands_nm : tuple of int
    mean, deviation : ndarray of float64, (feature,)
        Of the training rows' features.
    length : float
        Of the kernel, in standard deviations.
    centres : ndarray of float64, (n, feature)
        The training rows, standardised.
    weight : ndarray of float64, (n,)
        Of each centre's kernel, in wt %.
    bias : float
        The training rows' mean, wt %.
    inverse : ndarray of float64, (n, n)
        Of the rows' covariance.
    measured : ndarray of float64, (n,)
    """

    family: GaussianProcess
    bands_nm: tuple[int, ...]
    mean: Floats
    deviation: Floats
    length: float
    centres: Floats = field(repr=False)
    weight: Floats = field(repr=False)
    bias: float
    inverse: Floats = field(repr=False)
    measured: Floats = field(repr=False)

    def predict(self, reflectance: Floats) -> Floats:
        """The oxide in wt %, (n,), from reflectances (n, band) as fractions."""
        x = feature_matrix(self.family.features, reflectance, self.bands_nm)
        z = (x - self.mean) / self.deviation
        return kernel(z, self.centres, self.length, self.family.slope) @ self.weight + self.bias

    def left_out(self, groups: Sequence[Rows]) -> Floats:
        """``y_g - (C^-1)_gg^-1 (C^-1 y)_g`` for each group g (Rasmussen & Williams 2006, 5.12)."""
        predicted = np.empty_like(self.measured)
        for group in groups:
            inside = self.inverse[np.ix_(group, group)]
            predicted[group] = self.measured[group] - np.linalg.solve(inside, self.weight[group])
        return predicted

    def write(self, builder: "graph.GraphBuilder", others: Sequence[Fitted] = ()) -> "graph.Rows":
        """Two dense layers: kernels about the centres, and their weighted sum.

        The exponent is written ``z.c - |z|^2 / 2 - |c|^2 / 2`` in units of the length. Where the
        likelihood finds little noise the weights are large and cancel, and float32 is then within
        0.01 wt % of ``predict``, not better.
        """
        scale = 1.0 / (self.deviation * self.length)
        z = builder.dense(
            builder.features(self.family.features), np.diag(scale), -self.mean * scale
        )
        centres = self.centres / self.length
        near = builder.dense(
            builder.concat([z, builder.op("Mul", z, z)]),
            np.vstack([centres.T, np.full(centres.T.shape, -0.5)]),
            -0.5 * np.sum(centres**2, axis=1),
            activation="exp",
        )
        slopes = self.family.slope * self.length * (self.centres.T @ self.weight)
        value = builder.dense(
            builder.concat([near, z]),
            np.concatenate([self.weight, slopes])[:, None],
            [self.bias],
        )
        rest = [other for other in others if isinstance(other, FittedProcess)]
        return builder.concat([value, *(other.write(builder) for other in rest)])


def kernel(one: Floats, other: Floats, length: float, slope: float) -> Floats:
    """``exp(-|z - z'|^2 / 2 l^2) + slope z.z'`` between all rows of two arrays, float64."""
    squared = np.sum((one[:, None] - other[None]) ** 2, axis=2)
    return np.asarray(np.exp(-squared / (2.0 * length**2)) + slope * one @ other.T)
