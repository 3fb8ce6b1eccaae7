"""The figure of an origin search: what is marked, what is enclosed, the same bytes again."""

import numpy as np
import pytest
from PIL import Image

from lunarscale.render.origin import OriginSurface, draw_origin_surfaces


def surface(published=(0.03, 1.20), top=0.95):
    """A tilted hill with its top at (0.02, 1.2), half of its columns not admissible."""
    x0, y0 = np.arange(0, 101) / 1000, np.arange(1000, 1401) / 1000
    x, y = np.meshgrid(x0 - 0.02, y0 - 1.2, indexing="ij")
    r2 = top - 4.0 * (y + 2.0 * x) ** 2 - 6.0 * x**2
    r2[x0 >= 0.05] = np.nan
    return OriginSurface("FeO", "R950/R750", x0, y0, r2, (0.02, 1.2), published, 47)


def test_the_close_up_holds_what_is_near_the_best_and_what_was_published():
    west, east, south, north = surface().window(0.01)
    assert west == 0.0
    assert 0.05 <= east <= 0.06
    assert 1.0 < south < 1.15
    assert 1.25 < north < 1.4
    far = surface(published=(0.09, 1.39)).window(0.01)
    assert far[1] > 0.09
    assert far[3] > 1.39


def test_the_best_is_what_the_surface_says():
    assert surface().top == pytest.approx(0.95)


def test_two_rows_are_drawn_and_drawn_alike(tmp_path):
    rows = [surface(), surface(published=None, top=0.8)]
    drawn = [
        draw_origin_surfaces(rows, title="made", published="Someone", path=tmp_path / name)
        for name in ("a.png", "b.png")
    ]
    for one, other in ((d.path, d.vector) for d in drawn):
        assert one.stat().st_size > 20_000
        assert other.read_text().startswith("<?xml")
    assert drawn[0].path.read_bytes() == drawn[1].path.read_bytes()
    assert drawn[0].vector.read_bytes() == drawn[1].vector.read_bytes()
    with Image.open(drawn[0].path) as image:
        assert image.size == (drawn[0].width_px, drawn[0].height_px)
    assert "not admissible" in drawn[0].caption
    assert "FeO" in drawn[0].alt


def test_names_are_written_without_markup(tmp_path):
    drawn = draw_origin_surfaces(
        [surface()], title="my_table$1$.csv", published="A & B 2001", path=tmp_path / "a.png"
    )
    assert drawn.path.exists()


def test_grey_is_where_no_origin_is_admissible(tmp_path):
    drawn = draw_origin_surfaces(
        [surface()], title="made", published="Someone", path=tmp_path / "a.png"
    )
    with Image.open(drawn.path) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    grey = np.all(np.abs(pixels.astype(int) - 191) <= 1, axis=1)
    assert 0.005 < grey.mean() < 0.1
