"""Metadata, coordinates and the ledger's papers held against what the store must say of itself."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.metadata.v3 import ArrayV3Metadata
from zarr.core.sync import sync

from lunarscale.engine.ledger import FOLDER, STORE
from lunarscale.engine.record import RUNS
from lunarscale.engine.seals import SEAL, checksum, is_sealed
from lunarscale.store.cube import LOCKS, Cube
from lunarscale.store.layout import spatial_attributes
from lunarscale.urls.at_once import at_once

#: What a coordinate's bytes, changed, make zarr and its codecs raise.
_UNREADABLE = (ValueError, RuntimeError, TypeError, KeyError, OSError, EOFError)


def wrong_documents(cube: Cube) -> dict[str, bytes]:
    """Keys of documents and coordinates that are not what the layout gives, with what it gives.

    Bytes may differ where values do not: another zarr packs and spells them in another way.
    """
    promised = cube.documents()
    found = dict(zip(promised, at_once(cube.location.get, promised), strict=True))
    wrong = (key for key in promised if not _says_the_same(key, found[key], promised))
    return {key: promised[key] for key in wrong}


def _says_the_same(key: str, blob: bytes | None, promised: dict[str, bytes]) -> bool:
    if blob is None or blob == promised[key]:
        return blob is not None
    if not key.endswith("zarr.json"):
        return _same_values(key, blob, promised)
    try:
        return _same_metadata(json.loads(blob), json.loads(promised[key]))
    except ValueError:
        return False


def _same_metadata(found: Any, promised: dict[str, Any]) -> bool:
    """Whether two documents of one node mean the same to zarr."""
    if found == promised:
        return True
    if not isinstance(found, dict) or found.keys() != promised.keys():
        return False
    if promised["node_type"] == "group":
        return _same_group(found, promised)
    try:
        one, other = (ArrayV3Metadata.from_dict(dict(each)) for each in (found, promised))
    except _UNREADABLE:
        return False
    return bool(one == other)


def _same_group(found: dict[str, Any], promised: dict[str, Any]) -> bool:
    inner = "consolidated_metadata"
    if any(found[name] != promised[name] for name in promised.keys() - {inner}):
        return False
    ours, theirs = (each.get(inner) or {} for each in (promised, found))
    members, others = ours.pop("metadata", {}), theirs.pop("metadata", {})
    if ours != theirs or members.keys() != others.keys():
        return False
    return all(_same_metadata(others[name], members[name]) for name in members)


def _same_values(key: str, blob: bytes, promised: dict[str, bytes]) -> bool:
    """Whether a coordinate's one chunk, in other bytes, holds the same values."""
    name = key.split("/", maxsplit=1)[0]
    try:
        mine, theirs = (_array(name, {**promised, key: each}) for each in (promised[key], blob))
    except _UNREADABLE:
        return False
    return mine.tobytes() == theirs.tobytes()


def _array(name: str, documents: dict[str, bytes]) -> np.ndarray[Any, Any]:
    store, prototype = zarr.storage.MemoryStore(), default_buffer_prototype()
    for key, blob in documents.items():
        if key.startswith(f"{name}/"):
            sync(store.set(key, prototype.buffer.from_bytes(blob)))
    return np.asarray(zarr.open_array(store, path=name, mode="r")[...])


def false_words(cube: Cube) -> Iterator[str]:
    """Why the root's attributes are not those that the store was made with."""
    told = dict(cube.attributes)
    number = told.pop(STORE, None)
    given = {"Conventions": "CF-1.11", **spatial_attributes(cube.grid)}
    as_laid = json.loads(json.dumps(given))
    other = [name for name, value in as_laid.items() if told.pop(name, None) != value]
    url = f"{cube.location.url}/zarr.json"
    advice = "bring this document back from a copy, or make the store afresh with --overwrite"
    if other:
        yield f"{url}: {', '.join(other)} is not what the store's layout gives; {advice}"
    if isinstance(number, dict) and number.get(SEAL) != checksum(told):
        yield f"{url}: what {', '.join(told)} say does not match its CRC32C; {advice}"


def broken_papers(cube: Cube, keys: set[str]) -> Iterator[str]:
    """Papers of the ledger, its entries apart, that do not match their own checksum.

    Parameters
    ----------
    cube : Cube
    keys : set of str
        Of all objects of the store.
    """
    if STORE not in cube.attributes:
        return  # made before papers had checksums
    tiles = f"{FOLDER}/tiles.json"
    papers = sorted(k for k in keys if k.startswith((f"{RUNS}/", f"{LOCKS}/")) or k == tiles)
    for key, blob in zip(papers, at_once(cube.location.get, papers), strict=True):
        if blob is not None and not is_sealed(blob):
            yield f"{cube.location.url}/{key}: this paper does not match its CRC32C"
