"""Training all at once: nothing leaks, nothing depends on company, the same again by seed."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from lunarscale.errors import TrainingError
from lunarscale.models.scores import r2
from lunarscale.training.batched import Trained, train
from lunarscale.training.networks import NETWORKS, QIU_2025, RESIDUAL, YANG_2023
from lunarscale.training.samples import Samples
from lunarscale.training.stack import Stack

CLEMENTINE = (415, 750, 900, 950, 1000)
KAGUYA = (414, 749, 901, 950, 1001, 1049, 1248, 1548)


def made_samples(camera: str = "clementine-uvvis", count: int = 18) -> Samples:
    """Spectra whose shape tells the oxides; the last row has no MgO."""
    random = np.random.default_rng(4)
    bands = CLEMENTINE if camera == "clementine-uvvis" else KAGUYA
    feo, mgo = random.uniform(4, 20, count), random.uniform(4, 12, count)
    grey = random.uniform(0.1, 0.3, (count, 1)) * np.linspace(0.6, 1.1, len(bands))
    depth = feo[:, None] / 100 * np.exp(-(((np.array(bands) - 950) / 100) ** 2))
    tilt = mgo[:, None] / 100 * np.linspace(1, 0, len(bands))
    reflectance = grey * (1 - depth) * (1 - tilt)
    oxides = {"FeO": feo, "TiO2": feo / 4, "MgO": np.append(mgo[:-1], np.nan)}
    names = tuple(f"station {n}" for n in range(count))
    sites = tuple(f"site {n % 5}" for n in range(count))
    return Samples(
        camera, bands, reflectance, oxides, sites, names, np.zeros(count, np.bool_), "made"
    )


SAMPLES = made_samples()
ALL = np.arange(len(SAMPLES))


def leave_out(*rows: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.delete(ALL, row), np.array([row])) for row in rows]


WHOLE = [(ALL, ALL[:0])]


def run(kind=QIU_2025, samples=SAMPLES, oxides=("FeO", "MgO"), **options) -> Trained:
    given = {"folds": leave_out(0, 5), "seeds": (1, 2), "epochs": 8}
    return train(kind, samples, oxides, **(given | options))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_again_by_seed(name: str) -> None:
    first, second = run(NETWORKS[name], epochs=3), run(NETWORKS[name], epochs=3)
    np.testing.assert_array_equal(first.predictions, second.predictions)
    assert np.isfinite(first.predictions).all()
    assert not np.array_equal(first.predictions[:, :, 0], first.predictions[:, :, 1])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_model_does_not_depend_on_its_company(name: str) -> None:
    kind = NETWORKS[name]
    alone = run(kind, oxides=("MgO",), folds=leave_out(5), seeds=(2,), together=1, epochs=4)
    others = [*leave_out(0, 5), (ALL[:9], ALL[9:])]  # one much smaller
    many = run(kind, folds=others, seeds=(1, 2, 3), together=16, epochs=4)
    np.testing.assert_array_equal(alone.predictions[0, 0, 0], many.predictions[1, 1, 1])
    one, same = alone.parameters(0, "MgO", 2), many.parameters(1, "MgO", 2)
    assert all(np.array_equal(one[name], same[name]) for name in one)


@pytest.mark.parametrize("batch", [5, 16, 17])
def test_company_with_other_steps_an_epoch_changes_nothing(batch: int) -> None:
    recipe = replace(YANG_2023.recipe, batch=batch)
    options = {"samples": made_samples("kaguya-mi"), "oxides": ("FeO",), "recipe": recipe}
    small = (ALL[:7], ALL[7:])
    alone = run(YANG_2023, folds=[small], epochs=3, **options)
    many = run(YANG_2023, folds=[*leave_out(0, 5), small], epochs=3, **options)
    np.testing.assert_array_equal(alone.predictions[0], many.predictions[2])


def test_a_model_does_not_depend_on_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    before, predictions = torch.get_num_threads(), []
    for cores in (1, 3):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        predictions.append(run(epochs=2, together=8, seeds=(1, 2, 3, 4, 5)).predictions)
    np.testing.assert_array_equal(*predictions)
    assert torch.get_num_threads() == before


def test_a_problem_of_one_stack_ends_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(stack: Stack) -> None:
        raise MemoryError("none left")

    monkeypatch.setattr(Stack, "train", fails)
    before = torch.get_num_threads()
    with pytest.raises(MemoryError, match="none left"):
        run(together=8, seeds=range(1, 41))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_held_out_changes_nothing(name: str) -> None:
    """Another value there: the same model, clean; another one, leaky."""
    wrong = {oxide: values.copy() for oxide, values in SAMPLES.oxides.items()}
    spectra = SAMPLES.reflectance.copy()
    wrong["FeO"][0], spectra[0] = 90.0, spectra[0] * 0.5
    other = replace(SAMPLES, reflectance=spectra, oxides=wrong)
    options = {"oxides": ("FeO",), "folds": leave_out(0), "seeds": (1,), "epochs": 4}
    clean = [run(NETWORKS[name], s, **options).predictions[0, 0, 0, 1:] for s in (SAMPLES, other)]
    np.testing.assert_array_equal(*clean)
    leaky = [
        run(NETWORKS[name], s, leaky=True, **options).predictions[0, 0, 0, 1:]
        for s in (SAMPLES, other)
    ]
    assert not np.allclose(*leaky)


def test_leaky_takes_the_epoch_that_is_best_on_the_held_out_row() -> None:
    options = {"oxides": ("FeO",), "folds": leave_out(0, 5, 9), "seeds": (1, 2), "leaky": True}
    errors = []
    for epochs in (1, 5, 20):
        trained = run(epochs=epochs, **options)
        held_out = trained.predictions[[0, 1, 2], 0, :, [0, 5, 9]]
        errors.append(np.abs(held_out - SAMPLES.oxides["FeO"][[0, 5, 9], None]))
    assert (errors[1] <= errors[0] + 1e-4).all()
    assert (errors[2] <= errors[1] + 1e-4).all()
    assert (errors[2] < errors[0]).any()


def test_scalers_are_of_the_rows_learnt_from_that_have_the_oxide() -> None:
    scaler = run(epochs=1).scalers[1, "MgO"]
    rows = [row for row in ALL if row not in (5, 17)]
    np.testing.assert_allclose(scaler.mean[:5], SAMPLES.reflectance[rows].mean(0))
    np.testing.assert_allclose(scaler.deviation[:5], SAMPLES.reflectance[rows].std(0))
    assert scaler.target_mean == pytest.approx(SAMPLES.oxides["MgO"][rows].mean())


def test_it_learns() -> None:
    trained = run(folds=WHOLE, epochs=150, seeds=(1,))
    for index, oxide in enumerate(trained.oxides):
        rows = SAMPLES.rows(oxide)
        assert r2(SAMPLES.oxides[oxide][rows], trained.predictions[0, index, 0, rows]) > 0.9


def test_oxides_with_other_inputs_are_trained_beside_each_other() -> None:
    trained = run(YANG_2023, made_samples("kaguya-mi"), ("TiO2", "MgO", "FeO"), epochs=2)
    assert [len(trained.inputs[oxide]) for oxide in trained.oxides] == [10, 8, 10]
    assert np.isfinite(trained.predictions).all()
    mean = trained.predictions.mean(axis=(0, 2, 3))
    assert mean[1] > mean[0]  # each in its own place: MgO 8 wt %, TiO2 3


def test_progress_counts_the_models() -> None:
    told: list[tuple[int, int]] = []
    run(epochs=1, together=8, seeds=(1, 2, 3), progress=lambda *counts: told.append(counts))
    assert told in ([(8, 12), (12, 12)], [(4, 12), (12, 12)])  # whichever stack ends first


def test_diverged_models_are_marked_and_never_given_away() -> None:
    wild = replace(QIU_2025.recipe, learning_rate=1e30)
    trained = run(recipe=wild, folds=WHOLE)
    assert trained.diverged.all()
    assert np.isnan(trained.predictions).all()
    with pytest.raises(TrainingError, match=r"FeO, fold 0, seed 1 diverged after .* another seed"):
        trained.parameters(0, "FeO", 1)


def test_parameters_that_were_not_kept_are_missed() -> None:
    with pytest.raises(TrainingError, match="were not kept; train with keep=True"):
        run(epochs=1, keep=False).parameters(0, "FeO", 1)


def test_parameters_are_those_of_the_plain_module() -> None:
    trained = run(RESIDUAL, made_samples("kaguya-mi"), folds=WHOLE, epochs=3)
    samples, scaler = made_samples("kaguya-mi"), trained.scalers[0, "FeO"]
    network = RESIDUAL.module(8)
    kept = trained.parameters(0, "FeO", 2)
    network.load_state_dict({name: torch.from_numpy(v) for name, v in kept.items()})
    x = ((samples.reflectance - scaler.mean) / scaler.deviation).astype(np.float32)
    with torch.no_grad():
        y = network.eval()(torch.from_numpy(x))[:, 0].double().numpy()
    np.testing.assert_allclose(
        y * scaler.target_deviation + scaler.target_mean, trained.predictions[0, 0, 1], atol=1e-4
    )


def test_fine_tuning_goes_on_from_where_it_was() -> None:
    samples = made_samples("kaguya-mi")
    before = run(RESIDUAL, samples, ("FeO",), folds=leave_out(0), epochs=5)
    slow = replace(RESIDUAL.recipe, learning_rate=1e-5, epochs=2)
    frozen = ("conv", "norm", "block1", "block2")
    after = run(
        RESIDUAL, samples, ("FeO",), folds=WHOLE, recipe=slow, epochs=None, start=before,
        freeze=frozen,
    )  # fmt: skip
    assert after.scalers[0, "FeO"] == before.scalers[0, "FeO"]
    a, b = (t.parameters(0, "FeO", 1) for t in (before, after))
    counters = {name for name in a if name.endswith("num_batches_tracked")}
    for name in a.keys() - counters:
        assert np.array_equal(a[name], b[name]) == name.startswith(frozen), name
    moved = np.abs(after.predictions - before.predictions)
    assert 0 < moved[..., 1:].mean() < 1.0


def test_it_cannot_go_on_from_another_network() -> None:
    before = run(epochs=1)
    with pytest.raises(TrainingError, match="cannot go on from qiu-2025 of 2 fold"):
        run(YANG_2023, start=before)
    with pytest.raises(TrainingError, match=r"seeds \[1, 2\]"):
        run(start=before, seeds=(1, 7))


def test_what_teaches_nothing_is_refused() -> None:
    one = [(ALL[:1], ALL[1:])]
    with pytest.raises(TrainingError, match="fold 0 has 1 station"):
        run(folds=one)
    flat = SAMPLES.reflectance.copy()
    flat[:-1, 2] = 0.2
    with pytest.raises(
        TrainingError,
        match=r"R900 is the same at all 17 stations .* or not defined at one",
    ):
        run(samples=replace(SAMPLES, reflectance=flat), folds=leave_out(17))
    with pytest.raises(TrainingError, match="no station has SiO2"):
        run(oxides=("SiO2",))
