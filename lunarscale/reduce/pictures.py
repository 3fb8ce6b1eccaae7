"""Pictures of maps as a sum over shards: every shard's area means, laid side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ParametersError
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.overview import Overview
from lunarscale.reduce.sums import Chunk, require_shape

#: Bytes that an overview keeps a block (sum and weight), and what a picture takes of it.
_KEPT_BYTES, _PICTURE_BYTES = 16, 12

#: Bytes a pixel of a chunk while it is added: areas, products and their sums along the rows.
_WORKING_BYTES = 24


@dataclass(frozen=True, eq=False)
class Pictures:
    """Reduced layers, in pieces of a shard each.

    Parameters
    ----------
    layers : tuple of str
    factor : int
        Pixels of the maps along an edge of a picture's.
    pieces : mapping of (int, int) to ndarray of float32, (layer, row, col)
        By the first row and column in the picture: means in counts, NaN without a value.
    """

    layers: tuple[str, ...]
    factor: int
    pieces: Mapping[tuple[int, int], NDArray[np.float32]]

    def merge(self, other: "Pictures") -> "Pictures":
        """The pieces of both.

        Raises
        ------
        ParametersError
            If they are of other layers or sizes, or a piece is in both.
        """
        if (self.layers, self.factor) != (other.layers, other.factor):
            raise ParametersError(
                f"pictures of {', '.join(self.layers)} reduced {self.factor} times do not go with "
                f"those of {', '.join(other.layers)} reduced {other.factor} times; make both alike"
            )
        if both := self.pieces.keys() & other.pieces.keys():
            raise ParametersError(f"{len(both)} pieces are in both pictures; add each shard once")
        return Pictures(self.layers, self.factor, {**self.pieces, **other.pieces})

    def picture(self, layer: str, grid: RasterGrid, quantum: float) -> NDArray[np.float32]:
        """One layer in its units, ``(row, col)``; NaN without a value, and where no piece lies.

        Parameters
        ----------
        layer : str
        grid : RasterGrid
            The maps'.
        quantum : float
        """
        made = np.full(
            (-(-grid.height // self.factor), -(-grid.width // self.factor)), np.nan, np.float32
        )
        index = self.layers.index(layer)
        for (row, col), piece in self.pieces.items():
            values = piece[index]
            made[row : row + values.shape[0], col : col + values.shape[1]] = values
        made *= np.float32(quantum)
        return made

    def bounds(self, grid: RasterGrid) -> tuple[float, float, float, float]:
        """West, south, east and north edge of the pictures in degrees.

        Where the last row or column stands for less than its size they go on past the map's.
        """
        west, _, _, north = grid.bounds()
        rows, cols = -(-grid.height // self.factor), -(-grid.width // self.factor)
        step = self.factor * grid.pixel_deg
        return west, north - rows * step, west + cols * step, north


@dataclass(frozen=True)
class Reduced:
    """The measure: every layer reduced by a factor that divides the shard's edge.

    Blocks then lie within shards, so that pieces are laid side by side and never added: their
    order is of no account.

    Parameters
    ----------
    factor : int
    pixels : int
        Of one layer's picture.
    """

    factor: int
    pixels: int

    @classmethod
    def to_fit(cls, grid: RasterGrid, *, shard: int, longest: int) -> "Reduced":
        """By the smallest divisor of the shard that keeps both edges within ``longest``.

        Where even whole shards are too many, the shard itself: a picture may then be larger.
        """
        need = Overview.factor_for(grid, longest)
        fits = (d for d in range(need, shard) if shard % d == 0)
        factor = next(fits, shard)
        return cls(factor, -(-grid.height // factor) * -(-grid.width // factor))

    @property
    def kept_bytes(self) -> int:
        """None to speak of."""
        return 0

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """Sums and weights of every layer's blocks, their means, and a chunk in the making."""
        blocks = (-(-shard // self.factor)) ** 2
        return layers * blocks * (_KEPT_BYTES + _PICTURE_BYTES) + chunk**2 * _WORKING_BYTES

    def sum_bytes(self, layers: int) -> int:
        """The whole pictures."""
        return layers * self.pixels * 4

    def tally(
        self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window
    ) -> "PicturesTally":
        """An empty tally of one shard.

        Raises
        ------
        ParametersError
            If a block would be cut by the shard's edge.
        """
        if window.row % self.factor or window.col % self.factor:
            raise ParametersError(
                f"a shard at row {window.row}, column {window.col} does not begin with a block of "
                f"{self.factor} pixels; use a factor that divides the shard"
            )
        return PicturesTally(layers, self.factor, grid=grid, window=window)


class PicturesTally:
    """Reduces the chunks of one shard; not for two threads at once."""

    def __init__(
        self, layers: tuple[str, ...], factor: int, *, grid: RasterGrid, window: Window
    ) -> None:
        self.layers, self.factor, self.window = layers, factor, window
        around, col = grid.around, (grid.col + window.col) % grid.around
        own = RasterGrid(around, grid.row + window.row, col, window.height, window.width)
        self._overviews = [Overview(own, factor) for _ in layers]

    def add(self, chunk: Chunk) -> None:
        """Add a chunk of the shard; each pixel is to be added once."""
        require_shape(chunk, len(self.layers))
        at = chunk.window
        within = at._replace(row=at.row - self.window.row, col=at.col - self.window.col)
        for overview, counts in zip(self._overviews, chunk.counts, strict=True):
            overview.add(within, counts)

    def partial(self) -> Pictures:
        """What has been added so far."""
        piece = np.stack([overview.finish(1.0) for overview in self._overviews])
        place = (self.window.row // self.factor, self.window.col // self.factor)
        return Pictures(self.layers, self.factor, {place: piece})
