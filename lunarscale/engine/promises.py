"""What is read, held against what the ledger promised of it.

Each chunk of an object carries its own checksum, so a torn one is told as it is read. That a whole
object is another one (of another shard, of an older copy, of a run that was taken for dead) only
the entry tells: it names each object's bytes and the checksum of its chunks' checksums.
"""

import threading
from dataclasses import dataclass

from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.errors import TornError
from lunarscale.grid.raster import Window
from lunarscale.store.shard import NOTHING, ShardReader

#: Entries that a thread keeps: a window as large as a shard touches four.
_KEPT = 4

_lately = threading.local()


@dataclass(frozen=True)
class Promises:
    """Objects of a finished store that are read; it pickles.

    Parameters
    ----------
    ledger : Ledger
    """

    ledger: Ledger

    def __call__(self, window: Window, key: str, reader: ShardReader) -> None:
        """Make sure that an object is the one that was written with its shard.

        An entry that was read a moment ago will do where it agrees: what goes on between is told
        by whoever compares the entries before and after. What is absent is asked for anew, as Zarr
        takes it for no-data.

        Raises
        ------
        TornError
            If it is not, if it is gone, or if the shard is not done any more.
        """
        # stores without a number keep the CRC32C of whole objects, which tells only their lengths
        told = slice(None) if self.ledger.store else slice(1)
        seal = reader.seal
        found, is_there = seal[told], seal != NOTHING
        for entry in (self._kept, self._read)[not is_there :]:
            if self._promised(entry(window), key)[told] == found:
                return
        reader.close()
        url, name = self.ledger.location.url, self.ledger.name(window)
        advice = "run the command that made it again, then this one"
        if not is_there:
            raise TornError(
                f"{url}/{key}: this object was there when the run began and is gone; let nobody "
                f"write to the store meanwhile, {advice}"
            )
        if self._kept(window) is None:  # it was read just now
            raise TornError(
                f"{url}/{key}: shard {name} has changed since the run began; let no run write to "
                "the store meanwhile, then run this command again"
            )
        raise TornError(
            f"{url}/{key}: this is not the object that was written with shard {name}: its bytes or "
            f"its checksum are others; `lunarscale validate --deep` the store, {advice}"
        )

    def _promised(self, entry: Entry | None, key: str) -> list[int]:
        return [] if entry is None else entry.objects.get(key, [])

    def _kept(self, window: Window) -> Entry | None:
        place = self._place(window)
        return _entries()[place] if place in _entries() else self._read(window)

    def _read(self, window: Window) -> Entry | None:
        entries, entry = _entries(), self.ledger.read(window)
        while len(entries) >= _KEPT:
            del entries[next(iter(entries))]
        entries[self._place(window)] = entry
        return entry

    def _place(self, window: Window) -> tuple[str, str, str]:
        return self.ledger.location.url, self.ledger.store, self.ledger.name(window)


def _entries() -> dict[tuple[str, str, str], Entry | None]:
    """What this thread has read lately."""
    entries: dict[tuple[str, str, str], Entry | None] = _lately.__dict__.setdefault("read", {})
    return entries
