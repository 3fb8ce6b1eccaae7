"""Each equation on one core: ours beside NumPy, plain numba and the rate of a memory copy.

``python -m benchmarks.kernels.bench_equations`` prints the table; under ``pytest`` the same
functions run on one block and must agree with each other (``--benchmark-enable`` times them).

All columns are measured in one run, interleaved, each figure the median processor time of its
passes over a shard of 2048 x 2048 pixels; ratios are of medians.
"""

import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numba import njit, vectorize
from rich import box
from rich.console import Console
from rich.table import Table

from lunarscale.flags import REASON_MASK
from lunarscale.models.equations import Equation
from lunarscale.models.laws import AngleLine, AnglePower, Law, OriginDistance, Plane
from lunarscale.models.loops import counts_loop, values_loop
from lunarscale.models.registry import BUILT_IN, DEFAULT_MODELS

BLOCK = 65_536
SHARD = 2048 * 2048
PASSES = 11
#: What the three default products together must reach, over NumPy.
REQUIRED = {"numpy32": 3.5, "numpy64": 8.0}
TITLES = {
    "ours": "ours, values\nand flags",
    "engine": "ours, int16\nand flags",
    "numpy32": "NumPy float32\n64 Ki blocks",
    "numpy64": "NumPy float64\nwhole shard",
    "numba": "plain\nnumba",
}
TOGETHER = "three qiu-2025 together"
ROWS = {**{name: (model,) for name, model in BUILT_IN.items()}, TOGETHER: DEFAULT_MODELS}
Pass = Callable[[], object]
Counts = dict[int, np.ndarray]


def scale_of(model: Equation) -> float:
    """Reflectance of one count of the model's camera."""
    return 2e-5 if model.camera == "kaguya-mi" else 1.35e-4


def made_counts(models: tuple[Equation, ...], pixels: int) -> Counts:
    """Counts of the models' bands, by wavelength, of spectra such as the Moon has."""
    random = np.random.default_rng(1994)
    low, high = (0.05, 0.20) if models[0].camera == "kaguya-mi" else (0.09, 0.35)
    base = random.uniform(low, high, pixels)
    counts = {}
    for wavelength in sorted({w for model in models for w in model.bands_nm}):
        ratios = (0.55, 0.75) if wavelength < 500 else (0.95, 1.15)
        ratio = 1.0 if wavelength in (749, 750) else random.uniform(*ratios, pixels)
        counts[wavelength] = np.rint(base * ratio / scale_of(models[0])).astype(np.int16)
    return counts


def plain(law: Law, arctan: Callable, sqrt: Callable) -> Callable:
    """The equation as one writes it down, from reflectances, with the given functions."""
    match law:
        case AngleLine(x0, y0, sign, a, b):
            a *= sign
            return lambda r, other: a * arctan((other / r - y0) / (r - x0)) + b
        case AnglePower(x0, y0, a, p):
            return lambda r, other: a * arctan((other / r - y0) / (r - x0)) ** p
        case OriginDistance(x0, y0):
            return lambda r, other: sqrt((r - x0) ** 2 + (other / r - y0) ** 2)
        case Plane(a, u, v, b):
            return lambda r, other: a * (u * r + v * other / r) + b


def blocks(counts: Counts) -> Iterator[Counts]:
    """The counts in blocks as the engine cuts them."""
    for start in range(0, len(next(iter(counts.values()))), BLOCK):
        yield {wavelength: row[start : start + BLOCK] for wavelength, row in counts.items()}


def ours(models: tuple[Equation, ...], counts: Counts) -> Pass:
    """Counts to float32 values and their flags."""
    loops = [values_loop((m.law, m.fitted_range, scale_of(m))) for m in models]
    chosen = [(loop, *model.bands_nm) for loop, model in zip(loops, models, strict=True)]
    out, flags = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.uint8)

    def run() -> np.ndarray:
        for block in blocks(counts):
            for loop, base, other in chosen:
                loop(block[base], block[other], out, flags)
        return out

    return run


def engine(models: tuple[Equation, ...], counts: Counts) -> Pass:
    """Counts to the integers and flags of layers: all that the engine computes."""
    loops = [counts_loop((m.law, m.fitted_range, scale_of(m)), m.quantity.quantum) for m in models]
    chosen = [(loop, *model.bands_nm) for loop, model in zip(loops, models, strict=True)]
    integers, flags = np.empty(BLOCK, np.int16), np.empty(BLOCK, np.uint8)

    def run() -> np.ndarray:
        for block in blocks(counts):
            for loop, base, other in chosen:
                loop(block[base], block[other], integers, flags)
        return integers * models[-1].quantity.quantum

    return run


def numpy32(models: tuple[Equation, ...], counts: Counts) -> Pass:
    """Counts to float32 reflectances to values, in blocks that fit the cache."""
    formulas = [(plain(m.law, np.arctan, np.sqrt), *m.bands_nm) for m in models]
    scale = np.float32(scale_of(models[0]))

    def run() -> np.ndarray:
        for block in blocks(counts):
            reflectance = {wavelength: row * scale for wavelength, row in block.items()}
            for formula, base, other in formulas:
                values = formula(reflectance[base], reflectance[other])
        return values

    return run


