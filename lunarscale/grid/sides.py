"""The two sides of the Moon, and groupings crossed with one another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.groupings import Grouping, digest_of, wrapped_lons
from lunarscale.grid.raster import RasterGrid, Window

#: Longitude in degrees at which the nearside ends, east and west (the mean limb).
LIMB_DEG = 90.0


@dataclass(frozen=True)
class Sides:
    """The nearside, where the longitude lies within 90 degrees of zero, and the farside."""

    name: str = "hemispheres"
    groups: tuple[str, ...] = ("nearside", "farside")

    @property
    def digest(self) -> str:
        """SHA-256 of the limb."""
        return digest_of("Sides", LIMB_DEG)

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """1 on the nearside, 2 on the farside, ``(height, width)``."""
        near = np.abs(wrapped_lons(grid, window)) < LIMB_DEG
        row = np.where(near, np.uint16(1), np.uint16(2))
        return np.broadcast_to(row, (window.height, window.width))


@dataclass(frozen=True)
class Crossed:
    """Two groupings at once: a group for every pair of theirs.

    A place that is in no group of either is in none.

    Parameters
    ----------
    name : str
    first, second : Grouping
    titles : tuple of str, optional
        Names of the groups, those of ``first``'s first group first; both names by default.

    Raises
    ------
    RegionError
        If there is not one title a pair.
    """

    name: str
    first: Grouping
    second: Grouping
    titles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pairs = len(self.first.groups) * len(self.second.groups)
        if self.titles and len(self.titles) != pairs:
            raise RegionError(
                f"{self.name}: {self.first.name} and {self.second.name} make {pairs} groups, but "
                f"{len(self.titles)} titles are given; give one a group"
            )

    @property
    def groups(self) -> tuple[str, ...]:
        """The titles, or both groups' names."""
        return self.titles or tuple(
            f"{a} {b}" for a in self.first.groups for b in self.second.groups
        )

    @property
    def digest(self) -> str:
        """SHA-256 of both groupings."""
        return digest_of("Crossed", self.first.digest, self.second.digest)

    @property
    def kept_bytes(self) -> int:
        """Those of both."""
        return self.first.kept_bytes + self.second.kept_bytes

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Number of the pair at each pixel, ``(height, width)``; 0 where either has no group."""
        first, second = self.first.numbers(grid, window), self.second.numbers(grid, window)
        pair = (first - np.uint16(1)) * np.uint16(len(self.second.groups)) + second
        return np.where((first > 0) & (second > 0), pair, np.uint16(0))


def sides_of_maria(maria: Grouping) -> Crossed:
    """Mare and highlands of either side of the Moon.

    Parameters
    ----------
    maria : Grouping
        Two groups, maria and the rest (``grid.masks.Maria``). The rest is called highlands, the
        floor of South Pole-Aitken too.
    """
    titles = ("nearside mare", "nearside highlands", "farside mare", "farside highlands")
    return Crossed("sides of maria", Sides(), maria, titles)
