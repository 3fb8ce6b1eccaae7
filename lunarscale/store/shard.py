"""One shard as one object: Zarr v3's ``sharding_indexed`` codec, chunk by chunk.

zarr-python reads and writes the same bytes (the tests hold one against the other). Ours exists
because a task here owns a whole shard and walks it chunk by chunk while each chunk is in the
cache: no array of a whole shard is ever made, and the shard is written in one piece.

The inner codecs are bytes (little endian), Blosc and CRC32C; the index, with its own CRC32C,
stands at the end (Zarr v3 specification, codecs "sharding_indexed" 1.0, "blosc", "crc32c").
"""

import struct
from dataclasses import dataclass
from typing import Literal

import google_crc32c
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from lunarscale.errors import TornError

# Threads come from Dask: Blosc's own pool would take every core in every worker.
blosc.use_threads = False

_EMPTY = 2**64 - 1
_CRC = struct.Struct("<I")
_BLOSC_SIZES = struct.Struct("<4xI4xI")  # of Blosc's header: bytes when decoded, and as they are
_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}


#: Blosc's compressors and filters, by Zarr's names.
Compressor = Literal["lz4", "lz4hc", "blosclz", "zlib", "zstd"]
Filter = Literal["noshuffle", "shuffle", "bitshuffle"]


@dataclass(frozen=True)
class ShardLayout:
    """How a square shard of one layer is cut and packed.

    Parameters
    ----------
    shard, chunk : int
        Edge of the shard and of its inner chunks in pixels; the chunk divides the shard.
    dtype : str
        NumPy name of the number type, ``int16``.
    fill_value : int
        What a chunk that is not written is made of.
    cname, clevel, shuffle : str, int, str
        Blosc's compressor, level and filter. LZ4 at level 5 behind a byte shuffle is the
        default by measurement (``benchmarks/README.md``).
    """

    shard: int
    chunk: int
    dtype: str
    fill_value: int
    cname: Compressor = "lz4"
    clevel: int = 5
    shuffle: Filter = "shuffle"

    @property
    def across(self) -> int:
        """Inner chunks along one edge."""
        return self.shard // self.chunk

    @property
    def chunk_bytes(self) -> int:
        """Bytes of one decoded chunk."""
        return int(self.chunk**2 * np.dtype(self.dtype).itemsize)

    @property
    def shard_bytes(self) -> int:
        """Bytes of one decoded shard."""
        return self.chunk_bytes * self.across**2

    @property
    def largest_blob(self) -> int:
        """Most bytes one encoded shard can take: incompressible chunks and the index."""
        overhead = 16 + 4  # Blosc's header, CRC32C
        return self.shard_bytes + self.across**2 * (overhead + 16) + 4


class ShardWriter:
    """Packs the chunks of one shard, in any order, into one object.

    A chunk made of the fill value only is left out, as Zarr does; a shard of no chunks is None.
    """

    def __init__(self, layout: ShardLayout) -> None:
        self.layout = layout
        self._blobs: dict[int, tuple[bytes, bytes]] = {}  # the frame and its CRC32C

    def put(self, row: int, col: int, chunk: NDArray[np.generic]) -> None:
        """Add the chunk at a place in the shard, counted in chunks.

        A chunk at the map's edge may be smaller; the rest of it is filled.
        """
        layout = self.layout
        if chunk.dtype != layout.dtype:
            raise TypeError(f"a chunk of {chunk.dtype} does not go into a shard of {layout.dtype}")
        if chunk.shape != (layout.chunk, layout.chunk):
            padded = np.full((layout.chunk, layout.chunk), layout.fill_value, layout.dtype)
            padded[: chunk.shape[0], : chunk.shape[1]] = chunk
            chunk = padded
        if chunk.flat[0] == layout.fill_value and np.all(chunk == layout.fill_value):
            return
        packed = blosc.compress(
            np.ascontiguousarray(chunk),
            layout.cname.encode(),
            layout.clevel,
            _SHUFFLES[layout.shuffle],
        )
        crc = _CRC.pack(google_crc32c.value(packed))
        self._blobs[row * layout.across + col] = packed, crc

    def to_bytes(self) -> bytes | None:
        """The finished object, or None if every chunk is fill."""
        if not self._blobs:
            return None
        index = np.full((self.layout.across**2, 2), _EMPTY, dtype="<u8")
        parts: list[bytes] = []
        offset = 0
        for place in sorted(self._blobs):
            size = sum(map(len, self._blobs[place]))
            index[place] = offset, size
            offset += size
            parts += self._blobs[place]
        packed = index.tobytes()
        return b"".join([*parts, packed, _CRC.pack(google_crc32c.value(packed))])