def numpy64(models: tuple[Equation, ...], counts: Counts) -> Pass:
    """The same in float64 over the whole shard at once."""
    formulas = [(plain(m.law, np.arctan, np.sqrt), *m.bands_nm) for m in models]
    scale = np.float64(scale_of(models[0]))

    def run() -> np.ndarray:
        reflectance = {wavelength: row * scale for wavelength, row in counts.items()}
        for formula, base, other in formulas:
            values = formula(reflectance[base], reflectance[other])
        return values

    return run


def numba(models: tuple[Equation, ...], counts: Counts) -> Pass:
    """The same formulas in plain numba ufuncs: math.atan and ``**``."""
    scale, out = scale_of(models[0]), np.empty(BLOCK, np.float32)
    ufuncs = [(plain_ufunc(model.law, scale), *model.bands_nm) for model in models]

    def run() -> np.ndarray:
        for block in blocks(counts):
            for ufunc, base, other in ufuncs:
                ufunc(block[base], block[other], out=out)
        return out

    return run


@cache
def plain_ufunc(law: Law, scale: float) -> Callable:
    """A numba ufunc of the formula as one writes it down."""
    formula = njit(plain(law, math.atan, math.sqrt))

    @vectorize(["float32(int16, int16)"])
    def value(base, other):
        return formula(base * scale, other * scale)

    return value


IMPLEMENTATIONS = {f.__name__: f for f in (ours, engine, numpy32, numpy64, numba)}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("name", BUILT_IN)
def test_implementations_agree(benchmark, name: str, implementation: str) -> None:
    """Every implementation gives the float64 value, ours closer than plain float32."""
    model = BUILT_IN[name]
    counts = made_counts((model,), BLOCK)
    values = benchmark(IMPLEMENTATIONS[implementation]((model,), counts))
    reflectance = {wavelength: row * scale_of(model) for wavelength, row in counts.items()}
    error = np.abs(values - model.exact(reflectance)).max()
    quantum = model.quantity.quantum
    accepted = {"ours": 5e-5, "engine": 0.51 * quantum, "numpy64": 1e-9}
    assert error <= accepted.get(implementation, 0.5 * quantum)


def copy(counts: Counts) -> Pass:
    """A copy that moves as many bytes a pixel as a kernel: 4 read, 4 written."""
    rows = list(counts.values())[:2]
    out = np.empty((2, BLOCK), np.int16)

    def run() -> None:
        for start in range(0, SHARD, BLOCK):
            for row, target in zip(rows, out, strict=True):
                np.copyto(target, row[start : start + BLOCK])

    return run


def seconds(run: Pass) -> float:
    """Processor time of one pass: all are one thread, and others' work must not count."""
    start = time.thread_time()
    run()
    return time.thread_time() - start


def measure() -> dict[tuple[str, str], float]:
    """Median seconds a pass over a shard, by row and column of the table; interleaved."""
    passes: dict[tuple[str, str], Pass] = {}
    for name, models in ROWS.items():
        counts = made_counts(models, SHARD)
        passes |= {(name, i): make(models, counts) for i, make in IMPLEMENTATIONS.items()}
        passes[name, "copy"] = copy(counts)
    for run in passes.values():  # compiles, and touches every page
        run()
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in passes}
    for _ in range(PASSES):
        for key, run in passes.items():
            taken[key].append(seconds(run))
    return {key: float(np.median(times)) for key, times in taken.items()}


def errors(model: Equation) -> tuple[float, float]:
    """Largest and median error over all counts with R750 0.03-0.45 and ratios 0.5-2.

    Of the finer Kaguya counts every 37th base count is taken.
    """
    scale = scale_of(model)
    step = 37 if model.camera == "kaguya-mi" else 1
    largest, medians = 0.0, []
    for base in range(math.ceil(0.03 / scale), math.floor(0.45 / scale) + 1, step):
        other = np.arange(math.ceil(base / 2), min(2 * base, 32767) + 1, dtype=np.int16)
        counts = np.stack([np.full_like(other, base), other])
        got = model.predict(counts, scale)
        exact = model.exact(dict(zip(model.bands_nm, counts * scale, strict=True)))
        error = np.abs(got.values[0] - exact)[(got.flags[0] & REASON_MASK) == 0]
        if error.size:
            largest = max(largest, float(error.max()))
            medians.append(float(np.median(error)))
    return largest, float(np.median(medians))


def processor() -> str:
    """The processor's model name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> int:
    """Measure on one core and print; 1 if the required ratios are not met."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    taken = measure()
    table = Table(title=f"Mpx/s on one core, {processor()}", box=box.SIMPLE_HEAD)
    table.add_column("model", no_wrap=True)
    for heading in (*TITLES.values(), "max error", "median error"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, models in ROWS.items():
        rates = (f"{SHARD / taken[name, i] / 1e6:,.0f}" for i in TITLES)
        figures = (f"{error:.1e}" for error in errors(models[0])) if len(models) == 1 else ()
        table.add_row(name, *rates, *figures)
    console = Console(width=130)
    console.print(table)
    fastest_copy = SHARD / float(np.median([taken[name, "copy"] for name in ROWS])) / 1e6
    console.print(f"memory copy of as many bytes (4 in, 4 out a pixel): {fastest_copy:,.0f} Mpx/s")
    met = True
    for peer, required in REQUIRED.items():
        ratio = taken[TOGETHER, peer] / taken[TOGETHER, "ours"]
        met &= ratio >= required
        title = TITLES[peer].replace("\n", ", ")
        console.print(f"{TOGETHER} over {title}: {ratio:.1f} (required {required})")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
