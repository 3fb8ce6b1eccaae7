"""The figure of predicted against measured oxides."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lunarscale.render.predictions import PredictionPanel, _looks, draw_predictions

MARKS = ("held out", "its site held out")


def panel(oxide: str = "FeO", n: int = 12) -> PredictionPanel:
    random = np.random.default_rng(3)
    measured = random.uniform(4.0, 20.0, n)
    return PredictionPanel(
        oxide,
        measured,
        measured + random.normal(0.0, 1.0, n),
        measured + random.normal(0.0, 9.0, n),
        tuple(f"site {i % 11}" for i in range(n)),
        "R² 0.9",
    )


@pytest.mark.parametrize("oxides", [("FeO",), ("FeO", "TiO2", "Al2O3", "MgO")])
def test_it_is_drawn_at_the_size_it_says(tmp_path: Path, oxides: tuple[str, ...]) -> None:
    made = draw_predictions(
        [panel(o) for o in oxides], model="a model", marks=MARKS, path=tmp_path / "p.png"
    )
    with Image.open(made.path) as image:
        assert image.size == (made.width_px, made.height_px)
    assert made.vector is not None
    drawn = made.vector.read_text("utf-8")
    assert "a model" in made.caption
    assert drawn.startswith("<?xml")


def test_the_right_margin_is_white_whatever_is_written(tmp_path: Path) -> None:
    """Title and lines below it end within the figure, with one panel too."""
    starred = replace(panel(), estimated=(True,) * 12)
    long = ("the station held out (LOO)", "its landing site held out (LOMO)")
    for count in (1, 2, 4):
        made = draw_predictions(
            [starred] * count, model="clementine-oxides", marks=long, path=tmp_path / "p.png"
        )
        with Image.open(made.path) as image:
            pixels = np.asarray(image.convert("L"))
        assert pixels[:, -10:].min() == 255, count


def test_every_site_looks_different() -> None:
    sites = [f"site {i}" for i in range(16)]
    looks = _looks(sites)
    assert len(set(looks.values())) == len(sites)


def test_sites_of_estimated_spectra_are_starred(tmp_path: Path) -> None:
    estimated = (False,) * 10 + (True, False)
    made = draw_predictions(
        [panel(), replace(panel("MgO"), estimated=estimated)],
        model="m", marks=MARKS, path=tmp_path / "p.png",
    )  # fmt: skip
    assert made.vector is not None
    drawn = made.vector.read_text("utf-8")
    assert "site 10*" in drawn
    assert "site 9*" not in drawn
    assert "* spectra estimated, not measured" in drawn
    assert "* spectra estimated, not measured." in made.caption
    plain = draw_predictions([panel()], model="m", marks=MARKS, path=tmp_path / "q.png")
    assert "estimated" not in plain.caption


def test_the_same_panels_give_the_same_bytes(tmp_path: Path) -> None:
    first = draw_predictions([panel()], model="m", marks=MARKS, path=tmp_path / "a.png")
    second = draw_predictions([panel()], model="m", marks=MARKS, path=tmp_path / "b.png")
    assert first.path.read_bytes() == second.path.read_bytes()
