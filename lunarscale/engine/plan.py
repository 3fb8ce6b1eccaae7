"""What a run will take, computed before anything runs; refused if it will not fit.

On tiles of noise a worker's measured peak lies within a tenth of it, above and below, the same for
a small map and for one of sixteen times as many pixels (``tests/engine/test_memory.py``). What
depends on the data is bounded: how many counts occur, and objects that are held far away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lunarscale.engine.meeting import atoms_met
from lunarscale.engine.sources import Source
from lunarscale.errors import PlanError
from lunarscale.grid.groupings import Grouping
from lunarscale.plurals import several
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.tally import Histograms, tally_bytes
from lunarscale.store.layout import Layout

#: A worker of our own cluster that has done a task, beside what the task took: Python, Dask, NumPy,
#: zarr, numba with the verb's compiled kernels; by verbs, as each compiles its own. Measured on
#: Linux with Python 3.11 as the peak of small shards less what is counted below, and a fiftieth.
WORKER_BASE_BYTES = {"ingest": 262_000_000, "predict": 279_000_000, "overview": 290_000_000}
SUMS_BASE_BYTES = 250_000_000

#: What compiling the equations of one model leaves in a process.
KERNEL_BYTES = 4_500_000

#: Bytes a pixel of a strip while a mosaic is laid: counts and reasons of a band; its sums where
#: tiles are meant, and the most pixels that one has; the bands' flags in one number.
LAID_BYTES = 3
SUMS_BYTES, MOST_BYTES = 12, 4
FLAGS_BYTES = 4

#: Bytes of a sample of a tile: as the file has it.
SOURCE_BYTES = 2

#: Bytes a pixel of a chunk that is read or written: its packed bytes, and its numbers in one piece.
PACKED_BYTES = 4

#: Bytes a pixel of a chunk while maps are made, beside its counts: reasons, what is missing, what
#: is no mare.
CHUNK_BYTES = 12

#: Bytes a pixel of a chunk for each layer's counts and flags.
LAYER_BYTES = 3

#: A mask's bytes while it is read: the file's values and the group numbers made of them.
MASK_COPIES = 2

#: Whole sums that a worker holds while it merges: the parts, what they add up to, and what is on
#: its way.
MERGED = 3


@dataclass(frozen=True)
class NetworkBytes:
    """Memory that networks take: ``process`` once a worker, ``thread`` in each of its threads."""

    process: int = 0
    thread: int = 0


NO_NETWORKS = NetworkBytes()


@dataclass(frozen=True)
class Plan:
    """What a run will take.

    Parameters
    ----------
    verb : str
        ``ingest``, ``predict``, ``summarise``.
    shards, done : int
        Shards in all, and those the ledger has.
    pixels : int
        Pixels still to do.
    read_bytes, write_bytes : int
        Decoded bytes still to be read and written: what goes over the disk is less.
    task_bytes : int
        Most memory one task takes.
    process_bytes : int
        Memory that every worker keeps besides: the masks, and networks with their runtime.
    """

    verb: str
    shards: int
    done: int
    pixels: int
    read_bytes: int
    write_bytes: int
    task_bytes: int
    process_bytes: int = 0

    def worker_bytes(self, threads: int) -> int:
        """Most memory a worker of so many threads takes."""
        base = WORKER_BASE_BYTES.get(self.verb, SUMS_BASE_BYTES)
        return base + self.process_bytes + threads * self.task_bytes

    def check(self, layout: Layout, *, threads: int, worker_bytes: int) -> None:
        """Refuse what does not fit.

        Raises
        ------
        PlanError
            With what is needed and what is there.
        """
        needed = self.worker_bytes(threads)
        if needed > worker_bytes:
            raise PlanError(
                f"{self.verb}: a worker of {several(threads, 'thread')} needs "
                f"{giga(needed)} (shard {layout.shard} x {layout.shard}, chunk {layout.chunk}) "
                f"but has {giga(worker_bytes)}; use a smaller --shard, fewer --threads or "
                "fewer, larger workers (--workers, --memory-limit)"
            )

    def lines(self, threads: int) -> list[tuple[str, str]]:
        """The plan as label and figure, for people."""
        return [
            ("shards", f"{self.shards:,}, of which {self.done:,} are done"),
            ("pixels to do", f"{self.pixels:,}"),
            ("to read, decoded", giga(self.read_bytes)),
            ("to write, decoded", giga(self.write_bytes)),
            ("memory a task", giga(self.task_bytes)),
            (f"memory a worker ({several(threads, 'thread')})",
             giga(self.worker_bytes(threads))),
        ]  # fmt: skip


def giga(count: int) -> str:
    """Bytes in the unit that reads best."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.2f} {unit}" if unit == "GB" else f"{count / size:,.0f} {unit}"
    return f"{count} bytes"


def _written_bytes(layout: Layout) -> int:
    """Decoded bytes of one shard of every array."""
    return sum(max(spec.bands, 1) * spec.packing.shard_bytes for spec in layout.arrays())


