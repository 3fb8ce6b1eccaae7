"""Models written together give what each gives alone, and logarithms are taken once."""

import numpy as np
import onnx
import pytest
from samples_at_hand import clementine_49, mixed_spectra, run_graph

from lunarscale.models.card import Card
from lunarscale.models.signature import Output
from lunarscale.training.families import Average, Family
from lunarscale.training.graph import GraphBuilder
from lunarscale.training.menu import families
from lunarscale.training.together import write_together

MENU = families(clementine_49().bands_nm)
LINE, ANGLE, POWER = MENU["albedo"], MENU["iron angle"], MENU["reference and iron angle, ln"]
OXIDES = ("FeO", "MgO", "CaO")


def written(*recipes: Family) -> tuple[bytes, list[np.ndarray], dict[str, np.ndarray]]:
    """The file of some families, what each predicts, and what the file gives."""
    samples = clementine_49()
    spectra = mixed_spectra(samples, 300)
    fitted = [
        family.fit(samples, oxide, samples.rows(oxide))
        for family, oxide in zip(recipes, OXIDES, strict=False)
    ]
    builder = GraphBuilder(samples.camera, samples.bands_nm)
    rows = builder.split(write_together(builder, fitted))
    for oxide, row in zip(OXIDES, rows, strict=False):
        builder.output(oxide, row)
    outputs = tuple(Output(oxide, oxide, "wt %") for oxide in OXIDES[: len(rows)])
    file = builder.build(Card("a", samples.camera, samples.bands_nm, outputs))
    return file, [model.predict(spectra) for model in fitted], run_graph(file, spectra)


@pytest.mark.parametrize(
    "recipes",
    [
        (LINE, ANGLE, LINE),
        (POWER,),
        (POWER, Average((LINE, ANGLE)), Average((POWER, ANGLE))),
        (MENU["Gaussian process of angles and slope"], POWER, LINE),
    ],
    ids=["lines", "powers", "means", "with a process"],
)
def test_together_is_each_alone(recipes: tuple[Family, ...]) -> None:
    _, expected, found = written(*recipes)
    for oxide, values in zip(OXIDES, expected, strict=False):
        np.testing.assert_allclose(found[oxide], values, atol=2e-3, rtol=1e-5)


def test_what_several_need_is_computed_once() -> None:
    file, _, _ = written(POWER, Average((POWER, LINE)), POWER)
    operators = [node.op_type for node in onnx.load_from_string(file).graph.node]
    assert operators.count("Atan") == operators.count("Exp") == 1
    assert operators.count("Log") == 1
