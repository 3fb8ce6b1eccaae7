"""Projections against the archive's own figures and against PROJ."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from lunarscale.grid.projections import (
    Lattice,
    inverse_polar_stereographic,
    polar_stereographic,
)

#: The example label of the archive's volinfo.txt.
UI03N003 = Lattice("sinusoidal", 303.2334900, 15.0, 2123.6345297, 4549.5024429)

#: Kaguya MI: maximum latitude 51, west longitude 124, 2048 px/deg.
KAGUYA = Lattice("simple-cylindrical", 2048.0, 0.0, 104448.5, -253951.5)


def test_the_example_label_s_corner():
    assert UI03N003.line_of(7.0) == pytest.approx(1.0, abs=1e-3)
    assert UI03N003.sample_of(0.0, 0.0) == pytest.approx(1.0, abs=1e-3)


def test_a_degree_shrinks_with_the_cosine_of_latitude():
    assert UI03N003.samples_per_degree(60.0) == pytest.approx(303.23349 / 2)
    assert KAGUYA.samples_per_degree([0.0, 60.0]).tolist() == [2048.0, 2048.0]


@settings(deadline=None)
@given(
    lattice=st.sampled_from([UI03N003, KAGUYA]),
    lon=st.floats(-30, 60),
    lat=st.floats(-89, 89),
)
def test_lattices_invert(lattice, lon, lat):
    assert lattice.lat_of(lattice.line_of(lat)) == pytest.approx(lat, abs=1e-9)
    assert lattice.lon_of(lattice.sample_of(lon, lat), lat) == pytest.approx(lon, abs=1e-9)


def test_sinusoidal_agrees_with_proj():
    lon, lat = np.meshgrid(np.linspace(0, 30, 7), np.linspace(-80, 80, 9))
    proj = Transformer.from_crs(
        CRS.from_proj4("+proj=longlat +R=1737400"),
        CRS.from_proj4("+proj=sinu +lon_0=15 +R=1737400"),
        always_xy=True,
    )
    x, y = proj.transform(lon, lat)
    per_metre = UI03N003.ppd / np.radians(1) / 1737400.0
    np.testing.assert_allclose(
        UI03N003.sample_of(lon, lat) - UI03N003.sample_offset, x * per_metre, atol=1e-6
    )
    np.testing.assert_allclose(
        UI03N003.line_offset - UI03N003.line_of(lat), y * per_metre, atol=1e-6
    )


@pytest.mark.parametrize(("pole", "code", "edge"), [("north", 30130, -60), ("south", 30135, 60)])
def test_polar_stereographic_agrees_with_proj_both_ways(pole, code, edge):
    away = 90 if pole == "north" else -90
    lon, lat = np.meshgrid(np.linspace(-180, 179, 13), np.linspace(edge, away, 11))
    proj = Transformer.from_crs("IAU_2015:30100", f"IAU_2015:{code}", always_xy=True)
    x, y = polar_stereographic(lon, lat, pole=pole)
    proj_x, proj_y = proj.transform(lon, lat)
    np.testing.assert_allclose(x, proj_x, atol=1e-5)
    np.testing.assert_allclose(y, proj_y, atol=1e-5)
    back_lon, back_lat = inverse_polar_stereographic(x, y, pole=pole)
    np.testing.assert_allclose(back_lat, lat, atol=1e-9)
    off_pole = np.abs(lat) < 89.9
    turned = (back_lon - lon + 180) % 360 - 180
    np.testing.assert_allclose(turned[off_pole], 0, atol=1e-9)
