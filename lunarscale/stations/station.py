"""A sampling station, a table of them, and where their values come from."""

import hashlib
import json
from dataclasses import dataclass, field

#: Oxides that a soil can be measured for, in the order in which they are listed everywhere.
OXIDES = ("FeO", "TiO2", "Al2O3", "MgO", "CaO", "SiO2")

#: Bands (nm) that each camera's tables of stations have. Kaguya's have no 1000 nm of its second
#: detector: the first one's 1001 nm stands for it.
STATION_BANDS: dict[str, tuple[int, ...]] = {
    "clementine-uvvis": (415, 750, 900, 950, 1000),
    "kaguya-mi": (414, 749, 901, 950, 1001, 1049, 1248, 1548),
}

#: Citations by the keys that the tables use.
SOURCES: dict[str, str] = {
    "wilcox-2005": (
        "Wilcox, Lucey & Gillis 2005, JGR 110, E11001, after Lucey, Blewett & Jolliff 2000, "
        "JGR 105, 20297"
    ),
    "rlcm-dl": (
        "table of 60 points in RLCM-DL (github.com/zyyan-cc/RLCM-DL, MIT licence), the open code "
        "that appears to belong to the residual CNN maps in Nature Sensors 2026"
    ),
    "korotev-gillis-2001": (
        "Korotev & Gillis 2001, the average of soil 10084, as tabulated in the Lunar Sample "
        "Compendium, 10084, table 2"
    ),
    "li-2024": "Li et al. 2024, the bulk composition of the Chang'e-6 soil",
    "cross-calibration": (
        "estimated: Kaguya MI reflectances (rlcm-dl) brought to Clementine's by least squares "
        "over the stations that both tables name (lunarscale.training.cross_calibration)"
    ),
}


@dataclass(frozen=True)
class Station:
    """One sampling station.

    Parameters
    ----------
    number : int
        Number in the source's table.
    name : str
        The same in every table that has the station.
    site : str
        Landing site, ``Apollo 17``: what a mission brought is held out together.
    lon, lat : float or None
        Degrees east (-180..180) and north; None where the source gives none.
    reflectance : dict of int to float
        The camera's reflectance (fraction) by wavelength in nm.
    oxides_wt_pct : dict of str to float
        Composition of the soil in wt %; an oxide that was not measured is absent.
    sources : dict of str to str
        Key of ``SOURCES`` (or the user's own words) by column of the table, ``R750``,
        ``FeO_wt_pct``.
    estimated : bool
        Whether the reflectances were estimated from another camera's, not measured.
    covariance : tuple of tuple of float, or None
        Of the errors of estimated reflectances, squared fractions, bands by wavelength.
    note : str
        What a reader of its values must know.
    """

    number: int
    name: str
    site: str
    lon: float | None
    lat: float | None
    reflectance: dict[int, float]
    oxides_wt_pct: dict[str, float]
    sources: dict[str, str] = field(default_factory=dict)
    estimated: bool = False
    covariance: tuple[tuple[float, ...], ...] | None = None
    note: str = ""


@dataclass(frozen=True)
class StationTable:
    """Stations of one camera, as read and checked.

    Parameters
    ----------
    title : str
        For messages and figures: a file's name, or ``the 47 Clementine stations``.
    camera : str
        Name of the camera, ``clementine-uvvis``.
    stations : tuple of Station
        In the table's order.
    warnings : tuple of str
        What is doubtful but was kept, a sentence each.
    """

    title: str
    camera: str
    stations: tuple[Station, ...]
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of what can be learnt from: spectra, oxides, sites, and which are estimated."""
        told = [
            [s.number, s.name, s.site, s.reflectance, s.oxides_wt_pct, s.estimated]
            for s in self.stations
        ]
        text = json.dumps([self.camera, told], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def lacking(self, oxide: str) -> tuple[Station, ...]:
        """Stations whose soil was not measured for an oxide."""
        return tuple(s for s in self.stations if oxide not in s.oxides_wt_pct)
