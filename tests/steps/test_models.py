"""What is said of models: all of a network's card is there to read."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from networks_at_hand import CARD, dense, edited, export
from onnx import helper
from rich.console import Console, RenderableType

from lunarscale.errors import ModelError
from lunarscale.models.card import Card, Output
from lunarscale.models.equations import QIU_2025_FEO
from lunarscale.models.files import EquationFile, write_equations
from lunarscale.models.network_files import read_network
from lunarscale.models.session import Session
from lunarscale.steps.models import models_table, show_model

FULL = Card(
    name="four-oxides",
    camera="clementine-uvvis",
    bands_nm=(415, 750, 900, 950, 1000),
    outputs=(
        Output("", "FeO", "wt %"),
        Output("", "MgO", "wt %", True, "no skill at new landing sites", 2.0, 0.5),
    ),
    block_pixels=512,
    description="two oxides of a test",
    source="Somebody 2026 [draft]",
    licence="CC0-1.0",
    version="7",
    training={"stations": "3f2a9c", "n": 47, "seeds": [0, 1]},
    scores={
        "FeO": {"LOO R2": 0.9171, "LOO R2 95 %": [0.88, 0.94]},
        "MgO": {"LOO R2": 0.7, "LOMO R2": -0.391},
    },
)


def printed(given: RenderableType, width: int = 100) -> str:
    """As a terminal of that width shows it."""
    console = Console(file=io.StringIO(), width=width)
    console.print(given)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A network with all of a card inside."""
    path = export(dense(outputs=2), tmp_path / "four.onnx", card=None)
    return edited(path, lambda m: helper.set_model_props(m, {"lunarscale": FULL.to_json()}))


@pytest.mark.parametrize("width", [80, 120])
def test_the_whole_card_is_shown(network: Path, width: int) -> None:
    text = printed(show_model(str(network)), width)
    joined = "".join(text.split())
    for said in (
        "four-oxides", "Clementine UVVIS (clementine-uvvis)", "415, 750, 900, 950, 1000 nm",
        "two oxides of a test", "Somebody 2026 [draft]", "CC0-1.0", "experimental: no skill at",
        "MgO", "y[1] x 2 + 0.5", "opset 17", "512 pixels", "0.917", "0.880, 0.940", "-0.391",
        "3f2a9c", "0, 1", "x (batch, 5), pixel, band", read_network(str(network)).sha256,
    ):  # fmt: skip
        assert "".join(said.split()) in joined, said
    assert "…" not in text


def test_a_list_tells_of_networks_without_running_them(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "__init__", lambda *_: pytest.fail("a session was opened"))
    text = printed(models_table([QIU_2025_FEO, read_network(str(network))]), 120)
    assert "qiu-2025-feo*" in text
    assert "FeO, wt %: LOO R² 0.917, LOO R² 95 % 0.880, 0.940" in text
    assert "MgO, wt % (experimental): LOO R² 0.700, LOMO R² -0.391" in text


def test_of_many_scores_a_list_tells_the_two_that_matter(tmp_path: Path) -> None:
    many = {f"R2 {name}": 0.5 for name in ("LOO low", "LOO high", "LOMO low", "LOMO nested")}
    scores = {oxide: {"R2 LOO": 0.9, "R2 LOMO": -0.4, **many} for oxide in ("FeO", "MgO")}
    path = export(dense(outputs=2), tmp_path / "two.onnx", card=None)
    told = replace(FULL, scores=scores).to_json()
    edited(path, lambda m: helper.set_model_props(m, {"lunarscale": told}))
    text = printed(models_table([read_network(str(path))]), 80)
    assert "FeO, wt %: R² LOO 0.900, R² LOMO -0.400" in text
    assert "nested" not in text
    shown = printed(show_model(str(path)), 80)
    assert re.search(r"R² LOMO nested +0\.500 +0\.500", shown), "all, a line a figure"


def test_a_card_of_four_lines_is_shown_too(tmp_path: Path) -> None:
    card = CARD + "input: {subtract: 0.1, divide_by: 2, range: [0, 0.5]}\n"
    text = printed(show_model(str(export(dense(), tmp_path / "feo.onnx", card=card))))
    assert "0.1, 0.1, 0.1, 0.1, 0.1" in text
    assert "0-0.5" in text
    assert "Scores" not in text


def test_showing_a_network_shows_that_it_runs(tmp_path: Path) -> None:
    card = CARD.replace("%}]", "%}, {quantity: TiO2, units: wt %}]")
    path = export(dense(), tmp_path / "feo.onnx", card=card)
    with pytest.raises(ModelError, match="2 quantities in it"):
        show_model(str(path))


def test_equations_are_shown_with_the_facts_of_their_fit(tmp_path: Path) -> None:
    text = printed(show_model("qiu-2025-feo"))
    assert QIU_2025_FEO.formula in text
    assert QIU_2025_FEO.validity in text
    assert "Training" not in text
    path = tmp_path / "model.json"
    write_equations(path, EquationFile((QIU_2025_FEO,), {"qiu-2025-feo": {"n": 47, "r2": 0.95}}))
    text = printed(show_model(str(path)))
    assert "Training" in text
    assert "0.950" in text
