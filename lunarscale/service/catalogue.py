"""The stores that a service shows: folders of one folder, looked up by their names in its listing.

A name from a request is compared with names that were listed and never made part of a path, so
nothing outside the folder can be asked for. Links, hidden folders and what is no store are left
out.
"""

import hashlib
import json
import os
import re
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, time_ns

from lunarscale.engine.ledger import FOLDER, Ledger
from lunarscale.engine.promises import Promises
from lunarscale.errors import FormatError, UnavailableError, UnknownError
from lunarscale.grid.raster import Window
from lunarscale.service.dataset import Dataset as Dataset
from lunarscale.store.cube import Cube
from lunarscale.store.levels import OVERVIEWS
from lunarscale.store.location import Location
from lunarscale.urls.at_once import at_once

#: What a dataset's name may be: it stands in addresses and messages.
_NAME = re.compile(r"\w[\w .+-]{0,126}\w")

#: A store that is being written is looked through again once this many times as long has passed as
#: looking took: it takes a twentieth of one core at most.
PATIENCE = 20.0

#: A change so short a time ago may be followed by another one that the times do not tell apart.
SETTLED_NS = 2_000_000_000

_UNSETTLED = -1

#: Times of change, inodes and sizes by which a changed store is told.
Mark = tuple[int, ...]


#: A store, why it cannot be read, or that it is none.
Found = Dataset | FormatError | None


@dataclass(frozen=True)
class _Known:
    """What was found of one folder, when, and how long it took."""

    mark: Mark
    found: Found
    at: float
    took: float


class Catalogue:
    """The stores of one folder; what changed is noticed when it is asked for.

    Parameters
    ----------
    data_dir : Path
    clock, wall : callable, optional
        Seconds that only go on; nanoseconds as files' times of change have them.
    """

    def __init__(
        self, data_dir: Path, *, clock: Callable[[], float] = monotonic,
        wall: Callable[[], int] = time_ns,
    ) -> None:  # fmt: skip
        self.data_dir, self._clock, self._wall = data_dir, clock, wall
        self._known: dict[str, _Known] = {}
        self._looking = threading.Lock()

    def names(self) -> list[str]:
        """The names of what is a store or should be one, sorted."""
        return sorted(name for name in self.folders() if self._look(name) is not None)

    def datasets(self) -> list[Dataset]:
        """The stores that can be read."""
        found = map(self._look, self.names())
        return [each for each in found if isinstance(each, Dataset)]

    def broken(self) -> dict[str, FormatError]:
        """Why the others cannot be, by name."""
        found = {name: self._look(name) for name in self.names()}
        return {name: each for name, each in found.items() if isinstance(each, FormatError)}

    def dataset(self, name: str) -> Dataset:
        """The store of a name.

        Raises
        ------
        UnknownError
            If there is none.
        FormatError
            If what is there is no store that this lunarscale reads.
        """
        # the listed name is what goes on, not the one that was asked for
        listed = next((each for each in self.folders() if each == name), None)
        found = None if listed is None else self._look(listed)
        if found is None:
            names = self.names()
            more = ", …" if len(names) > 10 else ""
            has = f"it has {', '.join(names[:10])}{more}" if names else "it has none yet"
            raise UnknownError(f"this service has no dataset {name[:80]!r}; {has}")
        if isinstance(found, FormatError):
            raise FormatError(str(found))
        return found

    def folders(self, pattern: re.Pattern[str] = _NAME) -> list[str]:
        """Folders that may be stores, or are called like something else: none is a link.

        Raises
        ------
        UnavailableError
            If the folder that they are in cannot be read.
        """
        try:
            with os.scandir(self.data_dir) as entries:
                return [
                    entry.name
                    for entry in entries
                    if pattern.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
                ]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UnavailableError(
                f"the folder of the stores cannot be read ({error.strerror}); tell who runs the "
                "service"
            ) from error

    def _mark(self, name: str) -> Mark | None:
        """How the store of a listed name looks from outside; None where there is none."""
        folder = self.data_dir / name
        try:
            root = (folder / "zarr.json").lstat()
        except OSError:
            return None
        if not stat.S_ISREG(root.st_mode):
            return None
        changed = _changed(folder / OVERVIEWS), _changed(folder / FOLDER)
        return root.st_mtime_ns, root.st_ino, root.st_size, *changed

    def _look(self, name: str) -> Found:
        """What a listed name stands for now, or a moment ago where looking takes long."""
        mark = self._mark(name)
        if mark is None:
            self._known.pop(name, None)
            return None
        known = self._known.get(name)
        if known is not None and self._holds(known, mark):
            return known.found
        with self._looking:
            known = self._known.get(name)  # another thread may have looked meanwhile
            if known is not None and self._holds(known, mark):
                return known.found
            begun = self._clock()
            found = _opened(name, self.data_dir / name, mark)
            if known is not None and _same_store(known.mark, mark):
                found = _handing_on(known.found, found)
            ended = self._clock()
            if self._wall() - mark[-1] < SETTLED_NS:
                mark = (*mark[:-1], _UNSETTLED)  # like no mark to come, so that it is looked again
            self._known[name] = _Known(mark, found, ended, ended - begun)
            return found

    def _holds(self, known: _Known, mark: Mark) -> bool:
        lately = self._clock() - known.at < PATIENCE * known.took
        return known.mark == mark or (_same_store(known.mark, mark) and lately)


def _same_store(one: Mark, other: Mark) -> bool:
    """Whether two marks differ at most in what their ledgers have."""
    return one[:-1] == other[:-1]


def _handing_on(old: Found, new: Found) -> Found:
    """A newer state of a store with what was worked out for the older one."""
    if isinstance(old, Dataset) and isinstance(new, Dataset):
        return replace(new, shown=old.shown, finding=old.finding)
    return new


def _changed(path: Path) -> int:
    """When a file or a folder's listing was changed; 0 where there is none to look at."""
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return 0


def _opened(name: str, folder: Path, mark: Mark) -> Found:
    location = Location(str(folder))
    try:
        cube = Cube.open(location)
    except FormatError as error:
        return None if _is_foreign(location) else error
    ledger, windows = Ledger.of(cube), cube.layout.windows()
    found = at_once(lambda window: _state(ledger, window), windows)
    done, whole = (sum(each) for each in zip(*found, strict=True))
    version = hashlib.sha256(repr((name, mark, done, whole)).encode()).hexdigest()[:16]
    read = replace(cube, promised=Promises(ledger))
    return Dataset(name, read, version, whole, done - whole, len(windows))


def _state(ledger: Ledger, window: Window) -> tuple[bool, bool]:
    """Whether a shard is done, and whether it is whole too."""
    try:
        entry = ledger.read(window)
        return entry is not None, entry is not None and ledger.is_whole(entry)
    except FormatError:
        # a folder or the like in the place of one file: the others' shards can be shown
        return True, False


def _is_foreign(location: Location) -> bool:
    """Whether a store is Zarr's and none of lunarscale's: an array, somebody else's group."""
    try:
        told = json.loads(location.get("zarr.json") or b"")
        return "zarr_format" in told and "lunarscale" not in told.get("attributes", {})
    except (FormatError, ValueError, TypeError, AttributeError, RecursionError):
        return False
