"""What is done: one entry a finished shard, written after its data.

A shard is done if its entry carries the key of today's inputs and parameters and the objects
it names have the sizes it names. "The object exists" says nothing: a killed writer may have
left it, and a shard without data has none. The entries lie in the store's folder ``ledger``,
which Zarr does not look at.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import google_crc32c

from lunarscale.errors import TornError
from lunarscale.grid.raster import Window
from lunarscale.store.location import Location

FOLDER = "ledger"

#: The key of an entry that is not true any more; it still tells what went in.
WITHDRAWN = ""


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
        """The shard's entry, or None if it has none, a withdrawn or a damaged one."""
        entry = self._entry(window)
        return None if entry is None or entry.key == WITHDRAWN else entry

    def inputs(self, window: Window) -> list[list[Any]]:
        """What the shard was made of when it last was, even if its entry is withdrawn."""
        entry = self._entry(window)
        return [] if entry is None else entry.inputs

    def _entry(self, window: Window) -> Entry | None:
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
            key = f"{FOLDER}/{self.name(window)}.statistics"
            self.location.put(key, statistics)
            seal = [len(statistics), int(google_crc32c.value(statistics))]
            entry = replace(entry, objects={**entry.objects, key: seal})
        self.location.put(f"{FOLDER}/{self.name(window)}.json", json.dumps(asdict(entry)).encode())

    def withdraw(self, window: Window) -> None:
        """Take back that a shard is done, before it is written again or because it is torn."""
        entry = self._entry(window)
        if entry is not None:
            self.write(window, Entry(WITHDRAWN, {}, entry.inputs))

    def statistics(self, window: Window) -> bytes | None:
        """The partial statistics of a finished shard, as they were written."""
        return self.location.get(f"{FOLDER}/{self.name(window)}.statistics")

    def require_empty(self, window: Window, key: str) -> None:
        """Make sure that a finished shard's object is absent because all of it is fill.

        Raises
        ------
        TornError
            If it was written, or the shard is not done any more: it went in mid-run.
        """
        entry = self.read(window)
        if entry is None or entry.objects.get(key) != [0, 0]:
            raise TornError(
                f"{self.location.url}/{key}: this object was there when the run began and is gone; "
                "let nobody write to the store meanwhile, run the command that made it again, "
                "then this one"
            )

    def is_whole(self, entry: Entry) -> bool:
        """Whether every object that the entry names is there with the size it names."""
        return all(
            self.location.size(key) == (size or None) for key, (size, _) in entry.objects.items()
        )
