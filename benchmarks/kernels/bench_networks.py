"""One oxide's network on one core: ours beside the ordinary export, torch, and a matrix product.

``python -m benchmarks.kernels.bench_networks`` prints the table; under ``pytest`` the same
functions run on few pixels and must agree with each other (``--benchmark-enable`` times them).

The network is Qiu 2025's. Ours is the whole model file, from raw reflectances to wt %: OMAT,
standardising and undefined pixels included. The others are given what the network itself takes,
standardised already, and give standardised values. All are measured in one run, interleaved, each
figure the median processor time of its passes over a chunk of 512 x 512 pixels.
"""

import io
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnxruntime
import pytest
import torch
from rich import box
from rich.console import Console
from rich.table import Table

from lunarscale.models.card import Card
from lunarscale.models.signature import Output
from lunarscale.stations import clementine_stations
from lunarscale.training.batched import Trained, train
from lunarscale.training.export import export
from lunarscale.training.features import feature_matrix
from lunarscale.training.graph import BLOCK_PIXELS
from lunarscale.training.networks import QIU_2025
from lunarscale.training.samples import samples_of

CHUNK = 512 * 512
PASSES = 9
OXIDE = "FeO"
#: Multiplications and additions that one pixel cannot do without: the kernels' products at five,
#: four, one and one positions. Biases, ReLU, pooling, OMAT and scaling are done but not counted.
FLOP = 2 * (5 * 2 * 32 + 4 * (2 * 32) * 32 + (2 * 32) * 64 + 64)
#: Side of the matrices that tell what the core can do.
SIDE = 2048
#: What ours must reach: over the ordinary export at a chunk's batch, and of the matrix product.
REQUIRED = {"export": 4.0, "product": 0.6}
Pass = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A trained network and pixels for it."""

    model: Trained
    reflectance: np.ndarray  #: (pixel, band)

    @property
    def pixels(self) -> int:
        """How many."""
        return len(self.reflectance)

    @property
    def standardised(self) -> np.ndarray:
        """What the network itself takes, float32 (pixel, input)."""
        scaler = self.model.scalers[0, OXIDE]
        names, bands = self.model.inputs[OXIDE], self.model.bands_nm
        x = feature_matrix(names, self.reflectance, bands)
        return np.ascontiguousarray((x - scaler.mean) / scaler.deviation, dtype=np.float32)

    @property
    def module(self) -> torch.nn.Module:
        """The plain torch module."""
        module = QIU_2025.module(6)
        kept = self.model.parameters(0, OXIDE, 1)
        module.load_state_dict({name: torch.from_numpy(v) for name, v in kept.items()})
        return module.eval()


def made_case(pixels: int) -> Case:
    """Qiu's network after two epochs on the stations, and pixels such as the Moon has."""
    samples = samples_of(clementine_stations(), "clementine-uvvis")
    whole = [(np.arange(len(samples)), np.arange(0))]
    model = train(QIU_2025, samples, [OXIDE], folds=whole, seeds=(1,), epochs=2)
    random = np.random.default_rng(1994)
    picked = samples.reflectance[random.integers(len(samples), size=pixels)]
    spread = random.uniform(0.95, 1.05, picked.shape)
    return Case(model, (picked * spread).astype(np.float32).astype(np.float64))


def opened(file: bytes) -> onnxruntime.InferenceSession:
    """A session of one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def ours(case: Case, batch: int) -> Pass:
    """Our file, raw reflectances to wt %."""
    card = Card(
        "qiu", case.model.camera, case.model.bands_nm, (Output(OXIDE, OXIDE, "wt %"),)
    )  # fmt: skip
    session = opened(export(case.model, card))
    blocks = [
        np.ascontiguousarray(case.reflectance[start : start + batch].T, dtype=np.float32)
        for start in range(0, case.pixels, batch)
    ]

    def run() -> np.ndarray:
        return np.concatenate([session.run(None, {"reflectance": block})[0] for block in blocks])

    return run


def in_wt_pct(case: Case, values: np.ndarray) -> np.ndarray:
    """The peers' standardised values, for comparing."""
    scaler = case.model.scalers[0, OXIDE]
    return values.reshape(-1) * scaler.target_deviation + scaler.target_mean


