"""The equations at the 47 stations: the published figures, and tables that can be read."""

import io

import numpy as np
import pytest
from rich.console import Console

from lunarscale.models.registry import BUILT_IN
from lunarscale.stations import built_in_table
from lunarscale.steps.models import models_table
from lunarscale.steps.stations import (
    added_table,
    composition_table,
    residuals_table,
    station_fits,
    stations_table,
)
from lunarscale.training.calibration import with_cross_calibrated


def printed(table, width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(table)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    return text


@pytest.fixture(scope="module")
def fits():
    return {fit.model.name: fit for fit in station_fits()}


@pytest.mark.parametrize(
    ("name", "r2", "rmse"),
    [
        ("qiu-2025-feo", 0.948, 1.040),
        ("qiu-2025-tio2", 0.824, 1.185),
        ("lucey-2000-feo", 0.924, 1.263),
        ("lucey-2000-tio2", None, 1.203),
    ],
)
def test_published_figures(fits, name, r2, rmse):
    fit = fits[name]
    assert fit.n == 47
    assert round(fit.rmse, 3) == rmse
    assert r2 is None or round(fit.r2, 3) == r2
    assert fit.remark == ""


def test_residuals_are_predicted_minus_measured(fits):
    fit = fits["qiu-2025-feo"]
    np.testing.assert_array_equal(fit.residual + fit.measured, fit.predicted)
    assert fit.rmse == pytest.approx(np.sqrt(np.mean(fit.residual**2)))


def test_wilcox_is_flagged(fits):
    fit = fits["wilcox-2005-feo"]
    assert fit.predicted.min() == pytest.approx(-4.6, abs=0.05)
    assert "mare equation" in fit.remark
    assert "below zero (least −4.6)" in fit.remark


def test_stations_outside_the_domain_are_left_out_and_counted():
    model = BUILT_IN["lucey-2000-feo"]
    narrow = type(model)(
        **{**vars(model), "law": type(model.law)(**{**vars(model.law), "x0": 0.105})}
    )
    (fit,) = station_fits([narrow])
    assert fit.n + len(fit.without_value) == 47
    assert 0 < len(fit.without_value) < 20
    assert f"{len(fit.without_value)} outside the domain" in fit.remark
    assert printed(residuals_table([fit], "FeO"), 80).count("no value") == len(fit.without_value)


@pytest.mark.parametrize("width", [80, 120])
def test_summary_prints_every_score_and_names_what_is_not_scored(fits, width):
    text = printed(stations_table(list(fits.values())), width)
    for figure in ("0.948", "1.040", "0.824", "1.185", "0.924", "1.263", "1.203"):
        assert figure in text
    for name in ("qiu-2025-omat", "lucey-2000-omat", "otake-2012-theta-fe"):
        assert name not in fits
        assert name in text


def test_equations_at_the_49():
    """Paper, at Chang'e-6: off by about 0.47 wt % FeO and 3.00 TiO2; here 0.6 and 3.4."""
    fits = {fit.model.name: fit for fit in station_fits(estimated=True)}
    assert fits["qiu-2025-feo"].n == 49
    assert fits["qiu-2025-feo"].residual[-1] == pytest.approx(0.6, abs=0.05)
    assert fits["qiu-2025-tio2"].residual[-1] == pytest.approx(3.4, abs=0.1)
    text = printed(added_table(list(fits.values())), 80)
    row = next(line for line in text.splitlines() if "qiu-2025-feo" in line).split()
    assert row[1:] == ["49", "0.941", "1.158", "−3.82", "±1.22", "+0.59", "±1.41"]
    assert "estimated" in text


@pytest.mark.parametrize("camera", ["clementine-uvvis", "kaguya-mi"])
def test_soils_are_shown_with_their_sources(camera):
    table = built_in_table(camera)
    text = printed(composition_table(table), 80)
    assert "…" not in text
    for station in table.stations:
        assert station.name in text
    assert "rlcm-dl: " in text
    if camera == "kaguya-mi":
        assert text.count("repaired: the soil is that of") == 10
        assert text.count("identity") == 5


def test_estimated_soils_are_marked():
    table = with_cross_calibrated(built_in_table("clementine-uvvis"))
    text = printed(composition_table(table), 80)
    assert "Chang'e-6*" in text
    assert "reflectances estimated from Kaguya MI" in " ".join(text.split())


def test_residual_tables_fit_a_narrow_terminal(fits):
    for quantity, models in (("FeO", 3), ("TiO2", 2)):
        text = printed(residuals_table(list(fits.values()), quantity), 80)
        assert "…" not in text
        row = next(line for line in text.splitlines() if "Apollo 16 - S11" in line)
        assert len(row.split()) == 5 + models


@pytest.mark.parametrize("width", [80, 120])
def test_models_table_lists_all(width):
    text = printed(models_table(), width)
    for name, model in BUILT_IN.items():
        assert name in text
        for word in (*model.formula.split(), *model.source.split()):
            assert word in text
    assert "qiu-2025-feo*" in text
    assert "…" not in text
