"""The task that makes one shard of a mosaic from the tiles that touch it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lunarscale.engine.ledger import Entry, Ledger, digest
from lunarscale.engine.lock import Ticket
from lunarscale.engine.outcome import Outcome
from lunarscale.errors import LunarscaleError
from lunarscale.grid.catalogue import Catalogue
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.resample import (
    Overlay,
    is_meant,
    source_lines,
    source_samples,
    touches,
)
from lunarscale.laps import lap, recording
from lunarscale.readers.tile import Tile, reason_table
from lunarscale.store.cube import Cube, NewShard


def tile_identity(tile: Tile) -> list[Any]:
    """What makes a tile the same tile: name, path, size and label hash."""
    return [tile.name, tile.path, tile.size_bytes, tile.label_sha256]


def tile_content(identity: list[Any]) -> tuple[Any, ...]:
    """An identity without its path: what makes two files the same tile."""
    name, _, size, label = identity
    return name, size, label


@dataclass(frozen=True)
class MosaicJob:
    """One shard to make: where, and of which tiles in which order."""

    window: Window
    tiles: tuple[Tile, ...]


def mosaic_jobs(
    tiles: tuple[Tile, ...], grid: RasterGrid, windows: Iterable[Window]
) -> Iterator[MosaicJob]:
    """For every window the job of the tiles that reach it, in the order in which they are laid."""
    catalogue = Catalogue.of((tile.lattice, (tile.lines, tile.samples)) for tile in tiles)
    for window in windows:
        near = (tiles[number] for number in catalogue.near(grid, window))
        yield MosaicJob(
            window,
            tuple(
                tile
                for tile in near
                if touches(tile.lattice, (tile.lines, tile.samples), grid=grid, window=window)
            ),
        )


@dataclass(frozen=True)
class MosaicTask:
    """Makes shards of one mosaic.

    A strip of chunk rows is laid at a time, so memory is bounded by the strip and not the shard.

    Parameters
    ----------
    cube : Cube
    parameters : str
        Digest of the run's parameters.
    ticket : Ticket or None
        Of the run, shown before a shard is written.
    rehearsed : tuple of Tile
        One of each way in which tiles are laid.
    """

    cube: Cube
    parameters: str
    ticket: Ticket | None = None
    rehearsed: tuple[Tile, ...] = ()

    def key(self, identities: list[list[Any]]) -> str:
        """The ledger key of a shard made from these tiles."""
        return digest(self.parameters, identities)

    def __call__(self, job: MosaicJob) -> Outcome:
        """Read, lay, write, enter; a problem of the input comes back, it does not raise."""
        ledger = Ledger.of(self.cube, self.ticket)
        with recording() as laps:
            try:
                outcome = self._make(job, ledger)
            except LunarscaleError as problem:
                outcome = Outcome(ledger.name(job.window), problem=problem)
        return replace(outcome, laps=laps)

    def rehearse(self) -> None:
        """Lay a few counts of no tile: a process is ready then for its first job."""
        cube = self.cube
        bands = len(cube.layout.camera_facts.wavelengths_nm)
        corner = Window(0, 0, min(8, cube.grid.height), min(8, cube.grid.width))
        for tile in self.rehearsed:
            overlay = Overlay(cube.grid, corner, bands)
            nothing = np.zeros((bands, 2, 2), np.int16)
            overlay.lay(nothing, reason_table(tile.camera), lattice=tile.lattice, first=(0, 0))
            overlay.flags(cube.layout.camera_facts.flag_dtype)

    def _make(self, job: MosaicJob, ledger: Ledger) -> Outcome:
        cube, window = self.cube, job.window
        cube.require_seen()
        bands = len(cube.layout.camera_facts.wavelengths_nm)
        read = disagreements = 0
        with cube.making(window) as shard:
            for strip in window.split_rows(cube.layout.chunk):
                with lap("compute"):
                    overlay = Overlay(cube.grid, strip, bands)
                for tile in job.tiles:
                    read += _lay(tile, overlay)
                disagreements += overlay.disagreements
                self._pack(overlay, shard, origin=window)
            ledger.withdraw(window)
        objects = shard.seals
        inputs = [tile_identity(tile) for tile in job.tiles]
        ledger.write(window, Entry(self.key(inputs), objects, inputs, disagreements))
        return Outcome(
            ledger.name(window),
            pixels=window.height * window.width,
            bytes_read=read,
            bytes_written=sum(size for size, _ in objects.values()),
            disagreements=disagreements,
        )

    def _pack(self, overlay: Overlay, shard: NewShard, *, origin: Window) -> None:
        flags = shard.writer("flag")
        size, strip = self.cube.layout.chunk, overlay.window
        with lap("compute"):
            packed = overlay.flags(flags.layout.dtype)
        for chunk in strip.split(size):
            row, col = (chunk.row - origin.row) // size, (chunk.col - origin.col) // size
            part = Window(0, chunk.col - strip.col, chunk.height, chunk.width).slices
            for band, counts in enumerate(overlay.counts):
                shard.writer("reflectance", band).put(row, col, counts[part])
            flags.put(row, col, packed[part])


def _lay(tile: Tile, overlay: Overlay) -> int:
    """Lay what a strip needs of a tile; returns the bytes read."""
    lines, samples = needed_part(tile, overlay.grid, overlay.window)
    if lines.start == lines.stop or samples.start == samples.stop:
        return 0
    with lap("read"):
        counts, first = tile.raw(lines, samples)
    with lap("compute"):
        overlay.lay(
            counts, reason_table(tile.camera), lattice=tile.lattice, first=(lines.start, first)
        )
    return counts.nbytes


def needed_part(tile: Tile, grid: RasterGrid, window: Window) -> tuple[slice, slice]:
    """The lines and samples of a tile that a window needs."""
    return (
        source_lines(tile.lattice, tile.lines, grid=grid, window=window),
        source_samples(tile.lattice, tile.samples, grid=grid, window=window),
    )


def source_extent(job: MosaicJob, grid: RasterGrid, chunk: int) -> tuple[int, int]:
    """Source pixels that a shard needs in all, and the most that one strip needs of one tile."""
    total = most = 0
    for strip in job.window.split_rows(chunk):
        for tile in job.tiles:
            lines, samples = needed_part(tile, grid, strip)
            # a file's lines are read whole
            pixels = (lines.stop - lines.start) * tile.samples * (samples.stop > samples.start)
            total, most = total + pixels, max(most, pixels)
    return total, most


def one_of_each(tiles: Iterable[Tile], grid: RasterGrid) -> tuple[Tile, ...]:
    """A tile that is laid by means and one that is laid by nearest pixels, as far as there are."""
    return tuple({is_meant(tile.lattice, grid): tile for tile in tiles}.values())
