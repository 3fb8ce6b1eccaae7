"""How far a spectrum lies from the stations', and from where on it is extrapolation.

The distance is Mahalanobis', of the logarithms of the reflectances from their mean over the
stations. With a few dozen stations and bands that correlate at 0.99 the covariance needs care: it
is taken of albedo (the logarithm of the band near 750 nm) and of colours (logarithms of ratios to
it), which correlate far less, and its correlations are shrunk towards zero by the factor of
Schafer & Strimmer 2005 (Stat. Appl. Genet. Mol. Biol. 4, 32, section 3.1).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lunarscale.errors import StationError
from lunarscale.training.menu import base_nm
from lunarscale.training.samples import Floats, Rows, Samples

if TYPE_CHECKING:
    from lunarscale.training import graph


@dataclass(frozen=True, eq=False)
class Domain:
    """Where the stations' spectra lie.

    Parameters
    ----------
    bands_nm : tuple of int
    whitening : ndarray of float64, (band, band)
        From centred logarithms of reflectance to uncorrelated coordinates of variance 1.
    offset : ndarray of float64, (band,)
        To add to them.
    shrinkage : float
        By which the correlations were shrunk, 0 to 1.
    limit : float
        The largest distance of a station from the others (each left out in turn): a spectrum
        beyond it is less like the stations than any station is like the rest.
    """

    bands_nm: tuple[int, ...]
    whitening: Floats
    offset: Floats
    shrinkage: float
    limit: float

    @classmethod
    def of(cls, samples: Samples, rows: Rows) -> "Domain":
        """The domain of some rows.

        Raises
        ------
        StationError
            If there are fewer than three more rows than bands.
        """
        bands = len(samples.bands_nm)
        if rows.size < bands + 3:
            raise StationError(
                f"a distance in {bands} bands needs at least {bands + 3} stations but there are "
                f"{rows.size}; add stations, or take fewer bands"
            )
        colours = _colours(samples.bands_nm)
        coordinates = np.log(samples.reflectance[rows]) @ colours
        alone = [
            _distance(*_whitened(np.delete(coordinates, row, axis=0))[:2], coordinates[[row]])[0]
            for row in range(rows.size)
        ]
        whitening, offset, shrinkage = _whitened(coordinates)
        return cls(samples.bands_nm, colours @ whitening, offset, shrinkage, float(max(alone)))

    def distance(self, reflectance: Floats) -> Floats:
        """The distance of each spectrum, (n,), from reflectances (n, band) as fractions."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return _distance(self.whitening, self.offset, np.log(reflectance))

    def write(self, builder: "graph.GraphBuilder") -> "graph.Rows":
        """Writes the distance into a graph; give it out under the name ``distance``."""
        logarithms = builder.features([f"log R{w}" for w in self.bands_nm])
        z = builder.dense(logarithms, self.whitening, self.offset)
        squares = builder.op("Mul", z, z)
        return builder.op("Sqrt", builder.dense(squares, np.ones((len(self.bands_nm), 1))))


def outside(samples: Samples, rows: Rows, *, held_out: Rows) -> Rows:
    """Those of the held-out rows that lie beyond the limit of the rest.

    Raises
    ------
    StationError
        If too few rows are left.
    """
    domain = Domain.of(samples, np.setdiff1d(rows, held_out))
    return held_out[domain.distance(samples.reflectance[held_out]) > domain.limit]


def _colours(bands_nm: tuple[int, ...]) -> Floats:
    """From logarithms of reflectance to albedo and colours, (band, band)."""
    base = bands_nm.index(base_nm(bands_nm))
    matrix = np.eye(len(bands_nm))
    matrix[base] -= 1.0
    matrix[base, base] = 1.0
    return matrix


def _whitened(coordinates: Floats) -> tuple[Floats, Floats, float]:
    """Whitening matrix, offset and shrinkage of the rows of an array."""
    mean, deviation = coordinates.mean(axis=0), coordinates.std(axis=0, ddof=1)
    z = (coordinates - mean) / deviation
    n = len(z)
    products = z[:, :, None] * z[:, None, :]
    correlation = products.sum(axis=0) / (n - 1)
    variance = n / (n - 1.0) ** 3 * np.sum((products - products.mean(axis=0)) ** 2, axis=0)
    off = ~np.eye(z.shape[1], dtype=bool)
    shrinkage = float(np.clip(variance[off].sum() / np.sum(correlation[off] ** 2), 0.0, 1.0))
    shrunk = np.where(off, (1.0 - shrinkage) * correlation, 1.0)
    values, vectors = np.linalg.eigh(shrunk)
    whitening = vectors / np.sqrt(values) / deviation[:, None]
    return whitening, -mean @ whitening, shrinkage


def _distance(whitening: Floats, offset: Floats, logarithms: Floats) -> Floats:
    return np.asarray(np.sqrt(np.sum((logarithms @ whitening + offset) ** 2, axis=1)))
