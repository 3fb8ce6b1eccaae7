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
from lunarscale.engine.executors import OnDask
from lunarscale.engine.run import Prepared, complain
from lunarscale.simulated.archive import write_tile
from lunarscale.simulated.tiling import tiles
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict

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
    unlimited = ClusterChoice(workers=1, threads=threads, memory_limit="0")
    with open_cluster(unlimited) as cluster:
        for step, prepare in steps.items():
            prepared = prepare()
            peak, planned = _measured(prepared, cluster.client), prepared.plan.worker_bytes(threads)
            print(f"{step}, {shard}/{chunk}, {threads}: {peak / planned:.2f} of {planned:,}")
            assert peak <= planned, step
            assert peak >= 0.35 * planned, f"{step}: a plan so far off refuses what would fit"
