"""`fine-tune`: what was held out has no say before, and what is frozen stays."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples_at_hand import run_graph
from tables_at_hand import some_stations, write_table

from lunarscale.errors import StationError, TrainingError
from lunarscale.models.card import TABLE
from lunarscale.models.network import Network
from lunarscale.models.registry import find_model
from lunarscale.steps.fine_tune import (
    AFTER,
    BEFORE,
    EARLY,
    FROZEN,
    FineTuning,
    change_table,
    fine_tune,
    write,
)
from lunarscale.steps.mixtures import never_saw
from lunarscale.training.networks import NETWORKS

STEMS = {BEFORE: "without", AFTER: "with", FROZEN: "with-frozen"}


def short(**options: object) -> FineTuning:
    given = {"oxides": ["FeO", "MgO"], "seeds": 2, "epochs": 4, **options}
    return fine_tune("qiu-2025", **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tuning() -> FineTuning:
    told: list[tuple[int, int]] = []
    made = short(progress=lambda done, todo: told.append((done, todo)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (12, 12)  # three stages, two oxides, two seeds
    return made


@pytest.fixture(scope="module")
def written(tuning: FineTuning, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fine-tune") / "models"
    assert {path.parent for path in write(tuning, folder)} == {folder}
    return folder


def inside(tuning: FineTuning) -> np.ndarray:
    return np.array([site == tuning.site for site in tuning.samples.sites])


def test_the_site_has_no_say_before_and_one_after(tuning: FineTuning, tmp_path: Path) -> None:
    """Another soil at the site changes nothing before, and something after."""
    chosen = some_stations(14)
    site = chosen[3].site
    stages = []
    for number, iron in enumerate(("5.0", "17.0")):
        cells = {(row, "FeO_wt_pct"): iron + str(row) for row, s in enumerate(chosen)
                 if s.site == site}  # fmt: skip
        table = write_table(tmp_path / f"{number}.csv", chosen, oxides=["FeO"], cells=cells)
        stages.append(short(oxides=["FeO"], site=site, stations=str(table)))
    one, other = stages
    assert np.array_equal(one.predicted(BEFORE, "FeO"), other.predicted(BEFORE, "FeO"))
    for stage in (AFTER, FROZEN):
        raised = other.predicted(stage, "FeO") - one.predicted(stage, "FeO")
        assert raised[inside(one)].mean() > 0.0


def test_frozen_layers_stay_and_the_others_learn(tuning: FineTuning) -> None:
    before, after, frozen = (
        tuning.stages[stage].parameters(0, "FeO", 1) for stage in (BEFORE, AFTER, FROZEN)
    )
    early = [name for name in before if name.startswith(EARLY["qiu-2025"])]
    assert 0 < len(early) < len(before)
    for name, values in before.items():
        assert not np.array_equal(values, after[name]), name
        assert np.array_equal(values, frozen[name]) == (name in early), name


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_has_early_layers_and_later_ones(network: str) -> None:
    kind = NETWORKS[network]
    names = list(kind.module(8).state_dict())
    for beginning in EARLY[network]:
        assert any(name.startswith(beginning) for name in names), beginning
    assert not all(name.startswith(EARLY[network]) for name in names)


def test_the_files_predict_what_the_stages_did(tuning: FineTuning, written: Path) -> None:
    for stage, stem in STEMS.items():
        path = written / f"qiu-2025-cnn-{stem}-change-6.onnx"
        model = find_model(str(path))
        assert isinstance(model, Network)
        assert model.card.name == path.stem
        assert [q.name for q in model.quantities] == ["FeO", "MgO", "Mg_number"]
        found = run_graph(path.read_bytes(), tuning.samples.reflectance)
        for oxide in ("FeO", "MgO"):
            expected = tuning.predicted(stage, oxide)
            np.testing.assert_allclose(found[oxide], expected, atol=1e-4, rtol=0)
        assert model.card.training["n"] == 49 - (stage == BEFORE)
        assert bool(model.card.training["frozen"]) == (stage == FROZEN)
        assert not never_saw([str(path)], [1])


def test_the_table_holds_every_station_at_every_stage(tuning: FineTuning, written: Path) -> None:
    with (written / "fine-tuning.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    samples = tuning.samples
    for oxide in tuning.oxides:
        mine, known = [row for row in rows if row["oxide"] == oxide], samples.rows(oxide)
        assert [row["station"] for row in mine] == [samples.names[row] for row in known]
        measured = np.array([float(row["measured_wt_pct"]) for row in mine])
        assert np.array_equal(measured, samples.target(oxide)[known])
        columns = ("before_wt_pct", "after_wt_pct", "after_early_layers_frozen_wt_pct")
        for column, stage in zip(columns, STEMS, strict=True):
            told = np.array([float(row[column]) for row in mine])
            np.testing.assert_allclose(told, tuning.predicted(stage, oxide)[known], atol=5.1e-5)
    assert len(rows) == 49 + 48


def test_the_terminal_is_told_the_change_at_the_site(tuning: FineTuning) -> None:
    cells = [list(column.cells) for column in change_table(tuning).columns]
    assert cells[0] == ["FeO", "MgO"]
    at = inside(tuning)
    for column, stage in zip(cells[2:5], STEMS, strict=True):
        expected = [tuning.predicted(stage, oxide)[at].mean() for oxide in tuning.oxides]
        assert column == [f"{value:.2f}" for value in expected]


def test_a_second_run_writes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = write(short(), tmp_path)
    names = {path.name for path in written.iterdir()}
    assert {path.name for path in again} | {"fine-tuning.svg"} == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes(), name


def test_a_site_of_any_name_gives_a_file_of_a_plain_one(tmp_path: Path) -> None:
    chosen = some_stations(14)
    cells = {(row, "site"): "Rima/Hadley (A 15)" for row in (0, 5)}
    missing = {(9, "FeO_wt_pct"): ""}
    table = write_table(tmp_path / "t.csv", chosen, oxides=["FeO"], cells=cells | missing)
    made = short(oxides=["FeO"], site="Rima/Hadley (A 15)", stations=str(table), epochs=1)
    paths = write(made, tmp_path / "out")
    assert [p.name for p in paths[:2]] == [
        "qiu-2025-cnn-without-rima-hadley-a-15.onnx", "qiu-2025-cnn-with-rima-hadley-a-15.onnx",
    ]  # fmt: skip
    assert "no FeO at 1 of 14 stations" in made.warnings[0]
    model = find_model(str(paths[0]))
    assert isinstance(model, Network)
    assert model.card.training[TABLE] == "t.csv"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"site": "Mars"}, r"0 of 49 stations are of the site 'Mars'; name one of Apollo 11, "),
        ({"network": "cnn"}, "no network 'cnn'"),
        ({"camera": "kaguya-mi"}, "qiu-2025 is made for clementine-uvvis, not kaguya-mi"),
        ({"oxides": ["Cr2O3"]}, "'Cr2O3' is no oxide of the stations"),
        ({"stations": "nowhere.csv"}, "nowhere.csv: there is no such file"),
    ],
)
def test_what_cannot_be_tuned_is_refused(options: dict[str, object], words: str) -> None:
    given = {"network": "qiu-2025", "epochs": 1, "seeds": 1, **options}
    with pytest.raises((TrainingError, StationError), match=words):
        fine_tune(**given)  # type: ignore[arg-type]


def test_too_few_stations_elsewhere_are_refused_before_training(tmp_path: Path) -> None:
    chosen = some_stations(10)
    cells = {(row, "site"): "here" for row in range(3)}
    table = write_table(tmp_path / "t.csv", chosen, oxides=["FeO"], cells=cells)
    with pytest.raises(StationError, match="at least 8 stations but there are 7"):
        short(oxides=["FeO"], site="here", stations=str(table), progress=_never)


def _never(done: int, todo: int) -> None:
    raise AssertionError("nothing should be trained")


def test_a_stage_that_diverges_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = NETWORKS["qiu-2025"]
    absurd = replace(kind, recipe=replace(kind.recipe, learning_rate=1e30))
    monkeypatch.setitem(NETWORKS, "qiu-2025", absurd)
    with pytest.raises(TrainingError, match="qiu-2025, before: the loss stopped being finite"):
        short(oxides=["FeO"])
