"""What is done: one entry a finished shard, written after its data.

A shard is done if its entry carries the key of today's inputs and parameters and the objects
it names have the sizes it names. "The object exists" says nothing: a killed writer may have
left it, and a shard without data has none. The entries lie in the store's folder ``ledger``,
which Zarr does not look at.

An entry names its store by number, so that one that a late worker leaves in the place of a store
made since is none, and it is sealed: with any bit of it changed it is none. Before a shard's
objects are written again its entry is withdrawn; so where the entry is the same before and after
they were read, so were they.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import google_crc32c

from lunarscale.engine.lock import Ticket
from lunarscale.engine.seals import sealed, unsealed
from lunarscale.errors import BusyError, TornError
from lunarscale.grid.raster import Window
from lunarscale.laps import lap
from lunarscale.store.cube import Cube
from lunarscale.store.foreign import require_inside
from lunarscale.store.location import Location
from lunarscale.urls.at_once import at_once

FOLDER = "ledger"

#: The root's attribute that holds a store's number, and the checksum of what it says in words.
STORE = "lunarscale_store"

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
        Size in bytes and checksum of every object it wrote (``store.shard.checksum_of``; of
        statistics their CRC32C); zeros where all is fill.
    inputs : list of list
        What went in: name, path, size and label hash of each tile; or the mosaic's entry.
    disagreements : int
        Pixels of a band in which tiles disagreed.
    store : str
        Number of the store that it is an entry of; empty in one made before stores had numbers.
    """

    key: str
    objects: dict[str, list[int]] = field(hash=False)
    inputs: list[list[Any]] = field(default_factory=list, hash=False)
    disagreements: int = 0
    store: str = ""

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
    store : str
        The store's number: what another store's run left in its place is not read.
    ticket : Ticket or None
        Of the run that writes; shown before an entry is taken back and before one is written.
    """

    location: Location
    shard: int
    store: str = ""
    ticket: Ticket | None = None

    @classmethod
    def of(cls, cube: Cube, ticket: Ticket | None = None) -> "Ledger":
        """The ledger of an open store."""
        told = cube.attributes.get(STORE)
        number = str(told.get("number", "")) if isinstance(told, dict) else ""
        return cls(cube.location, cube.layout.shard, number, ticket)

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
        with lap("ledger"):
            facts = unsealed(self.location.get(self.key(window)))
        try:
            entry = Entry(**facts or {})
            seals = [(size, checksum) for size, checksum in entry.objects.values()]
            for key in entry.objects:
                require_inside(key)
        except (ValueError, TypeError, AttributeError):
            return None  # torn by a full disk: as good as no entry, the shard is done again
        if entry.store != self.store or not all(isinstance(size, int) for size, _ in seals):
            return None
        return entry

    def key(self, window: Window) -> str:
        """The object that holds the shard's entry."""
        return f"{FOLDER}/{self.name(window)}.json"

    def statistics_key(self, window: Window) -> str:
        """The object that holds the shard's partial statistics."""
        return f"{FOLDER}/{self.name(window)}.statistics"

    def write(self, window: Window, entry: Entry, statistics: bytes | None = None) -> None:
        """Enter a finished shard; its data must be written already.

        Raises
        ------
        BusyError
            If the run has lost the store to another one meanwhile: the shard is then not done.
        """
        with lap("ledger"):
            if statistics is not None:
                key = self.statistics_key(window)
                self.location.put(key, statistics)
                seal = [len(statistics), int(google_crc32c.value(statistics))]
                entry = replace(entry, objects={**entry.objects, key: seal})
            try:
                self._require_held()
            except BusyError:
                # what was written just now may lie over another run's objects: none of it counts,
                # unless it is the same to the bit, as of a shard that was made twice
                found = self.read(window)
                if found is None or (found.key, found.objects) != (entry.key, entry.objects):
                    self._put(window, Entry(WITHDRAWN, {}, entry.inputs))
                raise
            self._put(window, entry)

    def withdraw(self, window: Window) -> None:
        """Take back that a shard is done, before it is written again or because it is torn.

        Raises
        ------
        BusyError
            If the run has lost the store to another one; nothing is touched then.
        """
        self._require_held()
        entry = self._entry(window)
        if entry is not None:
            with lap("ledger"):
                self._put(window, Entry(WITHDRAWN, {}, entry.inputs))

    def _put(self, window: Window, entry: Entry) -> None:
        facts = asdict(replace(entry, store=self.store))
        self.location.put(self.key(window), sealed(facts))

    def _require_held(self) -> None:
        if self.ticket is not None:
            with lap("ledger"):
                self.ticket.require(self.location)

    def statistics(self, window: Window) -> bytes | None:
        """The partial statistics of a finished shard; None where there are none.

        Raises
        ------
        TornError
            If they are not what was written.
        """
        key = self.statistics_key(window)
        entry, blob = self.read(window), self.location.get(key)
        if entry is None or blob is None:
            return None
        if entry.objects.get(key) != [len(blob), int(google_crc32c.value(blob))]:
            raise TornError(
                f"{self.location.url}/{key}: these are not the statistics that were written with "
                "the shard; let no run write meanwhile, `lunarscale validate --deep` the store, "
                "then run the command that made it again"
            )
        return blob

    def under(self, window: Window) -> list[Window]:
        """The shards that a window touches, as windows of one pixel in their corner."""
        rows, cols = (
            range(start // self.shard * self.shard, start + length, self.shard)
            for start, length in ((window.row, window.height), (window.col, window.width))
        )
        return [Window(row, col, 1, 1) for row in rows for col in cols]

    def content(self, windows: Iterable[Window]) -> str | None:
        """Digest of what some shards hold; None where one of them is not done."""
        entries = [self.read(window) for window in windows]
        if any(entry is None for entry in entries):
            return None
        return digest([entry.content for entry in entries if entry is not None])

    def scan(self, windows: Sequence[Window], *, whole: bool = False) -> list[Entry | None]:
        """The entries of many shards, many at a time.

        No listing is asked for: an object store may list what is gone, and leave out what is there.

        Parameters
        ----------
        windows : sequence of Window
        whole : bool, optional
            Whether an entry also counts for none where its objects are not whole.
        """

        def look(window: Window) -> Entry | None:
            entry = self.read(window)
            return entry if entry is None or not whole or self.is_whole(entry) else None

        return at_once(look, windows)

    def is_whole(self, entry: Entry) -> bool:
        """Whether every object that the entry names is there with the size it names."""
        return all(
            self.location.size(key) == (size or None) for key, (size, _) in entry.objects.items()
        )
