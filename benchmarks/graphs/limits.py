"""What a shard's task cannot do without, each alone in a loop; and where its time goes."""

import cProfile
import pstats
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.mapping import BLOCK_PIXELS, MapJob, MapTask
from lunarscale.engine.outcome import Outcome
from lunarscale.models.model import Model
from lunarscale.models.quantise import quantise
from lunarscale.store.cube import Cube
from lunarscale.store.objects import HeldUpload
from lunarscale.store.shard import ShardWriter

#: The functions of a task that share its time out among them, by the stage they belong to.
STAGES = {
    "read": [("store/local.py", "at")],
    "decode, CRC": [("store/shard.py", "read_into")],
    "kernels": [("models/equations.py", "predict")],
    "quantise": [("models/quantise.py", "quantise")],
    "statistics, set up": [("reduce/tally.py", "__init__")],
    "statistics, add": [("reduce/tally.py", "add")],
    "statistics, pack": [("reduce/tally.py", "partial"), ("reduce/statistics.py", "to_bytes")],
    "encode, CRC": [("store/shard.py", "put")],
    "CRC, write": [("store/objects.py", "write")],
    "ledger": [("engine/ledger.py", "write"), ("engine/ledger.py", "withdraw")],
}


@dataclass(frozen=True)
class Limits:
    """Measures the least that a shard of maps takes on this worker, in seconds a shard.

    Parameters
    ----------
    mosaic, maps : Cube
        Both finished.
    models : tuple of Model
    scratch : str
        Folder to write to.
    """

    mosaic: Cube
    maps: Cube
    models: tuple[Model, ...]
    scratch: str

    def __call__(self, jobs: list[MapJob]) -> dict[str, float]:
        """Medians over some shards, one stage at a time."""
        stages: dict[str, list[float]] = {}
        for job in jobs:
            for name, seconds in self._measure(job).items():
                stages.setdefault(name, []).append(seconds)
        return {name: float(np.median(seconds)) for name, seconds in stages.items()}

    def _measure(self, job: MapJob) -> dict[str, float]:
        maps, window = self.maps, job.window
        bands = sorted({w for model in self.models for w in model.bands_nm})
        indices = CLEMENTINE_UVVIS.band_indices(tuple(bands), "the limit")
        sources = [self.mosaic.reader("reflectance", window, band) for band in indices]
        places = [divmod(place, sources[0].layout.across) for place in range(
            sources[0].layout.across**2)]  # fmt: skip
        specs = maps.layout.arrays()
        made = [[maps.reader(spec.name, window).chunk(*p) for p in places] for spec in specs]
        counts = np.empty((len(bands), maps.layout.chunk**2), np.int16)
        square = counts.reshape(-1, maps.layout.chunk, maps.layout.chunk)
        blobs: list[bytes] = []

        def decode() -> None:
            for place in places:
                for reader, out in zip(sources, square, strict=True):
                    reader.read_into(*place, out)

        def encode() -> None:
            for spec, chunks in zip(specs, made, strict=True):
                upload = HeldUpload()
                with ShardWriter(spec.packing, lambda upload=upload: nullcontext(upload)) as writer:
                    for place, chunk in zip(places, chunks, strict=True):
                        writer.put(*place, chunk)
                blobs.append(upload.to_bytes())

        def kernels() -> None:
            for _ in places:
                for start in range(0, counts.shape[1], BLOCK_PIXELS):
                    self._compute(counts[:, start : start + BLOCK_PIXELS], bands)

        def write() -> None:
            for spec, blob in zip(specs, blobs, strict=True):
                Path(self.scratch, f"{window.row}-{window.col}-{spec.name}").write_bytes(blob)

        return {stage.__name__: seconds_of(stage) for stage in (decode, encode, kernels, write)}

    def _compute(self, counts: np.ndarray, bands: list[int]) -> None:
        for model in self.models:
            rows = counts[[bands.index(wavelength) for wavelength in model.bands_nm]]
            made = model.predict(rows, CLEMENTINE_UVVIS.scale)
            for quantity, value, flag in zip(
                model.quantities, made.values, made.flags, strict=True
            ):
                quantise(value, flag, quantity.quantum)


def seconds_of(stage: Callable[[], None]) -> float:
    """Processor time of one call: the machine may be shared."""
    start = time.process_time()
    stage()
    return time.process_time() - start


def split(task: MapTask, jobs: list[MapJob]) -> dict[str, float]:
    """Seconds a shard of each stage of the task, ``total`` and what is left, in this process."""
    profile = cProfile.Profile(time.process_time)
    outcomes: list[Outcome] = profile.runcall(lambda: [task(job) for job in jobs])
    for outcome in outcomes:
        if outcome.problem is not None:
            raise outcome.problem
    stats = pstats.Stats(profile)
    taken: dict[tuple[str, str], float] = {}
    for (file, _, function), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        taken["/".join(Path(file).parts[-2:]), function] = cumulative
    shares = {
        stage: sum(taken.get(function, 0.0) for function in functions) / len(jobs)
        for stage, functions in STAGES.items()
    }
    total = taken["engine/mapping.py", "__call__"] / len(jobs)
    return {**shares, "the rest": total - sum(shares.values()), "total": total}
