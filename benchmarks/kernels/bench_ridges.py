"""The files of ridges that come with the package, on one core, beside NumPy and their limits.

``python -m benchmarks.kernels.bench_ridges`` prints the table; under ``pytest`` the same functions
run on few pixels and must agree with each other (``--benchmark-enable`` times them).

Ours is ``Network.predict``, from int16 counts to values and flags, in blocks of the engine's size,
and the file's graph alone. NumPy's are the same formulas, fitted again from the stations, in
float32 and in blocks of the same size: each logarithm and angle once for all oxides, one matrix
product for all ridges, and ``numpy.partition`` over one for the intervals. The limits are a copy
of as many bytes as go in and out, and the float32 logarithms of all bands alone. All are measured
in one run, interleaved; a figure is the median processor time of its passes over a chunk of
512 x 512 pixels.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.kernels.bench_networks import CHUNK, PASSES, alone, seconds
from lunarscale.bands import CAMERAS
from lunarscale.engine.map_chunks import BLOCK_PIXELS
from lunarscale.models.laws import AngleLine
from lunarscale.models.model import Prediction
from lunarscale.models.network import Network
from lunarscale.models.registry import find_model
from lunarscale.models.session import open_session
from lunarscale.stations import clementine_stations, kaguya_stations
from lunarscale.training.cross_calibration import cross_calibrated_stations
from lunarscale.training.domain import Domain
from lunarscale.training.families import FittedAverage
from lunarscale.training.features import Form, read_feature
from lunarscale.training.intervals import Intervals, intervals_of
from lunarscale.training.recipes import shipped
from lunarscale.training.ridge import FittedRidge
from lunarscale.training.samples import Samples, samples_of

Pass = Callable[[], object]
#: What ours, with flags, must reach of NumPy's rate: of oxides, whose logarithms onnxruntime takes
#: more slowly than NumPy, and of intervals.
REQUIRED = {"oxides": 0.7, "intervals": 3.0}
READY = ("clementine-oxides", "kaguya-oxides", "clementine-intervals", "kaguya-intervals")


@dataclass(frozen=True)
class Case:
    """One of the files, what it was made of, and pixels for it."""

    model: Network
    samples: Samples
    counts: np.ndarray  #: int16 (band, pixel)

    @property
    def scale(self) -> float:
        """Reflectance of a count."""
        return CAMERAS[self.model.camera].scale

    @property
    def oxides(self) -> list[str]:
        """Those that the file gives, in its order."""
        names = [quantity.name.split("_")[0] for quantity in self.model.quantities]
        return [name for name in dict.fromkeys(names) if name in self.samples.oxides]

    def blocks(self, size: int) -> list[slice]:
        """All pixels, so many at a time."""
        pixels = self.counts.shape[1]
        return [slice(start, min(start + size, pixels)) for start in range(0, pixels, size)]


def made_case(name: str, pixels: int) -> Case:
    """A file that comes with the package, and pixels such as the Moon has."""
    model = find_model(name)
    assert isinstance(model, Network)
    stations = {
        "clementine-uvvis": lambda: (*clementine_stations(), *cross_calibrated_stations()),
        "kaguya-mi": kaguya_stations,
    }[model.camera]()
    samples = samples_of(stations, model.camera)
    random = np.random.default_rng(1994)
    picked = samples.reflectance[random.integers(len(samples), size=pixels)].T
    spread = random.uniform(0.98, 1.02, picked.shape)
    counts = np.round(picked * spread / CAMERAS[model.camera].scale).astype(np.int16)
    return Case(model, samples, counts)


def ours(case: Case) -> Pass:
    """Counts to values and flags."""
    pixels = case.counts.shape[1]
    out = Prediction.empty(len(case.model.quantities), pixels)

    def run() -> np.ndarray:
        for block in case.blocks(BLOCK_PIXELS):
            room = Prediction(out.values[:, block], out.flags[:, block])
            case.model.predict(case.counts[:, block], case.scale, out=room)
        return out.values

    return run


def graph(case: Case) -> Pass:
    """The file's graph alone, on the same block again and again."""
    model = case.model
    buffers = open_session(model.location, model.sha256, model.shapes).buffers

    def run() -> None:
        for _ in case.blocks(model.shapes.block):
            buffers.run(0)

    return run


