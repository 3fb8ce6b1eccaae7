"""Networks inside the engine, Zarr to Zarr on two workers, beside their kernels alone on them.

``python -m benchmarks.graphs.bench_networks_engine`` prints the table; under ``pytest`` both sides
run on a small Moon.

A kernel alone is the file's onnxruntime session fed the same blocks again and again, nothing read,
scaled, flagged or written, on all workers at the same time. Both are warm and take turns. The
engine's rate is that of a whole run: laying the store, all shards, the record. Both clocks are the
client's, from the first task sent to the last result. A run's share is of the mean of the kernels
before and after it, for others on the machine come and go; figures are medians.

Shards are so many that the worker that is done first waits at the end for a small part of the run:
with eight shards for two workers that wait alone can be a tenth.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.inputs import make_mosaic
from benchmarks.graphs.timing import timed
from benchmarks.kernels.bench_equations import processor
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import Executor, OnDask, Serial
from lunarscale.engine.run import Prepared, complain
from lunarscale.models.card import Card
from lunarscale.models.network import Network
from lunarscale.models.registry import find_model
from lunarscale.models.session import READY, SPAN_PIXELS, open_session
from lunarscale.models.signature import Output
from lunarscale.stations import clementine_stations
from lunarscale.steps.predict import prepare_predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location
from lunarscale.training.batched import train
from lunarscale.training.export import export
from lunarscale.training.networks import QIU_2025
from lunarscale.training.samples import samples_of

CLUSTER = ClusterChoice(workers=2, threads=1)
FIVE_OXIDES = ("FeO", "TiO2", "Al2O3", "MgO", "CaO")
RIDGES = "clementine-oxides"
#: The engine's share of the kernel's rate that the five networks must reach.
REQUIRED = 0.9


def five_networks(folder: Path) -> Network:
    """Qiu 2025's network for five oxides after two epochs on the stations, in one file."""
    samples = samples_of(clementine_stations(), "clementine-uvvis")
    whole = [(np.arange(len(samples)), np.arange(0))]
    made = train(QIU_2025, samples, FIVE_OXIDES, folds=whole, seeds=(1,), epochs=2)
    outputs = tuple(Output(oxide, oxide, "wt %") for oxide in FIVE_OXIDES)
    path = folder / "five.onnx"
    path.write_bytes(export(made, Card("five-networks", made.camera, made.bands_nm, outputs)))
    model = find_model(str(path))
    assert isinstance(model, Network)  # a path names a file of one
    return model


@dataclass(frozen=True)
class KernelAlone:
    """Feeds a network's session the same blocks again and again: its time is the kernel's."""

    network: Network

    def __call__(self, pixels: int) -> tuple[int, float]:
        """Pixels fed, whole blocks, and how many a second of this thread's processor."""
        network = self.network
        buffers = open_session(network.location, network.sha256, network.shapes).buffers
        runs = -(-pixels // network.shapes.block)
        start = time.thread_time()
        for number in range(runs):
            buffers.run(number % buffers.blocks)
        fed = runs * network.shapes.block
        return fed, fed / (time.thread_time() - start)


@dataclass(frozen=True)
class Scene:
    """One network over one mosaic.

    Parameters
    ----------
    mosaic : str
    network : Network
    executor : Executor
    """

    mosaic: str
    network: Network
    executor: Executor

    @property
    def maps(self) -> str:
        """The output."""
        return str(Path(self.mosaic).with_name(f"maps-{self.network.name}.zarr"))

    @property
    def pixels(self) -> int:
        """Of the mosaic."""
        grid = Cube.open(Location(self.mosaic)).grid
        return grid.width * grid.height

    def prepared(self) -> Prepared:
        """The run over everything, not begun."""
        model = self.network.location.removeprefix(READY)
        return prepare_predict(self.mosaic, out=self.maps, models=[model], overwrite=True)

    def engine(self) -> Callable[[], None]:
        """A run that is planned already."""
        prepared = self.prepared()
        return lambda: complain(prepared.run(self.executor), self.maps)


def kernel_rate(client: Client, network: Network, pixels: int) -> tuple[float, float]:
    """Pixels a second of all workers together at the same time, and a processor second."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    alone = KernelAlone(network)
    share = pixels // len(workers)
    start = time.perf_counter()
    futures = [client.submit(alone, share, workers=[w], pure=False) for w in workers]
    fed, by_processor = zip(*client.gather(futures), strict=True)
    return sum(fed) / (time.perf_counter() - start), float(np.mean(by_processor))


def test_the_engine_makes_what_the_kernel_gives(tmp_path: Path) -> None:
    """The maps hold the network's own values, by its quantum; the kernel alone has a rate."""
    network = five_networks(tmp_path)
    mosaic = make_mosaic(
        str(tmp_path / "mosaic.zarr"), width=128, shard=64, chunk=32, executor=Serial()
    )
    scene = Scene(mosaic.location.url, network, Serial())
    scene.engine()()
    maps = Cube.open(Location(scene.maps))
    assert [layer.name for layer in maps.layout.layers] == list(FIVE_OXIDES)
    whole = mosaic.grid.window
    bands = mosaic.layout.camera_facts.band_indices(network.bands_nm, "the test")
    counts = np.stack([mosaic.read("reflectance", whole, band).ravel() for band in bands])
    expected = network.predict(counts, mosaic.layout.camera_facts.scale)
    for layer, values, flags in zip(
        maps.layout.layers, expected.values, expected.flags, strict=True
    ):
        known = flags & 7 == 0
        assert known.any()
        made = maps.read(layer.name, whole).ravel()[known] * layer.quantum
        np.testing.assert_allclose(made, values[known], atol=layer.quantum * 0.51)
    fed, rate = KernelAlone(network)(network.shapes.block * 2 - 1)
    assert fed == network.shapes.block * 2
    assert rate > 0


@pytest.mark.cluster
def test_kernels_run_on_all_workers() -> None:
    """Both workers' rates are in the sum, and no more than both."""
    ridges = find_model(RIDGES)
    assert isinstance(ridges, Network)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None)
        as cluster,
        Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        kernel_rate(client, ridges, SPAN_PIXELS)
        by_clock, by_processor = kernel_rate(client, ridges, 8 * SPAN_PIXELS)
    assert 0 < by_clock < 2.2 * by_processor


