"""What no program can beat here: the codec and the store alone, and what the machine itself does.

A limit is measured on every worker at once, with the setting's own chunks: those of each object
are read (read) and decoded by Blosc into one buffer that stays in the cache (decode), the chunks
that the run made are encoded (encode) and written as one object (write). Nothing else is timed: no
index, no ledger, no chunk of one value only, which costs a store next to nothing.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import Window
from lunarscale.laps import Lap, Laps, add_laps, lap, recording
from lunarscale.models.model import Model
from lunarscale.steps.benchmarking.settings import NumberType
from lunarscale.store.codec import Codec
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

# Threads come from Dask, also where no shard was read or written before.
blosc.use_threads = False

#: Pixels that a model is shown at a time, and how often: what fits the L2 cache.
KERNEL_PIXELS, KERNEL_BLOCKS = 24_576, 2

_FILTERS = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}

#: Bytes of the machine's own measurements: a copy beyond the caches, and what goes to the store.
COPIED, STORED = 64_000_000, 32_000_000
#: Objects that ``STORED`` is put as, and the side of the matrices.
OBJECTS, SIDE = 4, 1024
#: Times that each is done; the fastest counts.
TIMES = 5


class Plane(NamedTuple):
    """One layer or band that is read, or was made."""

    cube: Cube
    name: str
    band: int | None = None


class LimitJob(NamedTuple):
    """One shard: its window, and the files that it alone reads raw."""

    window: Window
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """What the limit took: laps, and what went through.

    Parameters
    ----------
    laps : mapping
        read, decode, encode, write; ``compute`` is the models alone, on ``kernel_pixels``.
    pixels, kernel_pixels, read_bytes, written_bytes, objects : int
        Bytes and objects as they are stored.
    """

    laps: Laps = field(default_factory=dict)
    pixels: int = 0
    kernel_pixels: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    objects: int = 0

    def merge(self, other: "Limit") -> "Limit":
        """Both together."""
        return Limit(
            add_laps(self.laps, other.laps),
            self.pixels + other.pixels,
            self.kernel_pixels + other.kernel_pixels,
            self.read_bytes + other.read_bytes,
            self.written_bytes + other.written_bytes,
            self.objects + other.objects,
        )


@dataclass(frozen=True)
class LimitTask:
    """Measures the limit of one shard of a workload that has run.

    Parameters
    ----------
    reads, writes : tuple of Plane
    chunk : int
    codec : str
    scratch : Location
        Where objects are put and read; the store that is measured.
    dtype : str
        ``float32``: the same counts as numbers with a unit.
    models : tuple of Model
        Measured alone too, on the first pixels; none: nothing is.
    """

    reads: tuple[Plane, ...]
    writes: tuple[Plane, ...]
    chunk: int
    codec: str
    scratch: Location
    dtype: NumberType = "int16"
    models: tuple[Model, ...] = ()

    def __call__(self, job: LimitJob) -> Limit:
        """Prepare, untimed; then read, decode, encode, write; clear away."""
        place = uuid.uuid4().hex
        inputs = [
            [self._frame(chunk, plane) for chunk in self._chunks(plane, job.window)]
            for plane in self.reads
        ]
        outputs = [(plane, list(self._chunks(plane, job.window))) for plane in self.writes]
        for number, frames in enumerate(inputs):
            self.scratch.put(f"{place}/in{number}", b"".join(frames))
        read = written = 0
        try:
            with recording() as laps:
                read += sum(map(self._read_file, job.files))
                for number, frames in enumerate(inputs):
                    read += self._read(f"{place}/in{number}", frames, self._buffer(number))
                for number, (plane, chunks) in enumerate(outputs):
                    written += self._write(f"{place}/out{number}", chunks, plane)
            kernel_pixels, compute = self._compute(job.window)
        finally:
            self.scratch.remove_tree(place)
        laps.pop("rest", None)
        if kernel_pixels:
            laps["compute"] = compute
        pixels = job.window.height * job.window.width
        return Limit(laps, pixels, kernel_pixels, read, written, len(outputs))

    def _chunks(self, plane: Plane, window: Window) -> Iterator[NDArray[np.generic]]:
        """The chunks of a shard as they are packed: whole, filled at the map's edge."""
        spec, size = plane.cube.array(plane.name), self.chunk
        reader = plane.cube.reads(plane.name, plane.band)
        scale = spec.attributes.get("scale_factor")
        for at in window.split(size):
            counts = np.full((at.height, at.width), spec.packing.fill_value, spec.packing.dtype)
            reader.read_into(at, counts)
            whole = np.full((size, size), spec.packing.fill_value, spec.packing.dtype)
            whole[: at.height, : at.width] = counts
            if whole.min() == whole.max():
                continue
            if self.dtype == "float32" and scale is not None:
                valued = whole.astype(np.float32) * np.float32(scale)
                valued[whole == NO_DATA] = np.nan
                yield valued
            else:
                yield whole

    def _frame(self, chunk: NDArray[np.generic], plane: Plane) -> bytes:
        own = plane.cube.array(plane.name).packing.shuffle
        compressor, level, shuffle = Codec.of(self.codec).for_array(own)
        return bytes(blosc.compress(chunk, compressor.encode(), level, _FILTERS[shuffle]))

    def _buffer(self, number: int) -> NDArray[np.generic]:
        plane = self.reads[number]
        dtype = np.dtype(plane.cube.array(plane.name).packing.dtype)
        if self.dtype == "float32" and plane.cube.array(plane.name).attributes.get("scale_factor"):
            dtype = np.dtype(np.float32)
        return np.empty((self.chunk, self.chunk), dtype)

    def _read_file(self, path: str) -> int:
        folder, _, name = path.rpartition("/")
        with lap("read"):
            blob = replace(self.scratch, url=folder).get(name)
        return len(blob or b"")

    def _read(self, key: str, frames: list[bytes], into: NDArray[np.generic]) -> int:
        """One object, and its chunks one after the other into one buffer."""
        with lap("read"):
            blob = self.scratch.opened(key)
        if blob is None:
            return 0
        start = 0
        with blob:
            for frame in frames:
                with lap("read"):
                    packed = blob.at(start, len(frame))
                with lap("decode"):
                    blosc.decompress(packed, into)
                start += len(frame)
        return start

    def _write(self, key: str, chunks: list[NDArray[np.generic]], plane: Plane) -> int:
        """One object, its chunks written as they are encoded."""
        with lap("write"), self.scratch.writing(key) as upload:
            for chunk in chunks:
                with lap("encode"):
                    frame = self._frame(chunk, plane)
                upload.write(frame)
        return upload.size

    def _compute(self, window: Window) -> tuple[int, Lap]:
        """The models alone on a few blocks of the shard's own counts."""
        pixels, taken = 0, Lap()
        cube = self.reads[0].cube if self.reads else None
        if cube is None or not self.models:
            return pixels, taken
        camera, size = cube.layout.camera_facts, self.chunk
        at = next(window.split(size))
        for model in self.models:
            bands = camera.band_indices(model.bands_nm, model.name)
            counts = np.stack([cube.read("reflectance", at, band).ravel() for band in bands])
            counts = np.ascontiguousarray(counts[:, : KERNEL_PIXELS * KERNEL_BLOCKS], np.int16)
            model.predict(counts[:, :KERNEL_PIXELS], camera.scale)  # opened, compiled
            with recording() as laps, lap("compute"):
                for start in range(0, counts.shape[1], KERNEL_PIXELS):
                    model.predict(counts[:, start : start + KERNEL_PIXELS], camera.scale)
            taken = Lap(*(a + b for a, b in zip(taken, laps["compute"], strict=True)))
            pixels = counts.shape[1]
        return pixels, taken


