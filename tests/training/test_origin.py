"""The origin search: the known figures, and a slow search that shares no code with it."""

import math
from time import process_time

import numpy as np
import pytest
from scipy.optimize import curve_fit

from lunarscale.errors import StationError
from lunarscale.models.laws import AngleLine, AnglePower
from lunarscale.stations import built_in_table
from lunarscale.training.calibration import measured_for, points_of, with_cross_calibrated
from lunarscale.training.law_fits import fit_powers, fit_powers_to_logarithms
from lunarscale.training.origin import (
    IRON,
    TITANIUM,
    TITANIUM_LOG_LOG,
    OriginGrid,
    Points,
    search_origins,
)

TABLE = built_in_table("clementine-uvvis")
WITH_BOTH = with_cross_calibrated(TABLE)


def points(table, quantity):
    return points_of(measured_for(table.stations, quantity), table.camera, quantity)


@pytest.fixture(scope="module")
def searches():
    return {
        (shape.quantity, len(table.stations)): search_origins(points(table, shape.quantity), shape)
        for table in (TABLE, WITH_BOTH)
        for shape in (IRON, TITANIUM)
    }


def test_grids_are_the_paper_s():
    assert (IRON.grid.x0.size, IRON.grid.y0.size) == (201, 1001)
    assert (TITANIUM.grid.x0.size, TITANIUM.grid.y0.size) == (1001, 1001)
    assert repr(float(IRON.grid.x0[23])) == "0.023"


def test_iron_on_the_47(searches):
    found = searches["FeO", 47]
    assert (found.law.x0, found.law.y0) == (0.023, 1.199)
    assert found.law.a == pytest.approx(23.787, abs=5e-4)
    assert found.law.b == pytest.approx(-8.685, abs=5e-4)
    assert found.r2 == pytest.approx(0.9516, abs=5e-5)
    assert found.rmse == pytest.approx(1.006, abs=5e-4)
    assert 110 <= found.as_good <= 125


def test_iron_on_the_49(searches):
    found = searches["FeO", 49]
    assert found.law.x0 == pytest.approx(0.017, abs=0.003)
    assert found.law.y0 == pytest.approx(1.195, abs=0.003)
    assert found.r2 == pytest.approx(0.941, abs=0.001)
    assert found.rmse == pytest.approx(1.154, abs=0.005)


def test_titanium_on_the_49(searches):
    found = searches["TiO2", 49]
    found.require_a_power_law()
    assert found.law.x0 == 0.0
    assert found.edges == ("x0",)
    assert found.law.y0 == pytest.approx(0.467, abs=0.003)
    assert found.r2 == pytest.approx(0.798, abs=0.001)
    assert found.law.a == pytest.approx(6.183, abs=0.05)
    assert found.law.p == pytest.approx(4.412, abs=0.03)


@pytest.mark.parametrize("shape", [IRON, TITANIUM, TITANIUM_LOG_LOG])
def test_a_full_enumeration_takes_seconds_on_one_core(shape):
    """The promise is 10 s on one core; processor time, so that busy machines do not matter."""
    began = process_time()
    search_origins(points(WITH_BOTH, shape.quantity), shape)
    assert process_time() - began < 10.0


@pytest.mark.parametrize("key", [("FeO", 49), ("TiO2", 49)])
def test_scores_are_those_of_the_law(searches, key):
    found = searches[key]
    data = found.points
    residual = found.predict(data.base, data.ratio) - data.measured
    assert found.rmse == pytest.approx(math.sqrt(np.mean(residual**2)), rel=1e-5)
    sst = np.sum((data.measured - data.measured.mean()) ** 2)
    assert found.r2 == pytest.approx(1.0 - np.sum(residual**2) / sst, abs=1e-7)


def test_inadmissible_origins_have_no_r2(searches):
    found = searches["TiO2", 49]
    data, surface = found.points, found.surface
    fine = (found.grid.x0 < data.base.min())[:, None] & (found.grid.y0 < data.ratio.min())
    np.testing.assert_array_equal(~np.isnan(surface), fine)
    assert found.admissible == fine.sum() == 92 * 574
    iron = searches["FeO", 47]
    assert iron.admissible == 92 * 1001


def slow_iron(data, x0, y0):
    """R2 of the line at one origin, by NumPy's own fit."""
    if x0 >= data.base.min():
        return math.nan
    angle = [-math.atan((q - y0) / (r - x0)) for r, q in zip(data.base, data.ratio, strict=True)]
    line = np.polyval(np.polyfit(angle, data.measured, 1), angle)
    return r2_of(data.measured, line)


def slow_titanium(data, x0, y0):
    """R2 of the power law at one origin, by SciPy's Levenberg and Marquardt."""
    if x0 >= data.base.min() or y0 >= data.ratio.min():
        return math.nan
    angle = np.array(
        [math.atan((q - y0) / (r - x0)) for r, q in zip(data.base, data.ratio, strict=True)]
    )
    scale = angle.max()  # powers of the angle itself overflow near the far corner
    best = max(
        (
            curve_fit(lambda t, a, p: a * t**p, angle / scale, data.measured, p0=(8.0, start),
                      maxfev=20_000)[0]
            for start in (1.0, 4.0, 20.0)
        ),
        key=lambda found: r2_of(data.measured, found[0] * (angle / scale) ** found[1]),
    )  # fmt: skip
    return r2_of(data.measured, best[0] * (angle / scale) ** best[1])


