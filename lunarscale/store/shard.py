"""One shard as one object: Zarr v3's ``sharding_indexed`` codec, chunk by chunk.

zarr-python reads and writes the same bytes (the tests hold one against the other). Ours exists
because a task here owns a whole shard and walks it chunk by chunk while each chunk is in the
cache: no array of a whole shard is ever made, nor are its packed bytes ever all in memory. A
chunk goes into the object as soon as it is packed, and comes out of it when it is asked for.

The inner codecs are bytes (little endian), Blosc and CRC32C; the index, with its own CRC32C,
stands at the end (Zarr v3 specification, codecs "sharding_indexed" 1.0, "blosc", "crc32c").
"""

import struct
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Literal, Self

import google_crc32c
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from lunarscale.errors import TornError
from lunarscale.laps import lap
from lunarscale.store.objects import Blob, Upload

# Threads come from Dask: Blosc's own pool would take every core in every worker.
blosc.use_threads = False

#: The seal of a shard that is all fill: no bytes, no checksum.
NOTHING = [0, 0]

_EMPTY = 2**64 - 1
_CRC = struct.Struct("<I")
_BLOSC_SIZES = struct.Struct("<4xI4xI")  # of Blosc's header: bytes when decoded, and as they are
#: Every which row of a chunk is looked at first.
_SPARSE = 16

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
        Blosc's compressor, level and filter.
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
    """Packs the chunks of one shard, in any order, into one object that appears at the end.

    A chunk made of the fill value only is left out, as Zarr does; a shard of no chunks is no
    object. Use it as a context: after an error nothing is written.

    Parameters
    ----------
    layout : ShardLayout
    begin : callable
        Begins the object; called with the first chunk that is not all fill.
    """

    def __init__(
        self, layout: ShardLayout, begin: Callable[[], AbstractContextManager[Upload]]
    ) -> None:
        self.layout = layout
        #: Bytes of the finished object and ``checksum_of`` it; zeros where there is none.
        self.seal = NOTHING
        self._begin = begin
        self._began = ExitStack()
        self._upload: Upload | None = None
        self._index = np.full((layout.across**2, 2), _EMPTY, dtype="<u8")
        self._crcs: list[bytes] = []

    def put(self, row: int, col: int, chunk: NDArray[np.generic]) -> None:
        """Add the chunk at a place in the shard, counted in chunks.

        A chunk at the map's edge may be smaller; the rest of it is filled.
        """
        place = row * self.layout.across + col
        if self._index[place, 0] != _EMPTY:
            raise ValueError(f"chunk ({row}, {col}) of the shard is there already")
        with lap("encode"):
            packed = self._packed(chunk)
        if packed is not None:
            with lap("write"):
                self._write(place, *packed)

    def _packed(self, chunk: NDArray[np.generic]) -> tuple[bytes, bytes] | None:
        """A chunk's frame and the frame's CRC32C, or None if all of it is fill."""
        layout = self.layout
        if chunk.dtype != layout.dtype:
            raise TypeError(f"a chunk of {chunk.dtype} does not go into a shard of {layout.dtype}")
        if chunk.shape != (layout.chunk, layout.chunk):
            padded = np.full((layout.chunk, layout.chunk), layout.fill_value, layout.dtype)
            padded[: chunk.shape[0], : chunk.shape[1]] = chunk
            chunk = padded
        if is_constant(chunk):
            value = int(chunk[0, 0])
            return None if value == layout.fill_value else _constant_frame(layout, value)
        return _frame(layout, chunk)

    def _write(self, place: int, packed: bytes, crc: bytes) -> None:
        if self._upload is None:
            self._upload = self._began.enter_context(self._begin())
        self._index[place] = self._upload.size, len(packed) + len(crc)
        self._upload.write(packed, crc)
        self._crcs.append(crc)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with lap("write"):
            if error is not None or self._upload is None:
                self._began.__exit__(kind, error, traceback)  # nothing is left of it
                return
            with self._began:  # it appears at the end
                packed = self._index.tobytes()
                self._upload.write(packed, _CRC.pack(google_crc32c.value(packed)))
            self.seal = [self._upload.size, checksum_of(self._crcs, packed)]


def checksum_of(crcs: Iterable[bytes], index: bytes) -> int:
    """What tells a shard from another one: CRC32C of its chunks' checksums and of its index.

    Not that of the object: a CRC of what ends with its own CRC is the same whatever it is, so an
    object's depends on nothing but the lengths of its chunks.

    Parameters
    ----------
    crcs : iterable of bytes
        Each chunk's, in the order in which the chunks lie in the object.
    index : bytes
        Without its own checksum.
    """
    return int(google_crc32c.value(b"".join([*crcs, index])))


