"""Validate: hold what a store keeps against its ledger."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.engine.lock import RunLock
from lunarscale.engine.record import now
from lunarscale.errors import BusyError
from lunarscale.grid.raster import Window
from lunarscale.steps.validating.documents import broken_papers, false_words, wrong_documents
from lunarscale.steps.validating.of_levels import note_unread, of_level
from lunarscale.steps.validating.shards import faults_of
from lunarscale.steps.validating.strangers import strangers
from lunarscale.steps.validating.verdict import Verdict
from lunarscale.store.cube import Cube
from lunarscale.store.levels import Told, told_levels
from lunarscale.store.location import Location

#: Shards that are looked at at once; decoding lets go of Python's lock.
THREADS = 8


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

    Of maps so are their overviews, each level as a store of its own. The entry of a torn shard is
    withdrawn, so that the command that made the store makes exactly that shard again; a damaged
    document that follows from the layout is written again. While a run writes to the store neither
    is done.

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
        Told shards checked and shards in all, the levels' among them.
    """
    cube = Cube.open(Location(store, storage_options or {}))
    # whoever believed a false root would take the rest for wrong
    told = Told("none") if any(false_words(cube)) else told_levels(cube)
    coarser = [level.cube for level in told.levels if level.cube is not None]
    todo = sum(len(each.layout.windows()) for each in (cube, *coarser))
    steps = count()

    def tell() -> None:
        progress(next(steps), todo)

    tell()
    verdict = _judged(cube, deep=deep, tell=tell)
    for level in told.levels:
        judged = None if level.cube is None else _judged(level.cube, deep=deep, tell=tell)
        verdict.levels.append(of_level(level, judged, url=cube.location.url))
    note_unread(verdict, cube, told.state)
    return verdict


def _judged(cube: Cube, *, deep: bool, tell: Callable[[], None]) -> Verdict:
    """One store, its levels apart; what can be mended is."""
    ledger, windows = Ledger.of(cube), cube.layout.windows()
    verdict = Verdict(cube.location.url, len(windows), damaged=list(false_words(cube)))
    if verdict.damaged:
        return verdict
    torn = list[_Look]()
    with ThreadPoolExecutor(THREADS) as pool:
        for look in pool.map(partial(_look, cube, deep), windows):
            if look.entry is None:
                verdict.missing.append(ledger.name(look.window))
            elif look.faults:
                verdict.torn += look.faults
                torn.append(look)
            else:
                verdict.done += 1
            tell()
    wrong = _read_papers(cube, verdict) if deep else {}
    if torn or wrong:
        try:
            _mend(cube, torn, wrong)
        except BusyError as error:
            verdict.busy = str(error)
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