def r2_of(measured, predicted):
    return 1.0 - np.sum((measured - predicted) ** 2) / np.sum((measured - measured.mean()) ** 2)


@pytest.mark.parametrize(("shape", "slow"), [(IRON, slow_iron), (TITANIUM, slow_titanium)])
def test_the_surface_is_the_slow_one(shape, slow):
    data = points(WITH_BOTH, shape.quantity)
    grid = OriginGrid(shape.grid.x0[:100:11], shape.grid.y0[: 1001 if shape is IRON else 700 : 41])
    found = search_origins(data, shape, grid)
    expected = [[slow(data, x0, y0) for y0 in grid.y0] for x0 in grid.x0]
    np.testing.assert_allclose(found.surface, expected, atol=1e-7)
    column, row = np.unravel_index(np.nanargmax(expected), found.surface.shape)
    assert (found.law.x0, found.law.y0) == (grid.x0[column], grid.y0[row])


def test_logarithms_are_another_reading(searches):
    data = points(TABLE, "TiO2")
    found = search_origins(data, TITANIUM_LOG_LOG, TITANIUM.grid.around(0.0, 0.46, 0.0))
    angle = np.arctan((data.ratio - 0.46) / data.base)
    p, log_a = np.polyfit(np.log(angle), np.log(data.measured), 1)
    assert (found.law.p, found.law.a) == pytest.approx((p, math.exp(log_a)), rel=1e-5)
    assert found.r2 < searches["TiO2", 47].r2


@pytest.mark.parametrize("power", [0.7, 2.0, 4.4, 9.0, 30.0])
def test_a_power_law_without_noise_is_found(power):
    rng = np.random.default_rng(1)
    angle = rng.uniform(0.2, 1.4, (3, 12))
    measured = 5.0 * angle[1] ** power
    for fit in (fit_powers, fit_powers_to_logarithms):
        found = fit(angle, measured)
        assert (found.first[1], found.second[1]) == pytest.approx((5.0, power), rel=1e-7)
        assert found.sse[1] < 1e-10 * (measured @ measured)


def test_soils_without_titanium_are_fitted():
    angle = np.linspace(0.1, 1.2, 9)
    measured = 4.0 * angle**5
    measured[0] = 0.0
    found = fit_powers(angle[None], measured)
    assert found.second[0] == pytest.approx(5.0, abs=1e-4)
    with pytest.raises(StationError, match="logarithms needs positive values"):
        fit_powers_to_logarithms(angle[None], measured)


def made_points(law, n=30, seed=2):
    rng = np.random.default_rng(seed)
    base, ratio = rng.uniform(0.08, 0.3, n), rng.uniform(0.95, 1.15, n)
    if isinstance(law, AnglePower):
        ratio -= 0.4
    return Points(base, ratio, law.exact(base, ratio))


@pytest.mark.parametrize(
    ("shape", "law"),
    [
        (IRON, AngleLine(0.041, 1.312, -1, 19.0, -6.5)),
        (TITANIUM, AnglePower(0.032, 0.377, 5.5, 3.25)),
    ],
)
def test_a_law_s_own_points_give_it_back(shape, law):
    found = search_origins(made_points(law), shape)
    assert found.law == law
    assert found.r2 == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("shape", [IRON, TITANIUM])
def test_order_and_duplication_do_not_matter(shape):
    data = points(TABLE, shape.quantity)
    grid = shape.grid.coarse(10)
    one = search_origins(data, shape, grid)
    rng = np.random.default_rng(5)
    for rows in (rng.permutation(len(data)), np.repeat(np.arange(len(data)), 3)):
        other = search_origins(data.rows(rows), shape, grid)
        assert other.law == one.law
        np.testing.assert_allclose(other.surface, one.surface, atol=1e-9)


def test_stations_that_are_not_fitted_can_limit_the_origins():
    data = points(TABLE, "FeO")
    bright = data.rows(np.flatnonzero(data.base > 0.15))
    alone = search_origins(bright, IRON)
    limited = search_origins(bright, IRON, also=data)
    assert limited.admissible < alone.admissible
    assert limited.admissible == search_origins(data, IRON).admissible


def test_too_few_stations():
    data = points(TABLE, "FeO")
    with pytest.raises(StationError, match="FeO: 4 stations for a law of 4 parameters"):
        search_origins(data.rows(np.arange(4)), IRON)


def test_constant_oxide():
    data = points(TABLE, "FeO")
    with pytest.raises(StationError, match="FeO is 9 wt % at all of 47 stations"):
        search_origins(Points(data.base, data.ratio, np.full(47, 9.0)), IRON)


def test_no_admissible_origin():
    data = points(TABLE, "TiO2")
    negative = Points(data.base, data.ratio - 0.6, data.measured)
    with pytest.raises(StationError, match="no origin of the TiO2 grid is admissible"):
        search_origins(negative, TITANIUM)


def test_titanium_that_falls_with_its_angle():
    data = points(TABLE, "TiO2")
    upside_down = Points(data.base, data.ratio, 12.0 - data.measured)
    found = search_origins(upside_down, TITANIUM, TITANIUM.grid.coarse(20))
    with pytest.raises(StationError, match="does not rise with its angle"):
        found.require_a_power_law()
