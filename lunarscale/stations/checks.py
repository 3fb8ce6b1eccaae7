"""What a table of stations is held to as a whole: units, duplicates, sums, constant columns."""

from collections.abc import Sequence
from dataclasses import replace

from lunarscale.errors import StationError
from lunarscale.stations.station import OXIDES, Station

#: Sums of oxides (wt %) above which a soil is wrong, and below which, with all six, it is doubtful:
#: sodium, manganese, chromium and the rest of a lunar soil are 1-2 wt %.
HIGHEST_SUM, DOUBTFUL_SUM = 102.0, 96.0

#: An oxide that is nowhere above this (wt %) looks like a weight fraction. At the package's own
#: stations TiO2 is 0.4-10 wt % and no other oxide is below 4: as fractions, 0.1 and 0.5 at most.
_LOOKS_LIKE_FRACTION = {oxide: 0.15 if oxide == "TiO2" else 1.0 for oxide in OXIDES}


def as_wt_pct(stations: Sequence[Station], title: str, *, fractions: bool | None) -> list[Station]:
    """The stations with their oxides in wt %, or the question which unit they are in.

    Raises
    ------
    StationError
        If the unit is not said and an oxide looks like a fraction, or is said to be one and is
        not.
    """
    highest = {
        oxide: max(s.oxides_wt_pct[oxide] for s in stations if oxide in s.oxides_wt_pct)
        for oxide in OXIDES
        if any(oxide in s.oxides_wt_pct for s in stations)
    }
    for oxide, most in highest.items():
        if fractions is None and most < _LOOKS_LIKE_FRACTION[oxide]:
            raise StationError(
                f"{title}: {oxide} is {most:g} wt % at most, which looks like a weight fraction; "
                "give wt %, or say --units fractions (or wt-pct, if they are)"
            )
        if fractions and most > 1.0:
            raise StationError(
                f"{title}: {oxide} is up to {most:g}, which is no weight fraction; leave out "
                "--units fractions"
            )
    if not fractions:
        return list(stations)
    return [
        replace(s, oxides_wt_pct={o: 100.0 * value for o, value in s.oxides_wt_pct.items()})
        for s in stations
    ]


def check_table(stations: Sequence[Station], places: Sequence[str], title: str) -> tuple[str, ...]:
    """Refuse a table that cannot be right; what is doubtful comes back as warnings.

    Parameters
    ----------
    stations : sequence of Station
    places : sequence of str
        Where each stands, ``table.csv, line 12``.
    title : str
        Name of the table.
    """
    if not stations:
        raise StationError(f"{title}: the table has a header but no stations; add them")
    _refuse_duplicates(stations, places)
    _refuse_constant_columns(stations, title)
    sums = _check_sums(stations, places)
    return (*sums, *_missing_oxides(stations, title))


def _refuse_duplicates(stations: Sequence[Station], places: Sequence[str]) -> None:
    met: dict[tuple[object, ...], str] = {}
    for station, place in zip(stations, places, strict=True):
        for told, key in (
            (f"station {station.number}", (station.number,)),
            (f"the spectrum of {station.name}", (station.name, *station.reflectance.values())),
        ):
            if key in met:
                raise StationError(f"{place}: {told} is also in {met[key]}; keep one of them")
            met[key] = place


def _refuse_constant_columns(stations: Sequence[Station], title: str) -> None:
    columns = {f"R{w}": [s.reflectance[w] for s in stations] for w in stations[0].reflectance}
    for oxide in OXIDES:
        columns[oxide] = [s.oxides_wt_pct[oxide] for s in stations if oxide in s.oxides_wt_pct]
    for name, values in columns.items():
        if len(values) > 1 and min(values) == max(values):
            raise StationError(
                f"{title}: {name} is {values[0]:g} at all of {len(values)} stations, which teaches "
                "nothing; check the column, or leave an oxide out"
            )


def _check_sums(stations: Sequence[Station], places: Sequence[str]) -> list[str]:
    warnings = []
    for station, place in zip(stations, places, strict=True):
        oxides = station.oxides_wt_pct
        negative = next((o for o, value in oxides.items() if value < 0.0), None)
        if negative:
            raise StationError(
                f"{place}: {negative} is {oxides[negative]:g} wt %, but no soil has less than "
                "nothing of an oxide; mend it, or leave the cell empty"
            )
        total = sum(oxides.values())
        if total > HIGHEST_SUM:
            raise StationError(
                f"{place}: the oxides of {station.name} sum to {total:.4g} wt %, more than "
                f"{HIGHEST_SUM:g}; mend them"
            )
        if total < DOUBTFUL_SUM and len(oxides) == len(OXIDES):
            warnings.append(
                f"{place}: the six oxides of {station.name} sum to {total:.1f} wt % only"
            )
    return warnings


def _missing_oxides(stations: Sequence[Station], title: str) -> list[str]:
    lacking: dict[tuple[str, ...], list[str]] = {}
    for oxide in OXIDES:
        names = tuple(s.name for s in stations if oxide not in s.oxides_wt_pct)
        if 0 < len(names) < len(stations):
            lacking.setdefault(names, []).append(oxide)
    return [
        f"{title}: no {', '.join(oxides)} at {len(names)} of {len(stations)} stations "
        f"({', '.join(names[:3])}{' and others' if len(names) > 3 else ''}); left out where needed"
        for names, oxides in lacking.items()
    ]