@dataclass(frozen=True)
class Measured:
    """One network's rates by the clock and by the processor, pixels a second; medians.

    ``shares`` are medians of the runs' own, not shares of the medians.
    """

    kernel: tuple[float, float]
    engine: tuple[float, float]
    shares: tuple[float, float]


def measured(kernels: list[tuple[float, float]], engines: list[tuple[float, float]]) -> Measured:
    """From kernels and engines in turns, a kernel first and last."""
    alone, inside = np.array(kernels), np.array(engines)
    shares = inside / ((alone[:-1] + alone[1:]) / 2)
    return Measured(*(tuple(np.median(rates, axis=0)) for rates in (alone, inside, shares)))


def test_a_share_is_of_the_kernels_around_it() -> None:
    """A machine that slows down in the middle changes no share."""
    found = measured(
        [(10.0, 4.0), (10.0, 4.0), (4.0, 4.0), (4.0, 4.0)], [(9.0, 2.0)] * 2 + [(3.6, 2.0)]
    )
    assert found.shares == (0.9, 0.5)
    assert found.engine == (9.0, 2.0)


def measure(scene: Scene, client: Client, repeats: int) -> Measured:
    """Kernel and engine in turns, after one of each that is not counted."""
    fed = max(2_000_000, scene.pixels // 4) if scene.network.name != RIDGES else scene.pixels
    kernels, engines = [], []
    for number in range(repeats + 1):
        kernels.append(kernel_rate(client, scene.network, fed))
        run = timed(scene.engine(), client)
        engines.append((scene.pixels / run.wall, scene.pixels / run.processor))
        print(scene.network.name, number, kernels[-1], engines[-1], file=sys.stderr)
    kernels.append(kernel_rate(client, scene.network, fed))
    return measured(kernels[1:], engines[1:])


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=8192, help="pixels around the Moon")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shard", type=int, default=1024)
    parser.add_argument("--chunk", type=int, default=512)
    parser.add_argument("--folder", help="where the stores go, a temporary folder if none; 1 GB")
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if the requirement is not met."""
    asked = settings()
    folder = Path(tempfile.mkdtemp(prefix="bench-networks-", dir=asked.folder))
    try:
        ridges = find_model(RIDGES)
        assert isinstance(ridges, Network)
        with open_cluster(CLUSTER) as up:
            executor = OnDask(up.client)
            url = str(folder / "mosaic.zarr")
            cut = {"width": asked.width, "shard": asked.shard, "chunk": asked.chunk}
            make_mosaic(url, **cut, executor=executor)
            scene = Scene(url, five_networks(folder), executor)
            found = {
                "five networks": measure(scene, up.client, asked.repeats),
                "ready ridges": measure(replace(scene, network=ridges), up.client, asked.repeats),
            }
    finally:
        shutil.rmtree(folder)
    show(found, Console(width=110))
    return 0 if found["five networks"].shares[0] >= REQUIRED else 1


def show(found: dict[str, Measured], console: Console) -> None:
    """Print the table."""
    table = Table(title=f"Networks in the engine, {processor()}", box=box.SIMPLE_HEAD)
    for heading in ("Mpx/s", "kernel", "engine", "share", "required", "by processor: kernel",
                    "engine", "share"):  # fmt: skip
        table.add_column(heading, justify="right" if heading != "Mpx/s" else "left", no_wrap=True)
    for name, of in found.items():
        required = f"{REQUIRED:.0%}" if name == "five networks" else ""
        cells = [
            (f"{alone / 1e6:.2f}", f"{rate / 1e6:.2f}", f"{share:.1%}")
            for alone, rate, share in zip(of.kernel, of.engine, of.shares, strict=True)
        ]
        table.add_row(name, *cells[0], required, *cells[1])
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
