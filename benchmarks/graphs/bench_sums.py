"""Statistics of a nine-layer map on two workers, beside flox and xarray's groupby on them.

``python -m benchmarks.graphs.bench_sums`` prints the table; under ``pytest`` all sides run on a
small Moon and must find the same means.

Ours reads the store of maps; the peers read the same counts in plain Zarr of zarr-python's default
codec, chunks of 2048 x 2048, and are given every pixel's group numbers as arrays. All are warm and
interleaved; a figure is the median of the runs in layer pixels (pixels times layers) a second. The
peers are slow and take each layer alone, so they may be given fewer layers (``--peer-layers``).
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dask
import numpy as np
import zarr
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.inputs import make_mosaic
from benchmarks.graphs.options import carry_out, moon_options
from benchmarks.graphs.peer_sums import by_counts, by_flox, by_groupby, open_counts, open_plain
from benchmarks.graphs.timing import Timing, as_the_command, median, timed
from benchmarks.kernels.bench_equations import processor
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor, OnDask, Serial
from lunarscale.engine.plan import giga
from lunarscale.engine.run import complain
from lunarscale.engine.sources import MapsSource
from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import qiu_2025_cells
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import Window
from lunarscale.quantities import QUANTITIES
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.products import Products
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.sums import Measure, Sum
from lunarscale.reduce.table import finish
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.predict import prepare_predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

REQUIRED = 5.0
CLUSTER = ClusterChoice(workers=2, threads=1)
BY = ("moon", "maria", "seas", "hemispheres", "latitude:5", "spa")
#: Six oxides and Mg# of the ready network, and two equations: nine layers.
MODELS = ("clementine-oxides", "qiu-2025-tio2", "qiu-2025-omat")
#: The peers that are given ``--peer-layers`` of the layers.
FLOX = ("flox", "flox, on counts")
#: Most that means may differ by, in quanta: the peers' float32 values are no whole counts.
SAME = 0.01


def test_all_sides_find_the_same_means(tmp_path: Path) -> None:
    """Ours, flox's and xarray's, of every layer under every grouping."""
    scene = Scene(
        tmp_path, Serial(), width=256, shard=128, chunk=64, peer_chunk=128, peer_layers=2,
        models=MODELS[1:],
    )  # fmt: skip
    scene.make()
    first, _ = scene.layers
    with dask.config.set(scheduler="synchronous"):
        flox = scene.flox()
        assert scene.difference(flox, scene.counted()) <= SAME
        groupby = by_groupby(scene.plain(), first, "maria")
    flox = flox[first, "maria"]
    for name in ("weight", "first", "second", "low", "high"):
        np.testing.assert_allclose(groupby[name], flox[name][1:], rtol=1e-6)


@dataclass(frozen=True)
class Scene:
    """The maps and their plain copy, and how they are cut.

    Parameters
    ----------
    folder : Path
    executor : Executor
    width, shard, chunk, peer_chunk : int
        Pixels.
    peer_layers : int
        Layers that flox is given.
    models : tuple of str
        What the layers are made by.
    """

    folder: Path
    executor: Executor
    width: int
    shard: int
    chunk: int
    peer_chunk: int
    peer_layers: int
    models: tuple[str, ...] = MODELS

    @property
    def cube(self) -> Cube:
        """Our input."""
        return Cube.open(Location(str(self.folder / "maps.zarr")))

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """All that is grouped by."""
        return tuple(read_grouping(word) for word in BY)

    @property
    def layers(self) -> dict[str, float]:
        """Quantum of each layer."""
        return {layer.name: layer.quantum for layer in self.cube.layout.layers}

    @property
    def peers(self) -> dict[str, float]:
        """The layers that flox is given."""
        return dict(list(self.layers.items())[: self.peer_layers])

    @cached_property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Least and greatest count of each layer that flox is given."""
        found = self.ours()["area"]
        places = {name: place for place, name in enumerate(self.layers)}
        of = {
            name: [cell.layers[places[name]].counts for cell in found.cells.values()]
            for name in self.peers
        }
        return {
            name: (
                min(counts.minimum for counts in parts if len(counts.values)),
                max(counts.maximum for counts in parts if len(counts.values)),
            )
            for name, parts in of.items()
        }

    def make(self) -> None:
        """Make the maps and the peers' copy of them."""
        mosaic = str(self.folder / "mosaic.zarr")
        cut = {"width": self.width, "shard": self.shard, "chunk": self.chunk}
        make_mosaic(mosaic, **cut, executor=self.executor)
        prepared = prepare_predict(mosaic, out=self.cube_url, models=list(self.models))
        complain(prepared.run(self.executor), mosaic)
        shutil.rmtree(mosaic)
        self._make_plain()

    @property
    def cube_url(self) -> str:
        """Where the maps are."""
        return str(self.folder / "maps.zarr")

    def _make_plain(self) -> None:
        height, edge = self.width // 2, self.peer_chunk
        group = zarr.create_group(str(self.folder / "plain.zarr"), zarr_format=3)
        for layer, quantum in self.layers.items():
            group.create_array(
                layer, shape=(height, self.width), chunks=(edge, edge), dtype="int16",
                fill_value=NO_DATA, dimension_names=("y", "x"),
                attributes={"scale_factor": quantum, "_FillValue": NO_DATA},
            )  # fmt: skip
        for grouping in self.groupings:
            group.create_array(
                grouping.name, shape=(height, self.width), chunks=(edge, edge), dtype="uint16",
                dimension_names=("y", "x"),
            )  # fmt: skip
        copy = CopyLayers(self.cube, str(self.folder / "plain.zarr"), self.groupings)
        windows = list(self.cube.grid.window.split(edge))
        self.executor.fold(copy, windows, merge=lambda total, n: total + n, initial=0)

    def plain(self) -> "object":
        """The peers' input."""
        return open_plain(str(self.folder / "plain.zarr"), self.peer_chunk)

    def ours(self, **more: Measure) -> dict[str, Sum]:
        """All statistics of all layers under all groupings, in one pass."""
        measures = {"area": Histograms(self.groupings), **more}
        tale = prepare_sums(MapsSource(self.cube), measures, verb="bench").run(self.executor)
        complain(tale, self.cube_url)
        quantities = [QUANTITIES[layer.quantity] for layer in self.cube.layout.layers]
        finish(tale.sums["area"], quantities)
        return tale.sums

    def flox(self) -> dict:
        """The peer's."""
        return by_flox(self.plain(), self.peers, self._numbers_of_groups)

    def counted(self) -> dict:
        """The peer's, who knows that the maps are counts."""
        counts = open_counts(str(self.folder / "plain.zarr"), self.peer_chunk)
        return by_counts(counts, self.ranges, self._numbers_of_groups)

    @property
    def _numbers_of_groups(self) -> dict[str, int]:
        return {grouping.name: len(grouping.groups) for grouping in self.groupings}

    def difference(self, flox: dict, counted: dict) -> float:
        """Largest difference of a mean from either of flox's, in quanta."""
        quantities = [QUANTITIES[layer.quantity] for layer in self.cube.layout.layers]
        worst = 0.0
        numbers = {g.name: {n: i for i, n in enumerate(g.groups, 1)} for g in self.groupings}
        for row in finish(self.ours()["area"], quantities):
            if row.layer not in self.peers:
                continue
            quantum, group = self.layers[row.layer], numbers[row.grouping][row.group]
            sums = flox[row.layer, row.grouping].isel({row.grouping: group})
            areas = counted[row.layer, row.grouping].isel({row.grouping: group})
            if row.mean is None:
                assert float(sums["weight"]) == float(areas.sum()) == 0.0
                continue
            for mean in (
                float(sums["first"] / sums["weight"]) / quantum,
                float((areas * areas["count"]).sum() / areas.sum()),
            ):
                worst = max(worst, abs(row.mean / quantum - mean))
        return worst


