"""The task that makes one shard of every map: read once, compute all, write, count, enter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.ledger import Entry, Ledger, digest
from lunarscale.engine.lock import Ticket
from lunarscale.engine.outcome import Outcome
from lunarscale.errors import LunarscaleError, StoreError
from lunarscale.flags import (
    BAND_MASK,
    BITS_PER_BAND,
    NO_DATA,
    OUTSIDE_MARE,
    REASON_MASK,
    MapReason,
)
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import Window
from lunarscale.models.model import Model, Prediction
from lunarscale.models.quantise import quantise
from lunarscale.reduce.sums import Chunk, Tally
from lunarscale.reduce.tally import Histograms
from lunarscale.store.cube import Cube, NewShard, WindowReader

#: Pixels a model is given at a time: what it makes of them stays in the L2 cache and in memory
#: that the process has already (below glibc's 128 kB, from which on it asks the system).
BLOCK_PIXELS = 24_576

#: Name of the statistics among a shard's sums.
STATISTICS = "statistics"

#: Number of the group that is mare.
MARIA = 1

#: As NumPy's own number: beside an enumeration's it would compare in 64 bits.
_NO_INPUT = np.uint8(MapReason.NO_INPUT)


@dataclass(frozen=True)
class MapJob:
    """One shard to make: where, and the digest of the mosaic's content there."""

    window: Window
    input_digest: str


