"""A cube: a Zarr v3 group of sharded arrays, opened by one read, written shard by shard."""

import json
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import FormatError, RegionError, StoreError
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.laps import lap
from lunarscale.store.documents import documents_of
from lunarscale.store.layout import ArraySpec, Layout, spatial_attributes
from lunarscale.store.location import Location
from lunarscale.store.shard import NOTHING, ShardReader, ShardWriter
from lunarscale.urls.at_once import at_once

#: Shards a reader keeps open: a window as large as a shard touches four at the most.
SHARDS_KEPT = 4

#: Where the locks of runs lie: they are of the place, not of the store that is in it just now.
LOCKS = "ledger/lock"

#: The root's document of a store that is being removed.
_REMOVED = b'{"zarr_format": 3, "node_type": "group", "attributes": {"lunarscale": "removed"}}'


def lock_key(number: int) -> str:
    """The object of a lock; the numbers have no gaps."""
    return f"{LOCKS}/{number:06d}"


@dataclass(frozen=True)
class Cube:
    """A store of counts or of maps. It is small and pickles; the bytes stay where they are.

    Parameters
    ----------
    location : Location
    layout : Layout
    attributes : dict
        The root's attributes: provenance, conventions.
    promised : callable, optional
        Shown each object of a shard that is opened (window, key, reader), it raises if that is not
        what was written: Zarr would read no-data where one is gone. None of a store that is still
        being made.
    """

    location: Location
    layout: Layout
    attributes: dict[str, Any] = field(hash=False, repr=False)
    promised: Callable[[Window, str, ShardReader], None] | None = field(
        default=None, compare=False, repr=False
    )

    @property
    def grid(self) -> RasterGrid:
        """Where its pixels are."""
        return self.layout.grid

    @classmethod
    def open(cls, location: Location) -> "Cube":
        """Open a store that is there.

        Raises
        ------
        FormatError
            If it is not a lunarscale store, or one of another version.
        """
        blob = location.get("zarr.json")
        if blob is None:
            found = "something else" if location.exists() else "nothing"
            raise FormatError(
                f"{location.url}: a lunarscale store was expected but there is {found}; "
                "`lunarscale ingest` makes a mosaic and `lunarscale predict` makes maps"
            )
        try:
            attributes = json.loads(blob)["attributes"]
            description = attributes["lunarscale"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FormatError(
                f"{location.url}: this is no lunarscale store: its zarr.json does not describe one"
            ) from error
        return cls(location, Layout.from_attributes(description, location.url), attributes)

    @classmethod
    def create(cls, location: Location, layout: Layout, attributes: dict[str, Any]) -> "Cube":
        """Lay a new store: all metadata and coordinates, no data yet.

        The root's document is written last, so that a store is there whole or not at all.

        Raises
        ------
        StoreError
            If something is there already.
        """
        if location.exists() and not cls.is_debris(location, layout):
            raise StoreError(f"{location.url}: something is there already; name another place")
        attributes = {
            "Conventions": "CF-1.11",
            **attributes,
            **spatial_attributes(layout.grid),
            "lunarscale": layout.to_attributes(),
        }
        documents = documents_of(layout, attributes)
        root = documents.pop("zarr.json")
        for key, blob in documents.items():
            location.put(key, blob)
        location.put("zarr.json", root)
        return cls(location, layout, attributes)

    def documents(self) -> dict[str, bytes]:
        """Metadata and coordinates as they are written when the store is laid, by key."""
        return documents_of(self.layout, self.attributes)

    @staticmethod
    def is_debris(location: Location, layout: Layout) -> bool:
        """Whether what is there is a store that was killed while it was laid or removed.

        The root's document comes last, so without it nothing there was ever data. Every object
        must be one of ours: a folder that is merely named like an array is not taken for debris.
        """
        root = location.get("zarr.json")
        if root is not None:
            return root == _REMOVED
        keys = {key for key in location.all_keys() if not key.startswith(f"{LOCKS}/")}
        return not keys or keys <= documents_of(layout, {}).keys()

    @staticmethod
    def is_being_removed(location: Location) -> bool:
        """Whether what is there is a store whose removal has begun and not ended."""
        return location.get("zarr.json") == _REMOVED

    @staticmethod
    def remove(location: Location) -> None:
        """Remove a store or its debris; killed in the middle, what is left is debris.

        The entries go first, so that a reader asks for none of what goes after them.
        """
        location.put("zarr.json", _REMOVED)
        at_once(lambda key: location.delete(f"ledger/{key}"), location.keys("ledger"))
        location.remove_tree("ledger/runs")
        for name in location.entries() - {"zarr.json", "ledger"}:
            location.remove_tree(name)
        location.delete("zarr.json")

    def require_seen(self) -> None:
        """Make sure that this process sees the store: what it does not see reads as no-data.

        Raises
        ------
        StoreError
            If it does not.
        """
        if self.location.size("zarr.json") is None:
            raise StoreError(
                f"{self.location.url}: a worker on {platform.node()} does not see this store; "
                "use a folder or URL that every worker of the cluster can reach"
            )

    def array(self, name: str) -> ArraySpec:
        """The description of one array.

        Raises
        ------
        StoreError
            If the store has no such layer; the message lists those it has.
        """
        specs = {spec.name: spec for spec in self.layout.arrays()}
        if name not in specs:
            has = ", ".join(specs)
            raise StoreError(f"{self.location.url}: no layer {name}; the store has {has}")
        return specs[name]

    def within(
        self, bbox: tuple[float, float, float, float] | None
    ) -> tuple[RasterGrid, tuple[int, int]]:
        """The grid of a bounding box, and its first row and column in this cube's.

        Raises
        ------
        RegionError
            If the box reaches beyond the cube.
        """
        whole = self.grid
        if bbox is None:
            return whole, (0, 0)
        grid = whole.crop(*bbox)
        row, col = grid.row - whole.row, (grid.col - whole.col) % whole.around
        fits = row >= 0 and row + grid.height <= whole.height and col < whole.width
        if not (fits and (whole.width == whole.around or col + grid.width <= whole.width)):
            west, south, east, north = whole.bounds()
            raise RegionError(
                f"bounding box {' '.join(f'{edge:g}' for edge in bbox)} reaches beyond "
                f"{self.location.url}, which covers {west:g} {south:g} {east:g} {north:g} (W S E N)"
            )
        return grid, (row, col)

    def key(self, name: str, window: Window, band: int | None = None) -> str:
        """The object that holds one shard of one array, or of one of its bands."""
        row, col = window.row // self.layout.shard, window.col // self.layout.shard
        return f"{name}/c/{row}/{col}" if band is None else f"{name}/c/{band}/{row}/{col}"

    def held_bytes(self, *names: str) -> int:
        """Most memory of one shard of some arrays while it is read or written.

        A file's chunks come and go one by one; elsewhere whole objects are held.
        """
        if self.location.is_local:
            return 0
        return sum(self.array(name).packing.largest_blob for name in names)

    def reader(self, name: str, window: Window, band: int | None = None) -> ShardReader:
        """The chunks of one shard of one array, or of one of its bands."""
        key = self.key(name, window, band)
        packing = self.array(name).packing
        with lap("read"):
            blob = self.location.opened(key)
        reader = ShardReader(blob, packing, f"{self.location.url}/{key}")
        if self.promised is not None:
            self.promised(window, key, reader)
        return reader

    @contextmanager
    def writing(self, name: str, window: Window, band: int | None = None) -> Iterator[ShardWriter]:
        """Write one shard of one array, or of one of its bands: an empty one, to be filled.

        It takes the place of what was there at the end of the block, whole; a shard of nothing
        but fill removes it. After an error all is as it was.
        """
        key = self.key(name, window, band)
        with ShardWriter(self.array(name).packing, lambda: self.location.writing(key)) as writer:
            yield writer
        if writer.seal == NOTHING:
            with lap("write"):
                self.location.delete(key)

    @contextmanager
    def making(self, window: Window) -> Iterator["NewShard"]:
        """Write one shard of every array: empty ones, to be filled.

        They take their places one after the other at the end of the block; withdraw the shard's
        entry before, enter it after.
        """
        with ExitStack() as writers:
            yield NewShard({
                (self.key(spec.name, window, band), spec.name, band): writers.enter_context(
                    self.writing(spec.name, window, band)
                )
                for spec in self.layout.arrays()
                for band in (range(spec.bands) if spec.bands else [None])
            })  # fmt: skip

    def reads(self, name: str, band: int | None = None) -> "WindowReader":
        """A reader of any windows of one array, or of one of its bands."""
        return WindowReader(self, name, band)

    def read(self, name: str, window: Window, band: int | None = None) -> NDArray[np.generic]:
        """Any window of one array as ``(row, col)`` of its stored numbers."""
        out = np.empty((window.height, window.width), self.array(name).packing.dtype)
        self.reads(name, band).read_into(window, out)
        return out


class NewShard:
    """The objects of one shard of every array, while they are made."""

    def __init__(self, writers: dict[tuple[str, str, int | None], ShardWriter]) -> None:
        self._keys = {key: writer for (key, _, _), writer in writers.items()}
        self._writers = {(name, band): writer for (_, name, band), writer in writers.items()}

    def writer(self, name: str, band: int | None = None) -> ShardWriter:
        """What fills one array, or one of its bands."""
        return self._writers[name, band]

    @property
    def seals(self) -> dict[str, list[int]]:
        """Bytes and CRC32C by object, when they are written; zeros where there is none."""
        return {key: writer.seal for key, writer in self._keys.items()}


class WindowReader:
    """Reads any windows of one array, keeping the last few shards' objects open.

    A window on the shard's own chunks is decoded straight into the caller's array; any other is
    pasted together. In a cube that goes all the way around, columns past the last are the first.
    """

    def __init__(self, cube: Cube, name: str, band: int | None) -> None:
        self._cube, self._name, self._band = cube, name, band
        packing = cube.array(name).packing
        self._chunk, self._across = packing.chunk, packing.across
        self._block = np.empty((packing.chunk, packing.chunk), packing.dtype)
        self._readers: dict[tuple[int, int], ShardReader] = {}

    def read_into(self, window: Window, out: NDArray[np.generic]) -> None:
        """Decode a window into an array at least as large, in its upper left corner.

        Raises
        ------
        RegionError
            If the window reaches beyond the cube, and not over the seam of one that closes.
        """
        size, grid = self._chunk, self._cube.grid
        rows_fit = window.row >= 0 and window.row + window.height <= grid.height
        cols_fit = window.col >= 0 and window.col + window.width <= grid.width
        if not (rows_fit and (cols_fit or (window.col >= 0 and grid.width == grid.around))):
            raise RegionError(
                f"{self._cube.location.url}: rows {window.row} to {window.row + window.height} and "
                f"columns {window.col} to {window.col + window.width} were asked for but it has "
                f"{grid.height} x {grid.width} pixels"
            )
        if window.row % size == 0 and window.col % size == 0 and out.shape == (size, size):
            row, col = window.row // size, window.col // size
            if cols_fit and out.flags.c_contiguous:
                self._reader(row, col).read_into(row % self._across, col % self._across, out)
                return
        self._paste(window, out)

    def _paste(self, window: Window, out: NDArray[np.generic]) -> None:
        size, width = self._chunk, self._cube.grid.width
        for top, rows, into_rows in _pieces(window.row, window.height, size):
            left = 0
            while left < window.width:
                col = (window.col + left) % width
                take = min(size - col % size, width - col, window.width - left)
                place = (top // size, col // size)
                self._reader(*place).read_into(
                    place[0] % self._across, place[1] % self._across, self._block
                )
                within = slice(col % size, col % size + take)
                out[into_rows, left : left + take] = self._block[rows, within]
                left += take

    def _reader(self, row: int, col: int) -> ShardReader:
        place = (row // self._across, col // self._across)
        if place not in self._readers:
            if len(self._readers) == SHARDS_KEPT:
                self._readers.pop(next(iter(self._readers))).close()
            edge = self._cube.layout.shard
            at = Window(place[0] * edge, place[1] * edge, 1, 1)
            self._readers[place] = self._cube.reader(self._name, at, self._band)
        return self._readers[place]


def _pieces(start: int, length: int, size: int) -> Iterator[tuple[int, slice, slice]]:
    """Cut a run of rows at multiples of ``size``: first row, rows in the block, rows in the run."""
    done = 0
    while done < length:
        first = start + done
        take = min(size - first % size, length - done)
        yield first, slice(first % size, first % size + take), slice(done, done + take)
        done += take
