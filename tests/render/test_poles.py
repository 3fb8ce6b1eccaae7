"""Polar panels: the right pole, the right way round, nothing lost at the seam."""

import numpy as np
import pytest

from lunarscale.grid.projections import polar_stereographic
from lunarscale.render.poles import (
    PANEL_PX,
    Pole,
    covers_pole,
    parallels,
    polar_picture,
    rim_latitude,
    rim_radius_m,
    sample_picture,
)

WHOLE = (-180.0, -90.0, 180.0, 90.0)
LONS = np.arange(1440) * 0.25 - 179.875
LATS = 89.875 - np.arange(720) * 0.25


def with_mark(lon: float, lat: float) -> np.ndarray:
    """A whole picture of zeros with ones within four degrees of latitude of a place."""
    across = np.cos(np.radians(LATS))[:, None] * ((LONS - lon + 180.0) % 360.0 - 180.0)
    return (np.hypot(across, (LATS - lat)[:, None]) < 4.0).astype(np.float32)


@pytest.mark.parametrize("pole", ["north", "south"])
@pytest.mark.parametrize("lon", [0.0, 90.0, 180.0, -90.0, -179.9, 45.0])
def test_a_mark_lands_where_the_projection_says(pole: Pole, lon: float) -> None:
    lat = 72.0 if pole == "north" else -72.0
    means, inside = polar_picture(with_mark(lon, lat), WHOLE, pole)
    rows, cols = np.nonzero(means > 0.5)
    rim = rim_radius_m(WHOLE, pole)
    x = (cols.mean() + 0.5) / PANEL_PX * 2.0 * rim - rim
    y = rim - (rows.mean() + 0.5) / PANEL_PX * 2.0 * rim
    assert (x, y) == pytest.approx(polar_stereographic(lon, lat, pole=pole), abs=0.01 * rim)
    assert inside.all()


@pytest.mark.parametrize(("pole", "down"), [("north", True), ("south", False)])
def test_the_prime_meridian_is_below_the_north_and_above_the_south_pole(
    pole: Pole, down: bool
) -> None:
    half = PANEL_PX // 2
    prime = polar_picture(with_mark(0.0, 72.0 if down else -72.0), WHOLE, pole)[0]
    east = polar_picture(with_mark(90.0, 72.0 if down else -72.0), WHOLE, pole)[0]
    assert (prime[half:].sum() > prime[:half].sum()) == down
    assert east[:, half:].sum() > 100 * east[:, :half].sum()


def test_a_panel_averages_valid_pixels_only() -> None:
    values = np.full((720, 1440), 5.0, np.float32)
    values[:, ::2] = np.nan
    values[LATS > 85.0] = np.nan
    means, inside = polar_picture(values, WHOLE, "north")
    centre = PANEL_PX // 2
    assert np.isnan(means[centre, centre])
    assert inside[centre, centre]
    assert np.unique(means[np.isfinite(means)]) == pytest.approx([5.0])


def test_no_seam_in_a_constant_picture() -> None:
    for pole in ("north", "south"):
        means, inside = polar_picture(np.ones((90, 180), np.float32), WHOLE, pole)
        assert inside.all()
        assert (means == 1.0).all()


def test_samples_of_a_box_over_the_seam() -> None:
    values = np.arange(8, dtype=np.float32)[None, :].repeat(2, axis=0)
    lon = np.array([150.5, 179.0, -179.0, -130.5, -129.0, 149.0, 0.0])
    found, inside = sample_picture(
        values, (150.0, 40.0, 230.0, 60.0), lon=lon, lat=np.full(7, 45.0)
    )
    assert inside.tolist() == [True, True, True, True, False, False, False]
    assert found[:4].tolist() == [0.0, 2.0, 3.0, 7.0]
    assert np.isnan(found[4:]).all()


def test_only_pictures_that_reach_a_pole_cover_it() -> None:
    assert covers_pole(WHOLE, "north")
    assert covers_pole(WHOLE, "south")
    assert not covers_pole((-180.0, -70.0, 180.0, 70.0), "north")
    assert not covers_pole((-180.0, -90.0, 180.0, 0.0), "north")
    assert covers_pole((0.0, -90.0, 90.0, 0.0), "south")


def test_the_rim_follows_a_map_that_ends_near_the_pole() -> None:
    assert rim_latitude(WHOLE, "north") == 60.0
    assert rim_latitude((-180.0, -90.0, 180.0, -65.0), "south") == -65.0
    assert rim_latitude((-180.0, 89.0, 180.0, 90.0), "north") == 80.0
    means, inside = polar_picture(
        np.ones((25, 360), np.float32), (-180.0, -90.0, 180.0, -65.0), "south"
    )
    x = (np.arange(PANEL_PX) + 0.5) / PANEL_PX * 2.0 - 1.0
    disc = np.hypot(x[None, :], x[:, None])
    assert (means[disc < 0.99] == 1.0).all()
    assert not inside[disc > 1.01].any()


@pytest.mark.parametrize(
    ("rim", "expected"),
    [
        (60.0, [80, 70]),
        (-65.0, [80, 70]),
        (70.0, [85, 80, 75]),
        (80.0, [85]),
        (-86.0, [89, 88, 87]),
        (89.95, []),
        (20.0, [80, 70, 60, 50, 40, 30]),
    ],
)
def test_panels_of_any_size_are_ruled_at_round_parallels(rim: float, expected: list[float]) -> None:
    assert parallels(rim) == pytest.approx(expected)
