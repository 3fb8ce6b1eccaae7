"""The archive's tiling: 996 sinusoidal tiles, or any tile of their form, as pure plans.

The tiling and the lattices are those of CLEM1-L-U-5-DIM-UVVIS-V1.0 (volinfo.txt, sections 11
and 12, and the label of UI03N003).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.projections import Lattice

#: The archive's rows of one hemisphere: southern and northern edge, tiles around the Moon.
_ROWS = (
    *(((low, low + 7), 60) for low in (0, 7, 14, 21, 28)),
    *(((low, low + 7), 36) for low in (35, 42, 49)),
    *(((low, low + 7), 24) for low in (56, 63, 70)),
    ((77, 84), 12),
    ((84, 90), 6),
)

#: Width of a gore, whose tiles share a central meridian, in degrees.
GORE_DEG = 30.0

#: How far the archive's tiles reach beyond their southern and eastern edge, in degrees (label of
#: UI03N003).
MARGIN_DEG = 0.0132


@dataclass(frozen=True)
class TilePlan:
    """One tile as planned: where its pixels are, before there are any.

    Parameters
    ----------
    name : str
        Product name, ``UI03N003``.
    west, south, east, north : float
        Nominal edges in degrees, east positive; longitudes 0-360.
    lattice : Lattice
        With the seven decimals that the label has.
    lines, samples : int
        Size of the image.
    """

    name: str
    west: float
    south: float
    east: float
    north: float
    lattice: Lattice
    lines: int
    samples: int

    @property
    def file_name(self) -> str:
        """Name on disk, lower case as in the archive."""
        return f"{self.name.lower()}.img"

    @property
    def image_bytes(self) -> int:
        """Bytes of its five bands, without the label."""
        return 5 * 2 * self.lines * self.samples

    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes and latitudes of the pixel centres, degrees, each ``(line, sample)``.

        A sample that lies off the Moon's edge has the nearest longitude of the edge.
        """
        lat = np.clip(self.lattice.lat_of(np.arange(1, self.lines + 1)), -90.0, 90.0)[:, None]
        lon = self.lattice.lon_of(np.arange(1, self.samples + 1), lat)
        return (
            np.clip(lon, self.lattice.lon0 - 180.0, self.lattice.lon0 + 180.0),
            np.broadcast_to(lat, lon.shape),
        )

    def inside(self) -> NDArray[np.bool_]:
        """Which pixels are imaged: those within one pixel of the nominal edges.

        The pixel's width makes neighbours overlap as the archive's do, so that no place falls
        between two tiles whose lattices differ; a line wholly beyond a pole has none.
        """
        lat = self.lattice.lat_of(np.arange(1, self.lines + 1))[:, None]
        on_moon = np.abs(lat) <= 90.0 + 0.5 / self.lattice.ppd
        sample = np.arange(1, self.samples + 1)
        west, east = (self.lattice.sample_of(lon, lat) for lon in (self.west, self.east))
        return on_moon & (sample >= west - 1.0) & (sample <= east + 1.0)

    def touches(self, bbox: tuple[float, float, float, float]) -> bool:
        """Whether the tile and a box (west, south, east, north; degrees) have ground in common.

        ``west > east`` crosses the seam.
        """
        west, south, east, north = bbox
        width = 360.0 if east - west >= 360.0 else (east - west) % 360.0
        into_box, into_tile = (self.west - west) % 360.0, (west - self.west) % 360.0
        meets = into_box < width or into_tile < self.east - self.west
        return meets and south < self.north and self.south < north


def plan_tile(
    name: str,
    bounds: tuple[float, float, float, float],
    *,
    ppd: float,
    lon0: float | None = None,
) -> TilePlan:
    """Plan a tile of the archive's form anywhere, at any resolution.

    Line 1 is centred on the northern edge, and sample 1 on the western edge where it lies
    farthest west of the central meridian, as in the archive.

    Parameters
    ----------
    name : str
        Product name, ``UI03N003``.
    bounds : tuple of float
        West, south, east, north in degrees; ``west < east``, at most 360 wide.
    ppd : float
        Pixels a degree (MAP_RESOLUTION).
    lon0 : float, optional
        Central meridian; by default the middle of the gore that holds the tile, or the tile's
        own where it is wider than a gore.

    Raises
    ------
    RegionError
        If the bounds hold no ground, or the resolution is not positive.
    """
    west, south, east, north = bounds
    if not (-90.0 <= south < north <= 90.0 and west < east <= west + 360.0 and ppd > 0.0):
        raise RegionError(
            f"tile {name}: {west:g} {south:g} {east:g} {north:g} at {ppd:g} pixels a degree is "
            "no part of the Moon; give W < E, S < N within -90..90, and a positive resolution"
        )
    if lon0 is None:
        middle = (west + east) / 2.0
        gore = math.floor(middle / GORE_DEG) * GORE_DEG + GORE_DEG / 2.0
        lon0 = middle if east - west > GORE_DEG else gore
    nearest = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    widths = [ppd * math.cos(math.radians(lat)) for lat in (nearest, max(abs(south), abs(north)))]
    first = min((west - lon0) * width for width in widths)
    last = max((east - lon0) * width for width in widths)
    lattice = Lattice(
        projection="sinusoidal",
        ppd=round(ppd, 7),
        lon0=round(lon0, 7),
        line_offset=round(1.0 + north * ppd, 7),
        sample_offset=round(1.0 - first, 7),
    )
    # the second where the margin is less than the half pixel that would be left
    lines = max(
        math.ceil((north - south + MARGIN_DEG) * ppd), math.floor((north - south) * ppd + 0.5) + 1
    )
    return TilePlan(name, *bounds, lattice, lines, math.ceil(last - first + MARGIN_DEG * ppd) + 1)


def tiles(ppd: float) -> list[TilePlan]:
    """The archive's 996 tiles at a resolution, in the order of their names."""
    plans = []
    for (low, high), around in _ROWS:
        width = 360.0 / around
        for hemisphere, south, north in (("N", low, high), ("S", -high, -low)):
            for turn in range(around):
                # names hold the centre, truncated
                name = f"UI{(low + high) // 2:02d}{hemisphere}{int((turn + 0.5) * width):03d}"
                bounds = (turn * width, float(south), (turn + 1) * width, float(north))
                plans.append(plan_tile(name, bounds, ppd=ppd))
    return sorted(plans, key=lambda plan: plan.name)
