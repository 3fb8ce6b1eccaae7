"""Predict, Zarr to Zarr, on two workers of one thread, beside xarray and Dask on the same cluster.

``python -m benchmarks.graphs.bench_predict`` prints the tables; under ``pytest`` all sides run
on a small Moon, and ours and xarray must make the same maps.

Two more sides run in turns with these: our task without statistics, which tells what they cost,
and the *limit*, our task with nothing left but reading, decoding, encoding and writing the same
objects. All sides are warm and interleaved; figures are medians. Nothing is dropped from the
system's caches: inputs come from memory where they fit and outputs end there, for all sides
alike; what is unwritten is flushed to the disk between the timed runs.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import dask
import numpy as np
from distributed import Client
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.limits import remember
from benchmarks.graphs.options import carry_out, moon_options
from benchmarks.graphs.scene import FORMS, Scene
from benchmarks.graphs.timing import Timing, as_the_command, disk_rate, median, stored, timed
from benchmarks.kernels.bench_equations import processor
from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask, Serial
from lunarscale.engine.plan import giga
from lunarscale.laps import Laps
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Ours over xarray; the limit's time over ours; ours over maps alone, at most.
REQUIRED, OF_LIMIT, STATISTICS_COST = 5.0, 0.70, 1.15
CLUSTER = ClusterChoice(workers=2, threads=1)
#: Decoded bytes a pixel: three bands of int16, or of float32; maps of int16 and flags, or float32.
MOVED = {"ours": 6 + 9, "maps alone": 6 + 9, "limit": 6 + 9, "float32": 12 + 12, "int16": 6 + 12}
#: Largest difference of both sides in quanta: half for our rounding, the rest is float32's.
SAME = 0.75


def test_both_sides_make_the_same_maps(tmp_path: Path) -> None:
    """Ours differ from xarray's by the rounding to the quantum only; no-data is the same."""
    scene = Scene(tmp_path, shard=256, chunk=64, peer_chunk=128, executor=Serial())
    scene.make(width=512)
    scene.ours()
    for form in FORMS:
        with dask.config.set(scheduler="synchronous"):
            scene.peer(form)
        differences = scene.differences(form)
        assert set(differences) == {"FeO", "TiO2", "OMAT"}
        assert all(0 < difference <= SAME for difference in differences.values()), differences
    Path(scene.peer_maps("int16"), "TiO2", "c", "0", "1").unlink()  # reads as NaN
    assert scene.differences("int16")["TiO2"] == np.inf


def test_the_limit_moves_the_same_bytes_and_maps_alone_are_the_same(tmp_path: Path) -> None:
    """Objects of all three are equal byte for byte; the laps of ours name every part."""
    scene = Scene(tmp_path, shard=256, chunk=64, peer_chunk=256, executor=Serial())
    scene.make(width=512)
    laps = scene.ours().laps
    assert {"read", "decode", "compute", "count", "encode", "write", "ledger"} <= set(laps)
    maps = Cube.open(Location(scene.maps))
    remember(maps)
    made = [file for file in sorted(Path(scene.maps).glob("*/c/*/*")) if file.is_file()]
    assert len(made) == 12
    for run, store in (
        (scene.maps_alone, scene.alone),
        (scene.codec_and_disk, scene.limit),
    ):
        run()
        for file in made:
            assert Path(store, file.relative_to(scene.maps)).read_bytes() == file.read_bytes()


@dataclass
class Measured:
    """All figures of one run of the benchmark.

    Parameters
    ----------
    pixels : int
    timings : dict of str to Timing
        Medians by side.
    sizes : dict of str to (int, int)
        Bytes on disk read and written by each side.
    alone : Timing
        Ours on a cluster that has run nothing else.
    planned : int
        Bytes of a worker by the plan.
    differences : dict of str to float
        In quanta.
    laps : mapping of str to Lap
        Where the time of our tasks went, warm.
    shards : int
    disk : float
        Bytes a second.
    """

    pixels: int
    timings: dict[str, Timing]
    sizes: dict[str, tuple[int, int]]
    alone: Timing
    planned: int
    differences: dict[str, float]
    laps: Laps
    shards: int
    disk: float


def measure(asked: argparse.Namespace, folder: Path) -> Measured:
    """Make the inputs, warm both sides up, time, compare, and measure the limits."""
    cut = {"shard": asked.shard, "chunk": asked.chunk, "peer_chunk": asked.peer_chunk}
    with open_cluster(CLUSTER) as up:
        scene = Scene(folder, **cut, executor=OnDask(up.client))
        scene.make(asked.width)
        with dask.config.set(scheduler=up.client):  # where xarray's own computations run
            timings = _race(scene, up.client, asked.repeats)
            differences = scene.differences("float32")
            tale = scene.ours()
    disk = disk_rate(folder)
    # memory that others left behind must not count as ours
    with as_the_command(folder), open_cluster(CLUSTER) as fresh:
        alone = timed(Scene(folder, **cut, executor=OnDask(fresh.client)).ours, fresh.client)
    sizes = {"ours": (stored(scene.mosaic, *_arrays(415, 750, 950)), stored(scene.maps))}
    for form in FORMS:
        sizes[form] = stored(scene.peer_source(form)), stored(scene.peer_maps(form))
    planned = scene.prepared().plan.worker_bytes(CLUSTER.threads)
    pixels = asked.width**2 // 2
    return Measured(pixels, timings, sizes, alone, planned, differences, tale.laps, tale.done, disk)


