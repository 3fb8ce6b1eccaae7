"""``STORE:LAYER``: how a command names one map."""

import string
from typing import Any

from lunarscale.engine.map_on_grid import StoredMap
from lunarscale.errors import StoreError
from lunarscale.steps.opening import open_maps


def split_name(text: str) -> tuple[str, str | None]:
    """The store and the layer of ``maps.zarr:FeO``; None where no layer is named.

    The layer follows the last colon. A colon that belongs to the store is told by what is behind
    it: in ``s3://maps.zarr``, ``http://host:9000/maps.zarr`` and ``C:\\maps.zarr`` a path goes on,
    and one letter before it is a drive.
    """
    store, colon, layer = text.rpartition(":")
    drive = len(store) == 1 and store in string.ascii_letters
    if not colon or not store or drive or "/" in layer or "\\" in layer:
        return text, None
    return store, layer


def open_map(text: str, storage_options: dict[str, Any] | None = None) -> StoredMap:
    """The map that ``STORE:LAYER`` names, in finished maps.

    Raises
    ------
    StoreError
        If no layer is named, or the store has none of the name; the message lists those it has.
    """
    store, layer = split_name(text)
    cube = open_maps(store, storage_options)
    if not layer:
        has = ", ".join(item.name for item in cube.layout.layers)
        first = cube.layout.layers[0].name if cube.layout.layers else "FeO"
        bare = text.rstrip(":")
        raise StoreError(
            f"{text}: a layer must be named too, as {bare}:{first}; the store has {has or 'none'}"
        )
    return StoredMap(cube, layer)
