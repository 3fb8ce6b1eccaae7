"""What a description or a key from elsewhere must be, before anything is made of it.

Stores come from other people. Their root's document says how much memory a reader takes and by
what names it goes through folders, so both are held against what a map of the Moon can be.
"""

import re
from collections.abc import Mapping
from typing import Any

#: Edge of a shard and of a chunk in pixels, at most: a chunk of int16 then has 512 MiB.
LARGEST_SHARD, LARGEST_CHUNK = 2**16, 2**14

#: Chunks along a shard's edge, at most: its index then has 16 MiB.
MOST_ACROSS = 2**10

#: Layers of a store, at most.
MOST_LAYERS = 1_000

#: What a layer's name may be: it is a folder of the store, and part of files' names.
_NAME = re.compile(r"\w(?:[\w .+-]{0,126}[\w+-])?")

#: Folders of a store that are no layers.
_TAKEN = ("ledger", "lat", "lon", "spatial_ref", "c", "zarr.json")


def require_inside(key: str) -> str:
    """A key, if it stays within its store.

    Raises
    ------
    ValueError
        If it leads out of it.
    """
    if (".." in key and ".." in re.split(r"[/\\]", key)) or key.startswith(("/", "\\")):
        raise ValueError(f"the key {key!r} leads beyond the store")
    return key


def check_description(told: Mapping[str, Any]) -> None:
    """Make sure that a description of a store is of the right types and of a possible size.

    Raises
    ------
    ValueError
        If it is not; the message says what was promised and what was found.
    KeyError, TypeError
        If a part is missing, or is something else altogether.
    """
    numbers = {**told["grid"], "shard": told["shard"], "chunk": told["chunk"]}
    for name, value in numbers.items():
        if type(value) is not int:
            raise ValueError(f"{name} should be a whole number but is {value!r:.40}")
    if not isinstance(told["simulated"], bool):
        raise ValueError(f"simulated should be true or false but is {told['simulated']!r:.40}")
    if not isinstance(told.get("codec", ""), str):
        raise ValueError(f"the codec should be a text but is {told['codec']!r:.40}")
    layers = told["layers"]
    if not isinstance(layers, list) or len(layers) > MOST_LAYERS:
        raise ValueError(f"layers should be a list of {MOST_LAYERS:,} at most")
    for layer in layers:
        _check_layer(layer)
    folders = [folder for layer in layers for folder in (layer["name"], f"{layer['name']}_flag")]
    if len({folder.casefold() for folder in folders}) < len(folders):
        raise ValueError("two layers have one name")


def _check_layer(layer: Mapping[str, Any]) -> None:
    for part, text in layer.items():
        if not isinstance(text, str) or not text.isprintable():
            raise ValueError(f"{part} of a layer should be a line of text but is {text!r:.40}")
    name = layer["name"]
    if _NAME.fullmatch(name) is None or name in _TAKEN:
        raise ValueError(f"a layer cannot be named {name!r:.40}")