def _race(scene: Scene, client: Client, repeats: int) -> dict[str, Timing]:
    """Medians of each side, one after the other, again and again."""
    warm = Scene(
        scene.folder / "warm", shard=512, chunk=128, peer_chunk=512, executor=scene.executor
    )
    warm.make(2048)
    runs = {
        "ours": Scene.ours,
        "maps alone": Scene.maps_alone,
        "limit": Scene.codec_and_disk,
        **{form: lambda s, f=form: s.peer(f) for form in FORMS},
    }
    for prepared in (warm, scene):
        prepared.ours()
        client.run(remember, Cube.open(Location(prepared.maps)))
        if prepared is warm:
            for run in runs.values():
                run(warm)
    taken: dict[str, list[Timing]] = {name: [] for name in runs}
    for _ in range(repeats):
        scene.clear()
        for name, run in runs.items():
            taken[name].append(timed(lambda run=run: run(scene), client))
            print(name, taken[name][-1], file=sys.stderr)
    return {name: median(timings) for name, timings in taken.items()}


def _arrays(*wavelengths_nm: int) -> list[str]:
    """Where the bands lie in a mosaic."""
    indices = CLEMENTINE_UVVIS.band_indices(wavelengths_nm, "the benchmark")
    return [f"reflectance/c/{index}" for index in indices]


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = moon_options(__doc__.splitlines()[0], room="6 GB")
    parser.add_argument("--peer-chunk", type=int, default=2048)
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if a requirement is not met."""
    return carry_out("predict", settings(), measure=measure, show=show)


def show(found: Measured, console: Console) -> bool:
    """Print everything; whether the requirements are met."""
    faster = min(FORMS, key=lambda form: found.timings[form].wall)
    _show_sides(found, console)
    ours, peer = found.timings["ours"], found.timings[faster]
    ratio = peer.wall / ours.wall
    console.print(
        f"ours over xarray from {faster}: {ratio:.2f} times the throughput (required {REQUIRED}), "
        f"{peer.processor / ours.processor:.2f} times by processor time"
    )
    peak = found.alone.peak
    console.print(
        f"peak of a worker, on a fresh cluster: {giga(peak)} of the {giga(found.planned)} planned"
    )
    same = ", ".join(f"{name} {quanta:.2f}" for name, quanta in found.differences.items())
    console.print(f"largest difference of the maps in quanta: {same}; no-data is the same")
    met = _show_limits(found, console)
    _show_laps(found, console)
    met &= ratio >= REQUIRED and peak <= found.planned
    return met and max(found.differences.values()) <= SAME


def _show_limits(found: Measured, console: Console) -> bool:
    ours, alone, limit = (found.timings[name] for name in ("ours", "maps alone", "limit"))
    share, cost = limit.wall / ours.wall, ours.wall / alone.wall
    console.print(
        f"of the codec-and-disk limit of the same bytes: {share:.0%} (required {OF_LIMIT:.0%}), "
        f"{limit.processor / ours.processor:.0%} by processor time"
    )
    console.print(
        f"statistics over the maps alone: {cost - 1:+.0%} (at most {STATISTICS_COST - 1:.0%}), "
        f"{ours.processor / alone.processor - 1:+.0%} by processor time"
    )
    return share >= OF_LIMIT and cost <= STATISTICS_COST


def _show_sides(found: Measured, console: Console) -> None:
    pixels = found.pixels
    table = Table(title=f"{pixels / 1e6:,.0f} Mpx, {processor()}", box=box.SIMPLE_HEAD)
    for heading in ("", "s", "processor s", "Mpx/s", "decoded MB/s", "peak", "input", "output"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, timing in found.timings.items():
        table.add_row(
            f"xarray, {name}" if name in FORMS else name,
            f"{timing.wall:.2f}",
            f"{timing.processor:.2f}",
            f"{pixels / timing.wall / 1e6:,.1f}",
            f"{pixels * MOVED[name] / timing.wall / 1e6:,.0f}",
            giga(timing.peak),
            *map(giga, found.sizes.get(name, found.sizes["ours"])),
        )
    console.print(table)


def _show_laps(found: Measured, console: Console) -> None:
    total = sum(lap.processor_s for lap in found.laps.values())
    console.print(f"a shard takes {total / found.shards * 1e3:.1f} ms of a worker's processor:")
    for name, lap in found.laps.items():
        ms, share = lap.processor_s / found.shards * 1e3, lap.processor_s / total
        console.print(f"  {name}: {ms:.1f} ms ({share:.0%})")
    console.print(f"the disk itself: {found.disk / 1e6:,.0f} MB/s, flushed")


if __name__ == "__main__":
    sys.exit(main())
