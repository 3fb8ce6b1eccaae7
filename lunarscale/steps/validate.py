"""Validate: hold what a store keeps against its ledger."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.engine.lock import RunLock
from lunarscale.engine.record import now
from lunarscale.errors import BusyError
from lunarscale.grid.raster import Window
from lunarscale.steps.validating.documents import broken_papers, false_words, wrong_documents
from lunarscale.steps.validating.shards import faults_of
from lunarscale.steps.validating.strangers import strangers
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Shards that are looked at at once; decoding lets go of Python's lock.
THREADS = 8


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
    damaged : list of str
        One sentence a document of the store, or paper of its ledger, that is not what was written.
    strange : list of str
        One sentence an object that is of no run. Nothing reads it, so the store may be whole.
    busy : str
        Why nothing was taken back or mended although there was cause; else empty.
    """

    shards: int
    done: int = 0
    missing: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    busy: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every shard is done and all is what was written."""
        return self.done == self.shards and not self.damaged


@dataclass(frozen=True)
class _Look:
    """What was found of one shard."""

    window: Window
    entry: Entry | None
    faults: tuple[str, ...] = ()


def validate(
    store: str, *, deep: bool = False, storage_options: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> Verdict:  # fmt: skip
    """Check every shard: its entry, its objects' sizes, and with ``deep`` every byte there is.

    The entry of a torn shard is withdrawn, so that the command that made the store makes
    exactly that shard again; a damaged document that follows from the layout is written again.
    While a run writes to the store neither is done.

    Parameters
    ----------
    store : str
        Path or fsspec URL.
    deep : bool
        Read everything: each object against the CRC32C in the ledger, each chunk against its
        own, each chunk decoded; coordinates and metadata against what the layout gives; the
        ledger's papers against their own checksums; and say what lies there besides.
    storage_options : dict, optional
    progress : callable, optional
        Told shards checked and shards in all.
    """
    cube = Cube.open(Location(store, storage_options or {}))
    ledger, windows = Ledger.of(cube), cube.layout.windows()
    verdict, torn = Verdict(len(windows), damaged=list(false_words(cube))), list[_Look]()
    if verdict.damaged:
        return verdict  # whoever believed the layout would take the rest for wrong
    with ThreadPoolExecutor(THREADS) as pool:
        for number, look in enumerate(pool.map(partial(_look, cube, deep), windows)):
            progress(number, len(windows))
            if look.entry is None:
                verdict.missing.append(ledger.name(look.window))
            elif look.faults:
                verdict.torn += look.faults
                torn.append(look)
            else:
                verdict.done += 1
    wrong = _read_papers(cube, verdict) if deep else {}
    if torn or wrong:
        try:
            _mend(cube, torn, wrong)
        except BusyError as error:
            verdict.busy = str(error)
    progress(len(windows), len(windows))
    return verdict


def _look(cube: Cube, deep: bool, window: Window) -> _Look:
    ledger = Ledger.of(cube)
    entry = ledger.read(window)
    if entry is None:
        return _Look(window, None)
    faults = tuple(faults_of(cube, window, entry=entry, deep=deep))
    if faults and ledger.read(window) != entry:
        return _Look(window, None)  # it is being written just now: those were no faults
    return _Look(window, entry, faults)


def _read_papers(cube: Cube, verdict: Verdict) -> dict[str, bytes]:
    """Note what is wrong with all that is no shard; returns the documents that can be mended."""
    keys, url = cube.location.all_keys(), cube.location.url
    wrong = wrong_documents(cube)
    verdict.damaged += [
        f"{url}/{key}: this is not what the store's layout gives" for key in sorted(wrong)
    ]
    verdict.damaged += broken_papers(cube, keys)
    verdict.strange += strangers(cube, keys)
    return wrong


def _mend(cube: Cube, torn: list[_Look], wrong: dict[str, bytes]) -> None:
    """Take torn shards' entries back, and write documents again, unless a run writes here."""
    with RunLock(cube.location, uuid.uuid4().hex[:8], verb="validate", since=now()) as lock:
        ledger = Ledger.of(cube, lock.ticket)
        for look in torn:
            if ledger.read(look.window) == look.entry:
                ledger.withdraw(look.window)
        if Cube.open(cube.location).attributes == cube.attributes:
            for key, blob in wrong.items():
                cube.location.put(key, blob)
