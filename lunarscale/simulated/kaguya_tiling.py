"""The tiling of the Kaguya MI MAP: a square degree a tile, as pure plans."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError

VERSIONS = ("02", "03")

#: Latitudes that the literature maps by Kaguya MI (Yang et al. 2023): what is written by default.
MAPPED = (-180.0, -65.0, 180.0, 65.0)


@dataclass(frozen=True)
class KaguyaPlan:
    """One tile as planned: where its pixels are, before there are any.

    Parameters
    ----------
    west, north : int
        Western edge, 0-359 degrees east, and northern edge.
    ppd : int
        Pixels a degree, hence the lines and the samples; the archive has 2048.
    version : {"02", "03"}
    """

    west: int
    north: int
    ppd: int
    version: str = "03"

    def __post_init__(self) -> None:
        on_moon = 0 <= self.west < 360 and -90 < self.north <= 90
        if not on_moon or self.ppd < 1 or self.version not in VERSIONS:
            raise RegionError(
                f"a Kaguya tile of version {self.version} at {self.west} E, {self.north} N with "
                f"{self.ppd} pixels a degree cannot be: give a version of {', '.join(VERSIONS)}, "
                "a western edge of 0-359, a northern edge of -89..90 and at least one pixel"
            )

    @property
    def name(self) -> str:
        """Product name: northern, western, southern and eastern edge."""
        north, south = (
            f"{'S' if lat < 0 else 'N'}{abs(lat):02d}" for lat in (self.north, self.north - 1)
        )
        return f"MI_MAP_{self.version}_{north}E{self.west:03d}{south}E{self.west + 1:03d}SC"

    @property
    def image_name(self) -> str:
        """Name of the file with the image."""
        return f"{self.name}.img"

    @property
    def image_bytes(self) -> int:
        """Bytes of its altitudes and nine bands, without the label."""
        return (4 + 9 * 2) * self.ppd**2

    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes (sample,) and latitudes (line, 1) of the pixel centres, degrees.

        The first pixel is centred on the north-western corner.
        """
        steps = np.arange(self.ppd) / self.ppd
        return self.west + steps, (self.north - steps)[:, None]


def kaguya_tiles(
    ppd: int, bbox: tuple[float, float, float, float] = MAPPED, *, version: str = "03"
) -> list[KaguyaPlan]:
    """The tiles that have ground in a box, by latitude from the north, then eastwards.

    Parameters
    ----------
    ppd : int
    bbox : tuple of float
        West, south, east, north in degrees; ``west > east`` crosses the seam.
    version : {"02", "03"}

    Raises
    ------
    RegionError
        If the resolution is no whole number of pixels a degree, or the box is no part of the Moon.
    """
    west, south, east, north = bbox
    if not -90.0 <= south < north <= 90.0 or west == east or ppd != int(ppd):
        raise RegionError(
            f"{west:g} {south:g} {east:g} {north:g} at {ppd:g} pixels a degree: Kaguya tiles need "
            "W S E N with S < N within -90..90, and a whole number of pixels a degree"
        )
    width = 360.0 if east - west >= 360.0 else (east - west) % 360.0
    first, last = math.floor(west), math.ceil(west + width)
    return [
        KaguyaPlan(turn % 360, top, int(ppd), version)
        for top in range(math.ceil(north), math.floor(south), -1)
        for turn in range(first, min(last, first + 360))
    ]
