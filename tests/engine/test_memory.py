"""A worker's peak of resident memory is what the plan says it needs, within a tenth.

What is measured is VmHWM of ``/proc/self/status``, the peak that the kernel itself keeps, of a real
worker process of a local cluster, told to begin anew (``clear_refs``) before a run. The worker is
spawned as by the installed command, so what pytest imports is not among it. Tiles of the archive's
own size and resolution hold noise, so nothing compresses and histograms are wide: the worst case.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_moon import MODELS
from peaks_at_hand import as_the_command, peak_bytes, reset_peak

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.clusters.opening import ClusterChoice, open_cluster
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


def small(box: tuple[float, ...]) -> dict[str, Any]:
    """A part of the map in small shards."""
    return {"bbox": box, "shard": 256, "chunk": 128}


#: A part of the map, and one of sixteen times as many pixels in the same shards; the whole in
#: shards of the usual size.
MAPS = {
    "1x": small((0.0, 0.0, 3.25, 1.625)),
    "16x": small(BOX),
    "usual": {"bbox": BOX, "shard": 2048, "chunk": 512},
}


@dataclass(frozen=True)
class Stores:
    """Mosaics and maps of the noise, by the names of ``MAPS``."""

    tiles: Path
    folder: Path

    def prepare(self, verb: str, name: str, again: int = 0) -> Prepared:
        """A step's run."""
        mosaic, maps = (str(self.folder / f"{name}-{what}.zarr") for what in ("mosaic", "maps"))
        out = str(self.folder / f"{name}-{verb}-{again}.zarr")
        if verb == "ingest":
            ppd = CLEMENTINE_UVVIS.usual_ppd
            return prepare_ingest([str(self.tiles)], out=out, ppd=ppd, **MAPS[name])
        if verb == "predict":
            return prepare_predict(mosaic, out=out)
        source = MapsSource(Cube.open(Location(maps)))
        return prepare_sums(source, {"s": Histograms(_groupings())}, verb="summarise")


@pytest.fixture(scope="module")
def stores(noise_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """All of them, made in this process."""
    made = Stores(noise_tiles, tmp_path_factory.mktemp("stores"))
    for name, cut in MAPS.items():
        mosaic, maps = (str(made.folder / f"{name}-{what}.zarr") for what in ("mosaic", "maps"))
        ingest([str(noise_tiles)], out=mosaic, ppd=CLEMENTINE_UVVIS.usual_ppd, **cut)
        predict(mosaic, out=maps)
    return made


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no Linux /proc here")
@pytest.mark.parametrize(
    ("verb", "threads"), [("ingest", 1), ("predict", 1), ("predict", 2), ("summarise", 1)]
)
def test_a_worker_takes_what_was_planned(
    verb: str, *, threads: int, stores: Stores, tmp_path: Path
) -> None:
    """And no more for a map sixteen times as large."""
    choice = ClusterChoice(workers=1, threads=threads, memory_limit="0")
    peaks = {}
    with as_the_command(tmp_path), open_cluster(choice) as cluster:
        for name in MAPS:
            prepared = stores.prepare(verb, name, threads)
            peaks[name] = _measured(prepared, cluster.client)
            planned = prepared.plan.worker_bytes(threads)
            print(f"{verb} {name}, {threads}: {peaks[name] / planned:.3f} of {planned:,}")
            assert peaks[name] == pytest.approx(planned, rel=0.1), (name, planned)
    assert peaks["16x"] == pytest.approx(peaks["1x"], rel=0.04)


def _measured(prepared: Prepared, client: Any) -> int:
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
@pytest.mark.parametrize("step", ["between the mosaic's shards", "networks", "sample", "many"])
def test_a_worker_of_two_threads_stays_within_the_plan(
    step: str, *, stores: Stores, networks: list[str], tmp_path: Path
) -> None:
    """What depends on the data is bounded; but not so far off that what would fit is refused."""
    choice = ClusterChoice(workers=1, threads=2, memory_limit="0")
    mosaic, maps = (str(stores.folder / f"usual-{what}.zarr") for what in ("mosaic", "maps"))
    out, source = str(tmp_path / "out.zarr"), MapsSource(Cube.open(Location(maps)))
    asked = ask(maps, out=str(tmp_path / "samples.parquet"), cells_km2=0.5)
    with asked.open_file() as file, as_the_command(tmp_path), open_cluster(choice) as cluster:
        steps: dict[str, Callable[[], Prepared]] = {
            "between the mosaic's shards": lambda: prepare_predict(
                mosaic, out=out, models=MODELS, bbox=(0.3, 0.3, 12.7, 6.4)
            ),
            "networks": lambda: prepare_predict(mosaic, out=out, models=networks),
            "sample": lambda: prepare_sample(asked, file),
            "many": lambda: prepare_sums(source, _many_measures(), verb="sums"),
        }
        prepared = steps[step]()
        peak, planned = _measured(prepared, cluster.client), prepared.plan.worker_bytes(2)
    print(f"{step}: {peak / planned:.3f} of {planned:,}")
    assert 0.5 * planned <= peak <= 1.1 * planned
