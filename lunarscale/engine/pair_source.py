"""Two maps of one quantity as layers of one source: the first, the second, their difference."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj

from lunarscale.engine.difference_source import difference_of
from lunarscale.engine.ledger import digest
from lunarscale.engine.map_on_grid import MapOnGrid, Method, StoredMap, strip_bytes
from lunarscale.errors import ParametersError, RegionError
from lunarscale.flags import NO_DATA
from lunarscale.grid.common import common_grid
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import Quantity
from lunarscale.reduce.changes import HAS_A, HAS_B
from lunarscale.reduce.sums import Chunk
from lunarscale.store.layout import Layout

#: Names of the layers: the maps, and the first less the second.
LAYERS = FIRST, SECOND, DIFFERENCE = "A", "B", "difference"

#: Finer pixels along the edge of a chunk that is read of a finer map, and of a shard.
_FINE_CHUNK, _FINE_SHARD = 2048, 4096

#: Bytes a pixel of a chunk: three layers twice over, a difference in the making, and of each map a
#: packed chunk on its way in and what it unpacks into.
_CHUNK_BYTES = 2 * 3 * 3 + 16 + 2 * (2 + 3)


@dataclass(frozen=True)
class PairSource:
    """Two maps on the pixels that both have, and their difference in counts.

    Where the grids have the same pixels around the Moon it is taken pixel by pixel. Else the
    finer map is brought to the coarser's pixels. Where either map has no value, no layer has one,
    so that all three speak of the same ground; the reason is that of the map that lacks it (the
    first's, where both do). A difference that does not fit its integers is no value with the
    reason ``beyond_range``, and the maps keep theirs. Where the difference has no value, further
    bits of its flag say which maps have one (``reduce.changes.HAS_A``).

    Parameters
    ----------
    first, second : StoredMap
        Maps of one quantity; layers "A" and "B".
    method : {"mean", "nearest"}
        Of the finer map: the area mean of its valid pixels in each coarser pixel, half of whose
        area must be valid, or the pixel that holds the coarser one's centre.

    Raises
    ------
    ParametersError
        If the maps are of different bodies, units or quantities.
    RegionError
        If they have no ground in common.
    """

    first: StoredMap
    second: StoredMap
    method: Method = "mean"

    def __post_init__(self) -> None:
        _require_comparable(self.first, self.second)
        if self.method not in ("mean", "nearest"):
            raise ParametersError(
                f"a finer map cannot be brought to a coarser grid by '{self.method}'; use mean or "
                "nearest"
            )
        if common_grid(self.first.cube.grid, self.second.cube.grid) is None:
            covers = " and ".join(_covers(side) for side in (self.first, self.second))
            raise RegionError(
                f"the maps have no ground in common: {covers} (W S E N, degrees); compare maps "
                "that overlap"
            )

    @property
    def name(self) -> str:
        """Both maps' names."""
        return f"{self.first.name} and {self.second.name}"

    @property
    def layers(self) -> tuple[str, ...]:
        """A, B and the difference."""
        return LAYERS

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The maps' quantity, three times: a difference has its unit and quantum."""
        return (self.first.quantity,) * len(LAYERS)

    @property
    def grid(self) -> RasterGrid:
        """The part that both cover, in the coarser map's pixels."""
        return self.layout.grid

    @cached_property
    def layout(self) -> Layout:
        """How the common part is cut; shards are small enough that a finer map's share is too."""
        one, other = self.first.cube.layout, self.second.cube.layout
        grid = common_grid(one.grid, other.grid)
        assert grid is not None  # refused when this source was made
        coarser = one if one.grid.around <= other.grid.around else other
        chunk, shard = coarser.chunk, coarser.shard
        if self.finer is not None:
            chunk = max(min(chunk, _FINE_CHUNK // self.ratio), 1)
            most = min(shard, _FINE_SHARD // self.ratio)
            shard = chunk * max(most // chunk, 1)
        return Layout(
            kind="maps",
            grid=grid,
            shard=shard,
            chunk=chunk,
            camera=coarser.camera,
            simulated=one.simulated or other.simulated,
        )

    @property
    def finer(self) -> StoredMap | None:
        """The map that is brought to the other's pixels; None where both have the same."""
        one, other = self.first.cube.grid.around, self.second.cube.grid.around
        if one == other:
            return None
        return self.first if one > other else self.second

    @property
    def ratio(self) -> int:
        """Finer pixels along a coarser one's edge, rounded up."""
        rounds = [side.cube.grid.around for side in (self.first, self.second)]
        return math.ceil(max(rounds) / min(rounds))

    @property
    def how(self) -> str:
        """One sentence of how the maps, A and B, were brought together."""
        finer, around = self.finer, self.grid.around
        if finer is None:
            told = "Both maps have the same pixels and were compared pixel by pixel"
        else:
            fine, coarse = ("A", "B") if finer is self.first else ("B", "A")
            means = "area means of the valid pixels of each, where at least half are valid"
            told = (
                f"{fine} ({finer.cube.grid.around / 360:.4g} pixels a degree) was brought to the "
                f"pixels of {coarse} ({around / 360:.4g}) by "
                f"{means if self.method == 'mean' else 'the pixel that holds each centre'}"
            )
        whole = {(side.cube.grid.height, side.cube.grid.width) for side in self._on_this_grid()}
        if whole != {(self.grid.height, self.grid.width)} or self._crops():
            west, south, east, north = self.grid.bounds()
            edges = " ".join(f"{edge:.5g}" for edge in (west, south, east, north))
            told += f"; they have {edges} (W S E N, degrees) in common"
        return f"{told}.{self.kinds}"

    @property
    def kinds(self) -> str:
        """What is to be said where one map is simulated and the other is not."""
        simulated = [side.cube.layout.simulated for side in (self.first, self.second)]
        if simulated[0] == simulated[1]:
            return ""
        made, real = ("A", "B") if simulated[0] else ("B", "A")
        return f" {made} is SIMULATED and {real} is not: what differs is no finding about the Moon."

    def _on_this_grid(self) -> list[StoredMap]:
        return [s for s in (self.first, self.second) if s.cube.grid.around == self.grid.around]

    def _crops(self) -> bool:
        """Whether the finer map covers more or less than the common part, by a pixel or more."""
        if self.finer is None:
            return False
        ours, theirs = self.grid.bounds(), self.finer.cube.grid.bounds()
        return any(abs(a - b) >= self.grid.pixel_deg for a, b in zip(ours, theirs, strict=True))

    @property
    def bytes_a_pixel(self) -> int:
        """A count and a flag of either map, and of all finer pixels in one."""
        return 3 + 3 * (self.ratio**2 if self.finer is not None else 1)

    @property
    def task_bytes(self) -> int:
        """Encoded objects of both maps, chunks, and a strip of the finer map."""
        chunk = self.layout.chunk
        encoded = self.first.encoded_bytes + self.second.encoded_bytes
        fine = 0
        if self.finer is not None:
            columns = (chunk + 1) * self.ratio
            fine = strip_bytes(columns) if self.method == "mean" else 2 * 3 * columns**2
        return encoded + _CHUNK_BYTES * chunk**2 + fine

    def shard_name(self, window: Window) -> str:
        """Row and column of the shard in this source's own cut."""
        shard = self.layout.shard
        return f"r{window.row // shard:04d}c{window.col // shard:04d}"

    def require_seen(self) -> None:
        """Make sure that this process sees both stores."""
        for side in (self.first, self.second):
            side.cube.require_seen()

    def content(self, window: Window) -> str | None:
        """Digest of what lies under a window in both stores."""
        found = [side.content(self.grid, window) for side in (self.first, self.second)]
        return None if None in found else digest(found)

    def chunks(self, window: Window) -> Iterator[Chunk]:
        """The three layers of a shard, chunk by chunk."""
        sides = [
            MapOnGrid(side, self.grid, method=self.method) for side in (self.first, self.second)
        ]
        for place in window.split(self.layout.chunk):
            shape = (len(LAYERS), place.height, place.width)
            chunk = Chunk(place, np.empty(shape, np.int16), np.empty(shape, np.uint8))
            for layer, side in enumerate(sides):
                side.read_into(place, chunk.counts[layer], chunk.flags[layer])
            chunk.counts[2], chunk.flags[2] = difference_of(chunk.counts[:2], chunk.flags[:2])
            _keep_common(chunk)
            yield chunk


def _keep_common(chunk: Chunk) -> None:
    """Take the values away that only one of the maps has; the flag says whose reason it is."""
    lacks = chunk.counts[:2] == NO_DATA
    nothing = chunk.counts[2] == NO_DATA
    for layer, has in ((0, HAS_A), (1, HAS_B)):
        chunk.flags[2][nothing & ~lacks[layer]] |= has
    for layer in (0, 1):
        only = lacks[1 - layer] & ~lacks[layer]
        chunk.counts[layer][only] = NO_DATA
        chunk.flags[layer][only] = chunk.flags[1 - layer][only]


def _require_comparable(first: StoredMap, second: StoredMap) -> None:
    bodies = [_body(side) for side in (first, second)]
    if bodies[0] != bodies[1]:
        raise ParametersError(
            f"{first.name} is on {bodies[0]} and {second.name} on {bodies[1]}; only maps of one "
            "body can be compared"
        )
    one, other = first.quantity, second.quantity
    if one.units != other.units:
        raise ParametersError(
            f"{first.name} is in {_unit(one)} and {second.name} in {_unit(other)}; only maps of "
            "one quantity can be compared"
        )
    if one != other:
        raise ParametersError(
            f"{first.name} shows {one.long_name} and {second.name} {other.long_name}; only maps "
            "of one quantity can be compared"
        )


def _body(side: StoredMap) -> str:
    """The ellipsoid that a store's coordinates are on, in words."""
    crs = pyproj.CRS.from_user_input(side.cube.attributes["proj:wkt2"])
    ellipsoid = crs.ellipsoid
    assert ellipsoid is not None  # a CRS without one places nothing
    return f"{ellipsoid.name} ({ellipsoid.semi_major_metre / 1000:,.1f} km)"


def _unit(quantity: Quantity) -> str:
    return "a pure number" if quantity.units == "1" else quantity.units


def _covers(side: StoredMap) -> str:
    bounds = " ".join(f"{edge:g}" for edge in side.cube.grid.bounds())
    return f"{side.name} covers {bounds}"
