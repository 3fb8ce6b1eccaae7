"""The Moon of mixed stations: convex, exact, the same bits however it is split."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.bands import CAMERAS, CLEMENTINE_UVVIS
from lunarscale.errors import StationError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.readers.sources import index_sources
from lunarscale.simulated.mixtures import MixturesMoon, mixture_tile, write_mixtures
from lunarscale.simulated.tiling import plan_tile, tiles
from lunarscale.stations import Station, clementine_stations, kaguya_stations

#: One soil of each kind: maria low and high in titanium, highlands, and between.
HELD_OUT = tuple(s for s in clementine_stations() if s.number in (1, 2, 5, 14, 22, 26, 46, 47))
MOON = MixturesMoon(HELD_OUT)
GRID = RasterGrid.whole(1.0)
LON, LAT = GRID.lons()[None, :], GRID.lats()[:, None]


def test_shares_are_convex_and_of_a_few_stations() -> None:
    shares = MOON.shares(LON, LAT)
    assert shares.shape == (8, 180, 360)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, atol=1e-12)
    weights = GRID.pixel_areas_m2()[:, None] / GRID.pixel_areas_m2().sum() / 360
    assert 1.5 < ((shares > 0.02).sum(axis=0) * weights).sum() < 4.0
    assert ((shares * weights).sum(axis=(1, 2)) > 0.03).all()  # no station is left out


def test_reflectance_and_soil_are_mixed_with_the_same_shares() -> None:
    shares = MOON.shares(LON, LAT)
    spectra = np.array([[s.reflectance[w] for w in MOON.bands_nm] for s in HELD_OUT])
    np.testing.assert_allclose(
        MOON.reflectance(LON, LAT), np.einsum("sb,syx->byx", spectra, shares), atol=1e-15
    )
    truth = MOON.truth(LON, LAT)
    assert tuple(truth) == ("FeO", "TiO2", "Al2O3", "MgO", "CaO", "SiO2", "Mg_number")
    for oxide in MOON.oxides:
        soil = np.array([s.oxides_wt_pct[oxide] for s in HELD_OUT])
        np.testing.assert_allclose(truth[oxide], np.tensordot(soil, shares, 1), atol=1e-12)
        assert soil.min() - 1e-9 <= truth[oxide].min() < truth[oxide].max() <= soil.max() + 1e-9
    by_hand = truth["MgO"] / 40.304 / (truth["MgO"] / 40.304 + truth["FeO"] / 71.844)
    np.testing.assert_allclose(truth["Mg_number"], by_hand, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(size=st.integers(3, 200), row=st.integers(0, 170))
def test_any_split_gives_the_same_bits(size: int, row: int) -> None:
    rows = LAT[row : row + 10]
    whole = MOON.counts(LON, rows)
    for start in range(0, LON.shape[1], size):
        part = MOON.counts(LON[:, start : start + size], rows)
        assert part.tobytes() == whole[:, :, start : start + size].tobytes()


def test_another_seed_is_another_moon_and_longitudes_wrap() -> None:
    other = MixturesMoon(HELD_OUT, seed=7)
    assert (other.counts(LON, LAT) != MOON.counts(LON, LAT)).mean() > 0.9
    np.testing.assert_array_equal(MOON.counts(LON + 360.0, LAT), MOON.counts(LON, LAT))


def test_noise_is_normal_of_the_stated_size_and_independent_between_bands() -> None:
    noisy = MixturesMoon(HELD_OUT, noise=0.02)
    exact = noisy.reflectance(LON, LAT) / CLEMENTINE_UVVIS.scale
    errors = (noisy.counts(LON, LAT) / exact - 1.0).reshape(5, -1) / 0.02
    assert np.abs(errors.mean(axis=1)).max() < 0.02
    np.testing.assert_allclose(errors.std(axis=1), 1.0, atol=0.02)
    assert (np.abs(errors) < 1.959964).mean() == pytest.approx(0.95, abs=0.005)
    between = np.corrcoef(errors) - np.eye(5)
    assert np.abs(between).max() < 0.02
    assert abs(np.corrcoef(errors[0, 1:], errors[0, :-1])[0, 1]) < 0.02


def test_without_noise_counts_are_rounded_reflectances() -> None:
    quiet = MixturesMoon(HELD_OUT, noise=0.0)
    counts, exact = quiet.counts(LON, LAT), quiet.reflectance(LON, LAT) / CLEMENTINE_UVVIS.scale
    assert np.abs(counts - exact).max() <= 0.5


def test_oxides_that_a_station_lacks_are_not_known() -> None:
    cone = next(s for s in clementine_stations() if s.number == 4)  # FeO and TiO2 only
    moon = MixturesMoon((*HELD_OUT, cone))
    assert tuple(moon.truth(0.0, 0.0)) == ("FeO", "TiO2")


def test_a_band_that_the_stations_lack_was_never_imaged() -> None:
    camera = CAMERAS["kaguya-mi"]
    moon = MixturesMoon(kaguya_stations()[:3], camera)
    counts = moon.counts(LON[:, :10], LAT)
    assert len(moon.bands_nm) == 8
    for wavelength, band in zip(camera.wavelengths_nm, counts, strict=True):
        assert (band == -30000).all() == (wavelength not in moon.bands_nm)
        assert wavelength in moon.bands_nm or wavelength == 1000


def test_a_tile_is_null_outside_its_edges() -> None:
    plan = plan_tile("UI03N003", (0.0, 0.0, 6.0, 7.0), ppd=10.0)
    image, inside = mixture_tile(MOON, plan), plan.inside()
    assert (image[:, ~inside] == NO_DATA).all()
    lon, lat = plan.places()
    np.testing.assert_array_equal(image[:, inside], MOON.counts(lon[inside], lat[inside]))


def test_tiles_are_read_as_the_archives_and_told_as_simulated(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_mixtures(tmp_path, MOON, ppd=0.5, progress=lambda done, todo: told.append((done, todo)))
    assert len(list(tmp_path.iterdir())) == len(tiles(0.5)) == 996
    assert told[-1] == (996, 996)
    index = index_sources([str(tmp_path / "ui03n003.img")])
    assert not index.problems
    assert index.tiles[0].simulated


def test_a_box_is_written_as_the_cameras_own_tiles(tmp_path: Path) -> None:
    box = (2.0, 2.0, 4.0, 3.0)
    write_mixtures(tmp_path / "clementine", MOON, ppd=10.0, bbox=box)
    assert [path.name for path in (tmp_path / "clementine").iterdir()] == ["ui03n003.img"]
    kaguya = MixturesMoon(kaguya_stations()[:3], CAMERAS["kaguya-mi"])
    write_mixtures(tmp_path / "kaguya", kaguya, ppd=8.0, bbox=box)
    index = index_sources([str(tmp_path / "kaguya")])
    assert [tile.camera.name for tile in index.tiles] == ["kaguya-mi"] * 2
    assert all(tile.simulated for tile in index.tiles)
    counts = index.tiles[0].read(slice(0, 8), slice(0, 8))
    assert (counts > 0).sum() == 8 * 64


def _without(station: Station, band: int) -> Station:
    kept = {w: r for w, r in station.reflectance.items() if w == band}
    return Station(**{**vars(station), "reflectance": kept})


def test_too_few_stations_bands_or_a_wild_noise_are_refused() -> None:
    with pytest.raises(StationError, match="need two stations but 1 were given"):
        MixturesMoon(HELD_OUT[:1])
    apart = (_without(HELD_OUT[0], 415), _without(HELD_OUT[1], 750))
    with pytest.raises(StationError, match="share no band of the Clementine UVVIS"):
        MixturesMoon(apart)
    for noise in (-0.1, 0.5, math.nan):
        with pytest.raises(StationError, match="a relative noise of"):
            MixturesMoon(HELD_OUT, noise=noise)
