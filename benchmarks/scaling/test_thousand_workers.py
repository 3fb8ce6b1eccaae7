"""The simulation of many workers, small: it runs what production runs, and its figures add up."""

import pytest

from benchmarks.scaling.made_cluster import made_cluster
from benchmarks.scaling.thousand_workers import GRAPHS, SHARD, Bench, Sleep, Together

pytestmark = pytest.mark.cluster


def test_the_graphs_are_the_maps() -> None:
    shards = {name: len(list(grid.window.split(SHARD))) for name, grid in GRAPHS.items()}
    assert shards == {"Moon, 100 m": 27 * 54, "Kaguya, 59 m": 33 * 90}


def test_eight_workers_in_two_processes() -> None:
    """Tasks that wait take the time of whole rounds, and hardly any processor."""
    windows = list(GRAPHS["Moon, 100 m"].window.split(SHARD))[:48]
    with made_cluster(8) as client:
        assert len(client.nthreads()) == 8
        bench = Bench.at(client, 8, look_s=0.2)
        found = [
            bench.fold("fold", windows, 0.05),
            bench.reduce("reduce", windows, 0.05),
            bench.fold("batches", [windows[:24], windows[24:]], 1.2, Together(Sleep(0.05))),
        ]
    for run in found:
        assert run.elapsed >= run.least
        assert 0 < run.scheduler < run.elapsed
        assert run.fed > 1
    assert [run.tasks for run in found] == [48, 48, 2]