class ShardReader:
    """Gives the chunks of one shard from its object.

    Parameters
    ----------
    blob : bytes or None
        The object; None (there is none) reads as fill.
    layout : ShardLayout
    where : str
        What to call it in an error.

    Raises
    ------
    TornError
        If the object is too short or its index does not match its checksum.
    """

    def __init__(self, blob: bytes | None, layout: ShardLayout, where: str) -> None:
        self.layout = layout
        self._where = where
        self._blob = blob
        size = layout.across**2 * 16
        if blob is None:
            self._index = np.full((layout.across**2, 2), _EMPTY, dtype="<u8")
            return
        if len(blob) < size + _CRC.size:
            raise TornError(
                f"{where}: a shard ends with an index of {size + _CRC.size:,} bytes but the "
                f"object has {len(blob):,}; run the command that wrote it again"
            )
        packed = blob[-size - _CRC.size : -_CRC.size]
        if google_crc32c.value(packed) != _CRC.unpack(blob[-_CRC.size :])[0]:
            raise TornError(
                f"{where}: the shard's index does not match its CRC32C; "
                "validate the store with --deep, then run the command that wrote it again"
            )
        self._index = np.frombuffer(packed, dtype="<u8").reshape(-1, 2)
        # a chunk's own checksum does not say that the chunk stands where the index means
        sizes = self._index[self._index[:, 0] != _EMPTY, 1]
        promised = int(sizes.sum()) + size + _CRC.size
        if promised != len(blob):
            raise TornError(
                f"{where}: the shard's index promises {promised:,} bytes but the object has "
                f"{len(blob):,}; run the command that wrote it again"
            )

    def read_into(self, row: int, col: int, out: NDArray[np.generic]) -> bool:
        """Decode the chunk at a place in the shard into a whole-chunk array.

        Returns
        -------
        bool
            False where the chunk is not written and ``out`` was filled.

        Raises
        ------
        TornError
            If the chunk's bytes are not what was written.
        """
        offset, size = (int(n) for n in self._index[row * self.layout.across + col])
        if offset == _EMPTY and size == _EMPTY:
            out[...] = self.layout.fill_value
            return False
        # a view, not a copy; the CRC takes an array where it takes no memoryview
        whole = np.frombuffer(self._blob or b"", np.uint8)
        packed = whole[offset : offset + size - _CRC.size]
        stored = (self._blob or b"")[offset + size - _CRC.size : offset + size]
        if len(stored) < _CRC.size or google_crc32c.value(packed) != _CRC.unpack(stored)[0]:
            raise TornError(
                f"{self._where}: chunk ({row}, {col}) does not match its CRC32C; "
                "validate the store with --deep, then run the command that wrote it again"
            )
        try:
            # Blosc would fill no more of ``out`` than it has, and say nothing
            if _BLOSC_SIZES.unpack_from(packed.data) != (out.nbytes, len(packed)):
                raise ValueError(f"it is no frame of {out.nbytes:,} bytes")
            blosc.decompress(packed, out)
        except (RuntimeError, ValueError, struct.error) as error:
            raise TornError(
                f"{self._where}: chunk ({row}, {col}) does not decode: {error}; "
                "validate the store with --deep, then run the command that wrote it again"
            ) from error
        return True

    def chunk(self, row: int, col: int) -> NDArray[np.generic]:
        """The chunk at a place in the shard as a new array."""
        out = np.empty((self.layout.chunk, self.layout.chunk), self.layout.dtype)
        self.read_into(row, col, out)
        return out

    def check(self) -> None:
        """Decode every chunk; raises TornError at the first that is not what was written."""
        for place in range(self.layout.across**2):
            self.chunk(*divmod(place, self.layout.across))
