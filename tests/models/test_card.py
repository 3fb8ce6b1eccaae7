"""Cards: what is written is read back equal, and each mistake has its own sentence."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.bands import CAMERAS, CLEMENTINE_UVVIS
from lunarscale.errors import ModelError
from lunarscale.models.card import Card, Input, Output
from lunarscale.models.fields import is_name
from lunarscale.models.signature import LAYOUTS
from lunarscale.quantities import QUANTITIES

FOUR_LINES = """
name: my-feo
camera: clementine-uvvis
bands_nm: [415, 750, 900, 950, 1000]
outputs: [{quantity: FeO, units: wt %}]
"""

numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    """Any card that can be."""
    camera = draw(st.sampled_from(list(CAMERAS.values())))
    bands = draw(st.lists(st.sampled_from(camera.wavelengths_nm), min_size=1, unique=True))
    quantities = draw(st.lists(st.sampled_from(list(QUANTITIES)), min_size=1, unique=True))
    nonzero = numbers.filter(lambda number: number != 0)

    def a_band(values: st.SearchStrategy[object]) -> tuple[object, ...]:
        return tuple(draw(st.just([]) | st.lists(values, min_size=len(bands), max_size=len(bands))))

    return Card(
        name=draw(words.filter(is_name)),
        camera=camera.name,
        bands_nm=tuple(bands),
        outputs=tuple(
            Output(
                draw(words), name, QUANTITIES[name].units, draw(st.booleans()), draw(words),
                multiply_by=draw(nonzero), add=draw(numbers),
            )
            for name in quantities
        ),
        input=Input(
            draw(st.sampled_from(("", *LAYOUTS))),
            a_band(numbers),
            a_band(nonzero),
            a_band(st.lists(numbers, min_size=2, max_size=2, unique=True).map(sorted).map(tuple)),
        ),
        distance_limit=draw(st.none() | numbers),
        block_pixels=draw(st.integers(1, 100_000)),
        description=draw(words),
        source=draw(words),
        licence=draw(words),
        version=draw(words),
        training=draw(st.dictionaries(words, plain, max_size=3)),
        scores=draw(
            st.dictionaries(words, st.dictionaries(words, numbers, max_size=3), max_size=3)
        ),
    )  # fmt: skip


@given(cards())
def test_a_card_survives_json(card: Card) -> None:
    assert Card.from_json(card.to_json()) == card


def test_four_lines_are_enough() -> None:
    card = Card.from_yaml(FOUR_LINES, where="feo.yaml")
    assert card.bands_nm == CLEMENTINE_UVVIS.wavelengths_nm
    assert card.outputs == (Output("", "FeO", "wt %"),)
    assert card.input == Input()
    assert card.distance_limit is None


def test_a_number_stands_for_every_band() -> None:
    card = Card.from_yaml(
        FOUR_LINES + "input: {subtract: 0.1, divide_by: [1, 2, 3, 4, 5], range: [0, 0.4]}\n"
    )
    assert card.input.subtract == (0.1,) * 5
    assert card.input.divide_by == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert card.input.range == ((0.0, 0.4),) * 5


MISTAKES = {
    "no mapping": ("- a list", "feo.yaml is a list but should be a mapping; its keys are"),
    "nothing": ("", "feo.yaml is nothing but should be a mapping"),
    "no YAML": ("name: [", "feo.yaml is no YAML"),
    "missing keys": ("name: a\ncamera: b", "feo.yaml lacks bands_nm and outputs; add it"),
    "a slip": (FOUR_LINES + "licens: MIT", "'licens', which means nothing here; did you mean"),
    "a slip in an output": (
        FOUR_LINES.replace("units:", "unit:"),
        r"feo.yaml: outputs\[0\] has the key 'unit'.*did you mean units",
    ),
    "no units": (FOUR_LINES.replace(", units: wt %", ""), r"outputs\[0\] lacks units"),
    "another camera": (
        FOUR_LINES.replace("clementine-uvvis", "wac"),
        "feo.yaml: the card of my-feo is for the camera 'wac', which is not known; use clementine",
    ),
    "a band that is not there": (
        FOUR_LINES.replace("415", "416"),
        "my-feo needs the bands 416, 750.*Clementine UVVIS has 415, 750",
    ),
    "a band twice": (FOUR_LINES.replace("415", "750"), "name each band"),
    "no bands": (re.sub(r"\[415.*\]", "[]", FOUR_LINES), "name each band"),
    "a band as text": (FOUR_LINES.replace("415", "'415'"), "bands_nm is a list but should be"),
    "another quantity": (FOUR_LINES.replace("FeO", "Fe0"), "'Fe0', which is no quantity.*FeO"),
    "a fraction": (
        FOUR_LINES.replace("wt %", "fraction"),
        "FeO in 'fraction' but maps hold 'wt %'.*multiply_by",
    ),
    "a quantity twice": (
        FOUR_LINES.replace("units: wt %}]", "units: wt %}, {quantity: FeO, units: wt %}]"),
        "gives FeO twice",
    ),
    "no outputs": (re.sub(r"outputs: .*", "outputs: []", FOUR_LINES), "has no outputs"),
    "another format": (FOUR_LINES + "format: 2", "format 2 but this lunarscale reads 1"),
    "a division by 0": (FOUR_LINES + "input: {divide_by: 0}", "none to divide by that is 0"),
    "too few numbers": (
        FOUR_LINES + "input: {subtract: [1, 2]}",
        "2 values of subtract for 5 bands",
    ),
    "text for a number": (FOUR_LINES + "input: {subtract: much}", "subtract is text"),
    "NaN": (FOUR_LINES + "distance_limit: .nan", "distance_limit is a number.*a finite number"),
    "an unknown layout": (FOUR_LINES + "input: {layout: NHWC}", "layout 'NHWC', which is none"),
    "a range the wrong way": (FOUR_LINES + "input: {range: [0.4, 0]}", "ends before it begins"),
    "a range of three": (FOUR_LINES + "input: {range: [[1, 2, 3]]}", "range is a list but"),
    "no pixels": (FOUR_LINES + "block_pixels: 0", "blocks of 0 pixels"),
    "half pixels": (FOUR_LINES + "block_pixels: 0.5", "block_pixels is a number.*a whole number"),
    "a name with a slash": (FOUR_LINES.replace("my-feo", "../feo"), "'../feo'; give one of 1 to"),
    "a name of dots": (FOUR_LINES.replace("my-feo", ".."), "'..'; give one of 1 to 80 letters"),
    "a name of two lines": (FOUR_LINES.replace("my-feo", '"a\\nb"'), "give one of 1 to 80 letters"),
    "a long name": (FOUR_LINES.replace("my-feo", "x" * 81), "give one of 1 to 80 letters"),
    "references": (
        FOUR_LINES + "training: {a: &a [x, x], b: &b [*a, *a], c: [*b, *b]}",
        "feo.yaml refers to itself by & and",
    ),
    "nests": (FOUR_LINES + "training: " + "[" * 2000 + "]" * 2000, "feo.yaml is no YAML"),
    "a number without end": (FOUR_LINES + f"distance_limit: 1{'0' * 400}", r"0…\) but should be a"),
    "a score that is none": (FOUR_LINES + "scores: {FeO: 0.9}", "scores FeO with 0.9"),
    "a multiplier of 0": (FOUR_LINES.replace("wt %", "wt %, multiply_by: 0"), "the first not 0"),
    "a date": (FOUR_LINES + "training: {when: 2026-01-01}", "training.*cannot be written as JSON"),
    "experimental perhaps": (
        FOUR_LINES.replace("wt %", "wt %, experimental: perhaps"),
        "experimental is text .'perhaps'. but should be true or false",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_has_its_sentence(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        Card.from_yaml(text, where="feo.yaml")
    assert str(caught.value).startswith("feo.yaml")


def test_json_that_is_none_or_no_card() -> None:
    with pytest.raises(ModelError, match=r"feo\.onnx: its card is no JSON"):
        Card.from_json("{", where="feo.onnx")
    with pytest.raises(ModelError, match="lacks its format"):
        Card.from_json(json.dumps({"name": "a"}), where="feo.onnx")


def test_what_json_cannot_hold_is_refused_where_it_is_made() -> None:
    with pytest.raises(ModelError, match="scores of a cannot be written as JSON"):
        Card("a", "clementine-uvvis", (750,), (Output("", "FeO", "wt %"),),
             scores={"FeO": {"r2": float("nan")}})  # fmt: skip