def ordinary(case: Case, batch: int) -> Pass:
    """torch's own export in onnxruntime, standardised inputs to standardised values."""
    file = io.BytesIO()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, we do not
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns of its own insides
        program = torch.onnx.export(
            case.module, (torch.zeros(8, 6),), dynamo=True, verbose=False,
            dynamic_shapes=({0: torch.export.Dim("pixel")},),
        )  # fmt: skip
    assert program is not None  # dynamo gives one
    program.save(file)
    session = opened(file.getvalue())
    name, x = session.get_inputs()[0].name, case.standardised
    batches = [x[start : start + batch] for start in range(0, case.pixels, batch)]

    def run() -> np.ndarray:
        return np.concatenate([session.run(None, {name: given})[0] for given in batches])

    return run


def eager(case: Case, batch: int) -> Pass:
    """The module as torch runs it."""
    module, x = case.module, torch.from_numpy(case.standardised)

    def run() -> np.ndarray:
        with torch.inference_mode():
            return torch.cat([module(given) for given in x.split(batch)]).numpy()

    return run


IMPLEMENTATIONS = {function.__name__: function for function in (ours, ordinary, eager)}
ROWS = {
    "ours": ("ours, reflectances to wt %", ours, BLOCK_PIXELS),
    "ours 16k": ("ours", ours, 16_384),
    "export": ("ordinary export in onnxruntime", ordinary, CHUNK),
    "export 16k": ("ordinary export in onnxruntime", ordinary, 16_384),
    "export block": ("ordinary export in onnxruntime", ordinary, BLOCK_PIXELS),
    "eager": ("torch eager", eager, CHUNK),
    "eager 16k": ("torch eager", eager, 16_384),
}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_implementations_agree(benchmark, implementation: str) -> None:
    """Every implementation gives the same wt %."""
    case = made_case(3000)
    values = benchmark(IMPLEMENTATIONS[implementation](case, 1024))
    if implementation != "ours":
        values = in_wt_pct(case, values)
    with torch.no_grad():
        z = torch.from_numpy(case.standardised).double()
        exact = in_wt_pct(case, case.module.double()(z).numpy())
    assert np.abs(values - exact).max() < 1e-4


def product() -> Pass:
    """A large float32 matrix product."""
    random = np.random.default_rng(1)
    a, b = (random.normal(size=(SIDE, SIDE)).astype(np.float32) for _ in "ab")
    out = np.empty_like(a)
    return lambda: np.matmul(a, b, out=out)


def seconds(run: Pass) -> float:
    """Processor time of one pass: all are one thread, and others' work must not count."""
    start = time.thread_time()
    run()
    return time.thread_time() - start


def measure() -> dict[str, float]:
    """Median seconds a pass over a chunk, by row, and of the matrix product; interleaved."""
    case = made_case(CHUNK)
    passes = {key: make(case, batch) for key, (_, make, batch) in ROWS.items()}
    passes["product"] = product()
    for run in passes.values():  # touches every page
        run()
    taken: dict[str, list[float]] = {key: [] for key in passes}
    for _ in range(PASSES):
        for key, run in passes.items():
            taken[key].append(seconds(run))
    return {key: float(np.median(times)) for key, times in taken.items()}


def main() -> int:
    """Measure on one core and print; 1 if the required ratios are not met."""
    taken = measure()
    limit = 2 * SIDE**3 / taken["product"] / 1e9
    table = Table(title=f"{QIU_2025.name}, {OXIDE}, on one core", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for heading in ("pixels a call", "Mpx/s", "GFLOP/s", "of the matrix product"):
        table.add_column(heading, justify="right", no_wrap=True)
    for key, (title, _, batch) in ROWS.items():
        rate = CHUNK / taken[key] / 1e6
        flops = rate * FLOP / 1e3
        table.add_row(title, f"{batch:,}", f"{rate:.2f}", f"{flops:.0f}", f"{flops / limit:.0%}")
    table.add_row(f"matrix product, {SIDE} x {SIDE}", "", "", f"{limit:.0f}", "100%")
    console = Console(width=110)
    console.print(table)
    console.print(f"{FLOP:,} necessary floating-point operations a pixel")
    over = taken["export"] / taken["ours"]
    share = CHUNK * FLOP / taken["ours"] / 1e9 / limit
    console.print(f"over the ordinary export: {over:.1f} times (required {REQUIRED['export']:.0f})")
    console.print(f"of the matrix product: {share:.0%} (required {REQUIRED['product']:.0%})")
    return 0 if over >= REQUIRED["export"] and share >= REQUIRED["product"] else 1


def alone() -> None:
    """One core and one thread for everything, NumPy's product included."""
    if os.environ.get("OMP_NUM_THREADS") != "1":
        limits = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | limits)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)


if __name__ == "__main__":
    alone()
    sys.exit(main())
