"""Model files against the plain torch modules in float64, run as maps run them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from lunarscale.errors import TrainingError
from lunarscale.flags import EXTRAPOLATED, MapReason
from lunarscale.models.card import Card
from lunarscale.models.derived import mg_number
from lunarscale.models.network_files import read_network
from lunarscale.models.signature import Output
from lunarscale.quantities import QUANTITIES
from lunarscale.training.batched import Trained, train
from lunarscale.training.export import export, network_rows
from lunarscale.training.features import feature_matrix
from lunarscale.training.graph import BLOCK_PIXELS, GraphBuilder, Rows
from lunarscale.training.mg_number import mg_number_row
from lunarscale.training.networks import NETWORKS
from lunarscale.training.samples import Samples

BANDS = {
    "clementine-uvvis": (415, 750, 900, 950, 1000),
    "kaguya-mi": (414, 749, 901, 950, 1001, 1049, 1248, 1548),
}
OXIDES = ("FeO", "TiO2", "MgO")
SCALE = 2e-5


def moonlike(camera: str, count: int, seed: int = 3) -> np.ndarray:
    """Reflectances (n, band) that are whole counts."""
    random = np.random.default_rng(seed)
    bands = BANDS[camera]
    grey = random.uniform(0.08, 0.35, (count, 1)) * np.linspace(0.6, 1.1, len(bands))
    return np.rint(grey * random.uniform(0.93, 1.07, grey.shape) / SCALE) * SCALE


def trained(name: str, *, epochs: int = 12, **options) -> Trained:
    kind = NETWORKS[name]
    camera, count = kind.cameras[0], 24
    spectra = moonlike(camera, count)
    random = np.random.default_rng(8)
    oxides = {
        "FeO": 25 - 60 * spectra[:, 1] + random.normal(size=count),
        "TiO2": 8 * spectra[:, 0] / spectra[:, 1],
        "MgO": 4 + 30 * spectra[:, 2],
    }
    samples = Samples(
        camera, BANDS[camera], spectra, oxides, ("site",) * count,
        tuple(map(str, range(count))), np.zeros(count, np.bool_), "made",
    )  # fmt: skip
    whole = [(np.arange(count), np.arange(0))]
    return train(kind, samples, OXIDES, folds=whole, seeds=(1, 2), epochs=epochs, **options)


def card_of(model: Trained, *quantities: str, **options) -> Card:
    outputs = tuple(Output(name, name, QUANTITIES[name].units) for name in quantities)
    return Card(
        "made-up", model.camera, model.bands_nm, outputs, block_pixels=BLOCK_PIXELS, **options
    )


def in_torch(model: Trained, oxide: str, reflectance: np.ndarray) -> np.ndarray:
    """The mean over the seeds by the plain modules, in float64."""
    x = feature_matrix(model.inputs[oxide], reflectance, model.bands_nm)
    scaler = model.scalers[0, oxide]
    values = []
    for seed in model.seeds:
        network = model.kind.module(x.shape[1])
        kept = model.parameters(0, oxide, seed)
        network.load_state_dict({name: torch.from_numpy(v) for name, v in kept.items()})
        with torch.no_grad():
            z = torch.from_numpy((x - scaler.mean) / scaler.deviation)
            values.append(network.double().eval()(z)[:, 0].numpy())
    return np.mean(values, axis=0) * scaler.target_deviation + scaler.target_mean


@pytest.mark.parametrize("name", NETWORKS)
def test_files_give_what_torch_gives(name: str, tmp_path: Path) -> None:
    """Within 1e-4 wt %, through the network that maps are made with, blocks and all."""
    model = trained(name)
    quantities = (*OXIDES, "Mg_number")
    path = tmp_path / "model.onnx"
    path.write_bytes(export(model, card_of(model, *quantities)))
    reflectance = moonlike(model.camera, BLOCK_PIXELS + 300, seed=5)
    counts = np.rint(reflectance.T / SCALE).astype(np.int16)
    got = read_network(str(path)).predict(counts, SCALE)
    expected = {oxide: in_torch(model, oxide, reflectance) for oxide in OXIDES}
    expected["Mg_number"] = mg_number(expected["MgO"], expected["FeO"])
    for values, flags, quantity in zip(got.values, got.flags, quantities, strict=True):
        has = (flags & 7) == MapReason.HAS_VALUE
        assert has.mean() > 0.9
        np.testing.assert_array_equal(has, np.isfinite(expected[quantity]))
        np.testing.assert_allclose(values[has], expected[quantity][has], atol=1e-4, rtol=0)


def test_predictions_in_training_are_those_of_the_file() -> None:
    model = trained("yang-2023")
    file = export(model, card_of(model, "TiO2"))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    reflectance = moonlike("kaguya-mi", 24).T.astype(np.float32)
    (got,) = session.run(None, {"reflectance": reflectance})
    np.testing.assert_allclose(got, model.predictions[0, 1].mean(0), atol=1e-4)


def test_mg_number_has_no_value_where_an_oxide_is_negative() -> None:
    reflectance = np.array([[10, 10, -1, 0, 0], [10, -1, 10, 0, 8]]).T
    builder = GraphBuilder("clementine-uvvis", (750, 950))
    oxides = {name: builder.features([f]) for name, f in (("MgO", "R750"), ("FeO", "R950"))}
    builder.output("Mg_number", mg_number_row(builder, oxides))
    card = Card("mg", "clementine-uvvis", (750, 950), (Output("Mg_number", "Mg_number", "1"),))
    session = onnxruntime.InferenceSession(builder.build(card), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"reflectance": reflectance.T.astype(np.float32)})
    expected = mg_number(reflectance[:, 0], reflectance[:, 1])
    np.testing.assert_allclose(got, expected, atol=1e-7)
    assert np.isnan(expected).tolist() == [False, True, True, True, False]


def test_a_distance_flags_what_is_far_from_the_stations(tmp_path: Path) -> None:
    model = trained("residual", epochs=1)

    def distance(builder: GraphBuilder) -> Rows:
        return builder.features(["R749"])

    path = tmp_path / "model.onnx"
    card = card_of(model, "FeO", distance_limit=0.2)
    path.write_bytes(export(model, card, distance=distance))
    counts = np.rint(moonlike("kaguya-mi", 50).T / SCALE).astype(np.int16)
    flags = read_network(str(path)).predict(counts, SCALE).flags[0]
    far = counts[1] * SCALE > 0.2
    assert 0 < far.sum() < 50
    np.testing.assert_array_equal((flags & EXTRAPOLATED) > 0, far)


def test_rows_can_be_averaged_with_other_models() -> None:
    model = trained("qiu-2025", epochs=2)
    builder = GraphBuilder(model.camera, model.bands_nm)
    row = network_rows(builder, model, ["FeO"])["FeO"]
    half = builder.op("Mul", builder.op("Add", row, builder.features(["R750"])), 0.5)
    builder.output("FeO", half)
    file = builder.build(card_of(model, "FeO"))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    reflectance = moonlike("clementine-uvvis", 9)
    (got,) = session.run(None, {"reflectance": reflectance.T.astype(np.float32)})
    expected = (in_torch(model, "FeO", reflectance) + reflectance[:, 1]) / 2
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_diverged_model_is_not_exported() -> None:
    wild = replace(NETWORKS["qiu-2025"].recipe, learning_rate=1e30)
    model = trained("qiu-2025", recipe=wild)
    with pytest.raises(TrainingError, match="diverged"):
        export(model, card_of(model, "FeO"))


def test_the_same_bits_again() -> None:
    files = {export(m, card_of(m, "FeO")) for m in (trained("qiu-2025", epochs=2) for _ in "ab")}
    assert len(files) == 1