def numpy32(case: Case) -> Pass:
    """The same formulas in NumPy, float32, oxides or both ends of their intervals."""
    samples, wide = case.samples, case.model.name.endswith("intervals")
    families = {oxide: shipped(samples, oxide) for oxide in case.oxides}
    if wide:
        made = [intervals_of(family, samples, oxide) for oxide, family in families.items()]
        models = [model for intervals in made for model in intervals.models]
    else:
        made = []
        models = [f.fit(samples, oxide, samples.rows(oxide)) for oxide, f in families.items()]
    ridges = _Ridges.of([_members(model) for model in models])
    domain = Domain.of(samples, np.arange(len(samples)))
    whitening, offset = (a.astype(np.float32) for a in (domain.whitening, domain.offset[:, None]))
    scale = np.float32(case.scale)

    def run() -> np.ndarray:
        results = []
        for block in case.blocks(case.model.shapes.block):
            reflectance = case.counts[:, block] * scale
            values = ridges.predict(reflectance, samples.bands_nm)
            if wide:
                results.append(_ends(values, made))
            else:
                away = whitening.T @ np.log(reflectance) + offset
                np.sqrt((away * away).sum(axis=0))
                results.append(values)
        return np.concatenate(results, axis=1)

    return run


def _members(model: object) -> list[FittedRidge]:
    members = model.members if isinstance(model, FittedAverage) else (model,)
    return [member for member in members if isinstance(member, FittedRidge)]


@dataclass(frozen=True)
class _Ridges:
    """Means of ridges as one matrix product over all their features, float32."""

    names: tuple[str, ...]
    weight: np.ndarray  #: (ridge, feature), those of logarithms first
    bias: np.ndarray  #: (ridge, 1)
    logarithms: int
    shares: np.ndarray  #: (mean, ridge)

    @classmethod
    def of(cls, means: list[list[FittedRidge]]) -> "_Ridges":
        """Of some means."""
        pairs = [(ridge, index) for index, ridges in enumerate(means) for ridge in ridges]
        pairs.sort(key=lambda pair: not pair[0].logarithm)
        names = tuple(dict.fromkeys(name for ridge, _ in pairs for name in ridge.features))
        weight = np.zeros((len(pairs), len(names)), np.float32)
        shares = np.zeros((len(means), len(pairs)), np.float32)
        for row, (ridge, index) in enumerate(pairs):
            weight[row, [names.index(name) for name in ridge.features]] = ridge.weight
            shares[index, row] = 1.0 / len(means[index])
        bias = np.array([[ridge.bias] for ridge, _ in pairs], np.float32)
        return cls(names, weight, bias, sum(ridge.logarithm for ridge, _ in pairs), shares)

    def predict(self, reflectance: np.ndarray, bands_nm: tuple[int, ...]) -> np.ndarray:
        """wt %, (mean, pixel)."""
        lines = self.weight @ _features(self.names, reflectance, bands_nm)
        lines += self.bias
        powers = lines[: self.logarithms]
        np.exp(powers, out=powers)
        return self.shares @ lines


