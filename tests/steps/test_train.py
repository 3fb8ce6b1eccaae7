"""`train` as a user has it: networks judged, written, read back, refused."""

import csv
import errno
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples_at_hand import run_graph
from tables_at_hand import some_stations, write_table

from lunarscale.bands import camera_name
from lunarscale.errors import LunarscaleError, ModelError, StationError, StoreError, TrainingError
from lunarscale.models.card import LEFT_OUT, TABLE
from lunarscale.models.derived import mg_number
from lunarscale.models.network import Network
from lunarscale.models.registry import find_model
from lunarscale.models.scores import r2, rmse
from lunarscale.stations import clementine_stations
from lunarscale.steps import train as step
from lunarscale.steps.learning.report import scores_table, write_report
from lunarscale.steps.mixtures import never_saw
from lunarscale.steps.train import Training, train, write_models
from lunarscale.training.cross_calibration import cross_calibrated_stations
from lunarscale.training.cross_validation import LEAKY, NetworkRun, cross_validate
from lunarscale.training.networks import NETWORKS
from lunarscale.training.samples import samples_of
from lunarscale.training.scoreboard import PUBLISHED, SEEN

#: What is left out of everything, and what is asked for (not in the usual order).
WITHOUT, ASKED = (1, 14), ("MgO", "FeO")

MODELS = {"feo.onnx", "mgo.onnx", "oxides.onnx"}
REPORT = {"scores.csv", "scores.json", "predictions.csv", "predictions.png", "predictions.svg",
          "index.html"}  # fmt: skip


def short_training() -> Training:
    return train("qiu-2025", oxides=ASKED, seeds=2, epochs=1, without=WITHOUT)


def write(training: Training, folder: Path) -> Path:
    for path in (*write_models(training, folder), *write_report(training, folder)):
        assert path.is_file()
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def network_of(path: Path | str) -> Network:
    found = find_model(str(path))
    assert isinstance(found, Network)
    return found


@pytest.fixture(scope="module")
def training() -> Training:
    return short_training()