@dataclass(frozen=True)
class CopyLayers:
    """Writes the counts of one chunk of the plain store, and its group numbers."""

    cube: Cube
    url: str
    groupings: tuple[Grouping, ...]

    def __call__(self, window: Window) -> int:
        """Copy all layers; returns the chunk's pixels."""
        group = zarr.open_group(self.url, mode="r+", use_consolidated=False)
        for layer in self.cube.layout.layers:
            group[layer.name][window.slices] = self.cube.read(layer.name, window)
        for grouping in self.groupings:
            group[grouping.name][window.slices] = grouping.numbers(self.cube.grid, window)
        return window.height * window.width


@dataclass
class Measured:
    """Figures of one run: medians by side, layer pixels of each, and what was checked."""

    timings: dict[str, Timing]
    layer_pixels: dict[str, int]
    alone: Timing
    planned: int
    difference: float


def measure(asked: argparse.Namespace, folder: Path) -> Measured:
    """Make the maps, warm all sides up, time them one after the other, and compare."""
    cut = {name: getattr(asked, name) for name in ("shard", "chunk", "peer_chunk", "peer_layers")}
    with open_cluster(CLUSTER) as up:
        executor = OnDask(up.client)
        scene = Scene(folder / "whole", executor, width=asked.width, **cut)
        small = Scene(
            folder / "small", executor, width=asked.small, shard=512, chunk=256, peer_chunk=512,
            peer_layers=1,
        )  # fmt: skip
        scene.make()
        small.make()
        more: dict[str, Measure] = {
            "products": Products(read_grouping("maria")),
            "sampled": SampledHistograms(qiu_2025_cells(), scene.groupings),
        }
        sides: dict[str, tuple[Scene, Callable[[], object]]] = {
            "ours": (scene, scene.ours),
            "ours, with covariances and samples": (scene, lambda: scene.ours(**more)),
            "flox": (scene, scene.flox),
            "flox, on counts": (scene, scene.counted),
            "xarray groupby": (small, lambda: by_groupby(small.plain(), "FeO", "maria")),
        }
        with dask.config.set(scheduler=up.client):
            small.ours(**more)
            difference = small.difference(small.flox(), small.counted())
            scene.ranges  # noqa: B018  the peer is told them
            taken: dict[str, list[Timing]] = {name: [] for name in sides}
            for _ in range(asked.repeats):
                for name, (_of, run) in sides.items():
                    taken[name].append(timed(run, up.client))
                    print(name, taken[name][-1], file=sys.stderr)
    # memory that the peers left behind is not ours
    with as_the_command(folder), open_cluster(CLUSTER) as fresh:
        alone_scene = Scene(folder / "whole", OnDask(fresh.client), width=asked.width, **cut)
        alone = timed(alone_scene.ours, fresh.client)
    prepared = prepare_sums(
        MapsSource(scene.cube), {"area": Histograms(scene.groupings)}, verb="bench"
    )
    planned = prepared.plan.worker_bytes(CLUSTER.threads)
    pixels = dict.fromkeys(sides, asked.width**2 // 2 * len(scene.layers))
    for name in FLOX:
        pixels[name] = asked.width**2 // 2 * len(scene.peers)
    # one layer under one grouping of six: as if all were as cheap
    pixels["xarray groupby"] = asked.small**2 // 2 // len(BY)
    timings = {name: median(of) for name, of in taken.items()}
    return Measured(timings, pixels, alone, planned, difference)


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = moon_options(__doc__.splitlines()[0], room="8 GB")
    parser.add_argument("--small", type=int, default=2048, help="the same, for xarray's groupby")
    parser.add_argument("--peer-chunk", type=int, default=2048)
    parser.add_argument("--peer-layers", type=int, default=1, help="layers that flox is given")
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if a requirement is not met."""
    return carry_out("sums", settings(), measure=measure, show=show)


def show(found: Measured, console: Console) -> bool:
    """Print everything; whether the requirements are met."""
    table = Table(title=processor(), box=box.SIMPLE_HEAD)
    headings = ("", "s", "processor s", "layer Mpx/s", "a processor s", "peak of a worker")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    by_clock, by_processor = {}, {}
    for name, timing in found.timings.items():
        mega = found.layer_pixels[name] / 1e6
        by_clock[name], by_processor[name] = mega / timing.wall, mega / timing.processor
        seconds = (f"{timing.wall:.2f}", f"{timing.processor:.2f}")
        rates = (f"{by_clock[name]:,.1f}", f"{by_processor[name]:,.1f}")
        table.add_row(name, *seconds, *rates, giga(timing.peak))
    console.print(table)
    ratio, worked = (
        rates["ours"] / max(rates[name] for name in (*FLOX, "xarray groupby"))
        for rates in (by_clock, by_processor)
    )
    peak = found.alone.peak
    console.print(
        f"ours over the fastest peer: {ratio:.1f} times by the clock (required {REQUIRED:g}), "
        f"{worked:.1f} by processor time"
    )
    console.print(
        f"peak of a worker, on a fresh cluster: {giga(peak)} of the {giga(found.planned)} planned"
    )
    console.print(f"largest difference of the means from flox's: {found.difference:.2g} quanta")
    return ratio >= REQUIRED and peak <= found.planned and found.difference <= SAME


if __name__ == "__main__":
    sys.exit(main())
