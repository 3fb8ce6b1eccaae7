"""The same statistics as one writes them with flox, and with xarray's own groupby.

Area-weighted mean and deviation, extremes, valid area and a histogram of every layer under every
grouping. The peers are given the group numbers of every pixel as arrays; quantiles and modes would
be read off the histogram, as ours are. All results of all layers are computed together, so that a
chunk is read once.
"""

from collections.abc import Mapping

import dask
import numpy as np
import pandas as pd
import xarray as xr
from flox.xarray import xarray_reduce

from lunarscale.grid.raster import RasterGrid

#: Bins of the peers' histograms in units of each layer's: 0.1 wt %, or 0.002 of what has no units.
BIN_QUANTA = 20


def open_plain(url: str, chunk: int) -> xr.Dataset:
    """Layers and labels as xarray users open them, in float32."""
    plain = xr.open_zarr(url, chunks={"y": chunk, "x": chunk}, consolidated=False)
    return plain.map(lambda a: a if np.issubdtype(a.dtype, np.integer) else a.astype("float32"))


def by_flox(
    plain: xr.Dataset, layers: Mapping[str, float], groupings: Mapping[str, int]
) -> dict[tuple[str, str], xr.Dataset]:
    """Statistics of every layer under every grouping.

    Parameters
    ----------
    plain : xarray.Dataset
        Layers and, by the groupings' names, group numbers.
    layers : mapping of str to float
        Quantum of each layer.
    groupings : mapping of str to int
        Number of groups of each.
    """
    weights = _weights(plain)
    asked: dict[tuple[str, str], xr.Dataset] = {}
    for layer, quantum in layers.items():
        values = plain[layer]
        moments = _moments(values, weights)
        edges = _edges(quantum)
        for grouping, groups in groupings.items():
            labels, numbers = plain[grouping], np.arange(groups + 1)
            sums = xarray_reduce(moments, labels, func="sum", expected_groups=numbers)
            low = xarray_reduce(values, labels, func="nanmin", expected_groups=numbers)
            high = xarray_reduce(values, labels, func="nanmax", expected_groups=numbers)
            areas = xarray_reduce(
                moments["weight"], labels, values.rename("bin"), func="sum",
                expected_groups=(numbers, pd.IntervalIndex.from_breaks(edges, closed="left")),
                isbin=(False, True), fill_value=0.0,
            )  # fmt: skip
            asked[layer, grouping] = sums.assign(
                low=low, high=high, areas=areas.rename(bin_bins="bin", **{grouping: grouping})
            )
    (found,) = dask.compute(asked)
    return found


def by_groupby(plain: xr.Dataset, layer: str, grouping: str) -> xr.Dataset:
    """Mean, deviation and extremes of one layer under one grouping, without flox."""
    values, weights = plain[layer], _weights(plain)
    with xr.set_options(use_flox=False):
        labels = plain[grouping].load()
        sums = _moments(values, weights).groupby(labels).sum()
        low, high = (getattr(values.groupby(labels), name)() for name in ("min", "max"))
    return sums.assign(low=low, high=high).compute()


def _moments(values: xr.DataArray, weights: xr.DataArray) -> xr.Dataset:
    """Weight, weighted value and weighted square; float64, or sums lose their digits."""
    weight = xr.where(values.notnull(), weights, 0.0)
    filled = values.fillna(0.0).astype("float64")
    return xr.Dataset({"weight": weight, "first": weight * filled, "second": weight * filled**2})


def _weights(plain: xr.Dataset) -> xr.DataArray:
    """Share of the sphere of one pixel of each row."""
    height, width = plain.sizes["y"], plain.sizes["x"]
    grid = RasterGrid(width, 0, 0, height, width)
    areas = grid.pixel_areas_m2()
    return xr.DataArray(areas / (areas.sum() * width), dims="y")


def _edges(quantum: float) -> np.ndarray:
    width = BIN_QUANTA * quantum
    count = 32768 // BIN_QUANTA
    return (np.arange(-count // 8, count // 4) - 0.5 / BIN_QUANTA) * width
