"""The same statistics as one writes them with flox, and with xarray's own groupby.

Area-weighted mean and deviation, extremes, valid area and a histogram of every layer under every
grouping. The peers are given the group numbers of every pixel as arrays; quantiles and modes would
be read off the histogram, as ours are. All results of all layers are computed together, so that a
chunk is read once.

``by_counts`` is what one writes who knows that the maps are whole counts: their area count by count
is all that is summed, as we do, and everything else is read off it.
"""

from collections.abc import Mapping
from typing import Any

import dask
import numpy as np
import pandas as pd
import xarray as xr
from flox.xarray import xarray_reduce

from lunarscale.grid.raster import RasterGrid

#: Bins of the peers' histograms in units of each layer's: 0.1 wt %, or 0.002 of what has no units.
BIN_QUANTA = 20

#: flox's engine. Of ``numpy``, ``flox``, ``numba`` and ``numbagg`` it was the fastest on these
#: groups, alone and in chunks of 512 and 1024 (``benchmarks/README.md``).
ENGINE = "numpy"


def open_plain(url: str, chunk: int) -> xr.Dataset:
    """Layers and labels as xarray users open them, in float32."""
    plain = xr.open_zarr(url, chunks={"y": chunk, "x": chunk}, consolidated=False)
    return plain.map(lambda a: a if np.issubdtype(a.dtype, np.integer) else a.astype("float32"))


def open_counts(url: str, chunk: int) -> xr.Dataset:
    """Layers as the counts that are stored, and labels."""
    chunks = {"y": chunk, "x": chunk}
    return xr.open_zarr(url, chunks=chunks, consolidated=False, mask_and_scale=False)


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
            asking: dict[str, Any] = {"expected_groups": numbers, "engine": ENGINE}
            sums = xarray_reduce(moments, labels, func="sum", **asking)
            low = xarray_reduce(values, labels, func="nanmin", **asking)
            high = xarray_reduce(values, labels, func="nanmax", **asking)
            areas = xarray_reduce(
                moments["weight"], labels, values.rename("bin"), func="sum",
                expected_groups=(numbers, pd.IntervalIndex.from_breaks(edges, closed="left")),
                isbin=(False, True), fill_value=0.0, engine=ENGINE,
            )  # fmt: skip
            asked[layer, grouping] = sums.assign(
                low=low, high=high, areas=areas.rename(bin_bins="bin", **{grouping: grouping})
            )
    (found,) = dask.compute(asked)
    return found


def by_counts(
    counts: xr.Dataset, ranges: Mapping[str, tuple[int, int]], groupings: Mapping[str, int]
) -> dict[tuple[str, str], xr.DataArray]:
    """Area of every count of every layer in every group, ``(group, count)``; 0 is no group.

    Parameters
    ----------
    counts : xarray.Dataset
        As ``open_counts`` gives it.
    ranges : mapping of str to (int, int)
        Least and greatest count of each layer, which the peer is told.
    groupings : mapping of str to int
        Number of groups of each.
    """
    asked: dict[tuple[str, str], xr.DataArray] = {}
    for layer, (low, high) in ranges.items():
        # flox takes labels from 0 on for positions and looks none up; no-data has the last one
        places, last = counts[layer].astype("int32") - low, high - low + 1
        places = places.where(places >= 0, last).rename("count")
        weights = _weights(counts) * xr.ones_like(places, dtype="float64")
        for grouping, groups in groupings.items():
            expected = pd.RangeIndex(groups + 1), pd.RangeIndex(last + 1)
            asked[layer, grouping] = xarray_reduce(
                weights, counts[grouping].astype("int32"), places, func="sum",
                expected_groups=expected, fill_value=0.0, engine=ENGINE,
            )  # fmt: skip
    (found,) = dask.compute(asked)
    return {
        (layer, grouping): areas.isel(count=slice(-1)).assign_coords(
            count=np.arange(ranges[layer][0], ranges[layer][1] + 1)
        )
        for (layer, grouping), areas in found.items()
    }


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