@dataclass(frozen=True)
class MapTask:
    """Makes shards of one store of maps.

    The shard is walked chunk by chunk, each decoded, computed, packed and counted while it is
    in the cache; what is kept for the whole shard is compressed.

    Parameters
    ----------
    mosaic, maps : Cube
    offset : (int, int)
        Row and column of the maps' grid within the mosaic's.
    models : tuple of Model
        In the order of ``maps.layout.layers``, each giving one layer a quantity.
    groupings : tuple of Grouping
        What the statistics are kept for.
    mare : Grouping
        Its first group is mare, for the equations that hold only there.
    parameters : str
        Digest of the run's parameters.
    ticket : Ticket or None
        Of the run, shown before a shard is written.
    """

    mosaic: Cube
    maps: Cube
    offset: tuple[int, int]
    models: tuple[Model, ...]
    groupings: tuple[Grouping, ...]
    mare: Grouping
    parameters: str
    ticket: Ticket | None = None

    def key(self, input_digest: str) -> str:
        """The ledger key of a shard made from this content of the mosaic."""
        return digest(self.parameters, input_digest)

    def input_digest(self, window: Window, *, whole: bool = False) -> str | None:
        """Digest of the mosaic's content under a shard; None where it is not finished.

        Where ``whole`` is asked for, also None where an object's size is not what was written.
        """
        mosaic, row, col = self.mosaic, *self.offset
        edge, width = mosaic.layout.shard, mosaic.grid.width
        top, left = window.row + row, window.col + col
        # past the mosaic's last column its first one comes again
        cols = {at % width // edge * edge for at in range(left, left + window.width)}
        ledger, contents = Ledger.of(mosaic), []
        for at in range(top // edge * edge, top + window.height, edge):
            for across in sorted(cols):
                entry = ledger.read(Window(at, across, edge, edge))
                if entry is None or (whole and not ledger.is_whole(entry)):
                    return None
                contents.append(entry.content)
        return digest(contents, self.offset)

    def __call__(self, job: MapJob) -> Outcome:
        """Read, compute, count, write, enter; a problem of the input comes back."""
        ledger = Ledger.of(self.maps, self.ticket)
        try:
            return self._make(job, ledger)
        except LunarscaleError as problem:
            return Outcome(ledger.name(job.window), problem=problem)

    def _make(self, job: MapJob, ledger: Ledger) -> Outcome:
        maps, window = self.maps, job.window
        maps.require_seen()
        self._require_same_input(job)
        names = [layer.name for layer in maps.layout.layers]
        measure = Histograms(self.groupings)
        tally = measure.tally(tuple(names), grid=maps.grid, window=window)
        source = _Source(self)
        with maps.making(window) as shard:
            for chunk in window.split(maps.layout.chunk):
                self._map(chunk, source, origin=window, shard=shard, tally=tally)
            self._require_same_input(job)  # nor did it change while it was read
            ledger.withdraw(window)
        objects = shard.seals
        statistics = tally.partial()
        entry = Entry(self.key(job.input_digest), objects, [[job.input_digest]])
        ledger.write(window, entry, statistics.to_bytes())
        return Outcome(
            ledger.name(window),
            pixels=window.height * window.width,
            bytes_read=source.pixels_read * 2,
            bytes_written=sum(size for size, _ in objects.values()),
            sums={STATISTICS: statistics},
        )

    def _require_same_input(self, job: MapJob) -> None:
        if self.input_digest(job.window) != job.input_digest:
            name = Ledger.of(self.maps).name(job.window)
            raise StoreError(
                f"{self.mosaic.location.url}: what lies under shard {name} is not "
                "there for this worker, or has changed since the run began; let every worker see "
                "the mosaic, let its ingest end, and run predict again"
            )

    def _map(
        self,
        chunk: Window,
        source: "_Source",
        *,
        origin: Window,
        shard: NewShard,
        tally: Tally,
    ) -> None:
        """Every map of one chunk."""
        size = self.maps.layout.chunk
        source.seek(chunk)
        place = (chunk.row - origin.row) // size, (chunk.col - origin.col) // size
        counts, flags = source.predict()
        for layer, of_counts, of_flags in zip(self.maps.layout.layers, counts, flags, strict=True):
            shard.writer(layer.name).put(*place, of_counts)
            shard.writer(f"{layer.name}_flag").put(*place, of_flags)
        inside = (slice(None), slice(0, chunk.height), slice(0, chunk.width))
        tally.add(Chunk(chunk, counts[inside], flags[inside]))


class _Source:
    """The mosaic's counts of one chunk after the other, and what models make of them.

    Arrays as large as a chunk are made once and used again: memory fresh from the system costs a
    fault a page, and a Dask worker hands back at once what is freed (``MALLOC_TRIM_THRESHOLD_``).
    """

    def __init__(self, task: MapTask) -> None:
        self.task, self.pixels_read = task, 0
        mosaic, size = task.mosaic, task.maps.layout.chunk
        camera = mosaic.layout.camera_facts
        self._scale = camera.scale
        self._map_reasons = np.array(camera.map_reasons, dtype=np.uint8)
        asked = {wavelength for model in task.models for wavelength in model.bands_nm}
        needed = sorted(asked, key=camera.wavelengths_nm.index)
        self._bands = camera.band_indices(tuple(needed), "the run")
        self._row_of = {wavelength: row for row, wavelength in enumerate(needed)}
        self._readers = [mosaic.reads("reflectance", band) for band in self._bands]
        self._flag_reader: WindowReader = mosaic.reads("flag")
        self._counts = np.empty((len(needed), size, size), dtype=np.int16)
        packing = mosaic.array("flag").packing
        self._packed = np.full((size, size), packing.fill_value, dtype=packing.dtype)
        layers = [len(model.quantities) for model in task.models]
        self._made = np.empty((sum(layers), size, size), np.int16)
        self._flags = np.empty((sum(layers), size, size), np.uint8)
        self._missing = np.empty(size * size, bool)
        self._found = Prediction.empty(max(layers), BLOCK_PIXELS)
        self._chunk = Window(0, 0, 0, 0)
        self._knows_reasons = False
        self._highlands: NDArray[np.bool_] | None = None

    def seek(self, chunk: Window) -> None:
        """Decode the counts of a chunk of the maps' grid."""
        self._chunk, self._knows_reasons, self._highlands = chunk, False, None
        if self._counts[0].shape != (chunk.height, chunk.width):
            self._counts.fill(NO_DATA)  # a chunk at the maps' edge: the rest is never imaged
        for reader, counts in zip(self._readers, self._counts, strict=True):
            reader.read_into(self._place, counts)
        self.pixels_read += self._counts.size

    @property
    def _place(self) -> Window:
        """The chunk in the mosaic's rows and columns."""
        row, col = self.task.offset
        chunk = self._chunk
        return Window(chunk.row + row, chunk.col + col, chunk.height, chunk.width)

    def predict(self) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Every map's counts and flags over the chunk, ``(layer, row, col)``, until the next."""
        first = 0
        for model in self.task.models:
            of = slice(first, first + len(model.quantities))
            self._predict(model, self._made[of], self._flags[of])
            first = of.stop
        return self._made, self._flags

    def _predict(
        self, model: Model, made: NDArray[np.int16], made_flags: NDArray[np.uint8]
    ) -> None:
        """Fill in one model's counts and flags, each ``(quantity, row, col)``."""
        rows = [self._row_of[wavelength] for wavelength in model.bands_nm]
        flat = self._counts.reshape(len(self._counts), -1)
        layers = len(model.quantities)
        counts, flags = made.reshape(layers, -1), made_flags.reshape(layers, -1)
        needed = _rows(flat, rows)
        for start in range(0, flat.shape[1], BLOCK_PIXELS):
            block = slice(start, min(start + BLOCK_PIXELS, flat.shape[1]))
            given, room = needed[:, block], slice(0, block.stop - start)
            found = Prediction(self._found.values[:layers, room], self._found.flags[:layers, room])
            model.predict(given, self._scale, out=found)
            for index, quantity in enumerate(model.quantities):
                out = counts[index, block], flags[index, block]
                quantise(found.values[index], found.flags[index], quantity.quantum, out=out)
        self._qualify(flags, model, rows)

    def _qualify(self, flags: NDArray[np.uint8], model: Model, rows: list[int]) -> None:
        """Say why a band is missing, where one is, and what lies outside the maria."""
        # a model that lacks a band gives none of its quantities: the first tells of all
        missing = np.flatnonzero(np.equal(flags[0], _NO_INPUT, out=self._missing))
        if missing.size:
            flags[:, missing] = self._reasons(missing, rows)
        if model.mare_only:
            has_value = (flags & np.uint8(REASON_MASK)) == 0
            flags[has_value & self._outside_mare()] |= OUTSIDE_MARE

    def _reasons(self, pixels: NDArray[np.intp], rows: list[int]) -> NDArray[np.uint8]:
        """The worst ``MapReason`` of some bands at pixels of the chunk that miss one."""
        if not self._knows_reasons:
            if self._packed.shape != (self._chunk.height, self._chunk.width):
                self._packed.fill(self.task.mosaic.array("flag").packing.fill_value)
            self._flag_reader.read_into(self._place, self._packed)
            self._knows_reasons = True
        packed = self._packed.ravel()[pixels]
        worst = np.full(packed.shape, MapReason.NO_INPUT, np.uint8)
        for row in rows:
            reasons = self._map_reasons[(packed >> (BITS_PER_BAND * self._bands[row])) & BAND_MASK]
            np.maximum(worst, reasons, out=worst)
        return worst

    def _outside_mare(self) -> NDArray[np.bool_]:
        """Which pixels of the chunk are not known to be mare, flat."""
        if self._highlands is None:
            size, chunk = self.task.maps.layout.chunk, self._chunk
            outside = np.ones((size, size), dtype=bool)
            numbers = self.task.mare.numbers(self.task.maps.grid, chunk)
            outside[: chunk.height, : chunk.width] = numbers != MARIA
            self._highlands = outside.ravel()
        return self._highlands


def _rows(array: NDArray[np.int16], rows: list[int]) -> NDArray[np.int16]:
    """Some rows of an array, in any order; a view where they are evenly spaced."""
    steps = set(np.diff(rows).tolist())
    if len(steps) > 1 or 0 in steps:
        return array[rows]
    step = steps.pop() if steps else 1
    stop = rows[-1] + step
    return array[rows[0] : None if stop < 0 else stop : step]
