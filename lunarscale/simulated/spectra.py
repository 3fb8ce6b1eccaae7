"""What each camera would see of the stations, and where space weathering leads their spectra."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS, KAGUYA_MI, Camera
from lunarscale.stations import Station, clementine_stations, kaguya_stations

#: Place of the band near 750 nm, to which ratios are taken, in every camera's order.
BASE = 1


class Origin(NamedTuple):
    """The hypermature origin that all soils mature towards: R750, and every band's ratio to it."""

    reflectance: float
    ratios: tuple[float, ...]


#: Clementine: 415 and 950 nm are those of Qiu et al. 2025 (eqs 1-4), 900 and 1000 nm lie in
#: proportion to the Apollo 16 soils. Kaguya: R749 and 950 nm are those of Otake et al. 2012 (LPSC
#: 43, 1905), so that its iron angle does not change with maturity; 414 nm stands to the Apollo 16
#: soils as Clementine's, the others lie in proportion to them.
ORIGINS: dict[str, Origin] = {
    CLEMENTINE_UVVIS.name: Origin(0.018, (0.481, 1.0, 1.15, 1.188, 1.24)),
    KAGUYA_MI.name: Origin(0.037, (0.446, 1.0, 1.224, 1.250, 1.303, 1.302, 1.326, 1.520, 1.791)),
}


@cache
def station_spectra(camera: Camera) -> NDArray[np.float64]:
    """Reflectances of Clementine's 47 stations, in their order, in a camera's bands.

    Kaguya's table names 44 of them. For the other three, Kaguya's points at the same landing site
    stand in, by their mean; and for Apollo 11, which has none, the station whose Clementine
    spectrum is the most like its own. Kaguya's 1000 nm, which the table lacks, is interpolated
    between 950 and 1001 nm: a simulated band.

    Returns
    -------
    ndarray of float64, (47, band)
    """
    if camera == CLEMENTINE_UVVIS:
        return np.array([_bands(station, camera) for station in clementine_stations()])
    return np.array([_as_kaguya(station) for station in clementine_stations()])


def _as_kaguya(station: Station) -> NDArray[np.float64]:
    """Kaguya's spectrum of one of Clementine's stations, or what stands in for it."""
    points = kaguya_stations()
    named = [point for point in points if point.name == station.name]
    near = named or [point for point in points if point.site == station.site]
    if near:
        spectra = np.array([_with_1000(point) for point in near])
        return np.asarray(spectra.mean(axis=0))
    own = _bands(station, CLEMENTINE_UVVIS)
    others = [s for s in clementine_stations() if any(p.name == s.name for p in points)]
    unlike = [np.abs(np.log(_bands(other, CLEMENTINE_UVVIS) / own)).max() for other in others]
    return _as_kaguya(others[int(np.argmin(unlike))])


def _with_1000(point: Station) -> NDArray[np.float64]:
    r950, r1001 = point.reflectance[950], point.reflectance[1001]
    r1000 = r950 + (r1001 - r950) * (1000 - 950) / (1001 - 950)
    seen = {**point.reflectance, 1000: r1000}
    return np.array([seen[w] for w in KAGUYA_MI.wavelengths_nm])


def _bands(station: Station, camera: Camera) -> NDArray[np.float64]:
    return np.array([station.reflectance[w] for w in camera.wavelengths_nm])