class Machine(NamedTuple):
    """What one thread does while all others do the same, in units a second.

    Parameters
    ----------
    copy_bytes : float
        Copied in memory (each read and written once).
    product_flop : float
        Of a product of two float32 matrices, of one core.
    write_bytes, read_bytes : float
        To and from the store of the scratch place; from memory where the system keeps it.
    flushed_bytes : float
        To the disk itself; of an object store what is told above.
    """

    copy_bytes: float
    product_flop: float
    write_bytes: float
    read_bytes: float
    flushed_bytes: float


@dataclass(frozen=True)
class MachineTask:
    """Measures what the machine does, on one thread.

    Parameters
    ----------
    scratch : Location
    threads : int
        Threads of this process that do it at the same time.
    """

    scratch: Location
    threads: int = 1

    def __call__(self) -> Machine:
        """The fastest of some times each."""
        source = np.ones(COPIED // 8)
        target = np.empty_like(source)
        square = np.random.default_rng(1).random((SIDE, SIDE), np.float32)
        copy = min(_clock(lambda: np.copyto(target, source)) for _ in range(TIMES))
        product = min(self._processor(lambda: square @ square) for _ in range(TIMES))
        write, read, flushed = self._store()
        return Machine(
            COPIED / copy, 2.0 * SIDE**3 / product, STORED / write, STORED / read, STORED / flushed
        )

    def _processor(self, work: Callable[[], object]) -> float:
        """Seconds of processors that work takes, those of a library's own threads too."""
        thread, process = time.thread_time(), time.process_time()
        work()
        spent = time.thread_time() - thread, (time.process_time() - process) / self.threads
        return max(*spent, 1e-9)

    def _store(self) -> tuple[float, float, float]:
        place, blob = uuid.uuid4().hex, os.urandom(STORED // OBJECTS)
        keys = [f"{place}/{number}" for number in range(OBJECTS)]
        try:
            write = sum(_clock(partial(self.scratch.put, key, blob)) for key in keys)
            read = sum(_clock(partial(self.scratch.get, key)) for key in keys)
            flushed = write + (_clock(lambda: self._flush(keys)) if self.scratch.is_local else 0.0)
        finally:
            self.scratch.remove_tree(place)
        return write, read, flushed

    def _flush(self, keys: list[str]) -> None:
        for key in keys:
            descriptor = os.open(os.path.join(self.scratch.path, key), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def middling(found: Sequence[Machine]) -> Machine:
    """The median thread's figures."""
    return Machine(*(float(np.median(values)) for values in zip(*found, strict=True)))


def _clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
