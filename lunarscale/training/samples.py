"""Stations as arrays: the spectra, the oxides, and the landing sites that they came from."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import StationError, TrainingError
from lunarscale.stations import OXIDES, Station

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Samples:
    """What there is to learn from.

    Parameters
    ----------
    camera : str
        Name of the camera, ``clementine-uvvis``.
    bands_nm : tuple of int
        Bands, in the order of the spectra's second axis.
    reflectance : ndarray of float64, (n, band)
        Fractions, all positive and finite.
    oxides : dict of str to ndarray of float64, (n,)
        wt %; NaN where a station lacks the oxide.
    sites : tuple of str
        Landing site of each row, ``Apollo 17``.
    names : tuple of str
        Station of each row, for messages and tables.
    estimated : ndarray of bool, (n,)
        Whether the row's spectrum was estimated by cross-calibration, not measured.
    digest : str
        SHA-256 of all of the above.
    """

    camera: str
    bands_nm: tuple[int, ...]
    reflectance: Floats
    oxides: dict[str, Floats]
    sites: tuple[str, ...]
    names: tuple[str, ...]
    estimated: NDArray[np.bool_]
    digest: str

    def __len__(self) -> int:
        return len(self.names)

    @property
    def estimated_names(self) -> tuple[str, ...]:
        """Stations whose spectra were estimated."""
        return tuple(n for n, e in zip(self.names, self.estimated, strict=True) if e)

    def target(self, oxide: str) -> Floats:
        """The oxide in wt %, (n,), NaN where a station lacks it.

        Raises
        ------
        TrainingError
            If no station has it.
        """
        if oxide not in self.oxides:
            raise TrainingError(
                f"no station has {oxide}: the table holds {', '.join(self.oxides)}; "
                "ask for those, or add the oxide's column"
            )
        return self.oxides[oxide]

    def rows(self, oxide: str, *, at_least: int = 1) -> Rows:
        """The rows that have the oxide, in order.

        Parameters
        ----------
        oxide : str
        at_least : int
            As many as the caller cannot do without.

        Raises
        ------
        TrainingError
            If no station has it.
        StationError
            If there are fewer rows than that, or all of them hold one value.
        """
        target = self.target(oxide)
        rows = np.flatnonzero(~np.isnan(target))
        if rows.size < at_least:
            raise StationError(
                f"{oxide} is known at {rows.size} of {len(self)} stations but {at_least} are "
                "needed; add stations, or leave the oxide out"
            )
        if rows.size > 1 and np.ptp(target[rows]) == 0.0:
            raise StationError(
                f"{oxide} is {target[rows[0]]:g} wt % at all of {rows.size} stations, which "
                "teaches nothing; leave the oxide out, or check its column"
            )
        return rows

    def left_out(self) -> dict[str, int]:
        """How many stations each oxide has to do without, where any."""
        lacking = {oxide: int(np.isnan(values).sum()) for oxide, values in self.oxides.items()}
        return {oxide: count for oxide, count in lacking.items() if count}


def samples_of(
    stations: Sequence[Station], camera_name: str, bands_nm: Sequence[int] | None = None
) -> Samples:
    """The stations as arrays.

    Parameters
    ----------
    stations : sequence of Station
        Of one camera, at least two.
    camera_name : str
        The camera that saw them.
    bands_nm : sequence of int, optional
        The bands to take; all that the first station has, by wavelength, if not given.

    Raises
    ------
    StationError
        If there are fewer than two, a station lacks a band, a reflectance is not a positive
        fraction, or a band is the same at all stations.
    """
    if len(stations) < 2:
        raise StationError(f"{len(stations)} station(s) teach nothing; give at least two")
    bands = tuple(sorted(stations[0].reflectance) if bands_nm is None else bands_nm)
    spectra = np.array([_spectrum(station, bands) for station in stations])
    for index, wavelength in enumerate(bands):
        if np.ptp(spectra[:, index]) == 0.0:
            raise StationError(
                f"R{wavelength} is {spectra[0, index]:g} at all of {len(stations)} stations: a "
                "constant column teaches nothing; check it, or take other bands"
            )
    known = {oxide for station in stations for oxide in station.oxides_wt_pct}
    oxides = {
        oxide: np.array([s.oxides_wt_pct.get(oxide, math.nan) for s in stations])
        for oxide in OXIDES
        if oxide in known
    }
    sites, names = tuple(s.site for s in stations), tuple(s.name for s in stations)
    estimated = np.array([s.estimated for s in stations])
    told = [camera_name, bands, spectra.tolist(), sites, names, estimated.tolist()]
    chemistry = {oxide: [repr(v) for v in values.tolist()] for oxide, values in oxides.items()}
    digest = hashlib.sha256(json.dumps([told, chemistry]).encode()).hexdigest()
    return Samples(camera_name, bands, spectra, oxides, sites, names, estimated, digest)


def _spectrum(station: Station, bands: tuple[int, ...]) -> list[float]:
    values = []
    for wavelength in bands:
        value = station.reflectance.get(wavelength)
        if value is None:
            has = ", ".join(map(str, sorted(station.reflectance)))
            raise StationError(
                f"station {station.name} has no reflectance at {wavelength} nm (it has {has} nm); "
                "add it, or leave the station out"
            )
        if not 0.0 < value < 1.0:
            raise StationError(
                f"station {station.name}: R{wavelength} is {value:g}, where a reflectance is a "
                "fraction between 0 and 1; correct it, or leave the station out"
            )
        values.append(float(value))
    return values
