"""The coarser levels of a store of maps: stores of their own within its folder, and which count.

They lie in ``overviews/2``, ``overviews/4`` and so on. ``overviews/zarr.json`` makes them a group
by the Zarr ``multiscales`` convention and says of which state of the store they were made: each run
that writes to a store makes a lock of the next number (``lock_key``), so where there is one of a
higher number than it names, the levels are of the past.
"""

import json
from collections.abc import Sequence
from typing import Any

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


def levels(cube: Cube) -> tuple[Cube, ...]:
    """A store and its coarser levels, the finest first.

    Only levels that are finished and were made of what the store holds now; no listing is asked
    for. Each is as it was opened here: who reads one holds it against its ledger, as any store.

    Parameters
    ----------
    cube : Cube
        Of maps, or of a mosaic, which has none.
    """
    facts = _facts(cube.location.get(DOCUMENT))
    is_current = (
        facts is not None
        and facts.get("store") == _mark(cube)
        and _untouched(cube.location, facts.get("lock"))
    )
    if facts is None or not is_current:
        return (cube,)
    found = at_once(lambda told: _opened(cube, told), facts["levels"])
    return (cube, *(level for level in found if level is not None))


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
    attributes = {
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
    """What the document says; None where there is none, or nothing that makes sense."""
    try:
        facts = json.loads(blob or b"")["attributes"][_WORD]
        told = facts["levels"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_list = isinstance(told, list) and all(isinstance(level, dict) for level in told)
    return facts if is_list else None


def _opened(base: Cube, told: dict[str, Any]) -> Cube | None:
    """A level, or None where it is another than the document tells."""
    folder = told.get("folder")
    if not (isinstance(folder, str) and folder.isascii() and folder.isdigit()):
        return None
    location = level_at(base.location, int(folder))
    try:
        level = Cube.open(location)
    except FormatError:
        return None
    is_its_own = level.layout.kind == "maps" and level.layout.layers == base.layout.layers
    is_same = told.get("store") == _mark(level) and _untouched(location, told.get("lock"))
    return level if is_its_own and is_same else None


def _mark(cube: Cube) -> int:
    """What tells a store from any other, or from itself made afresh: its attributes' CRC32C."""
    text = json.dumps(cube.attributes, sort_keys=True, separators=(",", ":"))
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
