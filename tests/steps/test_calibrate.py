"""`calibrate` as a user has it: a table in, a file of equations, tables and a figure out."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from lunarscale.errors import ModelError, StationError
from lunarscale.models.files import read_equation_file
from lunarscale.models.registry import find_models
from lunarscale.stations import clementine_stations
from lunarscale.steps.calibrate import calibrate
from lunarscale.steps.learning.calibration_tables import effect_table, fit_table, residuals_table


def printed(table, width=80):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(table)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    return text


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrate")
    return folder, calibrate(
        cross_calibrated=True, bootstrap=25, out=folder / "model.json", figure=folder / "r2.png"
    )


@pytest.mark.slow
def test_the_47(tmp_path):
    found = calibrate(bootstrap=0, out=tmp_path / "model.json")
    iron = found.fits[0]
    assert (iron.search.law.x0, iron.search.law.y0) == (0.023, 1.199)
    assert iron.search.r2 == pytest.approx(0.9516, abs=5e-5)
    assert iron.search.rmse == pytest.approx(1.006, abs=5e-4)
    names = [e.name for e in found.equations]
    assert names == ["calibrated-47-feo", "calibrated-47-tio2", "calibrated-47-omat"]
    assert "23.787" in printed(fit_table(found, iron))


@pytest.mark.slow
def test_the_file_holds_three_models_and_how_they_came_about(made):
    folder, found = made
    file = read_equation_file(folder / "model.json")
    assert file.equations == found.equations
    assert find_models(str(folder / "model.json")) == found.equations
    iron, titanium = (file.training[f"calibrated-49-{oxide}"] for oxide in ("feo", "tio2"))
    assert iron["origins_tried"] == 201 * 1001
    assert titanium["origins_tried"] == 1001 * 1001
    assert iron["r2"] == pytest.approx(0.941, abs=0.001)
    assert titanium["r2"] == pytest.approx(0.798, abs=0.001)
    assert iron["estimated"] == ["Chang'e-5", "Chang'e-6"]
    assert set(titanium["intervals"]) == {"confidence", "draws", "x0", "y0", "a", "p", "r2"}
    assert file.training["calibrated-49-omat"] == {"origin_of": "calibrated-49-feo"}
    for equation in file.equations:
        assert "are estimated, not measured" in equation.source


@pytest.mark.slow
def test_the_models_of_the_file_run_on_counts(made):
    folder, _ = made
    for equation in find_models(str(folder / "model.json")):
        r = [np.array([s.reflectance[w] for s in clementine_stations()]) for w in equation.bands_nm]
        counts = np.rint(np.array(r) / 1.35e-4).astype(np.int16)
        rounded = dict(zip(equation.bands_nm, counts * 1.35e-4, strict=True))
        found = equation.predict(counts, 1.35e-4).values[0]
        np.testing.assert_allclose(found, equation.exact(rounded), atol=2e-4)


@pytest.mark.slow
def test_tables_tell_it_all_in_80_columns(made):
    _, found = made
    for fit, published in zip(found.fits, ("0.47", "3.00"), strict=True):
        text = printed(fit_table(found, fit))
        for word in ("best", "95 % from", "95 % to", "left out", "Qiu et al. 2025", "estimated"):
            assert word in text
        effect = printed(effect_table(found, fit))
        for word in ("without", "with CE-5", "with CE-6", "with both", published):
            assert word in effect
        rows = printed(residuals_table(fit)).splitlines()
        assert sum("estimated" in row for row in rows) == 2
        assert len(rows) > 49
    assert "x0 lies at an end of the grid" in printed(fit_table(found, found.fits[1]))


@pytest.mark.slow
def test_the_figure_is_there(made):
    _, found = made
    assert found.figure.path.stat().st_size > 50_000
    assert found.figure.vector.exists()


def table(tmp_path, *, oxides=("FeO", "TiO2"), rows=12, factor=1.0):
    known = [s for s in clementine_stations() if set(oxides) <= set(s.oxides_wt_pct)]
    stations = known[:: len(known) // rows][:rows]
    lines = [",".join(["name", "R415", "R750", "R900", "R950", "R1000",
                       *(f"{oxide}_wt_pct" for oxide in oxides)])]  # fmt: skip
    for s in stations:
        values = [*s.reflectance.values(), *(s.oxides_wt_pct[o] * factor for o in oxides)]
        lines.append(",".join([s.name, *map(repr, values)]))
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_user_s_table_of_iron_alone(tmp_path):
    path = table(tmp_path, oxides=("FeO",))
    told: list[tuple[int, int]] = []
    found = calibrate(
        path, bootstrap=3, out=tmp_path / "model.json", progress=lambda *step: told.append(step)
    )
    assert [e.name for e in found.equations] == ["calibrated-12-feo", "calibrated-12-omat"]
    said = json.loads((tmp_path / "model.json").read_text())["equations"][0]
    assert said["training"]["stations"] == "mine.csv"
    assert "on mine.csv" in said["source"]
    assert list(found.effects) == ["FeO"]
    # all stations, without each, three draws, and with either of two sites, both and none
    assert told == [(done, 1 + 12 + 3 + 4) for done in range(1 + 12 + 3 + 4 + 1)]


def test_too_few_stations(tmp_path):
    with pytest.raises(StationError, match="FeO: 4 stations for a law of 4 parameters"):
        calibrate(table(tmp_path, rows=4), bootstrap=0)


def test_fractions_are_asked_about_and_taken(tmp_path):
    path = table(tmp_path, oxides=("FeO",), factor=0.01)
    with pytest.raises(StationError, match=r"mine\.csv: FeO is 0\.\d+ .*--units fractions"):
        calibrate(path, bootstrap=0)
    found = calibrate(path, bootstrap=0, fractions=True)
    assert found.fits[0].search.points.measured.max() > 10.0


def test_nothing_that_equations_give(tmp_path):
    with pytest.raises(StationError, match="neither FeO nor TiO2"):
        calibrate(table(tmp_path, oxides=("CaO",)), bootstrap=0)


def test_unknown_camera():
    with pytest.raises(StationError, match="no stations for the camera 'hubble'"):
        calibrate(camera="hubble")


def test_a_law_that_cannot_be_mapped_is_told_and_not_written(tmp_path):
    """TiO2 made as a power 1.5 of its angle, below what the kernels can."""
    stations = clementine_stations()[::3]
    lines = ["name,R415,R750,R900,R950,R1000,TiO2_wt_pct"]
    for s in stations:
        r = s.reflectance
        angle = np.arctan((r[415] / r[750] - 0.45) / (r[750] - 0.01))
        lines.append(",".join([s.name, *map(repr, r.values()), f"{5.0 * angle**1.5:.9f}"]))
    path = tmp_path / "low.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(ModelError, match=r"powers from about 3\.5 to 8 can be mapped"):
        calibrate(path, bootstrap=0, out=tmp_path / "model.json")
    assert not (tmp_path / "model.json").exists()