def _held_bytes(layout: Layout) -> int:
    """Most bytes of one shard of every array, encoded."""
    return sum(max(spec.bands, 1) * spec.packing.largest_blob for spec in layout.arrays())


def plan_ingest(
    layout: Layout, *, todo: int, pixels: int, source_pixels: int, strip_source_pixels: int,
    means: bool = False, held: bool = False,
) -> Plan:  # fmt: skip
    """The plan of making a mosaic.

    Parameters
    ----------
    layout : Layout
    todo, pixels : int
        Shards and pixels still to do.
    source_pixels : int
        Pixels of all the tiles that will be read.
    strip_source_pixels : int
        Most pixels of one tile that a strip of chunk rows needs.
    means : bool
        Whether pixels are means of a tile's.
    held : bool
        Whether whole objects are held in memory: the store is no folder.
    """
    bands = len(layout.camera_facts.wavelengths_nm)
    strip = layout.chunk * layout.shard
    sums = means * (bands * SUMS_BYTES + MOST_BYTES)
    laying = strip * (bands * LAID_BYTES + FLAGS_BYTES + sums)
    shards = len(layout.windows())
    return Plan(
        verb="ingest",
        shards=shards,
        done=shards - todo,
        pixels=pixels,
        read_bytes=source_pixels * bands * SOURCE_BYTES,
        write_bytes=todo * _written_bytes(layout),
        task_bytes=laying
        + strip_source_pixels * bands * SOURCE_BYTES
        + PACKED_BYTES * layout.chunk**2
        + held * _held_bytes(layout),
    )


def plan_predict(
    mosaic: Layout, maps: Layout, *, bands: int, aligned: bool, todo: int, pixels: int,
    groupings: Sequence[Grouping] = (), equations: int = 0, networks: NetworkBytes = NO_NETWORKS,
    held: tuple[bool, bool] = (False, False),
) -> Plan:  # fmt: skip
    """The plan of making maps.

    Parameters
    ----------
    mosaic, maps : Layout
    bands : int
        Bands that the models need.
    aligned : bool
        Whether the maps' shards are shards of the mosaic.
    todo, pixels : int
        Shards and pixels still to do.
    groupings : sequence of Grouping
        What statistics are kept for.
    equations : int
        Models that are compiled.
    networks : NetworkBytes
        What the networks among the models take.
    held : (bool, bool)
        Whether whole objects of the mosaic, and of the maps, are held in memory: they are no
        folders.
    """
    blobs = {spec.name: spec.packing.largest_blob for spec in mosaic.arrays()}
    source = (1 if aligned else 4) * (bands * blobs["reflectance"] + blobs["flag"])
    layers = len(maps.layers)
    chunk = maps.chunk**2 * (2 * bands + CHUNK_BYTES + PACKED_BYTES + LAYER_BYTES * layers)
    atoms = atoms_met(groupings, maps) if groupings else 1
    tally = tally_bytes(layers, groups=atoms, shard=maps.shard, chunk=maps.chunk)
    masks = sum(grouping.kept_bytes for grouping in groupings)
    shards = len(maps.windows())
    return Plan(
        verb="predict",
        shards=shards,
        done=shards - todo,
        pixels=pixels,
        read_bytes=pixels * 2 * bands,
        write_bytes=todo * _written_bytes(maps),
        task_bytes=held[0] * source + held[1] * _held_bytes(maps) + chunk + tally + networks.thread,
        process_bytes=MASK_COPIES * masks + KERNEL_BYTES * equations + networks.process,
    )


def plan_sums(source: Source, measures: Mapping[str, Measure], *, verb: str) -> Plan:
    """The plan of taking sums over a source.

    Parameters
    ----------
    source : Source
    measures : mapping of str to Measure
        All are taken in one pass.
    verb : str
        Name of the step.
    """
    windows = source.layout.windows()
    layers = len(source.layers)
    pixels = sum(window.height * window.width for window in windows)
    tallies = {name: _tally_bytes(measure, source) for name, measure in measures.items()}
    # all shards together make no more than each of them
    merged = sum(
        min(measure.sum_bytes(layers), len(windows) * tallies[name])
        for name, measure in measures.items()
    )
    kept = sum(measure.kept_bytes for measure in measures.values())
    return Plan(
        verb=verb,
        shards=len(windows),
        done=0,
        pixels=pixels,
        read_bytes=pixels * source.bytes_a_pixel,
        write_bytes=0,
        task_bytes=source.task_bytes + sum(tallies.values()),
        process_bytes=MASK_COPIES * kept + MERGED * merged,
    )


def _tally_bytes(measure: Measure, source: Source) -> int:
    """Most memory of a shard's tally, of histograms for as many groups as a shard meets."""
    cut = {"shard": source.layout.shard, "chunk": source.layout.chunk}
    if isinstance(measure, Histograms):
        atoms = atoms_met(measure.groupings, source.layout)
        return tally_bytes(len(source.layers), groups=atoms, **cut)
    return measure.bytes(len(source.layers), **cut)
