"""Which pixels a dataset has, by its coordinates."""

import numpy as np
import xarray as xr

from lunarscale.errors import RegionError
from lunarscale.grid.raster import RasterGrid

#: Part of a pixel by which a coordinate may miss the grid's and still be it.
NEAR = 1e-3


def grid_of(dataset: xr.Dataset) -> RasterGrid:
    """The grid of a dataset's pixels.

    Raises
    ------
    RegionError
        If the coordinates are those of no rectangle of a grid of whole pixels.
    """
    missing = [name for name in ("lat", "lon") if name not in dataset.variables]
    if missing or dataset["lat"].dims != ("y",) or dataset["lon"].dims != ("x",):
        raise RegionError(
            "the dataset needs coordinates lat along y and lon along x, pixel centres in degrees, "
            f"but has {', '.join(map(str, dataset.coords)) or 'none'}; open maps with "
            "lunarscale.open_dataset, or assign them"
        )
    lats, lons = (np.asarray(dataset[name].values, dtype=np.float64) for name in ("lat", "lon"))
    if lats.size + lons.size < 3:
        raise RegionError("the dataset is one pixel: its size cannot be told; give two at least")
    step = (lons[-1] - lons[0]) / (lons.size - 1) if lons.size > 1 else -(lats[-1] - lats[0])
    around = round(360.0 / step) if step > 0 else 0
    row = round((90.0 - lats[0]) * around / 360.0 - 0.5)
    if around >= 2 and around % 2 == 0 and 0 <= row <= around // 2 - lats.size:
        pixel = 360.0 / around
        grid = RasterGrid(
            around,
            row=row,
            col=round((lons[0] + 180.0) / pixel - 0.5) % around,
            height=lats.size,
            width=lons.size,
        )
        turn = 360.0 * round((lons[0] - grid.lons()[0]) / 360.0)
        off = max(np.abs(grid.lats() - lats).max(), np.abs(grid.lons() + turn - lons).max())
        if off <= NEAR * pixel:
            return grid
    raise RegionError(
        f"the dataset's lat ({lats[0]:g} to {lats[-1]:g}) and lon ({lons[0]:g} to {lons[-1]:g}) "
        "are no rectangle of square pixels that go evenly around the Moon, north at the top; "
        "reproject it, or open maps with lunarscale.open_dataset"
    )
