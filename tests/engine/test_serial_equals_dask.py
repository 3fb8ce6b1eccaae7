"""Serial is the specification: whatever runs a job, in whatever cut and order, the bits agree."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_moon import MODELS, Contents, contents, make

from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import Executor, OnDask, Serial
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict

pytestmark = pytest.mark.cluster

PPD = 512 / 180

#: Shard and chunk of each cut of the same 1024 x 512 pixels: 8 shards, 2 shards, 1 shard.
CUTS = [(256, 128), (512, 256), (1024, 256)]


@pytest.fixture(scope="module")
def specification(moon_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What ``Serial`` makes in shards of 256, read by plain xarray."""
    folder = tmp_path_factory.mktemp("specification")
    return contents(make(moon_tiles, folder, Serial(), ppd=PPD, shard=256, chunk=256))


@pytest.fixture(scope="module", params=[0, 1, 2], ids=["serial", "1 worker", "2 workers"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """``Serial``, a cluster of one worker that lives as long as its cases, or the shared two."""
    if request.param == 0:
        yield Serial()
    elif request.param == 1:
        with open_cluster(ClusterChoice(workers=1)) as cluster:
            assert len(cluster.client.nthreads()) == 1
            yield OnDask(cluster.client)
    else:
        client = request.getfixturevalue("two_workers")
        assert len(client.nthreads()) == 2
        yield OnDask(client)


@pytest.mark.parametrize(("shard", "chunk"), CUTS)
def test_every_bit_and_every_statistic(
    executor: Executor,
    shard: int,
    chunk: int,
    *,
    moon_tiles: Path,
    specification: Contents,
    tmp_path: Path,
) -> None:
    made = make(moon_tiles, tmp_path, executor, ppd=PPD, shard=shard, chunk=chunk)
    contents(made).assert_equal(specification)


def test_the_specification_is_worth_being_equal_to(specification: Contents) -> None:
    maps = specification.maps
    layers = [name for name in maps if f"{name}_flag" in maps]
    assert len(layers) == len(MODELS) == 7
    for layer in layers:
        values = maps[layer]
        assert values.shape == (512, 1024)
        assert np.count_nonzero(values != -32768) > 0.9 * values.size
        assert len(np.unique(values)) > 100
    assert len(specification.rows) == 182


@dataclass(frozen=True)
class Shuffled:
    """An executor that is given the jobs in another order, some of them twice."""

    inner: Executor
    step: int

    def fold(self, task: Any, jobs: Any, *, merge: Any, initial: Any) -> Any:
        """Each job, every ``step``-th first; the first of them is made once more at the end."""
        listed = list(jobs)
        order = [job for start in range(self.step) for job in listed[start :: self.step]][::-1]
        total = self.inner.fold(task, order, merge=merge, initial=initial)
        self.inner.fold(task, order[:2], merge=lambda total, outcome: total, initial=None)
        return total


def test_any_order_and_a_job_done_again(
    executor: Executor, moon_tiles: Path, *, specification: Contents, tmp_path: Path
) -> None:
    made = make(moon_tiles, tmp_path, Shuffled(executor, 3), ppd=PPD, shard=256, chunk=256)
    contents(made).assert_equal(specification)


def test_the_tale_counts_the_same(executor: Executor, moon_tiles: Path, tmp_path: Path) -> None:
    tales = []
    for runner, name in ((Serial(), "serial"), (executor, "executor")):
        mosaic, maps = (str(tmp_path / name / store) for store in ("mosaic.zarr", "maps.zarr"))
        first = prepare_ingest([str(moon_tiles)], out=mosaic, ppd=PPD, shard=256, chunk=256)
        tales.append(first.run(runner))
        tales.append(prepare_predict(mosaic, out=maps, models=MODELS[:1]).run(runner))
    serial, found = tales[:2], tales[2:]
    for tale, other in zip(found, serial, strict=True):
        assert replace(tale, laps={}) == replace(other, laps={})
        assert not tale.sums, "a map's statistics are in its ledger"
    assert found[0].done == found[1].done == 8
    assert found[1].pixels == 1024 * 512
