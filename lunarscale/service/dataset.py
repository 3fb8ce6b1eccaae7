"""A store as the service shows it."""

import re
import threading
from dataclasses import dataclass, field
from functools import cached_property

from lunarscale.errors import FormatError, UnknownError
from lunarscale.service.layers import Layer, layers_of
from lunarscale.service.ranges import Range, display_range
from lunarscale.steps.opening import open_levels
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: By layer; None where it has no value at all.
Ranges = dict[str, Range | None]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A store as it was when it was last looked at.

    Parameters
    ----------
    name : str
        Its folder's.
    cube : Cube
        Each object that is read is held against the store's ledger.
    version : str
        Another one after any change: for caches.
    done, torn, shards : int
        Shards that are finished, those whose objects are not what was written, and all.
    shown : dict
        The ranges that were worked out last, by how far the store then was; an older state of the
        same store hands them on.
    """

    name: str
    cube: Cube
    version: str
    done: int
    torn: int
    shards: int
    shown: dict[tuple[int, ...], Ranges] = field(default_factory=dict, repr=False)
    finding: threading.Lock = field(default_factory=threading.Lock, repr=False)  #: ranges, once

    @property
    def location(self) -> Location:
        """Where the store lies; not for clients."""
        return self.cube.location

    @property
    def title(self) -> str:
        """For people."""
        return str(self.cube.attributes.get("title", self.name))

    @property
    def created(self) -> str | None:
        """When the store was laid, UTC, ISO 8601; None where it does not say."""
        last = str(self.cube.attributes.get("history", "")).strip().rpartition("\n")[2]
        found = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", last)
        return found[0] if found else None

    @cached_property
    def levels(self) -> tuple[Cube, ...]:
        """The base and its overviews, finest first; each is held against its ledger.

        Where a folder or the like lies in the place of what tells of the overviews there are none.
        """
        try:
            return open_levels(self.cube)
        except FormatError:
            return (self.cube,)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What it can show."""
        return layers_of(self.cube.layout)

    def layer(self, name: str) -> Layer:
        """The layer of a name.

        Raises
        ------
        UnknownError
            If there is none; the message lists those there are.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise UnknownError(
            f"{self.name} has no layer {name[:80]!r}; it has "
            f"{', '.join(layer.name for layer in self.layers)}"
        )

    @property
    def ranges(self) -> Ranges:
        """The values that each layer's colours span unless asked otherwise.

        Those of a store that is being written are worked out again when it has twice the shards.
        """
        far = len(self.levels), self.done.bit_length(), int(self.done == self.shards)
        with self.finding:
            found = self.shown.get(far)
            if found is None:
                coarsest = self.levels[-1]
                found = {layer.name: display_range(coarsest, layer) for layer in self.layers}
                self.shown.clear()
                self.shown[far] = found
            return found
