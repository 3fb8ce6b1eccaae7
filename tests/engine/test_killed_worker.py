"""A worker is killed in the middle of a write: nothing half-written is ever read as data.

SIGKILL strikes a worker when so many of a shard's objects have landed and of the next one only half
the bytes are there, under a name that nobody reads. The name, the bytes that were left and the time
are asserted, so that the test cannot pass by missing. The nanny starts another worker and Dask
runs the lost jobs again.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from distributed import Client
from engine_moon import LITTLE, MODELS, Contents, contents, entries

from lunarscale.engine.executors import OnDask, Serial
from lunarscale.engine.flight import AHEAD, IN_FLIGHT
from lunarscale.engine.outcome import Outcome
from lunarscale.engine.run import Prepared, complain
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict
from lunarscale.store.cube import LOCKS
from lunarscale.store.local import PARTIAL

pytestmark = pytest.mark.cluster

#: Most jobs that two workers of one thread have in flight.
MOST_IN_FLIGHT = 2 * IN_FLIGHT * AHEAD

#: Seconds that two workers may take to be there again; a loaded machine takes a minute.
BOTH_THERE_S = 300


@dataclass(frozen=True)
class Murderous:
    """A task whose worker is killed while it writes, once, half of one object of one shard.

    Parameters
    ----------
    task : callable
    shard : str
        Name of the shard that is being written.
    nth : int
        Which of its objects is cut in half.
    diary : Path
        Folder: ``starts`` has a line a job begun, ``killed`` is made just before the end.
    """

    task: Any
    shard: str
    nth: int
    diary: Path

    def __call__(self, job: Any) -> Outcome:
        """Note the start, and die if this is the shard and the first time."""
        name = _name(self.task, job)
        _note(self.diary / "starts", name)
        if name != self.shard or (self.diary / "killed").exists():
            outcome: Outcome = self.task(job)
            return outcome
        land, landed = os.replace, 0

        def strike(aside: Path, target: Path) -> None:
            nonlocal landed
            if target.parent.match(LOCKS):  # the run's own thread beats meanwhile
                land(aside, target)
                return
            landed += 1
            if landed <= self.nth:
                land(aside, target)
                return
            whole = aside.stat().st_size
            os.truncate(aside, whole // 2)
            crime = {"path": str(aside), "bytes": whole, "left": aside.stat().st_size}
            note = json.dumps({**crime, "time": time.time_ns()})
            (self.diary / "killed").write_text(note)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("nobody gets here")

        os.replace = strike  # type: ignore[assignment]
        try:
            self.task(job)
        finally:
            os.replace = land
        raise AssertionError(f"{name} has no object {self.nth}")


@dataclass(frozen=True)
class Diarist:
    """``OnDask``, but it notes when each shard's outcome has come back and is never made again."""

    client: Client
    diary: Path

    def fold(self, task: Any, jobs: Any, *, merge: Any, initial: Any) -> Any:
        """As ``OnDask`` does."""

        def noted(total: Any, outcome: Outcome) -> Any:
            # only what the scheduler has heard to be let go is not made again
            while self.client.run_on_scheduler(tasks) - set(self.client.futures):
                pass
            _note(self.diary / "returns", outcome.shard)
            return merge(total, outcome)

        return OnDask(self.client).fold(task, jobs, merge=noted, initial=initial)


def tasks(dask_scheduler: Any) -> set[str]:
    """Keys of all tasks that a scheduler knows."""
    return set(dask_scheduler.tasks)


def _name(task: Any, job: Any) -> str:
    cube = getattr(task, "cube", None) or task.maps
    row, col = job.window.row // cube.layout.shard, job.window.col // cube.layout.shard
    return f"r{row:04d}c{col:04d}"


