"""Figures of differences are drawn whatever the differences are, and say what they show."""

import numpy as np
import pytest

from lunarscale.render.density_panel import middle_span
from lunarscale.render.difference_map import (
    DifferencePicture,
    difference_colours,
    draw_difference_map,
)
from lunarscale.render.difference_plots import (
    DensityPicture,
    Heading,
    draw_density,
    draw_difference_histogram,
)
from lunarscale.render.grs_triptych import GrsPicture, draw_grs_triptych
from lunarscale.render.plots import HistogramCurve
from lunarscale.render.region_boxes import BoxFigures, RegionBoxes, draw_region_boxes

WHOLE = (-180.0, -90.0, 180.0, 90.0)
HEADING = Heading("FeO", "FeO: a difference", "A: one · B: another")


def test_colours_are_even_about_zero():
    values = np.zeros((90, 180), np.float32)
    assert difference_colours(values, WHOLE).get_clim() == (-1.0, 1.0)
    values[45, :3] = -0.37  # most is zero: the rest has colours of its own
    assert difference_colours(values, WHOLE).get_clim() == pytest.approx((-0.37, 0.37))
    values[:] = np.nan
    assert difference_colours(values, WHOLE).get_clim() == (-1.0, 1.0)


@pytest.mark.parametrize("bounds", [WHOLE, (170.0, -10.0, 200.0, 20.0)])
@pytest.mark.parametrize("simulated", [True, False])
def test_difference_map(tmp_path, bounds, simulated):
    values = np.linspace(-1, 2, 30 * 60, dtype=np.float32).reshape(30, 60)
    values[:3] = np.nan
    picture = DifferencePicture(
        "FeO", "FeO: a difference", ("A: one", "a line " * 40), "FeO, A less B (wt %)", values,
        bounds, (("mean", "1 wt %"),),
    )  # fmt: skip
    drawn = draw_difference_map(picture, path=tmp_path / "map.png", simulated=simulated)
    assert drawn.path.read_bytes().startswith(b"\x89PNG")
    assert "A: one" in drawn.caption


def test_histogram(tmp_path):
    edges = np.linspace(-1, 1, 41)
    curve = HistogramCurve("Moon", edges, np.exp(-((edges[:-1]) ** 2)), 0.1)
    nothing = HistogramCurve("maria", np.zeros(1), np.zeros(0), np.nan)
    drawn = draw_difference_histogram(
        [curve, nothing], (-0.5, 0.6), heading=HEADING, label=("A less B (wt %)", "wt %"),
        quantum=0.05, path=tmp_path / "h.png", simulated=True,
    )  # fmt: skip
    assert drawn.vector.exists()
    assert "−0.500 to 0.600" in drawn.caption


def test_density(tmp_path):
    edges = np.linspace(0, 20, 51)
    shares = np.eye(50) / 50
    for values in (shares, np.zeros((50, 50))):
        picture = DensityPicture(
            HEADING,
            ("B", "A"),
            values,
            edges,
            [("least squares", 1.1, 0.2)],
            [("r", "0.9")],
            "note",
        )
        drawn = draw_density(picture, path=tmp_path / "d.png", simulated=False)
        assert drawn.path.exists()
    low, high = middle_span(shares, (edges, edges), 0.05)
    assert 0.0 < low < 2.0
    assert 18.0 < high < 20.0


def test_boxes(tmp_path):
    box = BoxFigures(1.0, 2.0, 3.0, 4.0, 5.0)
    drawn = draw_region_boxes(
        [RegionBoxes("Mare Crisium", box, box, BoxFigures(0, 0, 0, 0, 0))], heading=HEADING,
        labels=("FeO", "A less B"), titles=("A", "B"), path=tmp_path / "b.png", simulated=True,
    )  # fmt: skip
    assert drawn.vector.exists()


def test_triptych(tmp_path):
    rng = np.random.default_rng(0)
    grs = rng.uniform(4, 18, (36, 72)).astype(np.float32)
    ours = (grs + 1).astype(np.float32)
    ours[:4] = np.nan
    both = np.isfinite(ours)
    picture = GrsPicture(
        heading=HEADING, quantity="FeO", units="wt %", titles=("GRS", "map", "map less GRS"),
        grs=grs, ours=ours, pairs=(grs[both].astype(float), ours[both].astype(float)),
        lines=[("least squares", 1.0, 1.0)], normal=(1.0, 0.0), figures=[("r", "1")], note="a note",
    )  # fmt: skip
    drawn = draw_grs_triptych(picture, path=tmp_path / "t.png", simulated=True)
    assert drawn.vector.exists()
    assert "a note" in drawn.caption
