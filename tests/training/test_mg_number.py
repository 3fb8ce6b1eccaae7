"""Mg# in a graph is Mg# in NumPy, and none where an oxide is below zero."""

import numpy as np
import pytest
from samples_at_hand import BANDS, run_graph

from lunarscale.models.card import Card
from lunarscale.models.derived import mg_number
from lunarscale.models.signature import Output
from lunarscale.training.graph import GraphBuilder
from lunarscale.training.mg_number import MG_NUMBER, mg_number_row, with_mg_number


@pytest.mark.parametrize(
    ("oxides", "expected"),
    [
        (("FeO", "MgO"), ("FeO", "MgO", MG_NUMBER)),
        (("MgO", "CaO", "FeO"), ("MgO", "CaO", "FeO", MG_NUMBER)),
        (("FeO", "CaO"), ("FeO", "CaO")),
        (("MgO",), ("MgO",)),
        ((), ()),
    ],
)
def test_it_comes_after_its_oxides_where_both_are_there(
    oxides: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert with_mg_number(oxides) == expected


def test_the_graph_gives_what_numpy_gives() -> None:
    """FeO = 30 R415 - 3 and MgO = 30 R750 - 3, so that both are below zero at some pixels."""
    builder = GraphBuilder("clementine-uvvis", BANDS)
    lines = {
        oxide: builder.dense(builder.features([feature]), np.array([[30.0]]), np.array([-3.0]))
        for oxide, feature in (("FeO", "R415"), ("MgO", "R750"))
    }
    quantities = {**lines, MG_NUMBER: mg_number_row(builder, lines)}
    for name, row in quantities.items():
        builder.output(name, row)
    outputs = tuple(Output(q, q, "1" if q == MG_NUMBER else "wt %") for q in quantities)
    file = builder.build(Card("mg", "clementine-uvvis", BANDS, outputs))
    spectra = np.random.default_rng(1).uniform(0.05, 0.4, (4000, 5)).astype(np.float32)
    found = run_graph(file, spectra)
    expected = mg_number(found["MgO"], found["FeO"])
    np.testing.assert_allclose(found[MG_NUMBER], expected, rtol=1e-5)
    below = (found["FeO"] < 0.0) | (found["MgO"] < 0.0)
    assert 500 < below.sum() < 3500
    assert np.array_equal(np.isnan(found[MG_NUMBER]), below)
