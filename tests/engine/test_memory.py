"""A worker's peak of resident memory is within what the plan says it needs.

Tiles of the archive's own size and resolution hold noise, so nothing compresses: the worst case.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client
from engine_moon import MODELS

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.clusters import ClusterChoice, open_cluster
from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import OnDask
from lunarscale.engine.run import Prepared, complain
from lunarscale.engine.sources import MapsSource
from lunarscale.grid.cells import equal_area_cells
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.masks import Maria, MaskGrouping
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.joint import Axis, Joints
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.tally import Histograms
from lunarscale.simulated.archive import write_tile
from lunarscale.simulated.tiling import tiles
from lunarscale.steps.ingest import ingest, prepare_ingest
from lunarscale.steps.predict import predict, prepare_predict
from lunarscale.steps.sample import ask, prepare_sample
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

#: West, south, east, north of 3942 x 1971 pixels, which three tiles cover.
BOX = (0.0, 0.0, 13.0, 6.5)


@pytest.fixture(scope="module")
def noise_tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiles in full size whose counts are noise, one in twenty missing."""
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(20_250_607)
    for plan in tiles(CLEMENTINE_UVVIS.usual_ppd):
        if plan.touches(BOX):
            counts = rng.integers(300, 4000, (5, plan.lines, plan.samples), dtype=np.int16)
            counts[:, rng.random((plan.lines, plan.samples)) < 0.05] = -32768
            write_tile(folder / plan.file_name, plan, counts)
    return folder


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A wide dense network of three outputs, and a convolutional one, as torch exports them."""
    # not above: workers import this file for the functions below, and torch would count as theirs
    from networks_at_hand import THREE_OXIDES, convolutional, dense, export

    folder = tmp_path_factory.mktemp("networks")
    return [
        str(export(dense(outputs=3, width=512), folder / "dense.onnx", card=THREE_OXIDES)),
        str(export(convolutional(), folder / "convolutional.onnx", shape=(1, 5))),
    ]


def reset_peak() -> None:
    """Forget this process's peak of resident memory (Linux, proc(5))."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """This process's peak of resident memory; ``ru_maxrss`` would hold its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _measured(prepared: Prepared, client: Client) -> int:
    client.run(reset_peak)
    complain(prepared.run(OnDask(client)), "the measured run")
    (peak,) = client.run(peak_bytes).values()
    return int(peak)


def _groupings() -> tuple[Grouping, ...]:
    return tuple(read_grouping(word) for word in ("moon", "maria", "seas", "hemispheres"))


def _many_measures() -> dict[str, Measure]:
    """Two passes' worth in one: 800 squares, 400 of which a shard meets, and pairs of maps."""
    squares = MaskGrouping.of_raster(
        "squares", np.arange(800).reshape(20, 40), west=BOX[0], north=BOX[3], pixel_deg=13 / 40
    )
    axes = (Axis(layer, tuple(range(-5000, 15_000, 50))) for layer in ("FeO", "TiO2"))
    return {
        "by squares": Histograms((*_groupings(), squares)),
        "by cells": SampledHistograms(equal_area_cells(50.0), (*_groupings(), squares)),
        "pairs": Joints(*axes, grouping=Maria.from_seas()),
    }


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no Linux /proc here")
@pytest.mark.parametrize(
    ("shard", "chunk", "threads"), [(1024, 256, 1), (2048, 512, 1), (2048, 512, 2)]
)
def test_a_worker_stays_within_the_plan(
    noise_tiles: Path, networks: list[str], tmp_path: Path, *, shard: int, chunk: int, threads: int
) -> None:
    mosaic = str(tmp_path / "mosaic.zarr")
    steps: dict[str, Any] = {
        "ingest": lambda: prepare_ingest(
            [str(noise_tiles)],
            out=mosaic,
            ppd=CLEMENTINE_UVVIS.usual_ppd,
            bbox=BOX,
            shard=shard,
            chunk=chunk,
        ),
        "predict": lambda: prepare_predict(mosaic, out=str(tmp_path / "maps.zarr"), models=MODELS),
        "predict between the mosaic's shards": lambda: prepare_predict(
            mosaic, out=str(tmp_path / "off.zarr"), models=MODELS, bbox=(0.3, 0.3, 12.7, 6.4)
        ),
        "predict with networks": lambda: prepare_predict(
            mosaic, out=str(tmp_path / "networks.zarr"), models=networks
        ),
    }
    _hold(steps, shard=shard, chunk=chunk, threads=threads)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no Linux /proc here")
@pytest.mark.parametrize(("shard", "chunk", "threads"), [(1024, 256, 1), (2048, 512, 2)])
def test_a_worker_that_sums_stays_within_the_plan(
    noise_tiles: Path, tmp_path: Path, *, shard: int, chunk: int, threads: int
) -> None:
    """On maps that another process made; from small to large, for what one leaves is the next's."""
    mosaic, maps = str(tmp_path / "mosaic.zarr"), str(tmp_path / "maps.zarr")
    ingest(
        [str(noise_tiles)], out=mosaic, ppd=CLEMENTINE_UVVIS.usual_ppd, bbox=BOX,
        shard=shard, chunk=chunk,
    )  # fmt: skip
    predict(mosaic, out=maps, models=MODELS)
    source = MapsSource(Cube.open(Location(maps)))
    asked = ask(maps, out=str(tmp_path / "samples.parquet"), cells_km2=0.1)
    usual = Histograms(_groupings())
    with asked.open_file() as file:
        steps: dict[str, Any] = {
            "sample": lambda: prepare_sample(asked, file),
            "summarise": lambda: prepare_sums(source, {"s": usual}, verb="summarise"),
            "many": lambda: prepare_sums(source, _many_measures(), verb="sums"),
        }
        _hold(steps, shard=shard, chunk=chunk, threads=threads)
    assert file.rows > 700_000


def _hold(steps: dict[str, Any], *, shard: int, chunk: int, threads: int) -> None:
    """Run steps on one worker, and hold its peak against each one's plan."""
    unlimited = ClusterChoice(workers=1, threads=threads, memory_limit="0")
    with open_cluster(unlimited) as cluster:
        for step, prepare in steps.items():
            prepared = prepare()
            peak, planned = _measured(prepared, cluster.client), prepared.plan.worker_bytes(threads)
            print(f"{step}, {shard}/{chunk}, {threads}: {peak / planned:.2f} of {planned:,}")
            assert peak <= planned, step
            assert peak >= 0.35 * planned, f"{step}: a plan so far off refuses what would fit"
