"""The task that makes one shard of a mosaic from the tiles that touch it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lunarscale.engine.ledger import Entry, Ledger, digest
from lunarscale.engine.outcome import Outcome
from lunarscale.errors import LunarscaleError
from lunarscale.flags import BITS_PER_BAND
from lunarscale.grid.catalogue import Catalogue
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.resample import Overlay, source_lines, source_samples, touches
from lunarscale.readers.tile import Tile, band_reasons
from lunarscale.store.cube import Cube
from lunarscale.store.shard import ShardWriter


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
    """

    cube: Cube
    parameters: str

    def key(self, identities: list[list[Any]]) -> str:
        """The ledger key of a shard made from these tiles."""
        return digest(self.parameters, identities)

    def __call__(self, job: MosaicJob) -> Outcome:
        """Read, lay, write, enter; a problem of the input comes back, it does not raise."""
        ledger = Ledger(self.cube.location, self.cube.layout.shard)
        try:
            return self._make(job, ledger)
        except LunarscaleError as problem:
            return Outcome(ledger.name(job.window), problem=problem)

    def _make(self, job: MosaicJob, ledger: Ledger) -> Outcome:
        cube, window = self.cube, job.window
        cube.require_seen()
        bands = len(cube.layout.camera_facts.wavelengths_nm)
        counts = [cube.writer("reflectance") for _ in range(bands)]
        flags = cube.writer("flag")
        read = disagreements = 0
        for strip in window.split_rows(cube.layout.chunk):
            overlay = Overlay(cube.grid, strip, bands)
            for tile in job.tiles:
                read += _lay(tile, overlay)
            disagreements += overlay.disagreements
            self._pack(overlay, counts, flags=flags, origin=window)
        ledger.withdraw(window)
        objects = dict(
            cube.commit(writer, "reflectance", window=window, band=band)
            for band, writer in enumerate(counts)
        )
        objects.update([cube.commit(flags, "flag", window=window)])
        inputs = [tile_identity(tile) for tile in job.tiles]
        ledger.write(window, Entry(self.key(inputs), objects, inputs, disagreements))
        return Outcome(
            ledger.name(window),
            pixels=window.height * window.width,
            bytes_read=read,
            bytes_written=sum(size for size, _ in objects.values()),
            disagreements=disagreements,
        )

    def _pack(
        self, overlay: Overlay, counts: list[ShardWriter], *, flags: ShardWriter, origin: Window
    ) -> None:
        size, strip = self.cube.layout.chunk, overlay.window
        dtype = np.dtype(flags.layout.dtype)
        packed = np.zeros((strip.height, strip.width), dtype)
        for band, reasons in enumerate(overlay.reasons):
            packed |= reasons.astype(dtype) << dtype.type(BITS_PER_BAND * band)
        for chunk in strip.split(size):
            row, col = (chunk.row - origin.row) // size, (chunk.col - origin.col) // size
            part = Window(0, chunk.col - strip.col, chunk.height, chunk.width).slices
            for band, writer in enumerate(counts):
                writer.put(row, col, overlay.counts[band][part])
            flags.put(row, col, packed[part])


def _lay(tile: Tile, overlay: Overlay) -> int:
    """Lay what a strip needs of a tile; returns the bytes read."""
    lines, samples = _needed(tile, overlay.grid, overlay.window)
    if lines.start == lines.stop or samples.start == samples.stop:
        return 0
    counts = tile.read(lines, samples)
    reasons = band_reasons(counts, tile.camera)
    overlay.lay(counts, reasons, lattice=tile.lattice, first=(lines.start, samples.start))
    return counts.nbytes


def _needed(tile: Tile, grid: RasterGrid, window: Window) -> tuple[slice, slice]:
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
            lines, samples = _needed(tile, grid, strip)
            pixels = (lines.stop - lines.start) * (samples.stop - samples.start)
            total, most = total + pixels, max(most, pixels)
    return total, most
