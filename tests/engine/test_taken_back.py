"""Entries that a worker takes back which the cluster had given up: a run ends when all are there.

Such a worker goes on with a shard that another one has made meanwhile. It takes the entry back to
write the shard anew, and then it dies, or is slower than the run.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from engine_moon import LITTLE, MODELS, Contents, contents, entries

from lunarscale.engine.executors import Serial
from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.engine.lock import RunLock
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared
from lunarscale.errors import BusyError
from lunarscale.grid.raster import Window
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location


def _withdraw(store: Path, *names: str) -> None:
    cube = Cube.open(Location(str(store)))
    ledger = Ledger.of(cube)
    for window in cube.layout.windows():
        if ledger.name(window) in names:
            ledger.withdraw(window)


def _run(prepared: Prepared, store: Path) -> Tale:
    """Run it, and take two entries back when all have come back as done."""

    def late(tale: Tale, todo: int) -> None:
        if tale.done == todo:
            _withdraw(store, "r0000c0001", "r0001c0003")

    return prepared.run(Serial(), late)


def test_what_was_taken_back_is_made_again_and_counted_once(
    little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    mosaic, maps = tmp_path / "mosaic.zarr", tmp_path / "maps.zarr"
    ingested = _run(prepare_ingest([str(little_tiles)], out=str(mosaic), **LITTLE), mosaic)
    prepared = prepare_predict(str(mosaic), out=str(maps), models=MODELS)
    quiet = prepare_predict(str(mosaic), out=str(tmp_path / "quiet.zarr"), models=MODELS)
    predicted, expected = _run(prepared, maps), quiet.run(Serial())
    assert ingested.problems == predicted.problems == []
    assert ingested.done == predicted.done == expected.done == 8
    assert predicted.pixels == expected.pixels
    for store in (mosaic, maps):
        assert None not in entries(store).values()
    contents(tmp_path).assert_equal(undisturbed)


@dataclass(frozen=True)
class _Haunted(Serial):
    """After all jobs of a fold one shard's entry is taken back, each time again."""

    store: Path

    def fold(self, task: Any, jobs: Any, *, merge: Any, initial: Any) -> Any:
        """As ``Serial`` does."""
        total = super().fold(task, jobs, merge=merge, initial=initial)
        _withdraw(self.store, "r0000c0001")
        return total


def test_what_is_taken_back_again_is_told(little_tiles: Path, tmp_path: Path) -> None:
    mosaic = tmp_path / "mosaic.zarr"
    prepared = prepare_ingest([str(little_tiles)], out=str(mosaic), **LITTLE)
    tale = prepared.run(_Haunted(mosaic))
    (problem,) = tale.problems
    assert "shard r0000c0001 was made but its entry is not in the ledger any more" in str(problem)


def test_a_shard_with_a_problem_of_its_own_is_not_made_again(
    little_tiles: Path, tmp_path: Path
) -> None:
    mosaic, began = tmp_path / "mosaic.zarr", list[str]()
    prepared = prepare_ingest([str(little_tiles)], out=str(mosaic), **LITTLE)
    gone = replace(prepared.jobs[0].tiles[0], path=str(tmp_path / "gone.img"))
    jobs = [replace(prepared.jobs[0], tiles=(gone,))]
    begin = prepared.begin

    def noted() -> Any:
        task = begin()

        def call(job: Any) -> Any:
            began.append(str(job.window))
            return task(job)

        return call

    tale = replace(prepared, begin=noted, jobs=jobs).run(Serial())
    assert len(tale.problems) == len(began) == 1


@pytest.mark.parametrize("other", [False, True])
def test_who_comes_after_the_end_leaves_an_entry_that_is_the_same(
    other: bool, tmp_path: Path
) -> None:
    location, window = Location(str(tmp_path)), Window(0, 0, 32, 32)
    made = Entry("key", {"flag/c/0/0": [12, 345]}, [["a tile"]])
    with RunLock(location, "run1", verb="ingest", since="today") as lock:
        ledger = Ledger(location, 32, "", lock.ticket)
        ledger.write(window, made)
    with pytest.raises(BusyError, match="has ended"):
        ledger.write(window, replace(made, key="another") if other else made)
    assert ledger.read(window) == (None if other else made)
