"""What sums must offer to be taken over shards: a statistic is a measure of a source's chunks.

A *measure* says what is to be summed, small enough to travel to every worker. Each shard gets a
*tally* of it, which is shown every chunk of the shard once, and whose partial *sum* merges with
those of the other shards, exactly: in any order, to the same bits.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.raster import RasterGrid, Window


class Chunk(NamedTuple):
    """All layers of one window of pixels.

    The arrays are the source's, which may fill them anew for its next chunk: what outlives the
    call that they are given to is a copy.

    Parameters
    ----------
    window : Window
        In the source's rows and columns.
    counts : ndarray of int16, (layer, row, col)
        ``NO_DATA`` where there is no value.
    flags : ndarray of uint8, (layer, row, col)
        The maps' flags.
    """

    window: Window
    counts: NDArray[np.int16]
    flags: NDArray[np.uint8]


class Sum(Protocol):
    """What some pixels add up to: an immutable value in exact integers."""

    def merge(self, other: Self) -> Self:
        """What both parts, which share no pixel, add up to together.

        Associative and commutative bit for bit.

        Raises
        ------
        ParametersError
            If they are not of the same layers, groups or bins.
        """


class Tally(Protocol):
    """Adds up the chunks of one shard; not for two threads at once."""

    def add(self, chunk: Chunk) -> None:
        """Add a chunk of the shard; each pixel is to be added once.

        Raises
        ------
        ValueError
            If its arrays are not of its window's shape and the tally's layers.
        """

    def partial(self) -> Sum:
        """What has been added so far."""


class Measure(Protocol):
    """What is to be summed: a small value that pickles."""

    @property
    def kept_bytes(self) -> int:
        """Memory that it takes in every process, for the plan; 0 where it is small."""

    def bytes(self, layers: int, *, shard: int, chunk: int) -> int:
        """Most memory of one tally, with the partial sum that is made of it.

        Parameters
        ----------
        layers : int
            Number of the source's layers.
        shard, chunk : int
            Edges in pixels.
        """

    def sum_bytes(self, layers: int) -> int:
        """Most memory of one sum, when those of all shards are merged."""

    def tally(self, layers: tuple[str, ...], *, grid: RasterGrid, window: Window) -> Tally:
        """An empty tally of one shard.

        Parameters
        ----------
        layers : tuple of str
            Names of the source's layers.
        grid : RasterGrid
            The source's.
        window : Window
            The shard, in the grid's rows and columns.

        Raises
        ------
        ParametersError
            If the source lacks a layer that the measure names.
        """


def sum_chunks(
    measures: Mapping[str, Measure], layers: tuple[str, ...], chunks: Iterable[Chunk], *,
    grid: RasterGrid, window: Window,
) -> dict[str, Sum]:  # fmt: skip
    """All measures of one shard in one pass.

    Parameters
    ----------
    measures : mapping of str to Measure
    layers : tuple of str
        Names of the chunks' layers.
    chunks : iterable of Chunk
        Those of the shard, each once.
    grid : RasterGrid
    window : Window
        The shard, in the grid's rows and columns.
    """
    tallies = {
        name: measure.tally(layers, grid=grid, window=window) for name, measure in measures.items()
    }
    for chunk in chunks:
        for tally in tallies.values():
            tally.add(chunk)
    return {name: tally.partial() for name, tally in tallies.items()}


def merge_sums(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Sums of two parts by name; one that only one part has stays as it is."""
    merged = dict(first)
    for name, part in second.items():
        merged[name] = merged[name].merge(part) if name in merged else part
    return merged


def require_shape(chunk: Chunk, layers: int) -> None:
    """Make sure that a chunk's arrays are of its window and of so many layers.

    Raises
    ------
    ValueError
        If they are not.
    """
    window = chunk.window
    if not chunk.counts.shape == chunk.flags.shape == (layers, window.height, window.width):
        raise ValueError(
            f"{window} of {layers} layers has counts of {chunk.counts.shape} and flags of "
            f"{chunk.flags.shape}"
        )
