"""The simulated Moon's surface: a function of place alone, and a Moon to look at."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS, ClementineReason
from lunarscale.moon import SEAS
from lunarscale.simulated.craters import BANDS, craters, index_caps
from lunarscale.simulated.soils import LAVAS
from lunarscale.simulated.surface import Truth, counts, reflectance, simulated_truth
from lunarscale.stations import clementine_stations

PPD = 6.0
DETAIL_DEG = 1.0 / PPD


@pytest.fixture(scope="module")
def places() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pixel centres of a whole Moon at 2 pixels a degree."""
    lat = 90.0 - (np.arange(360) + 0.5) / 2.0
    return np.meshgrid((np.arange(720) + 0.5) / 2.0 - 180.0, lat)


@pytest.fixture(scope="module")
def spectra(places: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float64]:
    return reflectance(*places, detail_deg=DETAIL_DEG).astype(np.float64)


@pytest.fixture(scope="module")
def truth(places: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Truth:
    return simulated_truth(*places, detail_deg=DETAIL_DEG)


def qiu_feo(spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Qiu et al. 2025, equations 1 and 2."""
    return 24.770 * -np.arctan((spectra[3] / spectra[1] - 1.188) / (spectra[1] - 0.018)) - 8.053


def area_mean(
    values: NDArray[np.float64],
    where: NDArray[np.bool_],
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> float:
    return float(np.average(values[where], weights=np.cos(np.radians(places[1][where]))))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 999))
def test_any_split_gives_the_bits_of_the_whole(chance: int, cut: int) -> None:
    rng = np.random.default_rng(chance)
    lon, lat = rng.uniform(-180, 180, 1000), np.degrees(np.arcsin(rng.uniform(-1, 1, 1000)))
    for function in (reflectance, counts):
        whole = function(lon, lat, detail_deg=DETAIL_DEG)
        parts = [function(lon[:cut], lat[:cut], detail_deg=DETAIL_DEG)]
        parts.append(function(lon[cut:], lat[cut:], detail_deg=DETAIL_DEG))
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    order = rng.permutation(1000)
    shuffled = counts(lon[order], lat[order], detail_deg=DETAIL_DEG)
    np.testing.assert_array_equal(shuffled, counts(lon, lat, detail_deg=DETAIL_DEG)[:, order])


def test_the_longitude_may_take_any_turn() -> None:
    lat = np.linspace(-89.5, 89.5, 359)
    # eighths of a degree, so that a turn is exact
    for lon in (-180.0, -179.875, 12.125, 179.875):
        here = counts(lon, lat, detail_deg=DETAIL_DEG)
        np.testing.assert_array_equal(counts(lon + 360.0, lat, detail_deg=DETAIL_DEG), here)


def test_there_is_no_seam_at_180_degrees() -> None:
    lat = np.linspace(-85.0, 85.0, 2001)
    step = 1e-4
    west, middle, east = (
        reflectance(lon, lat, detail_deg=DETAIL_DEG) for lon in (180 - step, -180.0, step - 180)
    )
    across = np.abs(west - east).max()
    assert across <= np.abs(west - middle).max() + np.abs(middle - east).max()
    assert across < 0.004


@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_a_pole_is_one_place(pole: float) -> None:
    lon = np.linspace(-180.0, 180.0, 73)
    at_pole = reflectance(lon, np.full(73, pole), detail_deg=DETAIL_DEG)
    np.testing.assert_array_equal(at_pole, at_pole[:, :1].repeat(73, axis=1))
    beside = reflectance(lon, pole * (1 - 1e-6), detail_deg=DETAIL_DEG)
    np.testing.assert_allclose(beside, at_pole, rtol=2e-3)
    assert len(np.unique(counts(lon, pole)[1])) == 1


def test_another_seed_is_another_moon_with_the_same_seas() -> None:
    lon, lat = np.linspace(-180, 180, 400), np.linspace(-60, 60, 400)
    assert (reflectance(lon, lat, seed=1) != reflectance(lon, lat, seed=2)).all()
    # the middle of Mare Serenitatis, far from any shore
    seas = [int(simulated_truth(18.36, 27.29, seed=seed).sea) for seed in range(1, 6)]
    assert seas == [17] * 5
    assert SEAS[16].name == "Mare Serenitatis"


def test_every_reason_for_a_missing_band_occurs_in_a_whole_moon() -> None:
    lat = 90.0 - (np.arange(180 * int(PPD)) + 0.5) / PPD
    lon = (np.arange(360 * int(PPD)) + 0.5) / PPD - 180.0
    image = counts(lon, lat[:, None], detail_deg=DETAIL_DEG)
    occur = {
        reason: int((image == count).sum()) for count, reason in CLEMENTINE_UVVIS.special.items()
    }
    special = np.isin(image, list(CLEMENTINE_UVVIS.special))
    near = (np.abs(image.astype(np.int32)) > 32752) & ~special
    occur[ClementineReason.NEAR_SATURATION] = int(near.sum())
    off = ((image < 0) | (image * CLEMENTINE_UVVIS.scale > 1.0)) & ~near & ~special
    occur[ClementineReason.OFF_SCALE] = int(off.sum())
    assert set(occur) == set(ClementineReason) - {ClementineReason.VALID}
    assert min(occur.values()) >= 10
    # a null is null in all the bands, any other reason mostly in one
    null = image == -32768
    assert (null.all(axis=0) == null.any(axis=0)).all()
    assert occur[ClementineReason.NULL] < 0.05 * image.size
    gaps = [null[0][:24].mean(), null[0][-24:].mean()]
    assert all(0.05 < gap < 0.95 for gap in gaps)
    assert abs(gaps[0] - gaps[1]) > 0.05


def test_the_camera_reads_the_surface_to_its_noise() -> None:
    lon, lat = np.meshgrid(np.linspace(-170, 170, 300), np.linspace(-75, 75, 300))
    read, surface = counts(lon, lat) * 1.35e-4, reflectance(lon, lat)
    good = (read > 0) & (read <= 1)
    assert good.mean() > 0.95
    error = (read / surface - 1.0)[good]
    assert np.abs(error).max() < 0.004 + 0.5 * 1.35e-4 / surface.min()
    assert abs(error.mean()) < 1e-4
    # uniform noise of +-0.4 %, and the rounding of counts
    assert error.std() == pytest.approx(0.004 / np.sqrt(3), rel=0.03)


def test_iron_and_titanium_are_those_of_a_moon(
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    spectra: NDArray[np.float64],
    truth: Truth,
) -> None:
    feo, everywhere, mare = qiu_feo(spectra), np.ones_like(truth.lava, bool), truth.lava > 0.5
    # Qiu et al. 2025, table 1: 8.23 global, 16.85 maria, 6.54 elsewhere; 16 % of the Moon is mare
    assert area_mean(mare.astype(float), everywhere, places) == pytest.approx(0.16, abs=0.03)
    assert area_mean(feo, everywhere, places) == pytest.approx(8.23, abs=0.8)
    assert area_mean(feo, mare, places) == pytest.approx(16.85, abs=1.0)
    assert area_mean(feo, ~mare, places) == pytest.approx(6.54, abs=0.8)
    weights = np.cos(np.radians(places[1]))
    histogram, _ = np.histogram(feo, bins=24, range=(0.0, 24.0), weights=weights)
    highland_mode, mare_mode = histogram[:10].argmax(), 14 + histogram[14:].argmax()
    assert histogram[highland_mode:mare_mode].min() < 0.3 * histogram[mare_mode]
    tranquillitatis = truth.sea == 1 + [sea.name for sea in SEAS].index("Mare Tranquillitatis")
    assert area_mean(truth.TiO2, tranquillitatis, places) > 7.0
    assert area_mean(truth.TiO2, ~mare, places) < 1.2


def test_the_equation_finds_the_iron_of_the_soils_as_well_as_at_the_stations(
    spectra: NDArray[np.float64], truth: Truth
) -> None:
    # the RMSE over the 47 stations themselves is 1.04 wt%
    error = qiu_feo(spectra) - truth.FeO
    assert np.sqrt(np.mean(error**2)) < 1.1
    assert np.corrcoef(qiu_feo(spectra).ravel(), truth.FeO.ravel())[0, 1] > 0.95


def test_the_spectra_stay_near_the_stations_own(spectra: NDArray[np.float64]) -> None:
    stations = np.array([list(s.reflectance.values()) for s in clementine_stations()]).T
    assert spectra.min() > 0.04
    assert spectra.max() < 0.5
    for band in (0, 2, 3, 4):
        real = stations[band] / stations[1]
        made = spectra[band] / spectra[1]
        low, high = np.percentile(made, [1, 99])
        assert real.min() - 0.03 < low < high < real.max() + 0.03
        assert high - low > 0.3 * np.ptp(real)


def test_maturity_varies_and_craters_are_fresh(spectra: NDArray[np.float64]) -> None:
    omat = np.hypot(spectra[1] - 0.018, spectra[3] / spectra[1] - 1.188)
    # Qiu et al. 2025, table 1: 0.222 global
    assert omat.mean() == pytest.approx(0.22, abs=0.03)
    assert np.percentile(omat, 99.5) > 1.3 * np.median(omat)


def test_every_sea_is_there_and_has_its_lava() -> None:
    assert set(LAVAS) == {sea.name for sea in SEAS}
    lon, lat = np.meshgrid(np.linspace(-180, 180, 1440), np.linspace(-70, 70, 560))
    seas = simulated_truth(lon, lat, detail_deg=0.25).sea
    assert set(np.unique(seas)) == set(range(len(SEAS) + 1))


def test_crater_sizes_follow_the_power_law() -> None:
    rows, caps = craters(1, DETAIL_DEG)
    diameter_km = 2.0 * rows[:, 8] * 1737.4
    # Head et al. 2010: 5185 craters of 20 km or more; the cut at 250 km takes 33 of them
    assert (diameter_km >= 20.0).sum() == pytest.approx(5185, abs=50)
    assert (diameter_km >= 40.0).sum() == pytest.approx(5185 / 4, abs=50)
    finer, _ = craters(1, DETAIL_DEG / 2.0)
    np.testing.assert_array_equal(finer[: len(rows)], rows)
    assert len(caps) == len(rows)


def test_the_index_finds_every_cap_that_holds_a_place() -> None:
    rng = np.random.default_rng(5)
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))
    caps = np.column_stack([rng.uniform(-180, 180, 300), lat, rng.uniform(0.1, 40.0, 300)])
    starts, members = index_caps(caps)
    lon, lat = rng.uniform(-180, 180, 2000), np.degrees(np.arcsin(rng.uniform(-1, 1, 2000)))
    bins = ((lat + 90) // (180 / BANDS) * 2 * BANDS + (lon + 180) // (180 / BANDS)).astype(int)
    lam, phi = np.radians(caps[:, 0]), np.radians(caps[:, 1])
    for place in range(2000):
        here = np.radians(lat[place])
        cosine = np.sin(phi) * np.sin(here)
        cosine += np.cos(phi) * np.cos(here) * np.cos(lam - np.radians(lon[place]))
        holds = np.flatnonzero(np.degrees(np.arccos(np.clip(cosine, -1, 1))) < caps[:, 2])
        found = members[starts[bins[place]] : starts[bins[place] + 1]]
        assert set(holds) <= set(found)
        assert (np.diff(found) > 0).all()
