"""Validate: hold what a store keeps against its ledger."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import google_crc32c

from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.errors import TornError
from lunarscale.grid.raster import Window
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location


@dataclass
class Verdict:
    """What a validation found.

    Parameters
    ----------
    shards, done : int
        Shards in all, and those that the ledger has and that are whole.
    missing : list of str
        Shards that the ledger does not have: not made yet.
    torn : list of str
        One sentence a shard whose objects are not what was written.
    """

    shards: int
    done: int = 0
    missing: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every shard is done and is what was written."""
        return self.done == self.shards


def validate(
    store: str, *, deep: bool = False, storage_options: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> Verdict:  # fmt: skip
    """Check every shard: its entry, its objects' sizes, and with ``deep`` every byte.

    The entry of a torn shard is withdrawn, so that the command that made the store makes
    exactly that shard again.

    Parameters
    ----------
    store : str
        Path or fsspec URL.
    deep : bool
        Read everything: each object against the CRC32C in the ledger, each chunk against its
        own, each chunk decoded.
    storage_options : dict, optional
    progress : callable, optional
        Told shards checked and shards in all.
    """
    cube = Cube.open(Location(store, storage_options or {}))
    ledger = Ledger.of(cube)
    windows = cube.layout.windows()
    verdict = Verdict(len(windows))
    for number, window in enumerate(windows):
        progress(number, len(windows))
        entry = ledger.read(window)
        if entry is None:
            verdict.missing.append(ledger.name(window))
            continue
        faults = list(_faults(cube, window, entry=entry, deep=deep))
        if faults:
            verdict.torn += faults
            ledger.withdraw(window)
        else:
            verdict.done += 1
    progress(len(windows), len(windows))
    return verdict


def _faults(cube: Cube, window: Window, *, entry: Entry, deep: bool) -> Iterator[str]:
    """What is wrong with a shard, one sentence an object."""
    url = cube.location.url
    for key, (size, checksum) in entry.objects.items():
        found = cube.location.size(key) or 0
        if found != size:
            yield f"{url}/{key}: {size:,} bytes were written but {found:,} are there"
        elif deep and size:
            blob = cube.location.get(key) or b""
            if google_crc32c.value(blob) != checksum:
                yield f"{url}/{key}: the bytes do not match the CRC32C in the ledger"
    if deep:
        for spec in cube.layout.arrays():
            for band in range(spec.bands) if spec.bands else [None]:
                try:
                    cube.reader(spec.name, window, band).check()
                except TornError as error:
                    yield str(error)
