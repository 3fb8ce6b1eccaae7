"""Kaguya MI reflectances brought to Clementine's, for stations that only Kaguya's table has.

Chang'e-5 and Chang'e-6 landed after Clementine's stations were tabulated. The two cameras disagree
in level (749 nm is 0.59 of 750 nm), so a line is fitted band by band, by ordinary least squares,
over the stations that both tables name. What comes out is an estimate and is marked as one:
``Station.estimated``, its source, its note, and its covariance.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lunarscale.models.equations import Equation
from lunarscale.stations import Station, clementine_stations, kaguya_stations

Floats = NDArray[np.float64]

#: Clementine's bands (nm) and the Kaguya MI band that stands for each.
PAIRED_BANDS = {415: 414, 750: 749, 900: 901, 950: 950, 1000: 1001}

#: Estimated reflectances have the decimals of the table that they join.
_DECIMALS = 4

_DRAWS = 100_000


@dataclass(frozen=True, eq=False)
class CrossCalibration:
    """Lines from Kaguya's reflectances to Clementine's, one a band.

    Parameters
    ----------
    names : tuple of str
        Stations that both tables name, in Clementine's order.
    kaguya, clementine : ndarray of float64, (station, band)
        Their reflectances, bands in the order of ``PAIRED_BANDS``.
    slope, intercept : ndarray of float64, (band,)
        ``clementine = slope * kaguya + intercept``.
    residual_covariance : ndarray of float64, (band, band)
        Of the residuals, divided by n - 2.
    """

    names: tuple[str, ...]
    kaguya: Floats
    clementine: Floats
    slope: Floats
    intercept: Floats
    residual_covariance: Floats

    @classmethod
    def fit(
        cls, names: tuple[str, ...], *, kaguya: Floats, clementine: Floats
    ) -> "CrossCalibration":
        """Ordinary least squares, band by band."""
        x = kaguya - kaguya.mean(axis=0)
        slope = (x * clementine).sum(axis=0) / (x * x).sum(axis=0)
        intercept = clementine.mean(axis=0) - slope * kaguya.mean(axis=0)
        residual = clementine - (slope * kaguya + intercept)
        covariance = residual.T @ residual / (len(names) - 2)
        return cls(names, kaguya, clementine, slope, intercept, covariance)

    def predict(self, kaguya: Floats) -> Floats:
        """Clementine's reflectances of a spectrum, (band,)."""
        predicted: Floats = self.slope * kaguya + self.intercept
        return predicted

    def prediction_covariance(self, kaguya: Floats) -> Floats:
        """Covariance of the errors of a predicted spectrum, (band, band).

        Two parts: the scatter of single stations about the lines, and the uncertainty of the
        lines themselves. With S the residual covariance and ``h_jk = w_j . w_k``, where
        ``w_j`` are the weights with which the stations' values of band j enter its prediction,
        it is ``S_jk (1 + h_jk)``: ordinary least squares with errors that are independent between
        stations and correlated between bands (Zellner 1962, J. Am. Stat. Assoc. 57, 348). Left
        out: errors of the Kaguya spectrum itself beyond what the scatter shows, and any error
        in which station is which.
        """
        x = self.kaguya - self.kaguya.mean(axis=0)
        reach = (kaguya - self.kaguya.mean(axis=0)) / (x * x).sum(axis=0)
        weights = 1.0 / len(self.names) + x * reach
        covariance: Floats = self.residual_covariance * (1.0 + weights.T @ weights)
        return covariance


@cache
def cross_calibration() -> CrossCalibration:
    """The fit over the 44 stations that both built-in tables name, joined by equal names.

    Clementine's others are Apollo 11 and Apollo 14 - Cone, which Kaguya's table lacks, and Apollo
    12, which it has as eight points.
    """
    by_name = {station.name: station for station in kaguya_stations()}
    shared = [station for station in clementine_stations() if station.name in by_name]
    return CrossCalibration.fit(
        tuple(station.name for station in shared),
        kaguya=np.array([_kaguya_spectrum(by_name[station.name]) for station in shared]),
        clementine=np.array([[s.reflectance[w] for w in PAIRED_BANDS] for s in shared]),
    )


def _kaguya_spectrum(station: Station) -> Floats:
    return np.array([station.reflectance[w] for w in PAIRED_BANDS.values()])


@cache
def cross_calibrated_stations() -> tuple[Station, Station]:
    """Chang'e-5 and Chang'e-6 as estimated Clementine stations, numbers 48 and 49.

    Their oxides are those of Kaguya's table (no other gives them), their covariance is that of
    `CrossCalibration.prediction_covariance`.
    """
    by_name = {station.name: station for station in kaguya_stations()}
    return _estimated(by_name["Chang'e-5"], 48), _estimated(by_name["Chang'e-6"], 49)


def _estimated(station: Station, number: int) -> Station:
    fit, spectrum = cross_calibration(), _kaguya_spectrum(station)
    values = np.round(fit.predict(spectrum), _DECIMALS).tolist()
    oxides = {column: key for column, key in station.sources.items() if column.endswith("_wt_pct")}
    note = "reflectances estimated from Kaguya MI by cross-calibration, not measured"
    return Station(
        number=number,
        name=station.name,
        site=station.site,
        lon=station.lon,
        lat=station.lat,
        reflectance=dict(zip(PAIRED_BANDS, values, strict=True)),
        oxides_wt_pct=station.oxides_wt_pct,
        sources={f"R{w}": "cross-calibration" for w in PAIRED_BANDS} | oxides,
        estimated=True,
        covariance=tuple(map(tuple, fit.prediction_covariance(spectrum).tolist())),
        note=f"{note}; {station.note}" if station.note else note,
    )


def propagated_sd(equation: Equation, station: Station, *, seed: int = 0) -> float:
    """Standard deviation of an equation's value that comes from an estimated spectrum.

    Over 100,000 spectra drawn from the station's covariance: near their origins the equations
    bend too much for a first-order formula where the bands' errors are large or independent. (A
    test holds the two against each other where they agree.) The same seed gives the same figure.

    Parameters
    ----------
    equation : Equation
    station : Station
        0 for one whose reflectances are measured, as no covariance is published for those.
    seed : int

    Returns
    -------
    float
        In the quantity's units, over the spectra that the equation has a value for.
    """
    if station.covariance is None:
        return 0.0
    mean = list(station.reflectance.values())
    rng = np.random.default_rng(seed)
    spectra = rng.multivariate_normal(mean, station.covariance, _DRAWS, method="cholesky")
    values = equation.exact(dict(zip(station.reflectance, spectra.T, strict=True)))
    return float(np.nanstd(values))
