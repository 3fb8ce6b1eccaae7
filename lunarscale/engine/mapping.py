"""The task that makes one shard of every map: read once, compute all, write, count, enter."""

from dataclasses import dataclass, replace

from lunarscale.engine.ledger import Entry, Ledger, digest
from lunarscale.engine.lock import Ticket
from lunarscale.engine.map_chunks import MapChunks, Mare
from lunarscale.engine.outcome import Outcome
from lunarscale.engine.warm import some_of
from lunarscale.errors import LunarscaleError, StoreError
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import Window
from lunarscale.laps import lap, recording
from lunarscale.models.model import Model
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.sums import Chunk
from lunarscale.reduce.tally import Histograms, HistogramTally
from lunarscale.store.cube import Cube, NewShard

#: Rows of a chunk that a rehearsal computes, the rest made no-data: of networks whole chunks would
#: cost every run of 8192 x 4096 pixels, on two workers, a sixteenth of its time.
REHEARSED_ROWS = 8


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
        top, left = window.row + row, (window.col + col) % width
        past = left + window.width - width
        # past the mosaic's last column its first one comes again
        parts = (left, left + window.width - max(past, 0)), (0, past)
        cols = {at for start, stop in parts for at in range(start // edge * edge, stop, edge)}
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
        with recording() as laps:
            try:
                outcome = self._make(job, ledger)
            except LunarscaleError as problem:
                outcome = Outcome(ledger.name(job.window), problem=problem)
        return replace(outcome, laps=laps)

    def _make(self, job: MapJob, ledger: Ledger) -> Outcome:
        maps, window = self.maps, job.window
        maps.require_seen()
        self._require_same_input(job)
        tally = self.tally(window)
        mare = Mare(self.mare, maps.grid)
        chunks = MapChunks(self.mosaic, self.models, size=maps.layout.chunk, mare=mare)
        with maps.making(window) as shard:
            for chunk in window.split(maps.layout.chunk):
                self._map(chunk, chunks, origin=window, shard=shard, tally=tally)
            self._require_same_input(job)  # nor did it change while it was read
            ledger.withdraw(window)
        objects = shard.seals
        with lap("count"):
            statistics: Statistics = tally.partial()
            packed = statistics.to_bytes()
        ledger.write(
            window, Entry(self.key(job.input_digest), objects, [[job.input_digest]]), packed
        )
        return Outcome(
            ledger.name(window),
            pixels=window.height * window.width,
            bytes_read=chunks.pixels_read * 2,
            bytes_written=sum(size for size, _ in objects.values()),
        )

    def rehearse(self) -> None:
        """Map and count a few chunks, and write nothing: a process is ready then for its first job.

        Raises
        ------
        LunarscaleError
            Where a job would find the same.
        """
        maps, (row, col) = self.maps, self.offset
        mare = Mare(self.mare, maps.grid)
        chunks = MapChunks(self.mosaic, self.models, size=maps.layout.chunk, mare=mare)
        for window in some_of(maps.layout.windows()):
            chunk = next(iter(window.split(maps.layout.chunk)))
            chunks.read(Window(chunk.row + row, chunk.col + col, chunk.height, chunk.width))
            chunks.forget(REHEARSED_ROWS)
            counts, flags = chunks.predict(chunk)
            inside = (slice(None), slice(0, chunk.height), slice(0, chunk.width))
            tally = self.tally(window)
            tally.add(Chunk(chunk, counts[inside], flags[inside]))
            tally.partial().to_bytes()

    def tally(self, window: Window) -> HistogramTally:
        """What counts the pixels of a shard."""
        names = tuple(layer.name for layer in self.maps.layout.layers)
        with lap("count"):
            return Histograms(self.groupings).tally(names, grid=self.maps.grid, window=window)

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
        chunks: MapChunks,
        *,
        origin: Window,
        shard: NewShard,
        tally: HistogramTally,
    ) -> None:
        """Every map of one chunk."""
        size, (row, col) = self.maps.layout.chunk, self.offset
        chunks.read(Window(chunk.row + row, chunk.col + col, chunk.height, chunk.width))
        counts, flags = chunks.predict(chunk)
        inside = (slice(None), slice(0, chunk.height), slice(0, chunk.width))
        with lap("count"):
            tally.add(Chunk(chunk, counts[inside], flags[inside]))
        place = (chunk.row - origin.row) // size, (chunk.col - origin.col) // size
        for layer, of_counts, of_flags in zip(self.maps.layout.layers, counts, flags, strict=True):
            shard.writer(layer.name).put(*place, of_counts)
            shard.writer(f"{layer.name}_flag").put(*place, of_flags)