@pytest.fixture(scope="module")
def written(training: Training, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that is written of it; not to be changed."""
    return write(training, tmp_path_factory.mktemp("train") / "models")


def test_oxides_come_in_the_usual_order_each_in_a_file(training: Training, written: Path) -> None:
    assert training.run.final.oxides == ("FeO", "MgO")
    assert {path.name for path in written.iterdir()} == MODELS | REPORT
    names = {name: [q.name for q in network_of(written / name).quantities] for name in MODELS}
    assert names == {
        "feo.onnx": ["FeO"], "mgo.onnx": ["MgO"], "oxides.onnx": ["FeO", "MgO", "Mg_number"],
    }  # fmt: skip


def test_a_second_run_writes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = write(short_training(), tmp_path / "again")
    for path in written.iterdir():
        one, other = path.read_bytes(), (again / path.name).read_bytes()
        if path.name == "index.html":  # it says when it was made
            one, other = (
                re.sub(rb"\d{4}-\d\d-\d\d[T ][\d:.+Z]+", b"", page) for page in (one, other)
            )
        assert one == other, path.name


def test_the_files_predict_what_the_run_predicted(training: Training, written: Path) -> None:
    final, spectra = training.run.final, training.samples.reflectance
    together = run_graph((written / "oxides.onnx").read_bytes(), spectra)
    for place, oxide in enumerate(final.oxides):
        fitted = final.predictions[0, place].mean(axis=0)
        alone = run_graph((written / f"{oxide.lower()}.onnx").read_bytes(), spectra)
        np.testing.assert_allclose(alone[oxide], fitted, atol=1e-4, rtol=0)
        np.testing.assert_allclose(together[oxide], fitted, atol=1e-4, rtol=0)
    expected = mg_number(together["MgO"], together["FeO"])
    np.testing.assert_allclose(together["Mg_number"], expected, rtol=1e-5)


def test_the_files_are_models_of_counts(training: Training, written: Path) -> None:
    """On counts they give what the graph gives on the rounded reflectances."""
    counts = np.rint(training.samples.reflectance.T / 1.35e-4).astype(np.int16)
    values = network_of(written / "oxides.onnx").predict(counts, 1.35e-4).values
    exact = run_graph((written / "oxides.onnx").read_bytes(), counts.T * 1.35e-4)
    for row, quantity in enumerate(("FeO", "MgO", "Mg_number")):
        np.testing.assert_allclose(values[row], exact[quantity], atol=1e-4, rtol=0)


def test_the_cards_hold_the_scores_of_the_table(written: Path) -> None:
    own = [row for row in rows_of(written / "scores.csv") if row["model"] == "qiu-2025"]
    assert {(row["oxide"], row["protocol"]) for row in own} == {
        (oxide, scheme) for oxide in ("FeO", "MgO") for scheme in ("LOO", "LOMO", LEAKY)
    }
    for name in MODELS:
        card = network_of(written / name).card
        told = {
            (oxide, label): figure
            for oxide, figures in card.scores.items()
            for label, figure in figures.items()
        }
        expected = {
            (row["oxide"], f"{label} {row['protocol']}"): round(float(row[column]), 4)
            for row in own
            for label, column in (("R2", "R2"), ("RMSE", "RMSE_wt_pct"))
            if row["oxide"] in card.scores
        }
        assert told == expected


def test_predictions_are_those_of_the_run_and_give_the_scores(
    training: Training, written: Path
) -> None:
    rows = rows_of(written / "predictions.csv")
    scores = {(r["oxide"], r["model"], r["protocol"]): r for r in rows_of(written / "scores.csv")}
    by_name = {s.name: s for s in (*clementine_stations(), *cross_calibrated_stations())}
    samples = training.samples
    for oxide in ("FeO", "MgO"):
        mine = [row for row in rows if row["oxide"] == oxide]
        known = samples.rows(oxide)
        assert [row["station"] for row in mine] == [samples.names[row] for row in known]
        measured = np.array([float(row["measured_wt_pct"]) for row in mine])
        for row, value in zip(mine, measured, strict=True):
            station = by_name[row["station"]]
            assert value == station.oxides_wt_pct[oxide]
            assert (row["site"], row["estimated"] == "yes") == (station.site, station.estimated)
        for scheme in ("LOO", "LOMO", LEAKY):
            column = np.array([float(row[f"{scheme.replace(' ', '_')}_wt_pct"]) for row in mine])
            of_run = training.run.mean(scheme, oxide)[known]
            np.testing.assert_allclose(column, of_run, atol=5.1e-5, rtol=0)
            score = scores[oxide, "qiu-2025", scheme]
            assert int(score["n"]) == len(mine)
            assert float(score["R2"]) == pytest.approx(r2(measured, column), abs=1e-4)
            assert float(score["RMSE_wt_pct"]) == pytest.approx(rmse(measured, column), abs=1e-4)
            assert float(score["bias_wt_pct"]) == pytest.approx(
                (column - measured).mean(), abs=1e-4
            )
    assert sum(row["estimated"] == "yes" for row in rows) == 4  # Chang'e-5 and -6, two oxides


def test_the_json_says_what_the_table_says(training: Training, written: Path) -> None:
    def no_constant(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    told = json.loads((written / "scores.json").read_text(), parse_constant=no_constant)
    assert told["stations"] == training.samples.digest
    assert told["network"] == "qiu-2025"
    assert told["warnings"] == list(training.warnings)
    rows = rows_of(written / "scores.csv")
    assert len(told["lines"]) == len(rows) == len(training.lines)
    for line, row in zip(told["lines"], rows, strict=True):
        assert (line["oxide"], line["model"], line["scheme"]) == tuple(list(row.values())[:3])
        assert line["r2"] == float(row["R2"])


def test_the_page_shows_the_scores_and_links_to_what_there_is(
    training: Training, written: Path
) -> None:
    page = (written / "index.html").read_text()
    assert training.samples.digest in page
    assert "FeO, TiO2: Wilcox 2005" in page
    for link in re.findall(r'(?:href|src)="([^"#:]+)"', page):
        assert (written / link).is_file(), link
    for line in training.lines:
        assert f"{line.r2:.3f}".replace("-", "−") in page
    told = [*scores_table(training).columns[1].cells]
    assert {"qiu-2025", "ridge", "paper"} <= set(told)


def test_stations_left_out_are_left_out_of_everything(training: Training, written: Path) -> None:
    kept = [s for s in clementine_stations() if s.number not in WITHOUT]
    alone = samples_of([*kept, *cross_calibrated_stations()], "clementine-uvvis")
    assert training.samples.digest == alone.digest
    names = {s.name for s in clementine_stations() if s.number in WITHOUT}
    assert len(names) == 2
    assert not names & {row["station"] for row in rows_of(written / "predictions.csv")}
    card = network_of(written / "feo.onnx").card
    assert card.training[LEFT_OUT] == list(WITHOUT)
    assert card.training["n"]["FeO"] == 47
    assert TABLE not in card.training


def test_who_never_saw_which_stations_is_read_from_the_cards(written: Path) -> None:
    feo, mgo = str(written / "feo.onnx"), str(written / "mgo.onnx")
    assert never_saw([feo], [1])
    assert never_saw([feo, mgo], [14, 1])
    assert not never_saw([feo], [1, 2])
    assert not never_saw([feo, "qiu-2025-tio2"], [1])  # an equation is fitted to all
    assert not never_saw([feo, "clementine-oxides"], [1])


def test_a_write_that_fails_leaves_whole_files_or_none(
    training: Training, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full after so many files: those before are whole, of the others nothing is."""
    rename = os.replace
    for room in range(len(MODELS | REPORT)):
        left = [room]

        def replace_while_room(source: str, target: str, left: list[int] = left) -> None:
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            left[0] -= 1
            rename(source, target)

        monkeypatch.setattr("lunarscale.store.location.os.replace", replace_while_room)
        folder = tmp_path / str(room)
        with pytest.raises(StoreError, match="the disk is full"):
            write(training, folder)
        monkeypatch.undo()
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        assert len(there) == room
        assert there <= MODELS | REPORT  # nothing that is still being written
        for name in there - {"index.html"}:
            assert (folder / name).read_bytes() == (written / name).read_bytes()


def test_a_training_that_diverges_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = NETWORKS["qiu-2025"]
    absurd = replace(kind, recipe=replace(kind.recipe, learning_rate=1e30))
    monkeypatch.setitem(NETWORKS, "qiu-2025", absurd)
    words = r"qiu-2025: FeO, .*on all stations, seed 0: the loss stopped .*nothing is exported"
    with pytest.raises(TrainingError, match=words):
        train("qiu-2025", oxides=["FeO"], seeds=1, epochs=3, leaky=False)


def test_a_held_out_model_that_diverged_is_told_and_its_station_not_scored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def one_diverges(*args: object, **options: object) -> NetworkRun:
        run = cross_validate(*args, **options)  # type: ignore[arg-type]
        held_out = {key: values.copy() for key, values in run.held_out.items()}
        held_out["LOO", "FeO"][:, 4] = np.nan
        return NetworkRun(run.final, held_out, ("FeO, LOO without Apollo 15 - LM, seed 0",))

    monkeypatch.setattr(step, "cross_validate", one_diverges)
    table = write_table(tmp_path / "mine.csv", some_stations(12))
    training = train("qiu-2025", oxides=["FeO"], seeds=1, epochs=1, stations=str(table))
    assert "Apollo 15 - LM, seed 0: diverged and was left out of the mean" in training.warnings[-1]
    counts = {ln.scheme: ln.score.n for ln in training.lines if ln.model == "qiu-2025" and ln.score}
    assert counts == {"LOO": 11, "LOMO": 12, LEAKY: 12}
    folder = write(training, tmp_path / "out")
    column = [row["LOO_wt_pct"] for row in rows_of(folder / "predictions.csv")]
    assert [place for place, text in enumerate(column) if text == "nan"] == [4]


# Refusals


@pytest.mark.parametrize(
    ("network", "options", "words"),
    [
        ("qiu", {}, "no network 'qiu'; train qiu-2025, yang-2023, residual"),
        ("qiu-2025", {"oxides": ["FeO", "XYZ"]}, "'XYZ' is no oxide of the stations; use FeO, "),
        ("qiu-2025", {"oxides": ["feo"]}, "'feo' is no oxide"),
        ("qiu-2025", {"camera": "hubble"}, "no camera 'hubble'; it is clementine-uvvis or kag"),
        ("qiu-2025", {"camera": "kaguya"}, "qiu-2025 is made for clementine-uvvis, not kaguya-mi"),
        ("qiu-2025", {"without": [1, 99]}, "no station 99 among the 47 of .*--soils"),
        ("qiu-2025", {"without": range(1, 48)}, r"needs at least 8 stations but there are 2"),
        ("qiu-2025", {"stations": "nowhere.csv"}, "nowhere.csv: there is no such file"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    network: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(LunarscaleError, match=words) as refusal:
        train(network, epochs=1, seeds=1, **options)  # type: ignore[arg-type]
    assert "\n" not in str(refusal.value)


def test_cameras_by_the_words_that_people_write() -> None:
    assert camera_name("clementine") == camera_name("clementine-uvvis") == "clementine-uvvis"
    assert camera_name("kaguya") == camera_name("kaguya-mi") == "kaguya-mi"
    for word in ("", "kag", "Clementine", "mi", "clementine-"):
        with pytest.raises(ModelError, match=f"no camera {word!r}"):
            camera_name(word)


# Users' tables


@pytest.mark.parametrize(
    ("count", "cells", "words"),
    [
        (12, {(3, "R750"): "nan"}, r"mine\.csv, line 5: R750 is 'nan', which is no number"),
        (12, {(3, "R750"): "-0.1"}, r"line 5: R750 is -0\.1, but a reflectance is a fraction"),
        (12, {(3, "R750"): ""}, r"line 5: R750 is empty"),
        (12, {(0, "FeO_wt_pct"): "inf"}, r"line 2: FeO_wt_pct is 'inf', which is no number"),
        (12, {(row, "R950"): "0.1" for row in range(12)}, "R950 is 0.1 at all of 12 stations"),
        (12, {(row, "FeO_wt_pct"): "9" for row in range(12)}, "FeO is 9 at all of 12 stations"),
        (12, {(row, "FeO_wt_pct"): "" for row in range(3, 12)}, "FeO is known at 3 of 12 .* 4 are"),
        (7, {}, "5 bands needs at least 8 stations but there are 7"),
        (12, {(row, "site"): "here" for row in range(12)}, "12 station.*would be held out toget"),
        (12, {(row, "site"): "here" for row in range(9)}, "FeO: 9 of the 12 .* here, .* leaves 3"),
    ],
)
def test_a_faulty_table_is_refused_before_anything_is_trained(
    count: int, cells: dict[tuple[int, str], str], words: str, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "mine.csv", some_stations(count), cells=cells)
    done: list[int] = []
    with pytest.raises(StationError, match=words):
        train(
            "qiu-2025", oxides=["FeO"], seeds=1, epochs=1, stations=str(table),
            progress=lambda now, todo: done.append(now),
        )  # fmt: skip
    assert not done


def test_an_oxide_that_the_table_lacks_is_refused(tmp_path: Path) -> None:
    table = write_table(tmp_path / "mine.csv", some_stations(12))
    with pytest.raises(TrainingError, match="no station has CaO: the table holds FeO, TiO2"):
        train("qiu-2025", oxides=["CaO"], stations=str(table))


def test_fractions_are_asked_about_and_taken(tmp_path: Path) -> None:
    in_wt_pct = write_table(tmp_path / "wt.csv", some_stations(10), oxides=["CaO"])
    table = write_table(tmp_path / "mine.csv", some_stations(10), oxides=["CaO"], factor=0.01)
    options = {"oxides": ["CaO"], "seeds": 1, "epochs": 1, "leaky": False}
    with pytest.raises(StationError, match=r"looks like a weight fraction.*--units fractions"):
        train("qiu-2025", stations=str(table), **options)  # type: ignore[arg-type]
    taken, plain = (
        train("qiu-2025", stations=str(path), fractions=asked, **options)  # type: ignore[arg-type]
        for path, asked in ((table, True), (in_wt_pct, None))
    )
    np.testing.assert_allclose(taken.samples.target("CaO"), plain.samples.target("CaO"))
    np.testing.assert_allclose(
        taken.run.final.predictions, plain.run.final.predictions, atol=1e-3, rtol=0
    )


@pytest.fixture(scope="module")
def on_a_table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Training, Path]:
    """Trained on a user's table that lacks CaO at two stations, one of its numbers left out."""
    folder = tmp_path_factory.mktemp("table")
    missing = {(4, "CaO_wt_pct"): "", (7, "CaO_wt_pct"): ""}
    chosen = some_stations(13)
    table = write_table(folder / "mine.csv", chosen, oxides=["FeO", "CaO"], cells=missing)
    training = train(
        "qiu-2025", oxides=["FeO", "CaO"], seeds=1, epochs=1, stations=str(table),
        without=[chosen[0].number],
    )  # fmt: skip
    return training, write(training, folder / "out")


def test_missing_oxides_are_counted_and_told(on_a_table: tuple[Training, Path]) -> None:
    training, folder = on_a_table
    (told,) = training.warnings
    assert re.search(r"mine\.csv: no CaO at 2 of 13 stations", told)
    assert network_of(folder / "cao.onnx").card.training["n"] == {"FeO": 12, "CaO": 10}
    rows = rows_of(folder / "predictions.csv")
    assert [sum(row["oxide"] == oxide for row in rows) for oxide in ("FeO", "CaO")] == [12, 10]
    assert told in (folder / "index.html").read_text()


def test_a_users_table_is_not_taken_for_the_packages(
    on_a_table: tuple[Training, Path],
) -> None:
    training, folder = on_a_table
    card = network_of(folder / "feo.onnx").card
    assert card.training[TABLE] == "mine.csv"
    assert card.training["targets"] == "the table's"
    assert card.training["estimated spectra"] == []
    left_out = card.training[LEFT_OUT]
    assert len(left_out) == 1
    assert not never_saw([str(folder / "feo.onnx")], left_out)
    schemes = {line.scheme for line in training.lines if line.model == "qiu-2025-feo"}
    assert schemes == {PUBLISHED}
    assert SEEN not in {line.scheme for line in training.lines}


def test_missing_oxides_of_the_packages_table_are_told_too(training: Training) -> None:
    assert training.warnings == ("MgO: 1 of 47 stations lack it and are left out",)


def test_another_network_on_kaguyas_bands(tmp_path: Path) -> None:
    table = write_table(tmp_path / "mine.csv", some_stations(13, "kaguya-mi"), oxides=["FeO"])
    training = train("yang-2023", oxides=["FeO"], seeds=1, epochs=1, stations=str(table))
    folder = write(training, tmp_path / "out")
    network = network_of(folder / "feo.onnx")
    assert network.camera == "kaguya-mi"
    assert 1000 not in network.bands_nm
    found = run_graph((folder / "feo.onnx").read_bytes(), training.samples.reflectance)
    fitted = training.run.final.predictions[0, 0].mean(axis=0)
    np.testing.assert_allclose(found["FeO"], fitted, atol=1e-4, rtol=0)


def test_what_shares_a_spectrum_or_a_soil_can_be_held_out_together(tmp_path: Path) -> None:
    """Two rows of one soil: held out alone, each is told by the other."""
    stations = some_stations(15)
    one = stations[4]
    brighter = {w: 1.01 * r for w, r in one.reflectance.items()}
    stations.append(replace(one, number=99, name="the same soil", reflectance=brighter))
    table = write_table(tmp_path / "mine.csv", stations, oxides=("FeO", "TiO2", "Al2O3"))
    made = train("qiu-2025", oxides=["FeO"], seeds=1, epochs=2, stations=str(table), shared=True)
    alone, together = (made.run.mean(scheme, "FeO") for scheme in ("LOO", "shared"))
    changed = [made.samples.names[row] for row in np.flatnonzero(alone != together)]
    assert changed == [one.name, "the same soil"]
    assert {line.scheme for line in made.lines} >= {"LOO", "LOMO", "shared"}
