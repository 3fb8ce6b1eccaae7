"""The plan: pure, known before anything is touched, and refused with its figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.plan import Plan, giga, plan_ingest, plan_predict, plan_sums
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import PlanError
from lunarscale.grid.groupings import WholeMoon
from lunarscale.grid.raster import RasterGrid
from lunarscale.models.registry import DEFAULT_MODELS
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


def ingest(shard: int = 2048, chunk: int = 512) -> Plan:
    """A plan of 10 shards to make."""
    return plan_ingest(
        layout("mosaic", shard=shard, chunk=chunk),
        todo=10,
        pixels=10 * shard**2,
        source_pixels=10 * shard**2,
        strip_source_pixels=chunk * shard,
    )


def predict(shard: int = 2048, chunk: int = 512, *, aligned: bool = True) -> Plan:
    """A plan of 10 shards to make."""
    return plan_predict(
        layout("mosaic", shard=shard, chunk=chunk),
        layout("maps", shard=shard, chunk=chunk),
        bands=3,
        aligned=aligned,
        todo=10,
        pixels=10 * shard**2,
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
def test_memory_grows_with_shard_and_threads(of: type) -> None:
    small, large = of(1024, 512), of(4096, 512)
    assert small.task_bytes < large.task_bytes
    base = small.worker_bytes(0)
    assert small.worker_bytes(2) - base == 2 * (small.worker_bytes(1) - base)


def test_maps_off_the_mosaics_shards_hold_more() -> None:
    assert predict(aligned=False).task_bytes > predict(aligned=True).task_bytes


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
