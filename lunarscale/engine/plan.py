"""What a run will take, computed before anything runs; refused if it will not fit.

The figures are bounds: on tiles of noise, which nothing compresses, a worker's measured peak is
0.4-0.8 of them, for one thread and for two (``tests/engine/test_memory.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lunarscale.engine.sources import Source
from lunarscale.errors import PlanError
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.tally import ATOMS_MET, tally_bytes
from lunarscale.store.layout import Layout

#: A worker before its first task: Python, Dask, NumPy, numba with its compiled kernels, zarr,
#: rasterio. Measured 330-380 MB (``benchmarks/README.md``), rounded up.
WORKER_BASE_BYTES = 420_000_000

#: Bytes a pixel of a strip while a mosaic is laid: an Overlay holds counts, settled, reasons,
#: sum and valid (16) a band, and one band's parts and temporaries (60).
OVERLAY_BAND_BYTES = 16
OVERLAY_BYTES = 60

#: Bytes a source pixel while a strip is laid: counts and reasons of a band (3), and the copies
#: that reading a big-endian file and looking reasons up make (4).
SOURCE_BYTES = 7

#: Bytes a pixel of a chunk while maps are made, beside its counts: values, flags, counts and
#: the kernels' temporaries.
CHUNK_BYTES = 32

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
        return WORKER_BASE_BYTES + self.process_bytes + threads * self.task_bytes

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
                f"{self.verb}: a worker of {threads} thread{'s' * (threads > 1)} needs "
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
            (f"memory a worker ({threads} thread{'s' * (threads > 1)})",
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
    """Most bytes of one shard of every array, encoded, with the largest joined."""
    blobs = [spec.packing.largest_blob for spec in layout.arrays() for _ in range(spec.bands or 1)]
    return sum(blobs) + max(blobs)


def plan_ingest(
    layout: Layout, *, todo: int, pixels: int, source_pixels: int, strip_source_pixels: int
) -> Plan:
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
    """
    bands = len(layout.camera_facts.wavelengths_nm)
    strip = layout.chunk * layout.shard
    laying = strip * (bands * OVERLAY_BAND_BYTES + OVERLAY_BYTES)
    shards = len(layout.windows())
    return Plan(
        verb="ingest",
        shards=shards,
        done=shards - todo,
        pixels=pixels,
        read_bytes=source_pixels * bands * 2,
        write_bytes=todo * _written_bytes(layout),
        task_bytes=laying + strip_source_pixels * bands * SOURCE_BYTES + _held_bytes(layout),
    )


def plan_predict(
    mosaic: Layout, maps: Layout, *, bands: int, aligned: bool, todo: int, pixels: int,
    masks: int = 0, networks: NetworkBytes = NO_NETWORKS,
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
    masks : int
        Bytes of the groupings' masks.
    networks : NetworkBytes
        What the networks among the models take.
    """
    kept = 1 if aligned else 4
    blobs = {spec.name: spec.packing.largest_blob for spec in mosaic.arrays()}
    source = kept * (bands * blobs["reflectance"] + blobs["flag"])
    layers = len(maps.layers)
    chunk = maps.chunk**2 * (2 * bands + CHUNK_BYTES * 2 + LAYER_BYTES * layers)
    tally = tally_bytes(layers, groups=ATOMS_MET, shard=maps.shard, chunk=maps.chunk)
    shards = len(maps.windows())
    return Plan(
        verb="predict",
        shards=shards,
        done=shards - todo,
        pixels=pixels,
        read_bytes=pixels * 2 * bands,
        write_bytes=todo * _written_bytes(maps),
        task_bytes=source + _held_bytes(maps) + chunk + tally + networks.thread,
        process_bytes=MASK_COPIES * masks + networks.process,
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
    layout, windows = source.layout, source.layout.windows()
    layers, cut = len(source.layers), {"shard": layout.shard, "chunk": layout.chunk}
    pixels = sum(window.height * window.width for window in windows)
    tallies = sum(measure.bytes(layers, **cut) for measure in measures.values())
    merged = sum(measure.sum_bytes(layers) for measure in measures.values())
    kept = sum(measure.kept_bytes for measure in measures.values())
    return Plan(
        verb=verb,
        shards=len(windows),
        done=0,
        pixels=pixels,
        read_bytes=pixels * source.bytes_a_pixel,
        write_bytes=0,
        task_bytes=source.task_bytes + tallies,
        process_bytes=MASK_COPIES * kept + MERGED * merged,
    )