def is_constant(chunk: NDArray[np.generic]) -> bool:
    """Whether all of a chunk's values are the same; a few of them tell it of most that are not."""
    first = chunk[0, 0]
    if first != chunk[-1, -1] or (chunk[0] != first).any() or (chunk[::_SPARSE] != first).any():
        return False
    return bool(chunk.min() == chunk.max())


def _frame(layout: ShardLayout, chunk: NDArray[np.generic]) -> tuple[bytes, bytes]:
    """Blosc's frame of a chunk, and the frame's CRC32C."""
    packed = blosc.compress(
        np.ascontiguousarray(chunk),
        layout.cname.encode(),
        layout.clevel,
        _SHUFFLES[layout.shuffle],
    )
    return packed, _CRC.pack(google_crc32c.value(packed))


@lru_cache(maxsize=64)
def _constant_frame(layout: ShardLayout, value: int) -> tuple[bytes, bytes]:
    return _frame(layout, np.full((layout.chunk, layout.chunk), value, layout.dtype))


class ShardReader:
    """Gives the chunks of one shard from its object, each read when it is asked for.

    Parameters
    ----------
    blob : Blob or None
        The object, which is the reader's to close; None (there is none) reads as fill.
    layout : ShardLayout
    where : str
        What to call it in an error.

    Raises
    ------
    TornError
        If the object is too short or its index does not match its checksum.
    """

    def __init__(self, blob: Blob | None, layout: ShardLayout, where: str) -> None:
        self.layout = layout
        self._where = where
        self._blob = blob
        if blob is None:
            self._index = np.full((layout.across**2, 2), _EMPTY, dtype="<u8")
            return
        try:
            self._index = self._read_index(blob)
        except TornError:
            blob.close()
            raise

    def _read_index(self, blob: Blob) -> NDArray[np.uint64]:
        size = self.layout.across**2 * 16
        if blob.size < size + _CRC.size:
            raise TornError(
                f"{self._where}: a shard ends with an index of {size + _CRC.size:,} bytes but the "
                f"object has {blob.size:,}; run the command that wrote it again"
            )
        with lap("read"):
            packed = blob.at(blob.size - size - _CRC.size, size + _CRC.size).tobytes()
        if len(packed) < size + _CRC.size or not _matches(packed):
            raise TornError(
                f"{self._where}: the shard's index does not match its CRC32C; "
                "validate the store with --deep, then run the command that wrote it again"
            )
        index = np.frombuffer(packed[:size], dtype="<u8").reshape(-1, 2)
        # a chunk's own checksum does not say that the chunk stands where the index means
        promised = int(index[index[:, 0] != _EMPTY, 1].sum()) + size + _CRC.size
        if promised != blob.size:
            raise TornError(
                f"{self._where}: the shard's index promises {promised:,} bytes but the object has "
                f"{blob.size:,}; run the command that wrote it again"
            )
        return index

    @property
    def seal(self) -> list[int]:
        """Bytes of the object and ``checksum_of`` it, as its writer told; zeros where is none."""
        return NOTHING if self._blob is None else [self._blob.size, self.checksum()]

    def checksum(self) -> int:
        """``checksum_of`` the object, of the checksums that its chunks say."""
        if self._blob is None:
            return 0
        places = self._index[self._index[:, 0] != _EMPTY]
        ends = np.sort(places.sum(axis=1)).tolist()
        with lap("read"):
            # an index from elsewhere may say anything
            crcs = [self._blob.at(max(end - _CRC.size, 0), _CRC.size).tobytes() for end in ends]
        return checksum_of(crcs, self._index.tobytes())

    def close(self) -> None:
        """Close the object; a second time is no error."""
        if self._blob is not None:
            self._blob.close()

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
        if self._blob is None or (offset == _EMPTY and size == _EMPTY):
            out[...] = self.layout.fill_value
            return False
        with lap("read"):
            read = self._blob.at(offset, size)
        with lap("decode"):
            if len(read) < max(size, _CRC.size) or not _matches(read):
                raise TornError(
                    f"{self._where}: chunk ({row}, {col}) does not match its CRC32C; "
                    "validate the store with --deep, then run the command that wrote it again"
                )
            try:
                _unpack(read[: -_CRC.size], out)
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


def _matches(sealed: bytes | NDArray[np.uint8]) -> bool:
    """Whether the last bytes are the CRC32C of those before."""
    (stored,) = _CRC.unpack(bytes(sealed[-_CRC.size :]))
    return bool(google_crc32c.value(sealed[: -_CRC.size]) == stored)


def _unpack(packed: NDArray[np.uint8], out: NDArray[np.generic]) -> None:
    # Blosc would fill no more of ``out`` than it has, and say nothing
    if _BLOSC_SIZES.unpack_from(packed.data) != (out.nbytes, len(packed)):
        raise ValueError(f"it is no frame of {out.nbytes:,} bytes")
    blosc.decompress(packed, out)
