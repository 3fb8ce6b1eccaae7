"""The simulated maria as a mask: where the truth has lava, read as any mask is, and called so."""

from pathlib import Path

import numpy as np
from PIL import Image

from lunarscale.grid.raster import RasterGrid
from lunarscale.readers.regions import read_grouping
from lunarscale.simulated.mare import write_mare_mask
from lunarscale.simulated.surface import simulated_truth

ROWS = 90


def test_the_mask_is_read_where_the_truth_has_lava(tmp_path: Path) -> None:
    path = write_mare_mask(tmp_path / "mare.png", rows=ROWS)
    maria = read_grouping(f"maria={path}")
    grid = RasterGrid.whole(ROWS / 180)
    found = maria.numbers(grid, grid.window) == 1
    lat = 90.0 - 2.0 * (np.arange(ROWS) + 0.5)
    lon = -180.0 + 2.0 * (np.arange(2 * ROWS) + 0.5)
    lava = simulated_truth(lon[None, :], lat[:, None], detail_deg=180 / ROWS).lava
    np.testing.assert_array_equal(found, lava >= 0.5)
    share = np.average(found, weights=np.repeat(grid.pixel_areas_m2()[:, None], 2 * ROWS, axis=1))
    assert 0.12 < share < 0.2  # of the real Moon 16 %


def test_the_file_says_that_it_is_simulated(tmp_path: Path) -> None:
    path = write_mare_mask(tmp_path / "mare.png", rows=18)
    with Image.open(path) as image:
        assert image.size == (36, 18)
        assert "SIMULATED" in image.text["Title"]  # type: ignore[attr-defined]
    assert path.read_bytes() == write_mare_mask(tmp_path / "again.png", rows=18).read_bytes()
