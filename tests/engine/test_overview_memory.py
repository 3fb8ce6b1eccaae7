"""A worker that makes overviews takes what its plan says: strips of squares, no whole shard."""

from pathlib import Path

import numpy as np
import pytest
from maps_at_hand import write_maps
from peaks_at_hand import as_the_command, peak_bytes, reset_peak

from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask
from lunarscale.engine.run import complain
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.steps.overview import prepare_overview

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no Linux /proc here")
def test_a_worker_takes_what_was_planned(tmp_path: Path) -> None:
    """With shards of the usual size at 100 m a pixel; noise, one pixel in twenty missing."""
    grid = RasterGrid(109_164, 20_000, 5_000, 1_100, 16_400)
    rng = np.random.default_rng(20_250_607)
    counts = rng.integers(300, 4000, (grid.height, grid.width), dtype=np.int16)
    counts[rng.random(counts.shape) < 0.05] = NO_DATA
    maps = write_maps(tmp_path / "maps.zarr", {"FeO": counts}, grid, shard=2048, chunk=512)
    prepared = prepare_overview(maps)
    assert len(prepared.jobs) >= 2
    choice = ClusterChoice(workers=1, threads=2, memory_limit="0")
    with as_the_command(tmp_path), open_cluster(choice) as cluster:
        cluster.client.run(reset_peak)
        complain(prepared.run(OnDask(cluster.client)), maps)
        (peak,) = cluster.client.run(peak_bytes).values()
    planned = prepared.plan.worker_bytes(2)
    print(f"overview: {peak / planned:.3f} of {planned:,}, {prepared.plan.task_bytes:,} a task")
    assert 0.85 * planned <= peak <= 1.1 * planned
