"""What a tile should show: the mean of the map's own values over each of its pixels, by force."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from benchmarks.service.tile_servers import Shown
from lunarscale.moon import RADIUS_M
from lunarscale.service.tiles.matrices import Tile

#: Places a pixel of a tile along an edge.
ALONG = 8

#: Shades at both ends of a palette that stand for everything beyond, too.
ENDS = 2

Shades = NDArray[np.float64]


def off_the_means(shown: Shown, tile: Tile, shades: tuple[Shades, Shades]) -> tuple[float, float]:
    """How far two pictures of a tile about a pole are from the true means, RMS in colours of 255.

    Parameters
    ----------
    shown : Shown
    tile : Tile
        Of a polar set.
    shades : (ndarray, ndarray)
        Both sides' pixels as places in the palette, below 0 where clear.
    """
    true = (_means(shown.file, tile) - shown.low) / (shown.high - shown.low) * 255.0
    seen = (true > ENDS) & (true < 255.0 - ENDS) & (shades[0] >= 0) & (shades[1] >= 0)
    if not seen.any():
        return 0.0, 0.0
    ours, theirs = (float(np.sqrt(np.mean((side[seen] - true[seen]) ** 2))) for side in shades)
    return ours, theirs


def _means(file: Path, tile: Tile) -> Shades:
    """Means of the values under each pixel of a tile; NaN where there is none.

    On the sphere, a plane's point at a distance of r from the pole is 2 atan(r / 2R) away from it
    (Snyder 1987, equation 21-15 turned round); places are far denser than the map's pixels.
    """
    values, size = _values(file), tile.pixels
    steps = (np.arange(size * ALONG) + 0.5) / ALONG
    x = tile.set.left + (tile.col * size + steps) * tile.cell_m
    y = (tile.set.top - (tile.row * size + steps) * tile.cell_m)[:, None]
    sign = 1.0 if tile.set.pole == "north" else -1.0
    lat = sign * (90.0 - np.degrees(2.0 * np.arctan(np.hypot(x, y) / (2.0 * RADIUS_M))))
    lon = np.degrees(np.arctan2(x, -sign * y))
    height, width = values.shape
    rows = np.minimum(((90.0 - lat) * (height / 180.0)).astype(np.intp), height - 1)
    cols = ((lon + 180.0) * (width / 360.0)).astype(np.intp) % width
    under = values[rows, cols].reshape(size, ALONG, size, ALONG).swapaxes(1, 2)
    there = ~np.isnan(under)
    total = np.where(there, under, 0.0).sum(axis=(2, 3))
    return np.where(there.any(axis=(2, 3)), total / np.maximum(there.sum(axis=(2, 3)), 1), np.nan)


@lru_cache(maxsize=1)
def _values(file: Path) -> Shades:
    """The map of the whole Moon, NaN where it has no value."""
    with rasterio.open(file) as source:
        counts = source.read(1)
        return np.where(counts == source.nodata, np.nan, counts * source.scales[0])
