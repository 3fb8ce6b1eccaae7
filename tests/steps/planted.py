"""A SIMULATED map of FeO and Mg# with maria and circles of mare planted about a pole."""

from pathlib import Path

import numpy as np
from maps_at_hand import write_maps

from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import Seas
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import RADIUS_M, SEAS, Sea
from lunarscale.store.layout import MapLayer

#: FeO (wt %) and Mg# of highlands, maria and what is planted, and their standard deviations.
HIGHLANDS, MARIA, PLANTED = (6.0, 0.64), (16.8, 0.494), (17.2, 0.49)
SPREAD = {HIGHLANDS: (1.0, 0.01), MARIA: (1.5, 0.02), PLANTED: (0.2, 0.003)}

#: Every layer that the map has; MgO beside the two that are screened.
LAYERS = tuple(
    MapLayer(name, name, "made-network", "none", "planted for a test")
    for name in ("MgO", "FeO", "Mg_number")
)


def polar_grid(pole: str, *, ppd: float = 8.0, width: float = 50.0) -> RasterGrid:
    """From the pole to so many degrees from it, all around."""
    south, north = (-90.0, width - 90.0) if pole == "south" else (90.0 - width, 90.0)
    return RasterGrid.whole(ppd).crop(-180.0, south, 180.0, north)


def circle_km2(radius_km: float) -> float:
    """Area of a circle on the sphere."""
    radius = RADIUS_M / 1000.0
    return float(2 * np.pi * radius**2 * (1 - np.cos(radius_km / radius)))


def write_planted(
    path: Path,
    grid: RasterGrid,
    circles: tuple[tuple[float, float, float], ...],
    *,
    missing: np.ndarray | None = None,
    maria: bool = True,
) -> str:
    """Write the maps; returns their path.

    Parameters
    ----------
    path : Path
    grid : RasterGrid
    circles : tuple of (lon, lat, radius_km)
        What is planted.
    missing : ndarray of bool, (row, col), optional
        Where Mg# has no value.
    maria : bool
        Whether the seas' circles hold mare rather than nothing.
    """
    rng = np.random.default_rng(11)
    feo, mg = np.empty((grid.height, grid.width)), np.empty((grid.height, grid.width))
    # Mare Frigoris as a circle reaches into the north polar cap: the made maria end before it
    circles_of_seas = Seas(SEAS).numbers(grid, grid.window) > 0
    sea = circles_of_seas & (np.abs(grid.lats()) < 62.0)[:, None]
    planted = np.zeros(sea.shape, dtype=bool)
    for lon, lat, radius_km in circles:
        planted |= Seas((Sea("planted", lon, lat, 2 * radius_km),)).numbers(grid, grid.window) > 0
    for kind, where in ((HIGHLANDS, ~sea), (MARIA, sea), (PLANTED, planted)):
        for values, middle, spread in zip((feo, mg), kind, SPREAD[kind], strict=True):
            # cut off at two deviations: what is planted lies in the maria's region for sure
            noise = np.clip(rng.normal(size=where.sum()), -2.0, 2.0)
            values[where] = middle + spread * noise
    counts = {
        "MgO": np.rint(8.0 / 0.005 * np.ones(sea.shape)).astype(np.int16),
        "FeO": np.rint(feo / 0.005).astype(np.int16),
        "Mg_number": np.rint(mg / 1e-4).astype(np.int16),
    }
    if missing is not None:
        counts["Mg_number"][missing] = NO_DATA
    if not maria:
        counts["FeO"][circles_of_seas] = NO_DATA
    return write_maps(path, counts, grid, layers=LAYERS, shard=512, chunk=128)
