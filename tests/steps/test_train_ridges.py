"""What ships, as `train --network ridges` judges and writes it, on fewer oxides and stations."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from samples_at_hand import mixed_spectra, run_graph
from tables_at_hand import some_stations, write_table

from lunarscale.errors import LunarscaleError, StationError
from lunarscale.models.card import LEFT_OUT, TABLE
from lunarscale.models.network import Network
from lunarscale.models.registry import find_model
from lunarscale.models.scores import r2, rmse
from lunarscale.stations import clementine_stations
from lunarscale.steps.learning.ridges import Ridges, train_ridges, write_ridges
from lunarscale.steps.learning.ridges_report import ridges_tables, write_ridges_report
from lunarscale.steps.mixtures import never_saw
from lunarscale.training.cross_calibration import cross_calibrated_stations
from lunarscale.training.intervals import intervals_of
from lunarscale.training.recipes import shipped
from lunarscale.training.samples import samples_of

#: The quickest to judge: its menu has no logarithms.
OXIDE, WITHOUT = "CaO", (1, 14)

MODELS = ["clementine-oxides.onnx", "clementine-intervals.onnx"]
REPORT = ["clementine-scores.json", "clementine-predictions.png", "index.html"]


def network_of(path: Path) -> Network:
    found = find_model(str(path))
    assert isinstance(found, Network)
    return found


@pytest.fixture(scope="module")
def made() -> Ridges:
    told: list[tuple[int, int]] = []
    ridges = train_ridges(
        oxides=[OXIDE], without=WITHOUT, progress=lambda done, todo: told.append((done, todo))
    )
    assert told == [(1, 1)]
    return ridges


@pytest.fixture(scope="module")
def written(made: Ridges, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ridges") / "models"
    paths = [*write_ridges(made, folder), *write_ridges_report(made, folder)]
    assert [path.name for path in paths] == [*MODELS, *REPORT]
    return folder


def test_the_files_predict_what_ships_predicts(made: Ridges, written: Path) -> None:
    samples = made.samples
    spectra = mixed_spectra(samples, 300)
    family = shipped(samples, OXIDE)
    values = run_graph((written / MODELS[0]).read_bytes(), spectra)
    expected = family.fit(samples, OXIDE, samples.rows(OXIDE)).predict(spectra)
    np.testing.assert_allclose(values[OXIDE], expected, atol=1e-4, rtol=0)
    ends = run_graph((written / MODELS[1]).read_bytes(), spectra)
    lower, upper = intervals_of(family, samples, OXIDE).ends(spectra)
    np.testing.assert_allclose(ends[f"{OXIDE}_lower"], lower, atol=5e-4, rtol=0)
    np.testing.assert_allclose(ends[f"{OXIDE}_upper"], upper, atol=5e-4, rtol=0)


def test_held_out_predictions_give_the_scores(made: Ridges) -> None:
    rows = made.samples.rows(OXIDE)
    measured = made.samples.target(OXIDE)[rows]
    for scheme in ("LOO", "LOMO"):
        predicted = made.predicted[scheme, OXIDE]
        assert np.array_equal(np.flatnonzero(np.isfinite(predicted)), rows)
        score = made.verdicts[OXIDE].scores[scheme]
        assert score.r2 == r2(measured, predicted[rows])
        assert score.rmse == rmse(measured, predicted[rows])


def test_cards_and_json_hold_the_same_figures(made: Ridges, written: Path) -> None:
    told = json.loads((written / REPORT[0]).read_text())
    assert told["stations"] == made.samples.digest
    figures = dict(told["oxides"][OXIDE])
    coverage = figures.pop("coverage")
    for name in MODELS:
        card = network_of(written / name).card
        assert card.scores == {OXIDE: figures}
        assert card.training["stations"] == made.samples.digest
        assert card.training[LEFT_OUT] == list(WITHOUT)
        assert TABLE not in card.training
    for scheme in ("LOO", "LOMO"):
        cover = made.coverage[scheme, OXIDE]
        assert coverage[scheme] == vars(cover)
        assert 0 < cover.inside <= cover.n == made.samples.rows(OXIDE).size


def test_the_terminal_and_the_page_are_told_the_same(made: Ridges, written: Path) -> None:
    page = (written / "index.html").read_text()
    assert made.facts["targets"] in page
    for table in ridges_tables(made):
        for column in table.columns:
            for cell in column.cells:
                assert str(cell) in page
    for link in re.findall(r'(?:href|src)="([^"#:]+)"', page):
        assert (written / link).is_file(), link


def test_stations_left_out_are_left_out_of_everything(made: Ridges, written: Path) -> None:
    kept = [s for s in clementine_stations() if s.number not in WITHOUT]
    alone = samples_of([*kept, *cross_calibrated_stations()], "clementine-uvvis")
    assert made.samples.digest == alone.digest
    models = [str(written / name) for name in MODELS]
    assert never_saw(models, WITHOUT)
    assert not never_saw(models, [*WITHOUT, 2])


@pytest.mark.slow
def test_a_second_run_writes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = train_ridges(oxides=[OXIDE], without=WITHOUT)
    for path in (*write_ridges(again, tmp_path), *write_ridges_report(again, tmp_path)):
        if path.name != "index.html":  # it says when it was made
            assert path.read_bytes() == (written / path.name).read_bytes(), path.name


@pytest.fixture(scope="module")
def on_a_table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ridges, Path]:
    """A user's table that lacks CaO at a station; one of its numbers left out."""
    folder = tmp_path_factory.mktemp("table")
    chosen = some_stations(20)
    table = write_table(
        folder / "mine.csv", chosen, oxides=["FeO", OXIDE], cells={(5, f"{OXIDE}_wt_pct"): ""}
    )
    made = train_ridges(oxides=[OXIDE], stations=str(table), without=[chosen[0].number])
    write_ridges(made, folder / "out")
    write_ridges_report(made, folder / "out")
    return made, folder / "out"


