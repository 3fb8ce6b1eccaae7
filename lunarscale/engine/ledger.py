"""What is done: one entry a finished shard, written after its data.

A shard is done if its entry carries the key of today's inputs and parameters and the objects
it names have the sizes it names. "The object exists" says nothing: a killed writer may have
left it, and a shard without data has none. The entries lie in the store's folder ``ledger``,
which Zarr does not look at.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from lunarscale.grid.raster import Window
from lunarscale.store.location import Location

FOLDER = "ledger"


def digest(*parts: Any) -> str:
    """SHA-256 of JSON-able values, the same everywhere."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One finished shard.

    Parameters
    ----------
    key : str
        Digest of the inputs, the parameters and the store format that made it.
    objects : dict of str to list
        Size in bytes and CRC32C of every object it wrote; size 0 where all is fill.
    inputs : list of list
        What went in: name, path, size and label hash of each tile; or the mosaic's entry.
    disagreements : int
        Pixels of a band in which tiles disagreed.
    """

    key: str
    objects: dict[str, list[int]] = field(hash=False)
    inputs: list[list[Any]] = field(default_factory=list, hash=False)
    disagreements: int = 0

    @property
    def content(self) -> str:
        """Digest of what the shard holds, whoever made it."""
        return digest(self.objects)


@dataclass(frozen=True)
class Ledger:
    """The entries of one store.

    Parameters
    ----------
    location : Location
        The store.
    shard : int
        Edge of a shard in pixels.
    """

    location: Location
    shard: int

    def name(self, window: Window) -> str:
        """The shard's name in the ledger, ``r0003c0012``."""
        return f"r{window.row // self.shard:04d}c{window.col // self.shard:04d}"

    def read(self, window: Window) -> Entry | None:
        """The shard's entry, or None if it has none or a damaged one."""
        blob = self.location.get(f"{FOLDER}/{self.name(window)}.json")
        if blob is None:
            return None
        try:
            entry = Entry(**json.loads(blob))
            seals = [(size, checksum) for size, checksum in entry.objects.values()]
        except (ValueError, TypeError, AttributeError):
            return None  # torn by a full disk: as good as no entry, the shard is done again
        return entry if all(isinstance(size, int) for size, _ in seals) else None

    def write(self, window: Window, entry: Entry, statistics: bytes | None = None) -> None:
        """Enter a finished shard; its data must be written already."""
        if statistics is not None:
            self.location.put(f"{FOLDER}/{self.name(window)}.statistics", statistics)
        self.location.put(f"{FOLDER}/{self.name(window)}.json", json.dumps(asdict(entry)).encode())

    def withdraw(self, window: Window) -> None:
        """Forget a shard, before it is written again or because it is torn."""
        self.location.delete(f"{FOLDER}/{self.name(window)}.json")

    def statistics(self, window: Window) -> bytes | None:
        """The partial statistics of a finished shard, as they were written."""
        return self.location.get(f"{FOLDER}/{self.name(window)}.statistics")

    def is_whole(self, entry: Entry) -> bool:
        """Whether every object that the entry names is there with the size it names."""
        return all(
            self.location.size(key) == (size or None) for key, (size, _) in entry.objects.items()
        )
