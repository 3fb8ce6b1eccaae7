"""The task that makes all coarser levels of a square of a map, in one pass over it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from lunarscale.engine.ledger import Entry, Ledger, digest
from lunarscale.engine.level_shards import LevelShards, Seals
from lunarscale.engine.lock import Ticket
from lunarscale.engine.outcome import Outcome
from lunarscale.engine.pyramids import Pyramid
from lunarscale.engine.sources import LAYER_BYTES
from lunarscale.engine.square_strips import SquareStrips, Strip
from lunarscale.errors import LunarscaleError, TornError
from lunarscale.grid.area_means import Means, Pieces
from lunarscale.grid.halving import columns_of, rows_of
from lunarscale.grid.raster import Window
from lunarscale.laps import lap, recording
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location
from lunarscale.urls.at_once import at_once

#: Goes into each shard's key: another one makes every level anew.
RULE = "area means, 1"


@dataclass(frozen=True)
class TicketOf(Ticket):
    """A ticket that counts for stores within the store that the run holds.

    Parameters
    ----------
    place : Location
        Of the store that is held.
    """

    place: Location

    def require(self, location: Location) -> None:
        """Make sure that the run still holds the store that this one lies in."""
        super().require(self.place)


class OverviewJob(NamedTuple):
    """One square.

    Parameters
    ----------
    window : Window
        What of the map it is made of, the first part of it.
    square : Window
        In the first level.
    content : str
        Digest of what the map holds there.
    is_made : bool
        Whether nothing is to do but to look.
    """

    window: Window
    square: Window
    content: str
    is_made: bool = False


class LevelShard(NamedTuple):
    """One shard of one level.

    Parameters
    ----------
    level : int
        0 for the finest.
    ledger : Ledger
        The level's.
    window : Window
    """

    level: int
    ledger: Ledger
    window: Window


@dataclass(frozen=True)
class OverviewTask:
    """Makes the shards of all levels in a square; they are its own.

    Layer by layer the map is read once, from north to south.

    Parameters
    ----------
    base : Cube
        The maps.
    coarser : tuple of Cube
        The levels, the finest first.
    pyramid : Pyramid
    ticket : Ticket or None
        Of the run, which holds the maps.
    """

    base: Cube
    coarser: tuple[Cube, ...]
    pyramid: Pyramid
    ticket: Ticket | None = None

    def content(self, square: Window, *, whole: bool = False) -> str | None:
        """Digest of what the map's ledger says lies under a square; None if not all is done.

        Where ``whole`` is asked for, also None where an object's size is not what was written.
        """
        ledger = Ledger.of(self.base)
        windows = [at for window in self.pyramid.under(square) for at in ledger.under(window)]
        told = []
        for window in windows:
            entry = ledger.read(window)
            if entry is None or (whole and not ledger.is_whole(entry)):
                return None
            told.append((ledger.name(window), entry.content))
        return digest(told)

    def key(self, content: str) -> str:
        """The ledger key of a shard that is made of it."""
        return digest(RULE, self.base.layout.to_attributes(), content)

    def shards(self, square: Window) -> list[LevelShard]:
        """The levels' shards in a square."""
        ticket = self.ticket and TicketOf(self.ticket.number, self.ticket.run, self.base.location)
        ledgers = [Ledger.of(level, ticket) for level in self.coarser]
        return [
            LevelShard(number, ledger, window)
            for number, ledger in enumerate(ledgers)
            for window in self.pyramid.part(square, number).split(ledger.shard)
        ]

    def is_made(self, square: Window, content: str) -> bool:
        """Whether all shards of a square are there, whole, and made of this content."""
        key, shards = self.key(content), self.shards(square)
        entries = ((shard.ledger, shard.ledger.read(shard.window)) for shard in shards)
        return all(
            entry is not None and entry.key == key and ledger.is_whole(entry)
            for ledger, entry in entries
        )

    def __call__(self, job: OverviewJob) -> Outcome:
        """Read, sum, settle, write, enter; a problem of the map comes back."""
        with recording() as laps:
            try:
                outcome = self._make(job)
            except LunarscaleError as problem:
                outcome = Outcome(Ledger.of(self.base).name(job.window), problem=problem)
        return replace(outcome, laps=laps)

    def rehearse(self) -> None:
        """Sum a few pixels and write nothing: a process is ready then for its first job."""
        cut, height = self.pyramid.cut, 1 << (self.pyramid.count - 1)
        means = Means(columns_of(cut, 0, height), heights=[1] * self.pyramid.count)
        rows, width = rows_of(cut, 0, 1), cut.under(0, height)[1]
        shape = (1, int(rows.lines[-1]) + 1, width)
        runs = np.array([[0, 0, width, 0]])
        means.add(Pieces(np.zeros(shape, np.int16), np.zeros(shape, np.uint8), runs), rows)

    def _make(self, job: OverviewJob) -> Outcome:
        self.base.require_seen()
        self._require_same(job)
        name = Ledger.of(self.base).name(job.window)
        if job.is_made:
            return Outcome(name)
        shards = self.shards(job.square)
        at_once(lambda shard: shard.ledger.withdraw(shard.window), shards)
        seals = self._write(job.square)
        self._require_same(job)  # nor did it change while it was read
        key = self.key(job.content)
        entries = [
            Entry(key, seals[number, window.row, window.col], [[job.content]])
            for number, _, window in shards
        ]
        at_once(
            lambda made: made[0].ledger.write(made[0].window, made[1]),
            zip(shards, entries, strict=True),
        )
        pixels = sum(part.height * part.width for part in self.pyramid.under(job.square))
        return Outcome(
            name,
            pixels=pixels,
            bytes_read=pixels * len(self.base.layout.layers) * LAYER_BYTES,
            bytes_written=sum(size for entry in entries for size, _ in entry.objects.values()),
        )

    def _write(self, square: Window) -> dict[tuple[int, int, int], Seals]:
        """Every layer of every level; the seals by level and place."""
        strips = SquareStrips(self.base, self.pyramid, square)
        found: dict[tuple[int, int, int], Seals] = {}
        for layer in self.base.layout.layers:
            with ExitStack() as writing:
                shards = [
                    writing.enter_context(
                        LevelShards(level, layer.name, self.pyramid.part(square, number))
                    )
                    for number, level in enumerate(self.coarser)
                ]
                self._settle(strips.of(layer.name), square, shards)
            for number, level_shards in enumerate(shards):
                for place, seals in level_shards.seals.items():
                    found.setdefault((number, *place), {}).update(seals)
        return found

    def _settle(self, strips: Iterator[Strip], square: Window, shards: list[LevelShards]) -> None:
        """One layer's means, written as their rows of chunks are full."""
        cut, grid = self.pyramid.cut, self.coarser[0].grid
        rows = rows_of(cut, grid.row + square.row, square.height)
        heights = [level.layout.chunk for level in self.coarser]
        means = Means(columns_of(cut, grid.col + square.col, square.width), heights=heights)
        # a row of chunks of the first level: rows of the others' are full with one such at most
        stops = np.flatnonzero(rows.ends)[heights[0] - 1 :: heights[0]] + 1
        stops = np.append(stops, rows.lines.size)
        done = 0
        for strip in strips:
            last = int(np.searchsorted(rows.lines, strip.row + strip.height))
            while done < last:
                stop = min(last, int(stops[np.searchsorted(stops, done, side="right")]))
                with lap("compute"):
                    means.add(strip.pieces, rows.part(done, stop, strip.row))
                done = stop
                is_last = done == rows.lines.size
                for level, out in enumerate(shards):
                    ready = means.ready(level)
                    if ready == heights[level] or (ready and is_last):
                        out.put(*means.take(level))

    def _require_same(self, job: OverviewJob) -> None:
        if self.content(job.square) != job.content:
            raise TornError(
                f"{self.base.location.url}: what lies under the square at shard "
                f"{Ledger.of(self.base).name(job.window)} is not there for this worker, or has "
                "changed since the run began; let every worker see the maps and no run write to "
                "them, then run overview again"
            )
