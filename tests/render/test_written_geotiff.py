"""A GeoTIFF that cannot be written is one sentence, and nothing is left of it."""

from pathlib import Path

import numpy as np
import pytest
from rasterio._err import CPLE_AppDefinedError

from lunarscale.errors import StoreError
from lunarscale.grid.raster import RasterGrid
from lunarscale.render import geotiff
from lunarscale.store.layout import affine, lunar_wkt


def test_what_gdals_copy_raises_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise CPLE_AppDefinedError(3, 1, "IO error writing tag data")

    monkeypatch.setattr(geotiff, "copy_raster", full)
    grid = RasterGrid.whole(0.1)
    blocks = [(grid.window, np.zeros((grid.height, grid.width), np.int16))]
    size = (grid.height, grid.width)
    with pytest.raises(StoreError, match=r"FeO.tif: GDAL cannot write it \(.*writing tag data"):
        geotiff.write_cog(
            tmp_path / "FeO.tif", blocks, size=size, transform=affine(grid), wkt=lunar_wkt(),
            quantum=0.005, tags={},
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
