"""Which of very many images may reach a window, without asking each.

The whole Moon has 46,800 Kaguya tiles and as many shards: to ask every tile for every shard would
take hours.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.projections import Lattice
from lunarscale.grid.raster import RasterGrid, Window


@dataclass(frozen=True)
class Catalogue:
    """Boxes in degrees that hold some images, with a pixel to spare.

    Parameters
    ----------
    west, width, south, north : ndarray of float64, (image,)
        West is any turn; a width of 360 is all around.
    """

    west: NDArray[np.float64]
    width: NDArray[np.float64]
    south: NDArray[np.float64]
    north: NDArray[np.float64]

    @classmethod
    def of(cls, images: Iterable[tuple[Lattice, tuple[int, int]]]) -> "Catalogue":
        """From lattices and sizes (lines, samples)."""
        boxes = [_box(lattice, shape) for lattice, shape in images]
        return cls(*np.array(boxes, dtype=np.float64).reshape(-1, 4).T)

    def near(self, grid: RasterGrid, window: Window) -> NDArray[np.intp]:
        """Numbers of the images that may reach a window, rising: all that do, and a few more."""
        west, south, east, north = grid.bounds(window)
        spare = grid.pixel_deg
        rows = np.flatnonzero((self.north >= south - spare) & (self.south <= north + spare))
        width = self.width[rows]
        left = (west - spare - self.west[rows]) % 360.0
        cols = (left <= width) | (360.0 - left <= east - west + 2.0 * spare)
        return rows[cols | (width >= 360.0)]


def _box(lattice: Lattice, shape: tuple[int, int]) -> tuple[float, float, float, float]:
    """West, width, south and north of an image.

    A rectangle of sinusoidal pixels reaches farthest on its highest parallel or, on the side
    towards the central meridian, on its lowest.
    """
    lines, samples = shape
    north, south = (float(lat) for lat in lattice.lat_of(np.array([-0.5, lines + 1.5])))
    steepest = max(abs(north), abs(south))
    around = float(lattice.samples_per_degree(min(steepest, 90.0))) * 360.0
    if steepest >= 90.0 or around <= samples + 4:
        return -180.0, 360.0, south, north
    lats = np.array([north, south, min(max(0.0, south), north)])
    edges = lattice.lon_of(np.array([-0.5, samples + 1.5])[:, None], lats)
    west, east = float(edges.min()), float(edges.max())
    return west, min(east - west, 360.0), south, north
