"""The plan: pure, known before anything is touched, and refused with its figures."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.meeting import atoms_met
from lunarscale.engine.plan import Plan, giga, plan_ingest, plan_predict, plan_sums
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import PlanError
from lunarscale.grid.groupings import Seas, WholeMoon
from lunarscale.grid.raster import RasterGrid
from lunarscale.models.registry import DEFAULT_MODELS
from lunarscale.reduce.atoms import atoms_of
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.predict import name_layers
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Kind, Layout
from lunarscale.store.location import Location


def layout(kind: Kind, *, shard: int = 2048, chunk: int = 512, ppd: float = 303.23349) -> Layout:
    """A whole Moon, of the three maps or of five bands."""
    return Layout(
        kind=kind,
        grid=RasterGrid.whole(ppd),
        shard=shard,
        chunk=chunk,
        camera=CLEMENTINE_UVVIS.name,
        layers=name_layers(DEFAULT_MODELS) if kind == "maps" else (),
    )


def ingest(shard: int = 2048, chunk: int = 512, **others: Any) -> Plan:
    """A plan of 10 shards to make."""
    return plan_ingest(
        layout("mosaic", shard=shard, chunk=chunk),
        todo=10,
        pixels=10 * shard**2,
        source_pixels=10 * shard**2,
        strip_source_pixels=chunk * shard,
        **others,
    )


def predict(shard: int = 2048, chunk: int = 512, *, aligned: bool = True, **others: Any) -> Plan:
    """A plan of 10 shards to make."""
    return plan_predict(
        layout("mosaic", shard=shard, chunk=chunk),
        layout("maps", shard=shard, chunk=chunk),
        bands=3,
        aligned=aligned,
        todo=10,
        pixels=10 * shard**2,
        **others,
    )


def test_the_whole_archive_counts_right() -> None:
    plan = ingest()
    # 54582 rows: 27 x 54 shards of 2048
    assert plan.shards == 27 * 54
    assert plan.done == plan.shards - 10
    assert plan.read_bytes == 10 * 2048**2 * 5 * 2
    assert plan.write_bytes == 10 * 2048**2 * (5 * 2 + 2)


def test_maps_are_counted_by_layer() -> None:
    plan = predict()
    assert plan.read_bytes == 10 * 2048**2 * 3 * 2
    assert plan.write_bytes == 10 * 2048**2 * 3 * (2 + 1)
    maps = Cube(Location("maps.zarr"), layout("maps"), {})
    counting = plan_sums(MapsSource(maps), {"s": Histograms((WholeMoon(),))}, verb="summarise")
    assert counting.write_bytes == 0
    assert counting.read_bytes == 54582 * 109164 * 3 * 3


@pytest.mark.parametrize("of", [ingest, predict])
def test_memory_grows_with_chunk_and_threads(of: Callable[..., Plan]) -> None:
    small, large = of(2048, 512), of(2048, 1024)
    assert small.task_bytes < large.task_bytes
    base = small.worker_bytes(0)
    assert small.worker_bytes(2) - base == 2 * (small.worker_bytes(1) - base)


def test_chunks_of_a_file_come_and_go() -> None:
    """A shard of more chunks is no more memory, but in ingest, which lays a row of them."""
    assert predict(1024, 512).task_bytes == predict(4096, 512).task_bytes
    assert ingest(1024, 512).task_bytes < ingest(4096, 512).task_bytes


def test_objects_far_away_are_held() -> None:
    """All of a shard that is written, and up to four of the mosaic's that are read."""
    near, read, written = predict(), predict(held=(True, False)), predict(held=(False, True))
    reads = layout("mosaic").arrays()
    most = 3 * reads[0].packing.largest_blob + reads[1].packing.largest_blob
    assert read.task_bytes - near.task_bytes == most
    across = predict(aligned=False, held=(True, False))
    assert across.task_bytes - near.task_bytes == 4 * most
    assert predict(aligned=False).task_bytes == near.task_bytes
    blobs = sum(spec.packing.largest_blob for spec in layout("maps").arrays())
    assert written.task_bytes - near.task_bytes == blobs
    assert ingest(held=True).task_bytes - ingest().task_bytes == sum(
        spec.packing.largest_blob * max(spec.bands, 1) for spec in reads
    )


def test_means_take_their_sums() -> None:
    strip = 2048 * 512
    assert ingest(means=True).task_bytes - ingest().task_bytes == strip * (5 * 12 + 4)


def test_histograms_take_what_a_shard_meets() -> None:
    """A shard of the whole Moon meets all seas, one of the archive's two or three."""
    groupings = (WholeMoon(), Seas())
    assert atoms_met([WholeMoon()], layout("maps")) == 2  # one, and what is not seen
    met = [atoms_met(groupings, layout("maps", shard=shard, ppd=10)) for shard in (512, 1024, 2048)]
    assert sorted(met) == met
    assert met[0] < met[1] < met[2]
    whole = RasterGrid.whole(10)
    every = [len(atoms_of(groupings, whole, at).keys) for at in whole.window.split(2048)]
    assert max(every) <= met[2] <= 1.5 * max(every)
    assert predict(groupings=groupings).task_bytes > predict(groupings=[WholeMoon()]).task_bytes


@given(short=st.integers(-(10**9), 10**9), threads=st.integers(1, 8))
def test_refused_exactly_where_it_does_not_fit(short: int, threads: int) -> None:
    plan = predict()
    needed = plan.worker_bytes(threads)
    given_bytes = needed - short
    if short <= 0:
        plan.check(layout("maps"), threads=threads, worker_bytes=given_bytes)
        return
    with pytest.raises(PlanError) as refusal:
        plan.check(layout("maps"), threads=threads, worker_bytes=given_bytes)
    assert giga(needed) in str(refusal.value)
    assert giga(given_bytes) in str(refusal.value)
    assert "shard 2048 x 2048, chunk 512" in str(refusal.value)


def test_the_refusal_is_a_sentence() -> None:
    plan = Plan("predict", 1, 0, 1, 1, 1, 1_000_000_000)
    with pytest.raises(PlanError) as refusal:
        plan.check(layout("maps"), threads=2, worker_bytes=900_000_000)
    needed = giga(plan.worker_bytes(2))
    assert str(refusal.value) == (
        f"predict: a worker of 2 threads needs {needed} (shard 2048 x 2048, chunk 512) but has "
        "900 MB; use a smaller --shard, fewer --threads or fewer, larger workers "
        "(--workers, --memory-limit)"
    )


def test_the_lines_name_every_figure() -> None:
    plan = predict()
    lines = dict(plan.lines(2))
    assert lines["shards"] == "1,458, of which 1,448 are done"
    assert lines["pixels to do"] == f"{10 * 2048**2:,}"
    assert lines["memory a task"] == giga(plan.task_bytes)
    assert lines["memory a worker (2 threads)"] == giga(plan.worker_bytes(2))
    assert "memory a worker (1 thread)" in dict(plan.lines(1))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (1_500_000, "2 MB"),
        (12_345_678, "12 MB"),
        (1_234_567_890, "1.23 GB"),
        (1_234_567_890_123, "1,234.57 GB"),
    ],
)
def test_bytes_read_well(count: int, text: str) -> None:
    assert giga(count) == text
