"""Landing sites: what their soils were measured to be, and what a dataset says there."""

from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel, Field

from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.queries.readings import Ends, Reading, read_places
from lunarscale.stations import OXIDES, SOURCES, Station, built_in_table
from lunarscale.stations.landers import LANDERS

#: Tables of stations, the first one's stations first unless a dataset is of the other camera.
_CAMERAS = ("clementine-uvvis", "kaguya-mi")


class SiteFacts(BaseModel):
    """A place where soil was collected."""

    name: str = Field(examples=["Apollo 17 - LM"])
    site: str = Field(description="The landing that it belongs to.", examples=["Apollo 17"])
    lon: float | None = Field(description="Degrees east; null where nobody tells.")
    lat: float | None
    place_source: str | None = Field(description="Who tells the place.")
    table: str = Field(description="The camera of the table.", examples=["clementine-uvvis"])
    measured: dict[str, float] = Field(
        description="Oxides of the soil, wt %.", examples=[{"FeO": 16.6, "TiO2": 8.5}]
    )
    references: dict[str, str] = Field(description="Where each of them comes from.")
    predicted: dict[str, float | None] = Field(
        description="The dataset at that pixel, wt %; null without a value. Empty without dataset."
    )
    uncertainty: dict[str, Ends] = Field(description="Its prediction interval, where it has one.")
    predicted_by: dict[str, str] = Field(description="The layer that each of them is of.")
    reasons: dict[str, str] = Field(description="Why a layer has no value there.")
    note: str


class SiteList(BaseModel):
    """All landing sites."""

    dataset: str | None
    simulated: bool = Field(description="Whether the predictions are of simulated input.")
    sites: list[SiteFacts]


@dataclass(frozen=True)
class Site:
    """A station with the table it is of, and its place from wherever that is told.

    Parameters
    ----------
    station : Station
    camera : str
        Of its table.
    place : (lon, lat) or None
        Degrees.
    place_source : str or None
    """

    station: Station
    camera: str
    place: tuple[float, float] | None
    place_source: str | None


def sites_of(camera: str) -> list[Site]:
    """The stations of a camera's table, then those of the other's whose names it lacks.

    Compositions differ between the tables, so those of a dataset's own camera go first.

    Parameters
    ----------
    camera : str
        One without a table of its own has that of Clementine first.
    """
    order = sorted(_CAMERAS, key=lambda each: each != camera)
    found: dict[str, Site] = {}
    for table in order:
        for station in built_in_table(table).stations:
            found.setdefault(station.name, Site(station, table, *_placed(station)))
    return list(found.values())


def _placed(station: Station) -> tuple[tuple[float, float] | None, str | None]:
    """Where a station is, and who tells: its table, the other one, or who saw the lander."""
    named, lander = _by_name().get(station.name), LANDERS.get(station.name)
    if named is not None and named.lon is not None and named.lat is not None:
        key = named.sources.get("lon", "")
        return (named.lon, named.lat), SOURCES.get(key, key) or None
    if lander is not None:
        return (lander.lon, lander.lat), lander.source
    return None, None


@cache
def _by_name() -> dict[str, Station]:
    """The stations whose places a table tells."""
    tables = (built_in_table(camera).stations for camera in _CAMERAS)
    return {each.name: each for table in tables for each in table if each.lon is not None}


def list_sites(dataset: Dataset | None) -> SiteList:
    """Landing sites, and a dataset's values at them.

    Parameters
    ----------
    dataset : Dataset or None
        Of maps; a mosaic has no oxides to tell.
    """
    sites = sites_of("" if dataset is None else dataset.cube.layout.camera)
    readings: list[list[Reading]] = [[] for _ in sites]
    oxides = {} if dataset is None else _oxide_layers(dataset)
    if dataset is not None and oxides:
        grid = dataset.cube.grid
        pixels = [None if site.place is None else grid.locate(*site.place) for site in sites]
        readings = read_places(dataset, dataset.layers, pixels)
    facts = [_facts(site, each, oxides) for site, each in zip(sites, readings, strict=True)]
    return SiteList(
        dataset=None if dataset is None else dataset.name,
        simulated=dataset is not None and dataset.cube.layout.simulated,
        sites=facts,
    )


def _oxide_layers(dataset: Dataset) -> dict[str, str]:
    """The layer that tells each oxide: one with an interval, or else the first."""
    found: dict[str, Layer] = {}
    for layer in dataset.layers:
        known = found.get(layer.quantity)
        is_better = known is not None and known.interval is None and layer.interval is not None
        if layer.quantity in OXIDES and (known is None or is_better):
            found[layer.quantity] = layer
    return {oxide: found[oxide].name for oxide in OXIDES if oxide in found}


def _facts(site: Site, readings: list[Reading], oxides: dict[str, str]) -> SiteFacts:
    station = site.station
    by_layer = {reading.layer: reading for reading in readings}
    told = {
        oxide: by_layer[layer]
        for oxide, layer in oxides.items()
        if site.place is not None and layer in by_layer
    }
    lon, lat = site.place or (None, None)
    return SiteFacts(
        name=station.name,
        site=station.site,
        lon=lon,
        lat=lat,
        place_source=site.place_source,
        table=site.camera,
        measured={oxide: station.oxides_wt_pct[oxide] for oxide in _measured(station)},
        references={oxide: _reference(station, oxide) for oxide in _measured(station)},
        predicted={oxide: reading.value for oxide, reading in told.items()},
        uncertainty={
            oxide: reading.uncertainty
            for oxide, reading in told.items()
            if reading.uncertainty is not None
        },
        predicted_by={oxide: reading.layer for oxide, reading in told.items()},
        reasons={
            oxide: reading.reason for oxide, reading in told.items() if reading.reason is not None
        },
        note=station.note,
    )


def _measured(station: Station) -> list[str]:
    return [oxide for oxide in OXIDES if oxide in station.oxides_wt_pct]


def _reference(station: Station, oxide: str) -> str:
    key = station.sources.get(f"{oxide}_wt_pct", "")
    return SOURCES.get(key, key)
