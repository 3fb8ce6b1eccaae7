"""The coarser levels of a store of maps: stores of their own within its folder, and which count.

They lie in ``overviews/2``, ``overviews/4`` and so on. ``overviews/zarr.json`` makes them a group
by the Zarr ``multiscales`` convention and says of which state of the store they were made: each run
that writes to a store makes a lock of the next number (``lock_key``), so where there is one of a
higher number than it names, the levels are of the past. It carries the CRC32C of the rest of it.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import google_crc32c

from lunarscale.errors import FormatError
from lunarscale.store.cube import Cube, lock_key
from lunarscale.store.layout import affine
from lunarscale.store.location import Location
from lunarscale.urls.at_once import at_once

#: The folder of a store that its levels are in.
OVERVIEWS = "overviews"

#: What says which of them count.
DOCUMENT = f"{OVERVIEWS}/zarr.json"

_WORD = "lunarscale_overviews"

#: Its checksum, beside what it says under that word.
_SEAL = "crc32c"

_CONVENTIONS = [
    {
        "uuid": "d35379db-88df-4056-af3a-620245f8e347",
        "name": "multiscales",
        "spec_url": "https://github.com/zarr-conventions/multiscales/blob/v1/README.md",
    },
    {
        "uuid": "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4",
        "name": "spatial:",
        "spec_url": "https://github.com/zarr-conventions/spatial/blob/v1/README.md",
    },
]


def level_at(base: Location, factor: int) -> Location:
    """Where a level lies.

    Parameters
    ----------
    base : Location
        Of the store.
    factor : int
        About as many of its pixels make the edge of one: 2, 4, 8 and so on.
    """
    return Location(f"{base.url.rstrip('/')}/{OVERVIEWS}/{factor}", base.storage_options)


class Level(NamedTuple):
    """A coarser level that the document names.

    Parameters
    ----------
    location : Location
    cube : Cube or None
        None where no store is there, or another than the document names.
    is_read : bool
        Whether readers take it: it is the one that was made, and no run has held it since.
    """

    location: Location
    cube: Cube | None
    is_read: bool


class Told(NamedTuple):
    """What the document of a store's levels says.

    Parameters
    ----------
    state : str
        ``none`` is there; it is ``damaged``; it is of a ``past`` state of the store; or it is
        ``current``.
    levels : tuple of Level
        Those that it names, if it is current; the finest first.
    """

    state: Literal["none", "damaged", "past", "current"]
    levels: tuple[Level, ...] = ()


def levels(cube: Cube) -> tuple[Cube, ...]:
    """A store and its coarser levels, the finest first.

    Only levels that are finished and were made of what the store holds now; no listing is asked
    for. Each is as it was opened here: who reads one holds it against its ledger, as any store.

    Parameters
    ----------
    cube : Cube
        Of maps, or of a mosaic, which has none.
    """
    found = told_levels(cube).levels
    return (cube, *(level.cube for level in found if level.cube is not None and level.is_read))


def told_levels(cube: Cube) -> Told:
    """What a store's document says of its levels, and what lies where it names one."""
    blob = cube.location.get(DOCUMENT)
    facts = _facts(blob)
    if facts is None:
        return Told("none" if blob is None else "damaged")
    if facts.get("store") != _mark(cube) or not _untouched(cube.location, facts.get("lock")):
        return Told("past")
    return Told("current", tuple(at_once(lambda told: _opened(cube, told), facts["levels"])))


def described(base: Cube, coarser: Sequence[Cube], *, lock: int) -> bytes:
    """The document that says that these levels are finished.

    Parameters
    ----------
    base : Cube
    coarser : sequence of Cube
        The finest first; all of one extent.
    lock : int
        Number of the lock of the run that made them.
    """
    attributes: dict[str, Any] = {
        "zarr_conventions": _CONVENTIONS,
        "multiscales": {"layout": _layout(coarser), "resampling_method": "average"},
        _WORD: {
            "store": _mark(base),
            "lock": lock,
            "levels": [
                {
                    "folder": level.location.url.rsplit("/", maxsplit=1)[-1],
                    "store": _mark(level),
                    "lock": _last_lock(level.location),
                }
                for level in coarser
            ],
        },
    }
    group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    attributes[_WORD][_SEAL] = _checksum(group)
    return json.dumps(group, indent=1).encode()


def _layout(coarser: Sequence[Cube]) -> list[dict[str, Any]]:
    """The levels as the convention tells them: each but the first is half the one before."""
    told: list[dict[str, Any]] = []
    for level in coarser:
        asset = level.location.url.rsplit("/", maxsplit=1)[-1]
        known: dict[str, Any] = {
            "asset": asset,
            "spatial:shape": [level.grid.height, level.grid.width],
            "spatial:transform": list(affine(level.grid)),
        }
        if told:
            known["derived_from"] = told[-1]["asset"]
            known["transform"] = {"scale": [2.0, 2.0], "translation": [0.0, 0.0]}
        told.append(known)
    return told


def _facts(blob: bytes | None) -> dict[str, Any] | None:
    """What the document says; None where there is none, or any of it is not what was written."""
    try:
        group = json.loads(blob or b"")
        facts = group["attributes"][_WORD]
        seal, told = facts.pop(_SEAL), facts["levels"]
        is_sound = seal == _checksum(group) and all(_is_folder(level["folder"]) for level in told)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return facts if is_sound else None


def _is_folder(name: Any) -> bool:
    return isinstance(name, str) and name.isascii() and name.isdigit()


def _opened(base: Cube, told: dict[str, Any]) -> Level:
    location = level_at(base.location, int(told["folder"]))
    try:
        cube = Cube.open(location)
    except FormatError:
        return Level(location, None, is_read=False)
    is_its_own = cube.layout.kind == "maps" and cube.layout.layers == base.layout.layers
    if not is_its_own or told.get("store") != _mark(cube):
        return Level(location, None, is_read=False)
    return Level(location, cube, is_read=_untouched(location, told.get("lock")))


def _mark(cube: Cube) -> int:
    """What tells a store from any other, or from itself made afresh: its attributes' CRC32C."""
    return _checksum(cube.attributes)


def _checksum(facts: Any) -> int:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return int(google_crc32c.value(text.encode()))


def _untouched(location: Location, lock: Any) -> bool:
    """Whether no run has held a store since the one with a lock of this number."""
    return isinstance(lock, int) and location.size(lock_key(lock + 1)) is None


def _last_lock(location: Location) -> int:
    """The number of a store's last lock; a level has one where ``validate`` has mended it."""
    number = 0
    while not _untouched(location, number):
        number += 1
    return number