def _features(
    names: tuple[str, ...], reflectance: np.ndarray, bands: tuple[int, ...]
) -> np.ndarray:
    """Features in float32, (feature, pixel), each logarithm once."""
    logarithms = np.log(reflectance)
    out = np.empty((len(names), reflectance.shape[1]), np.float32)
    for row, name in zip(out, names, strict=True):
        feature = read_feature(name, bands)
        first, last = feature.bands[0], feature.bands[-1]
        match feature.form:
            case Form.BAND:
                row[:] = reflectance[first]
            case Form.LOG:
                row[:] = logarithms[first]
            case Form.LOG_SQUARED:
                np.square(logarithms[first], out=row)
            case _:
                np.divide(reflectance[first], reflectance[last], out=row)
        law = feature.law
        if law is not None:
            up, along = row - np.float32(law.y0), reflectance[last] - np.float32(law.x0)
            if isinstance(law, AngleLine):
                row[:] = np.arctan(up / along) * np.float32(law.sign)
            else:
                np.sqrt(up * up + along * along, out=row)
    return out


def _ends(values: np.ndarray, made: list[Intervals]) -> np.ndarray:
    """Lower and upper ends, (2 x oxide, pixel)."""
    ends, start = [], 0
    for intervals in made:
        middles = values[start : start + len(intervals.models)]
        start += len(intervals.models)
        kept = [residuals[: intervals.rank] for residuals in intervals.residuals]
        spread = np.repeat(middles, [residuals.size for residuals in kept], axis=0)
        residuals = np.concatenate(kept).astype(np.float32)[:, None]
        rank = intervals.rank
        ends.append(np.partition(spread - residuals, rank - 1, axis=0)[rank - 1])
        ends.append(np.partition(spread + residuals, -rank, axis=0)[-rank])
    return np.stack(ends)


@pytest.mark.parametrize("name", READY)
def test_ridges_agree(benchmark, name: str) -> None:
    """Ours and NumPy's give the same wt %; Mg# is one of ours alone."""
    case = made_case(name, 3000)
    values = benchmark(ours(case))
    theirs = numpy32(case)()
    np.testing.assert_allclose(values[: len(theirs)], theirs, rtol=2e-3, atol=5e-3)


def copied(case: Case) -> Pass:
    """A copy of as many bytes as go in and out: counts, values and flags."""
    pixels = case.counts.shape[1]
    sizes = 2 * len(case.counts), 5 * len(case.model.quantities)
    source, target = (np.zeros(sum(sizes) // 2 * pixels, np.uint8) for _ in "ab")
    return lambda: np.copyto(target, source)


def logarithms(case: Case) -> Pass:
    """The float32 logarithms of all bands, in NumPy."""
    size = case.model.shapes.block
    given = np.full((len(case.counts), size), 0.2, np.float32)
    out = np.empty_like(given)

    def run() -> None:
        for _ in case.blocks(size):
            np.log(given, out=out)

    return run


COLUMNS = {
    "ours": ours, "the graph": graph, "NumPy float32": numpy32, "logarithms": logarithms,
    "copy": copied,
}  # fmt: skip


def measure(name: str) -> dict[str, float]:
    """Median seconds a pass over a chunk, by column; interleaved."""
    case = made_case(name, CHUNK)
    passes = {key: make(case) for key, make in COLUMNS.items()}
    for run in passes.values():  # touches every page
        run()
    taken: dict[str, list[float]] = {key: [] for key in passes}
    for _ in range(PASSES):
        for key, run in passes.items():
            taken[key].append(seconds(run))
    return {key: float(np.median(times)) for key, times in taken.items()}


def main() -> int:
    """Measure on one core and print; 1 if the required ratios are not met."""
    table = Table(title="Mpx/s on one core", box=box.SIMPLE_HEAD)
    for heading in ("", *COLUMNS, "over NumPy"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    met = True
    for name in READY:
        taken = measure(name)
        over = taken["NumPy float32"] / taken["ours"]
        met &= over >= REQUIRED[name.split("-")[1]]
        rates = [f"{CHUNK / taken[key] / 1e6:,.1f}" for key in COLUMNS]
        table.add_row(name, *rates, f"{over:.1f} times")
    Console(width=110).print(table)
    return 0 if met else 1


if __name__ == "__main__":
    alone()
    sys.exit(main())
