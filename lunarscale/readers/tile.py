"""What every reader returns: a tile that knows its place and gives its counts."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import Camera
from lunarscale.grid.projections import Lattice


@dataclass(frozen=True)
class Tile(ABC):
    """One image of an archive, indexed from its label; reading is a separate step.

    A tile is small, pickles, and travels to the workers, who read the lines they need.

    Parameters
    ----------
    name : str
        Product name, upper case, ``UI03N003``.
    path : str
        Path or fsspec URL of the file that holds the counts.
    camera : Camera
    lattice : Lattice
        Where its pixels are.
    lines, samples : int
        Size of the image.
    size_bytes : int
        Size of the file.
    label_sha256 : str
        Hash of the label's bytes (for a GeoTIFF: of its first 64 KiB).
    storage_options : dict
        Options for fsspec.
    simulated : bool
        Whether its label says that no camera took it.
    version : int
        The archive's version of the product, where it has versions.
    """

    name: str
    path: str
    camera: Camera
    lattice: Lattice
    lines: int
    samples: int
    size_bytes: int
    label_sha256: str
    storage_options: dict[str, Any] = field(default_factory=dict, hash=False, repr=False)
    simulated: bool = False
    version: int = 0

    @property
    def order(self) -> tuple[int, str, str]:
        """Tiles are laid down in this order: a later version first, then by name and path."""
        return -self.version, self.name, self.path

    @abstractmethod
    def read(self, lines: slice, samples: slice) -> NDArray[np.int16]:
        """Counts as the archive has them, ``(band, line, sample)`` int16 in native order.

        Parameters
        ----------
        lines, samples : slice
            Half-open, counted from 0, within the image.

        Raises
        ------
        TileError
            If the file is shorter than its label promises or cannot be read.
        """

    def raw(self, lines: slice, samples: slice) -> tuple[NDArray[np.int16], int]:
        """Counts as they lie in the file, in its own byte order, copied as little as can be.

        Parameters and errors are those of ``read``.

        Returns
        -------
        counts : ndarray of int16 in any byte order, (band, line, sample)
            The samples asked for, and maybe more on both sides.
        first : int
            The image's sample, counted from 0, of ``counts[:, :, 0]``.
        """
        return self.read(lines, samples), samples.indices(self.samples)[0]

    def lat_bounds(self) -> tuple[float, float]:
        """South and north edge of the image in degrees, from the projection offsets."""
        north, south = self.lattice.lat_of([0.5, self.lines + 0.5])
        return float(south), float(north)


def label_hash(label: bytes) -> str:
    """SHA-256 of a label's bytes, the tile's identity beside its path and size."""
    return hashlib.sha256(label).hexdigest()


@lru_cache(maxsize=8)
def reason_table(camera: Camera) -> NDArray[np.uint8]:
    """The camera's ``BandReason`` of every count, by the count's bits as an unsigned number."""
    counts = np.arange(-32768, 32768)
    table = np.zeros(65536, dtype=np.uint8)
    table[(counts < 0) | (counts * camera.scale > 1.0)] = camera.reasons["OFF_SCALE"]
    near = np.abs(counts) > -camera.valid_minimum
    if near.any():
        table[near] = camera.reasons["NEAR_SATURATION"]
    for count, reason in camera.special.items():
        table[count + 32768] = reason
    table = np.roll(table, 32768)
    table.setflags(write=False)
    return table


def band_reasons(counts: NDArray[np.int16], camera: Camera) -> NDArray[np.uint8]:
    """The camera's ``BandReason`` of every count: special, off-scale, or valid.

    Parameters
    ----------
    counts : ndarray of int16
        As the archive has them, any shape.
    camera : Camera

    Returns
    -------
    ndarray of uint8
        Of the same shape; 0 where the count is a measurement.
    """
    return reason_table(camera)[counts.view(np.uint16)]
