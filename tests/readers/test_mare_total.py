"""Total area of the maria by the real mask, all of its pixels under our own weights."""

import numpy as np
import pytest
import rasterio

from lunarscale.grid.raster import RasterGrid, Window, weight_to_km2
from lunarscale.moon import RADIUS_M
from lunarscale.readers.regions import read_grouping

MASK = "mare/mare_mask_76ppd_70S70N.png"

#: Nelson et al. 2014, rasterised at 76 px/deg to 70 N and S: square kilometres of its pixels.
MARE_KM2 = 6.23e6


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_all_pixels_of_the_mask_sum_to_its_published_area(test_data) -> None:
    place = test_data(MASK)
    maria = read_grouping(f"maria={place}")
    assert maria.groups == ("maria", "non-maria")
    grid = RasterGrid.whole(76).crop(-180, -70, 180, 70)
    total = 0
    for strip in grid.window.split_rows(512):
        mare = (maria.numbers(grid, strip) == 1).sum(axis=1)
        total += int((mare * grid.row_weights(strip)).sum())
    assert weight_to_km2(total) == pytest.approx(MARE_KM2, rel=0.01)
    # the same in floating point, from the image alone
    with rasterio.open(place) as image:
        raster = image.read(1)
    north = np.radians(70.0 - np.arange(len(raster) + 1) / 76)
    row_m2 = RADIUS_M**2 * np.radians(1 / 76) * -np.diff(np.sin(north))
    brute = float((np.count_nonzero(raster == 255, axis=1) * row_m2).sum() / 1e6)
    assert weight_to_km2(total) == pytest.approx(brute, rel=1e-9)


def test_any_windows_of_the_mask_make_the_whole(test_data) -> None:
    maria = read_grouping(f"maria={test_data(MASK)}")
    grid = RasterGrid.whole(76).crop(10, -15, 25, 5)
    whole = maria.numbers(grid, Window(0, 0, grid.height, grid.width))
    for window in grid.window.split(401):
        np.testing.assert_array_equal(maria.numbers(grid, window), whole[window.slices])
