"""Stations as arrays, and every table that is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
from samples_at_hand import clementine_49, kaguya_60, made_stations

from lunarscale.errors import StationError, TrainingError
from lunarscale.stations import Station
from lunarscale.training.samples import samples_of


def changed(station: Station, wavelength: int, value: float) -> Station:
    return replace(station, reflectance={**station.reflectance, wavelength: value})


def test_built_in_stations() -> None:
    clementine, kaguya = clementine_49(), kaguya_60()
    assert (len(clementine), clementine.reflectance.shape) == (49, (49, 5))
    assert (len(set(clementine.sites)), int(clementine.estimated.sum())) == (11, 2)
    assert clementine.left_out() == {"Al2O3": 1, "MgO": 1, "CaO": 1, "SiO2": 1}
    assert (len(kaguya), kaguya.reflectance.shape, kaguya.left_out()) == (60, (60, 8), {})
    # Apollo 11: the table's own FeO (Wilcox), Al2O3 of the joined columns
    assert (clementine.target("FeO")[0], clementine.target("Al2O3")[0]) == (15.8, 13.55)


def test_a_missing_oxide_leaves_its_row_out_of_that_oxide_only() -> None:
    stations = made_stations(4, 3, seed=1)
    stations[2] = replace(stations[2], oxides_wt_pct={"TiO2": 1.0})
    stations[3] = replace(stations[3], oxides_wt_pct={"FeO": 9.0, "TiO2": 2.0})
    samples = samples_of(stations, "clementine-uvvis")
    assert samples.rows("FeO").tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert samples.rows("TiO2").tolist() == [2, 3]
    assert samples.left_out() == {"FeO": 1, "TiO2": 10}
    with pytest.raises(StationError, match="TiO2 is known at 2 of 12 stations but 5 are needed"):
        samples.rows("TiO2", at_least=5)
    with pytest.raises(TrainingError, match="no station has MgO"):
        samples.rows("MgO")


def test_the_digest_is_of_what_can_be_learnt() -> None:
    stations = made_stations(3, 2, seed=2)
    digest = samples_of(stations, "clementine-uvvis").digest
    assert samples_of(stations, "clementine-uvvis").digest == digest
    assert samples_of(stations[::-1], "clementine-uvvis").digest != digest
    moved = [replace(stations[0], site="elsewhere"), *stations[1:]]
    assert samples_of(moved, "clementine-uvvis").digest != digest
    assert samples_of([changed(stations[0], 750, 0.2), *stations[1:]], "x").digest != digest


@pytest.mark.parametrize("value", [math.nan, -0.1, 0.0, 1.0, 12.0, math.inf])
def test_what_is_no_reflectance_is_named(value: float) -> None:
    stations = made_stations(3, 2, seed=3)
    stations[4] = changed(stations[4], 900, value)
    with pytest.raises(StationError, match=r"station made 5: R900 is .* between 0 and 1"):
        samples_of(stations, "clementine-uvvis")


def test_a_missing_band_is_named() -> None:
    stations = made_stations(3, 2, seed=4)
    with pytest.raises(StationError, match="station made 1 has no reflectance at 1248 nm"):
        samples_of(stations, "clementine-uvvis", (415, 750, 1248))


def test_a_constant_band_is_refused() -> None:
    stations = [changed(station, 950, 0.2) for station in made_stations(3, 2, seed=5)]
    with pytest.raises(StationError, match=r"R950 is 0\.2 at all of 6 stations"):
        samples_of(stations, "clementine-uvvis")
    assert samples_of(stations, "clementine-uvvis", (415, 750)).bands_nm == (415, 750)


def test_a_constant_oxide_is_refused_when_it_is_asked_for() -> None:
    stations = [
        replace(station, oxides_wt_pct={"FeO": 9.5}) for station in made_stations(3, 2, seed=6)
    ]
    samples = samples_of(stations, "clementine-uvvis")
    with pytest.raises(StationError, match=r"FeO is 9\.5 wt % at all of 6 stations"):
        samples.rows("FeO")


def test_one_station_is_too_few() -> None:
    with pytest.raises(StationError, match="at least two"):
        samples_of(made_stations(1, 1, seed=7), "clementine-uvvis")
    assert np.isfinite(
        samples_of(made_stations(1, 2, seed=7), "clementine-uvvis").reflectance
    ).all()
