"""Finished stores of maps written straight from arrays, and what they hold read by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.engine.record import provenance
from lunarscale.flags import NO_DATA, MapReason
from lunarscale.grid.raster import RasterGrid
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout, MapLayer
from lunarscale.store.location import Location

Counts = Mapping[str, NDArray[np.int16]]


def write_maps(
    path: Path,
    counts: Counts,
    grid: RasterGrid,
    *,
    flags: Mapping[str, NDArray[np.uint8]] | None = None,
    layers: Sequence[MapLayer] = (),
    shard: int = 32,
    chunk: int = 16,
    simulated: bool = True,
) -> str:
    """Write a store whose shards are all done; returns its path.

    Parameters
    ----------
    path : Path
    counts : mapping of layer name to ndarray of int16, (row, col)
    grid : RasterGrid
    flags : mapping of layer name to ndarray of uint8, optional
        Where not given: 0 with a value, "no input" without.
    layers : sequence of MapLayer, optional
        Where not given, a layer ``FeO_x`` shows FeO and was made by the model x.
    """
    named = {layer.name: layer for layer in layers}
    described = tuple(named.get(name) or described_by(name) for name in counts)
    layout = Layout("maps", grid, shard, chunk, "clementine-uvvis", described, simulated)
    cube = Cube.create(Location(str(path)), layout, provenance("Maps at hand"))
    ledger = Ledger(cube.location, shard)
    for window in layout.windows():
        with cube.making(window) as shard:
            for name, values in counts.items():
                given = (flags or {}).get(name)
                missing = np.where(values == NO_DATA, int(MapReason.NO_INPUT), 0)
                made = (missing if given is None else given).astype(np.uint8)
                for place in window.split(chunk):
                    at = (place.row - window.row) // chunk, (place.col - window.col) // chunk
                    shard.writer(name).put(*at, values[place.slices])
                    shard.writer(f"{name}_flag").put(*at, made[place.slices])
        ledger.write(window, Entry("made by hand", shard.seals))
    return str(path)


def described_by(name: str) -> MapLayer:
    """A layer whose name says what it shows and, behind its first ``_``, who made it."""
    quantity, _, model = name.partition("_")
    return MapLayer(name, quantity, model or "made-by-hand", "none", "written for a test")


def open_cube(path: str) -> Cube:
    """The store."""
    return Cube.open(Location(path))
