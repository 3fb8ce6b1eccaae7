"""The graph against NumPy in float64: features, layers, undefined pixels, the card inside."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.models.card import METADATA_KEY, Card
from lunarscale.models.signature import Input, Output
from lunarscale.training.features import feature_matrix
from lunarscale.training.graph import INPUT, GraphBuilder, Rows

CLEMENTINE = (415, 750, 900, 950, 1000)
KAGUYA = (414, 749, 901, 950, 1001, 1049, 1248, 1548)
NAMES = {
    CLEMENTINE: (
        "R415", "R750", "log R750", "log R950", "log R750 squared", "R950/R750", "R415/R750",
        "log R950/R750", "OMAT", "theta_Fe", "theta_Ti", "R415", "R1000",
    ),
    KAGUYA: ("R749", "log R1548", "R950/R749", "theta_Fe", "theta_Ti", "R414"),
}  # fmt: skip


def card(camera: str, bands: tuple[int, ...], *quantities: str) -> Card:
    outputs = tuple(Output(name, name, "wt %") for name in quantities)
    return Card("made-up", camera, bands, outputs)


def run(model: bytes, reflectance: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs by name, of reflectances (pixel, band)."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    values = session.run(None, {INPUT: reflectance.T.astype(np.float32)})
    return {output.name: v for output, v in zip(session.get_outputs(), values, strict=True)}


def one_row(
    write: Callable[[GraphBuilder], Rows], reflectance: np.ndarray, bands: tuple[int, ...]
) -> np.ndarray:
    """One row of a graph that ``write`` writes."""
    camera = "clementine-uvvis" if bands == CLEMENTINE else "kaguya-mi"
    builder = GraphBuilder(camera, bands)
    builder.output("FeO", write(builder))
    return run(builder.build(card(camera, bands, "FeO")), reflectance)["FeO"]


def spectra(bands: tuple[int, ...], pixels: int = 257) -> np.ndarray:
    """Spectra such as the Moon has, above every origin, exact in float32."""
    random = np.random.default_rng(7)
    base = random.uniform(0.1, 0.4, (pixels, 1))
    shape = np.linspace(0.6, 1.2, len(bands)) * random.uniform(0.9, 1.1, (pixels, len(bands)))
    return (base * shape).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("bands", [CLEMENTINE, KAGUYA], ids=["clementine", "kaguya"])
def test_features_are_those_of_numpy(bands: tuple[int, ...]) -> None:
    reflectance = spectra(bands)
    expected = feature_matrix(NAMES[bands], reflectance, bands)
    for index in range(len(NAMES[bands])):
        got = one_row(
            lambda b, i=index: b.slice(b.features(NAMES[bands]), i, i + 1), reflectance, bands
        )
        tolerance = 1e-6 * max(1.0, np.abs(expected[:, index]).max())
        np.testing.assert_allclose(got, expected[:, index], atol=tolerance, rtol=0)


@given(st.floats(0.02, 0.6), st.floats(0.5, 1.6), st.floats(0.3, 0.8))
@settings(max_examples=200, deadline=None)
def test_angles_are_exact_to_a_millionth(base: float, iron: float, titanium: float) -> None:
    """But close to the origin, where the last digit of a float32 reflectance tells more."""
    spectrum = np.float32([[base * titanium, base, base, base * iron, base]]).astype(np.float64)
    last_digit = 2.0**-24 * 1.2 / (spectrum[0, 1] - 0.018)
    tolerance = 2.5e-7 + last_digit
    assert tolerance < 1e-6 or base < 0.12
    for name in ("theta_Fe", "theta_Ti"):
        expected = feature_matrix([name], spectrum, CLEMENTINE)[0, 0]
        assert ANGLES[name](spectrum) == pytest.approx(expected, abs=tolerance)


def _angle(name: str) -> Callable[[np.ndarray], float]:
    builder = GraphBuilder("clementine-uvvis", CLEMENTINE)
    builder.output("FeO", builder.features([name]))
    model = builder.build(card("clementine-uvvis", CLEMENTINE, "FeO"))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return lambda spectrum: session.run(None, {INPUT: spectrum.T.astype(np.float32)})[0][0]


ANGLES = {name: _angle(name) for name in ("theta_Fe", "theta_Ti")}


@pytest.mark.parametrize("activation", [None, "relu", "exp"])
def test_a_dense_layer_is_a_matrix_product(activation: str | None) -> None:
    random = np.random.default_rng(1)
    weight, bias = random.normal(size=(5, 20)), random.normal(size=20)
    last = random.normal(size=(20, 1))
    reflectance = spectra(CLEMENTINE)

    def write(b: GraphBuilder) -> Rows:
        names = [f"R{w}" for w in CLEMENTINE]
        return b.dense(b.dense(b.features(names), weight, bias, activation=activation), last)

    hidden = reflectance @ weight + bias
    functions = {None: hidden, "relu": np.maximum(hidden, 0), "exp": np.exp(hidden)}
    expected = (functions[activation] @ last)[:, 0]
    got = one_row(write, reflectance, CLEMENTINE)
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)


def test_a_convolution_slides_over_the_bands() -> None:
    random = np.random.default_rng(2)
    kernel, reflectance = random.normal(size=(3, 1, 3)), spectra(CLEMENTINE)
    padded = np.pad(reflectance, [(0, 0), (1, 1)])
    expected = np.stack(  # stride 2: centred on the first, third and fifth band
        [padded[:, p : p + 3] @ kernel[:, 0].T for p in (0, 2, 4)], axis=2
    )
    for name, pick in {
        "mean": lambda b, x: b.mean(x),
        "max": lambda b, x: b.max_pool(x, 3),
        "leftover": lambda b, x: b.max_pool(x, 2),
    }.items():

        def write(b: GraphBuilder, pick: Callable = pick) -> Rows:
            x = b.as_positions(b.features([f"R{w}" for w in CLEMENTINE]))
            x = b.convolve(x, kernel, stride=2, padding=1)
            assert (x.channels, x.positions) == (3, 3)
            return b.dense(pick(b, x), np.ones((3, 1)))

        reduced = {
            "mean": expected.mean(2), "max": expected.max(2), "leftover": expected[:, :, :2].max(2)
        }[name]  # fmt: skip
        got = one_row(write, reflectance, CLEMENTINE)
        np.testing.assert_allclose(got, reduced.sum(1), rtol=1e-5, atol=1e-5)


def test_operators_broadcast_numbers_and_single_rows() -> None:
    reflectance = spectra(CLEMENTINE)

    def write(b: GraphBuilder) -> Rows:
        both = b.concat([b.features(["R750"]), b.features(["R950"])])
        scaled = b.op("Mul", b.op("Sub", both, 0.1), b.features(["R415"]))
        return b.dense(scaled, np.ones((2, 1)))

    expected = (reflectance[:, 1] + reflectance[:, 3] - 0.2) * reflectance[:, 0]
    got = one_row(write, reflectance, CLEMENTINE)
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_rows_are_scaled_channel_by_channel() -> None:
    reflectance = spectra(CLEMENTINE)
    names, factor = [f"R{w}" for w in CLEMENTINE], np.arange(5) + 1.0

    def write(b: GraphBuilder) -> Rows:
        return b.dense(b.scale(b.features(names), factor, -factor / 10), np.ones((5, 1)))

    expected = ((reflectance - 0.1) * factor).sum(1)
    np.testing.assert_allclose(one_row(write, reflectance, CLEMENTINE), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "spectrum"),
    [
        ("log R750", [0.1, -0.1, 0.1, 0.1, 0.1]),
        ("OMAT", [0.01, 0.015, 0.016, 0.017, 0.018]),
        ("theta_Ti", [0.1, 0.0, 0.1, 0.1, 0.1]),
        ("R950/R750", [0.1, 0.0, 0.1, 0.1, 0.1]),
    ],
)
def test_no_value_where_a_feature_has_none(name: str, spectrum: list[float]) -> None:
    """ReLU turns NaN into 0, so a network would answer where it was told nothing."""
    pixels = np.array([spectrum, [0.1, 0.15, 0.16, 0.17, 0.18]])

    def write(b: GraphBuilder) -> Rows:
        hidden = b.dense(b.features(["R415", name]), np.ones((2, 16)), activation="relu")
        return b.dense(hidden, np.ones((16, 1)), [1.0])

    got = one_row(write, pixels, CLEMENTINE)
    assert np.isnan(got[0])
    assert np.isfinite(got[1])


def test_the_card_travels_inside() -> None:
    builder = GraphBuilder("clementine-uvvis", CLEMENTINE)
    row = builder.features(["R750"])
    builder.output("FeO", row)
    builder.output("distance", row)
    told = card("clementine-uvvis", CLEMENTINE, "FeO")
    model = onnx.load_from_string(builder.build(told))
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert Card.from_json(properties[METADATA_KEY]) == replace(told, input=Input("band, pixel"))
    assert model.ir_version <= 10
    assert 17 <= model.opset_import[0].version <= 20
    assert not any(constant.external_data for constant in model.graph.initializer)


def test_a_card_of_another_graph_is_refused() -> None:
    builder = GraphBuilder("clementine-uvvis", CLEMENTINE)
    builder.output("FeO", builder.features(["R750"]))
    with pytest.raises(ValueError, match="does not tell of this graph"):
        builder.build(card("clementine-uvvis", CLEMENTINE, "TiO2"))


def test_rows_that_do_not_fit_are_refused() -> None:
    builder = GraphBuilder("clementine-uvvis", CLEMENTINE)
    two, three = (builder.features(["R750", "R950", "R415"][:n]) for n in (2, 3))
    with pytest.raises(ValueError, match="do not match"):
        builder.op("Add", two, three)
    with pytest.raises(ValueError, match="does not fit"):
        builder.dense(two, np.ones((3, 1)))
    with pytest.raises(ValueError, match="not one row"):
        builder.output("FeO", two)
    with pytest.raises(ValueError, match="not one row"):
        builder.output("cheese", builder.features(["R750"]))
