"""Ranks by comparing whole rows, against NumPy's sort."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.models.card import Card
from lunarscale.models.signature import Output
from lunarscale.training.graph import INPUT, GraphBuilder
from lunarscale.training.ranking import smallest

BANDS = (414, 749, 901, 950, 1001, 1049, 1248, 1548)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_place_is_that_of_a_sort(data: st.DataObject) -> None:
    """Of any number of ascending lists of any lengths, ties among them."""
    lengths = data.draw(st.lists(st.integers(1, 8), min_size=1, max_size=6))
    rank = data.draw(st.integers(1, sum(lengths)))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    steps = [random.integers(0, 3, length).cumsum() / 16 for length in lengths]
    builder = GraphBuilder("kaguya-mi", BANDS)
    rows = builder.split(builder.features([f"R{w}" for w in BANDS]))
    lists = [
        [builder.op("Add", row, float(step)) for step in ascending]
        for row, ascending in zip(rows, steps, strict=False)
    ]
    builder.output("FeO", smallest(builder, lists, rank))
    model = builder.build(Card("a", "kaguya-mi", BANDS, (Output("FeO", "FeO", "wt %"),)))
    spectra = random.integers(1, 16, (8, 40)).astype(np.float32) / 16
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {INPUT: spectra})
    offered = np.concatenate(
        [row + ascending[:, None] for row, ascending in zip(spectra, steps, strict=False)]
    )
    np.testing.assert_array_equal(found, np.sort(offered, axis=0)[rank - 1])


@pytest.mark.parametrize("rank", [0, 9])
def test_there_is_no_such_place(rank: int) -> None:
    builder = GraphBuilder("kaguya-mi", BANDS)
    rows = builder.split(builder.features([f"R{w}" for w in BANDS]))
    with pytest.raises(ValueError, match=f"no {rank}-th smallest of 8 rows"):
        smallest(builder, [[row] for row in rows], rank)
