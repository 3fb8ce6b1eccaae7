"""Maps beside their truth: the figure in words and size, with gaps and one value everywhere."""

from pathlib import Path

import numpy as np
import pytest

from lunarscale.reduce.agreement import agreement
from lunarscale.render.comparison import ComparedMap, draw_comparison

WHOLE = (-180.0, -90.0, 180.0, 90.0)


def compared(name: str, *, flat: bool = False, gaps: bool = True) -> ComparedMap:
    rng = np.random.default_rng(1)
    truth = np.full((18, 36), 5.0) if flat else rng.normal(10, 3, (18, 36))
    found = truth + (0.0 if flat else rng.normal(0, 1, truth.shape))
    if gaps:
        found[:3] = np.nan
    scored = agreement(truth, found, areas=np.ones(18), interval=(found - 1, found + 1))
    drawn = truth.astype(np.float32), found.astype(np.float32)
    return ComparedMap(name, "1" if name == "Mg_number" else "wt %", "a-model", *drawn, scored)


@pytest.mark.parametrize(
    "maps",
    [
        [compared("FeO")],
        [compared("TiO2"), compared("Mg_number"), compared("FeO_lower")],
        [compared("FeO", flat=True, gaps=False)],
    ],
    ids=["one", "three", "flat"],
)
def test_a_row_a_map(maps: list[ComparedMap], tmp_path: Path) -> None:
    path = tmp_path / "comparison.png"
    words = ["SIMULATED: " + ", ".join(["Apollo 17 - LRV4/S2a"] * 30)]
    made = draw_comparison(
        maps, WHOLE, title="A title", lines=words, path=path, simulated=True
    )  # fmt: skip
    assert path.stat().st_size > 20_000
    one = draw_comparison(maps[:1], WHOLE, title="A title", lines=(), path=path, simulated=False)
    assert made.width_px == one.width_px
    assert made.height_px > one.height_px
    assert "A title" in made.caption


def test_a_part_of_the_moon(tmp_path: Path) -> None:
    made = draw_comparison(
        [compared("FeO")], (10.0, -5.0, 20.0, 5.0), title="Part", lines=(),
        path=tmp_path / "part.png", simulated=False,
    )  # fmt: skip
    assert made.path.exists()
