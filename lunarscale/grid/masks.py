"""Groupings drawn by a raster mask, and maria as any other grouping draws them."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError
from lunarscale.grid.groupings import BLOCK_ROWS, Grouping, Seas, digest_of, wrapped_lons
from lunarscale.grid.raster import RasterGrid, Window

#: A mask of more values than this is taken for an image given by mistake.
MOST_MASK_VALUES = 1000


@dataclass(frozen=True, eq=False)
class MaskGrouping:
    """An integer raster in longitude and latitude, sampled at the pixel's centre.

    Every value of the raster is a group, named ``<name> = <value>``, zero too: so what a mask
    leaves out has its row beside what it marks. Outside the raster there is no group.

    Parameters
    ----------
    name : str
    values : tuple of int
        The raster's values, ascending; group g is ``values[g - 1]``.
    codes : ndarray of uint8 or uint16, (row, col)
        Group numbers, row 0 north; 0 where the raster says no-data.
    west, north : float
        Edges in degrees of the first column and row.
    pixel_deg : float
        Size of a raster pixel in degrees, along both axes.
    """

    name: str
    values: tuple[int, ...]
    codes: NDArray[np.uint8] | NDArray[np.uint16]
    west: float
    north: float
    pixel_deg: float

    @classmethod
    def of_raster(
        cls,
        name: str,
        raster: NDArray[np.integer],
        *,
        west: float,
        north: float,
        pixel_deg: float,
        no_data: int | None = None,
    ) -> "MaskGrouping":
        """The grouping of a raster's values.

        Raises
        ------
        RegionError
            If there are no values, or so many that it is no mask, or it is off the sphere.
        """
        height, width = raster.shape
        slack = pixel_deg / 2
        south, turn = north - height * pixel_deg, width * pixel_deg
        if north > 90 + slack or south < -90 - slack or turn > 360 + slack:
            raise RegionError(
                f"mask {name}: a raster of {width} x {height} pixels of {pixel_deg:g} degrees with "
                f"its top at {north:g} covers {turn:g} x {height * pixel_deg:g} degrees, latitudes "
                f"{south:g} to {north:g}; a mask lies within 360 x 180 degrees of the sphere"
            )
        found = _values_of(raster)
        values = [value for value in found if value != no_data]
        if not 0 < len(values) <= MOST_MASK_VALUES:
            count = f"over {MOST_MASK_VALUES:,} different values" if values else "no value"
            raise RegionError(
                f"mask {name}: found {count} where a mask has 1 to {MOST_MASK_VALUES:,}; give a "
                "raster of a few classes, not an image"
            )
        codes = _codes_of(raster, found, values)
        return cls(name, tuple(values), codes, west, north, pixel_deg)

    @property
    def groups(self) -> tuple[str, ...]:
        """``<name> = <value>`` of each value."""
        return tuple(f"{self.name} = {value}" for value in self.values)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the raster and its place."""
        raster = hashlib.sha256(np.ascontiguousarray(self.codes).data).hexdigest()
        place = (self.west, self.north, self.pixel_deg)
        return digest_of("MaskGrouping", self.name, self.values, self.codes.shape, place, raster)

    @property
    def kept_bytes(self) -> int:
        """Its raster."""
        return self.codes.nbytes

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Number of the raster's value at each pixel, ``(height, width)``; 0 off the raster."""
        height, width = self.codes.shape
        rows = np.floor((self.north - grid.lats(window)) / self.pixel_deg).astype(np.int64)
        east = (wrapped_lons(grid, window) - self.west) % 360.0
        cols = np.floor(east / self.pixel_deg).astype(np.int64)
        if abs(width * self.pixel_deg - 360.0) < self.pixel_deg / 2:
            cols = np.minimum(cols, width - 1)  # the raster closes: no gap from rounding
        inside_rows = np.flatnonzero((rows >= 0) & (rows < height))
        inside_cols = np.flatnonzero(cols < width)
        out = np.zeros((window.height, window.width), dtype=np.uint16)
        if inside_rows.size and inside_cols.size:
            # a raster row is gathered once, however many pixel rows it serves
            lines, again = np.unique(rows[inside_rows], return_inverse=True)
            part = self.codes[lines[:, None], cols[None, inside_cols]].astype(np.uint16)
            span = slice(inside_rows[0], inside_rows[-1] + 1)
            if inside_cols.size == window.width:
                np.take(part, again, axis=0, out=out[span])
            else:
                out[span, inside_cols] = part[again]
        return out


