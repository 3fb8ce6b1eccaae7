"""Ready before the first job: nothing is left to compile, nothing is written, nothing lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import Any

import numba.core.event
import pytest
from distributed import Client
from engine_moon import LITTLE, arrays, assert_same_arrays

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import OnDask, Serial
from lunarscale.engine.run import Prepared
from lunarscale.engine.shipping import Shipped
from lunarscale.engine.sources import MapsSource
from lunarscale.engine.warm import Rehearsing, send_ahead, some_of, warm
from lunarscale.grid.raster import Window
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.products import Products
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict, prepare_predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

MODELS = ["qiu-2025-feo", "clementine-oxides"]


@pytest.fixture(scope="module")
def mosaic(little_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A little mosaic, from pole to pole."""
    store = tmp_path_factory.mktemp("mosaic") / "mosaic.zarr"
    ingest([str(little_tiles)], out=str(store), **LITTLE)
    return str(store)


@contextmanager
def compiled() -> Iterator[list[str]]:
    """Names of the functions that numba compiles meanwhile, in this thread."""
    names: list[str] = []
    here = get_ident()

    class Listener(numba.core.event.Listener):
        def on_start(self, event: Any) -> None:
            if get_ident() == here:
                names.append(event.data["dispatcher"].py_func.__qualname__)

        def on_end(self, event: Any) -> None:
            pass

    listener = Listener()
    numba.core.event.register("numba:compile", listener)
    try:
        yield names
    finally:
        numba.core.event.unregister("numba:compile", listener)


def sums(maps: str) -> Prepared:
    """Histograms and covariances of all layers."""
    source = MapsSource(Cube.open(Location(maps)))
    maria = read_grouping("maria")
    measures = {"area": Histograms((maria,)), "products": Products(maria)}
    return prepare_sums(source, measures, verb="summarise")


def test_a_rehearsal_compiles_what_the_jobs_need_and_writes_nothing(
    mosaic: str, tmp_path: Path
) -> None:
    maps = tmp_path / "maps.zarr"
    prepared = prepare_predict(mosaic, out=str(maps), models=MODELS)
    task = prepared.begin()
    assert isinstance(task, Rehearsing)
    before = {path for path in maps.rglob("*") if path.is_file()}
    warmth = warm(Shipped.of(task))
    assert min(warmth) > 0
    assert {path for path in maps.rglob("*") if path.is_file()} == before
    with compiled() as names:
        outcomes = [task(job) for job in prepared.jobs]
    assert [outcome.problem for outcome in outcomes] == [None] * len(outcomes)
    assert names == []


def test_what_was_rehearsed_is_not_rehearsed_again() -> None:
    """But after a rehearsal that failed, and where parameters are others or none are known."""
    _rehearsals.clear()
    for parameters in ("a", "a", "b", None, None, "a"):
        warm(Shipped.of(Counting(parameters)))
    with pytest.raises(OSError, match="stage fright"):
        warm(Shipped.of(Counting("c", fails=True)))
    warm(Shipped.of(Counting("c")))
    assert _rehearsals == ["a", "b", None, None, "c", "c"]


_rehearsals: list[str | None] = []


@dataclass(frozen=True)
class Counting:
    """A task that notes its rehearsals."""

    parameters: str | None
    fails: bool = False

    def rehearse(self) -> None:
        """Note it; fail if asked to."""
        _rehearsals.append(self.parameters)
        if self.fails:
            raise OSError(5, "stage fright")


def test_sums_rehearse_too(mosaic: str, tmp_path: Path) -> None:
    maps = str(tmp_path / "maps.zarr")
    predict(mosaic, out=maps, models=MODELS)
    prepared = sums(maps)
    task = prepared.begin()
    assert isinstance(task, Rehearsing)
    warm(Shipped.of(task))
    with compiled() as names:
        tale = prepared.run(Serial())
    assert names == []
    assert not tale.problems


@pytest.mark.cluster
def test_every_worker_warms_up_before_its_jobs(
    mosaic: str, tmp_path: Path, two_workers: Client
) -> None:
    alone, together = tmp_path / "serial.zarr", tmp_path / "dask.zarr"
    predict(mosaic, out=str(alone), models=MODELS)
    predict(mosaic, out=str(together), models=MODELS, executor=OnDask(two_workers))
    assert_same_arrays(arrays(alone), arrays(together))
    assert not two_workers.futures, "no rehearsal is kept"
    prepared = sums(str(together))
    ahead = send_ahead(two_workers, prepared.begin())
    assert len(ahead) == 2
    warmths = two_workers.gather(ahead)
    assert all(min(warmth) >= 0 for warmth in warmths)


@pytest.mark.cluster
def test_a_rehearsal_that_fails_is_told_by_the_jobs_alone(two_workers: Client) -> None:
    found = OnDask(two_workers).fold(Nervous(), range(5), merge=max, initial=0)
    assert found == 4


class Nervous:
    """A task that fails in its rehearsal, and then does not."""

    def rehearse(self) -> None:
        """Fail."""
        raise OSError(5, "stage fright")

    def __call__(self, job: int) -> int:
        """The job."""
        return job


def test_few_windows_are_rehearsed() -> None:
    windows = [Window(row, 0, 1, 1) for row in range(10)]
    for count in range(1, 11):
        some = some_of(windows[:count])
        assert some[0] == windows[0]
        assert len(set(some)) == len(some) == min(count, 4)
