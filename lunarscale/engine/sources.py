"""Where sums take their pixels from: finished maps, chunk by chunk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lunarscale.engine.ledger import Ledger
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import QUANTITIES, Quantity
from lunarscale.reduce.sums import Chunk
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout

#: Bytes a pixel of one layer: its count and its flag.
LAYER_BYTES = 3


class Source(Protocol):
    """Layers on one grid that can be read a shard at a time; small enough to pickle."""

    @property
    def name(self) -> str:
        """What messages call it: its URL."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What each layer shows."""

    @property
    def layout(self) -> Layout:
        """How its pixels are cut into shards and chunks."""

    @property
    def grid(self) -> RasterGrid:
        """Where its pixels are: the layout's."""

    @property
    def bytes_a_pixel(self) -> int:
        """Decoded bytes that are read for one pixel, all layers together."""

    @property
    def task_bytes(self) -> int:
        """Most memory that reading one shard takes: encoded objects and decoded chunks."""

    def shard_name(self, window: Window) -> str:
        """What messages and outcomes call a shard."""

    def require_seen(self) -> None:
        """Make sure that this process sees what is to be read; raises StoreError."""

    def content(self, window: Window) -> str | None:
        """Digest of what the ledger says lies under a window; None if any of it is not done."""

    def chunks(self, window: Window) -> Iterator[Chunk]:
        """All layers of a shard, chunk by chunk; each pixel comes once.

        A chunk's arrays hold until the next one is asked for.

        Raises
        ------
        StoreError
            If the store is out of sight or a shard is torn.
        """


@dataclass(frozen=True)
class MapsSource:
    """The layers of one store of maps.

    Parameters
    ----------
    cube : Cube
    layers : tuple of str
        Those that are wanted, in this order; all of them if none is named.

    Raises
    ------
    StoreError
        If the store lacks one; the message lists those it has.
    """

    cube: Cube
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.layers:
            names = tuple(layer.name for layer in self.cube.layout.layers)
            object.__setattr__(self, "layers", names)
        for layer in self.layers:
            self.cube.array(f"{layer}_flag")  # a map has flags: the store's other layers are none

    @property
    def name(self) -> str:
        """The store's URL."""
        return self.cube.location.url

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What each layer shows."""
        of = {layer.name: QUANTITIES[layer.quantity] for layer in self.cube.layout.layers}
        return tuple(of[layer] for layer in self.layers)

    @property
    def layout(self) -> Layout:
        """The store's."""
        return self.cube.layout

    @property
    def grid(self) -> RasterGrid:
        """The store's."""
        return self.cube.grid

    @property
    def bytes_a_pixel(self) -> int:
        """A count and a flag a layer."""
        return LAYER_BYTES * len(self.layers)

    @property
    def task_bytes(self) -> int:
        """Objects that are held, and every layer's chunk with each reader's own block."""
        names = [name for layer in self.layers for name in (layer, f"{layer}_flag")]
        held = self.cube.held_bytes(*names)
        return held + 2 * self.bytes_a_pixel * self.layout.chunk**2

    def shard_name(self, window: Window) -> str:
        """Its name in the ledger."""
        return Ledger.of(self.cube).name(window)

    def require_seen(self) -> None:
        """Make sure that this process sees the store."""
        self.cube.require_seen()

    def content(self, window: Window) -> str | None:
        """Digest of the entries of the shards that a window touches."""
        ledger = Ledger.of(self.cube)
        return ledger.content(ledger.under(window))

    def chunks(self, window: Window) -> Iterator[Chunk]:
        """All layers of a shard, chunk by chunk, in arrays that are filled again and again."""
        values = [self.cube.reads(layer) for layer in self.layers]
        flags = [self.cube.reads(f"{layer}_flag") for layer in self.layers]
        size = self.layout.chunk
        counts_room = np.empty(len(self.layers) * size * size, np.int16)
        flags_room = np.empty(counts_room.size, np.uint8)
        for place in window.split(size):
            # a chunk at the edge takes the front of the room: its arrays are in one piece too
            shape = (len(self.layers), place.height, place.width)
            cells = shape[0] * shape[1] * shape[2]
            chunk = Chunk(
                place, counts_room[:cells].reshape(shape), flags_room[:cells].reshape(shape)
            )
            for layer in range(len(self.layers)):
                values[layer].read_into(place, chunk.counts[layer])
                flags[layer].read_into(place, chunk.flags[layer])
            yield chunk