def test_a_users_table_is_named_and_its_gaps_are_told(on_a_table: tuple[Ridges, Path]) -> None:
    made, folder = on_a_table
    assert any("no CaO at 1 of 20 stations" in told for told in made.warnings)
    card = network_of(folder / MODELS[0]).card
    assert card.training[TABLE] == "mine.csv"
    assert card.training["n"] == {OXIDE: 18}
    assert not never_saw([str(folder / MODELS[0])], card.training[LEFT_OUT])


def test_gaps_of_the_packages_table_are_told(made: Ridges) -> None:
    assert made.warnings == ("CaO: 1 of 47 stations lack it and are left out",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"oxides": ["XYZ"]}, "'XYZ' is no oxide of the stations; use FeO, "),
        ({"oxides": ["CaO", "cao"]}, "'cao' is no oxide"),
        ({"camera": "hubble"}, "no camera 'hubble'"),
        ({"without": [99]}, "no station 99 among the 47"),
        ({"stations": "nowhere.csv"}, "nowhere.csv: there is no such file"),
    ],
)
def test_what_cannot_be_judged_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(LunarscaleError, match=words):
        train_ridges(progress=_never, **options)  # type: ignore[arg-type]


def _never(done: int, todo: int) -> None:
    raise AssertionError("nothing should be judged")


@pytest.mark.parametrize(
    ("count", "cells", "words"),
    [
        (7, {}, "at least 8 stations but there are 7"),
        (9, {}, "intervals that cover 90% need at least 9 stations but there are"),
        (12, {(row, "site"): "here" for row in range(12)}, r"at 1 landing site\(s\) but .* three"),
        (12, {(row, "site"): f"{row % 2}" for row in range(12)}, r"at 2 landing site\(s\) but"),
        (12, {(0, "R415"): "-1"}, "R415 is -1, but a reflectance is a fraction"),
        (12, {(row, "CaO_wt_pct"): "9" for row in range(12)}, "CaO is 9 at all of 12 stations"),
    ],
)
def test_a_table_that_is_too_small_or_faulty_is_refused(
    count: int, cells: dict[tuple[int, str], str], words: str, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "mine.csv", some_stations(count), oxides=[OXIDE], cells=cells)
    with pytest.raises(StationError, match=words):
        train_ridges(oxides=[OXIDE], stations=str(table))


@pytest.mark.slow
def test_intervals_of_another_level_by_jackknife(made: Ridges, tmp_path: Path) -> None:
    other = train_ridges(oxides=[OXIDE], without=WITHOUT, level=0.8, method="jackknife+")
    path = write_ridges(other, tmp_path)[1]
    assert network_of(path).card.description == "80% prediction intervals by jackknife+"
    samples = other.samples
    expected = intervals_of(
        shipped(samples, OXIDE), samples, OXIDE, level=0.8, method="jackknife+"
    ).ends(samples.reflectance)
    found = run_graph(path.read_bytes(), samples.reflectance)
    for end, values in zip(("lower", "upper"), expected, strict=True):
        np.testing.assert_allclose(found[f"{OXIDE}_{end}"], values, atol=5e-4, rtol=0)
    assert other.coverage["LOO", OXIDE].width < made.coverage["LOO", OXIDE].width
    page = write_ridges_report(other, tmp_path)[-1].read_text("utf-8")
    assert "Prediction intervals are jackknife+" in page
