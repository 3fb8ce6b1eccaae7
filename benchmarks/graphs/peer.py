"""The same three maps as one writes them with xarray and Dask, and whether they are the same.

Counts become float32 reflectances, maps are float32 with NaN where there is no value, chunks are
of 2048 x 2048 pixels with zarr-python's default codec, and all maps are computed together so that
every band is read once. Neither flags nor statistics are made.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
import zarr

from benchmarks.graphs.inputs import BANDS_NM
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import Window
from lunarscale.store.cube import Cube


def peer_predict(source: str, out: str, chunk: int) -> None:
    """FeO, TiO2 and OMAT of Qiu 2025, Zarr to Zarr, on Dask's current scheduler."""
    chunks = {"band": 1, "y": chunk, "x": chunk}
    mosaic = xr.open_zarr(source, chunks=chunks, consolidated=False)
    reflectance = mosaic["reflectance"].astype("float32")
    r415, r750, r950 = (reflectance.isel(band=band) for band in range(len(BANDS_NM)))
    iron_rise = r950 / r750 - 1.188
    iron_run = r750 - 0.018
    titanium_angle = np.arctan((r415 / r750 - 0.481) / r750)
    maps = xr.Dataset(
        {
            "FeO": -24.770 * np.arctan(iron_rise / iron_run) - 8.053,
            "TiO2": 7.128 * titanium_angle**4.022,
            "OMAT": np.sqrt(iron_run**2 + iron_rise**2),
        }
    )
    maps.drop_encoding().to_zarr(out, mode="w", consolidated=False)


@dataclass(frozen=True)
class Compare:
    """Holds one window of our maps against the peer's."""

    ours: Cube
    peer: str

    def __call__(self, window: Window) -> dict[str, float]:
        """Largest difference of each map in its quanta; infinite where one has no value."""
        differences = {}
        for layer in self.ours.layout.layers:
            counts = self.ours.read(layer.name, window)
            theirs = zarr.open_array(self.peer, path=layer.name, mode="r")[window.slices]
            missing = counts == NO_DATA
            same_gaps = bool((np.isnan(theirs) == missing).all())
            difference = np.abs(counts - theirs.astype(np.float64) / layer.quantum)[~missing]
            differences[layer.name] = float(difference.max(initial=0)) if same_gaps else np.inf
        return differences


def largest(total: dict[str, float], found: dict[str, float]) -> dict[str, float]:
    """The larger difference of each map."""
    return {name: max(total.get(name, 0.0), value) for name, value in found.items()}