def _values_of(raster: NDArray[np.integer]) -> list[int]:
    """The raster's different values, ascending; it stops looking when they are too many."""
    found: set[int] = set()
    for top in range(0, len(raster), BLOCK_ROWS):
        line = raster[top : top + BLOCK_ROWS].ravel()
        # masks are long runs of equal values: one look at each run's end is enough
        ends = np.append(np.flatnonzero(line[1:] != line[:-1]), line.size - 1)
        found.update(np.unique(line[ends]).tolist())
        if len(found) > MOST_MASK_VALUES + 1:
            break
    return sorted(found)


def _codes_of(
    raster: NDArray[np.integer], found: list[int], values: list[int]
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Position of each pixel's value among ``values``, counted from 1; 0 if it is not there.

    Parameters
    ----------
    raster : ndarray of integers
    found : list of int
        All values in it, ascending.
    values : list of int
        Those that make groups, ascending.
    """
    codes = np.zeros(raster.shape, dtype=np.uint8 if len(values) < 256 else np.uint16)
    low = found[0]
    table = np.zeros(found[-1] - low + 1 if found[-1] - low <= 0xFFFF else 0, dtype=codes.dtype)
    if table.size:
        table[np.array(values) - low] = np.arange(1, len(values) + 1)
    for top in range(0, len(raster), BLOCK_ROWS):
        block, out = raster[top : top + BLOCK_ROWS], codes[top : top + BLOCK_ROWS]
        if table.size:
            np.take(
                table, block if low == 0 else block.astype(np.int64) - low, out=out, mode="clip"
            )
        else:
            at = np.minimum(np.searchsorted(values, block), len(values) - 1)
            out[:] = np.where(np.array(values)[at] == block, at + 1, 0)
    return codes


@dataclass(frozen=True)
class Maria:
    """Maria and non-maria, as another grouping draws them.

    Parameters
    ----------
    of : Grouping
        What draws the outlines.
    parts : tuple of int
        For each number of ``of``, from 0 on: 1 maria, 2 non-maria, 0 neither.
    """

    of: Grouping
    parts: tuple[int, ...]
    name: str = "maria"
    groups: tuple[str, ...] = ("maria", "non-maria")

    @classmethod
    def from_seas(cls, seas: Seas | None = None) -> "Maria":
        """Maria are what lies within the seas' circles, non-maria all the rest of the Moon."""
        return cls.from_outlines(seas or Seas())

    @classmethod
    def from_outlines(cls, of: Grouping) -> Self:
        """Maria are all groups of a grouping, non-maria what is in none of them."""
        return cls(of, (2,) + (1,) * len(of.groups))

    @classmethod
    def from_mask(cls, mask: MaskGrouping) -> "Maria":
        """Maria are a mask's values other than 0; where the mask has none is neither."""
        return cls(mask, (0, *(1 if value else 2 for value in mask.values)))

    @property
    def digest(self) -> str:
        """SHA-256 of the outlines and of what is made of them."""
        return digest_of("Maria", self.of.digest, self.parts)

    @property
    def kept_bytes(self) -> int:
        """Those of the grouping that draws the maria."""
        return self.of.kept_bytes

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """1 in maria, 2 outside, 0 where the outlines say nothing, ``(height, width)``."""
        drawn = self.of.numbers(grid, window)
        if not any(drawn.strides):  # one number all over
            return np.broadcast_to(self.joined(drawn[:1, :1]), drawn.shape)
        return self.joined(drawn)

    def joined(self, drawn: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Numbers of pixels that have these numbers of ``of``, in any shape."""
        return np.take(np.array(self.parts, dtype=np.uint16), drawn, mode="clip")
