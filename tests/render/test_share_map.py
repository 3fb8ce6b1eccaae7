"""The figures of a mask and of its thresholds: drawn for any part of the Moon, said in words."""

from pathlib import Path

import numpy as np
import pytest

from lunarscale.grid.groupings import WholeMoon
from lunarscale.grid.masks import Maria
from lunarscale.render.share_map import ShareMap, draw_share_map
from lunarscale.render.thresholds import Sensitivity, draw_sensitivity


def picture(bounds: tuple[float, float, float, float], fill: float | None = None) -> ShareMap:
    values = np.random.default_rng(1).random((60, 120)).astype(np.float32)
    values[:4] = np.nan
    if fill is not None:
        values[:] = fill
    shares = {"nearside highlands": 0.0125, "farside highlands": None}
    return ShareMap("Magnesian anorthosite", values, bounds, ("a", "b"), Maria.from_seas(), shares)


@pytest.mark.parametrize(
    ("bounds", "fill"),
    [
        ((-180.0, -90.0, 180.0, 90.0), None),
        ((-180.0, -90.0, 180.0, 90.0), 0.0),
        ((-180.0, -90.0, 180.0, 90.0), np.nan),
        ((170.0, -10.0, 200.0, 5.0), None),
    ],
    ids=["whole", "nowhere", "no values", "past the seam"],
)
def test_a_mask_is_drawn(
    bounds: tuple[float, float, float, float], fill: float | None, tmp_path: Path
) -> None:
    made = draw_share_map(picture(bounds, fill), path=tmp_path / "mask.png", simulated=True)
    assert made.path.stat().st_size > 10_000
    assert "nearside highlands 1.25 %; farside highlands no values" in made.caption


def test_without_shores_none_are_drawn(tmp_path: Path) -> None:
    shown = picture((-180.0, -90.0, 180.0, 90.0))
    everywhere = ShareMap(**{**vars(shown), "outlines": WholeMoon()})
    made = draw_share_map(everywhere, path=tmp_path / "mask.png")
    assert made.path.read_bytes() != draw_share_map(shown, path=made.path).path.read_bytes()


@pytest.mark.parametrize("far", [None, 0.0, np.nan], ids=["shares", "none", "no values"])
def test_the_sensitivity_is_drawn_as_png_and_svg(far: float | None, tmp_path: Path) -> None:
    al2o3, mg = (20.0, 22.0, 24.0), (0.6, 0.7)
    near = np.array([[0.5, 0.1], [0.2, 0.05], [0.01, 0.0]])
    surface = Sensitivity(
        title="Shares",
        lines=("a model",),
        thresholds=(al2o3, mg),
        labels=("least Al2O3", "least Mg#"),
        shares={"nearside": near, "farside": near * 2 if far is None else np.full((3, 2), far)},
        at=(22.0, 0.7),
    )
    made = draw_sensitivity(surface, path=tmp_path / "s.png", simulated=True)
    assert made.path.stat().st_size > 10_000
    assert made.vector is not None
    assert made.vector.read_text().startswith("<?xml")