def _note(file: Path, shard: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{shard} {time.time_ns()}\n".encode())
    os.close(descriptor)


def _notes(file: Path) -> list[tuple[str, int]]:
    return [(line.split()[0], int(line.split()[1])) for line in file.read_text().splitlines()]


def _disturbed(prepared: Prepared, client: Client, *, diary: Path, seed: int) -> None:
    """Run it with a murder, and hold the diary against what may have happened."""
    diary.mkdir()
    random = Random(seed)
    objects = {"mosaic": 6 + 1, "maps": 2 * len(MODELS) + 2}[prepared.layout.kind]
    shards = [f"r{row:04d}c{col:04d}" for row in range(2) for col in range(4)]
    shard, nth = random.choice(shards), random.randrange(objects)
    begin = prepared.begin
    murder = replace(prepared, begin=lambda: Murderous(begin(), shard, nth, diary))
    tale = murder.run(Diarist(client, diary))
    complain(tale, "the disturbed run")
    assert tale.done == 8

    crime = json.loads((diary / "killed").read_text())
    partial = Path(crime["path"])
    assert partial.name.endswith(PARTIAL)
    assert crime["left"] == crime["bytes"] // 2 > 0
    assert not partial.exists(), "a run that ends sweeps"
    starts, returns = _notes(diary / "starts"), _notes(diary / "returns")
    before = {name for name, when in starts if when < crime["time"]}
    back = {name for name, when in returns if when < crime["time"]}
    again = {name for name, _ in starts if sum(name == other for other, _ in starts) > 1}
    assert {name for name, _ in starts} == set(shards)
    assert shard in again
    assert not again & back, "only what was in flight is made again"
    assert shard in before - back
    assert len(starts) - 8 <= MOST_IN_FLIGHT
    assert sorted(name for name, _ in returns) == sorted(shards)


@pytest.mark.parametrize("seed", range(1))
def test_killed_in_the_middle_of_a_write(
    seed: int, two_workers: Client, *, little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    mosaic, maps = (str(tmp_path / name) for name in ("mosaic.zarr", "maps.zarr"))
    two_workers.wait_for_workers(2, timeout=BOTH_THERE_S)
    ingest = prepare_ingest([str(little_tiles)], out=mosaic, **LITTLE)
    _disturbed(ingest, two_workers, diary=tmp_path / "ingest", seed=seed)
    two_workers.wait_for_workers(2, timeout=BOTH_THERE_S)
    predict = prepare_predict(mosaic, out=maps, models=MODELS)
    _disturbed(predict, two_workers, diary=tmp_path / "predict", seed=100 + seed)
    contents(tmp_path).assert_equal(undisturbed)


#: A whole run in a process of its own that is killed in the middle of a write.
RUN = """
import sys
from pathlib import Path
from dataclasses import replace
from test_killed_worker import Murderous
from engine_moon import LITTLE, MODELS
from lunarscale.engine.executors import Serial
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict

verb, source, out, diary, shard, nth = sys.argv[1:]
if verb == "ingest":
    prepared = prepare_ingest([source], out=out, **LITTLE)
else:
    prepared = prepare_predict(source, out=out, models=MODELS)
begin = prepared.begin
replace(prepared, begin=lambda: Murderous(begin(), shard, int(nth), Path(diary))).run(Serial())
"""


@pytest.mark.parametrize("shard", ["r0000c0000", "r0001c0002"])
def test_the_whole_run_killed_and_run_again(
    shard: str, *, little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    mosaic, maps = tmp_path / "mosaic.zarr", tmp_path / "maps.zarr"
    for verb, source, out, nth in (
        ("ingest", little_tiles, mosaic, 3),
        ("predict", mosaic, maps, 9),
    ):
        diary = tmp_path / verb
        diary.mkdir()
        killed = subprocess.run(
            [sys.executable, "-c", RUN, verb, str(source), str(out), str(diary), shard, str(nth)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        finished = {name for name, entry in entries(out).items() if entry is not None}
        assert finished == {name for name, _ in _notes(diary / "starts")} - {shard}
        if verb == "ingest":
            again = prepare_ingest([str(source)], out=str(out), **LITTLE)
        else:
            again = prepare_predict(str(source), out=str(out), models=MODELS)
        assert {_name(again.begin(), job) for job in again.jobs} == set(entries(out)) - finished
        tale = again.run(Serial())
        complain(tale, "the second run")
        assert tale.done == 8 - len(finished)
    contents(tmp_path).assert_equal(undisturbed)
