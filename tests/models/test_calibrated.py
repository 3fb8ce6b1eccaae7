"""Our own equations before and with Chang'e-6 are what the calibration finds."""

from dataclasses import replace

import pytest

from lunarscale.models.calibrated import (
    BEFORE_CE6_FEO,
    BEFORE_CE6_TIO2,
    CALIBRATIONS,
    WITH_CE6_FEO,
    WITH_CE6_TIO2,
)
from lunarscale.models.equations import Equation
from lunarscale.models.laws import AngleLine
from lunarscale.models.registry import BUILT_IN, find_models
from lunarscale.stations import StationTable, built_in_table
from lunarscale.training.calibration import equation_of, points_of, shapes, with_cross_calibrated
from lunarscale.training.origin import Shape, search_origins

IRON, TITANIUM = shapes()


def stations(*, change_6: bool) -> StationTable:
    table = with_cross_calibrated(built_in_table("clementine-uvvis"))
    kept = tuple(s for s in table.stations if change_6 or s.site != "Chang'e-6")
    return replace(table, stations=kept)


@pytest.mark.parametrize(
    ("equation", "shape", "change_6"),
    [
        (BEFORE_CE6_FEO, IRON, False),
        (BEFORE_CE6_TIO2, TITANIUM, False),
        (WITH_CE6_FEO, IRON, True),
        (WITH_CE6_TIO2, TITANIUM, True),
    ],
    ids=lambda value: value.name if isinstance(value, Equation) else "",
)
def test_the_calibration_reproduces_the_coefficients(
    equation: Equation, shape: Shape, change_6: bool
) -> None:
    table = stations(change_6=change_6)
    search = search_origins(points_of(table.stations, table.camera, shape.quantity), shape)
    found = equation_of(search, table, table.stations)
    assert found.law == equation.law
    assert (found.camera, found.bands_nm) == (equation.camera, equation.bands_nm)
    assert found.fitted_range == equation.fitted_range
    assert f"{len(table.stations)} stations" in equation.source
    assert ("Chang'e-5 and Chang'e-6 are estimated" in equation.source) == change_6


def test_a_calibration_is_found_by_its_name_with_both_oxides() -> None:
    for name in ("before-ce6", "with-ce6"):
        equations = find_models(name)
        assert [equation.name for equation in equations] == [f"{name}-feo", f"{name}-tio2"]
        for equation in equations:
            assert find_models(equation.name) == (equation,)
    assert not set(CALIBRATIONS) & set(BUILT_IN)


def test_the_paper_and_our_search_on_all_stations_agree() -> None:
    # the surface of R2 is flat: a station's worth of rounding moves the origin by a few thousandths
    paper = BUILT_IN["qiu-2025-feo"].law
    ours = WITH_CE6_FEO.law
    assert isinstance(paper, AngleLine)
    assert isinstance(ours, AngleLine)
    assert ours.x0 == pytest.approx(paper.x0, abs=0.003)
    assert ours.a == pytest.approx(paper.a, rel=0.01)


def test_change_6_lowers_titanium_where_it_landed() -> None:
    # measured there: 2.7 wt %; without the station the law promises far more
    change_6 = stations(change_6=True).stations[-1]
    assert change_6.site == "Chang'e-6"
    before, after = (float(e.exact(change_6.reflectance)) for e in (BEFORE_CE6_TIO2, WITH_CE6_TIO2))
    assert before > after > 2.7
