"""The table of faults: what is done to a run, and what is promised. ``test_fault_table`` runs it.

``docs/faults.md`` shows it to people; a test holds both together.
"""

import datetime as clock
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest
from distributed import Client
from engine_moon import LITTLE, entries
from ports_at_hand import free_port
from struck import SHARD, Pipes, Struck

from lunarscale.engine.executors import Executor, OnDask, Serial
from lunarscale.engine.outcome import Outcome, Tale
from lunarscale.engine.run import Prepared
from lunarscale.errors import BusyError, ClusterError, IncompleteError, StoreError, TornError
from lunarscale.steps.ingest import ingest, prepare_ingest
from lunarscale.steps.predict import predict, prepare_predict
from lunarscale.steps.summarise import summarise
from lunarscale.steps.validate import validate
from lunarscale.store.location import Location

#: The map that is made, and another one of the same name.
MODEL, OTHER = "qiu-2025-feo", "lucey-2000-feo"


@dataclass(frozen=True)
class Scene:
    """Where a fault happens.

    Parameters
    ----------
    verb : {"ingest", "predict"}
        The run that is disturbed.
    tiles : Path
        Nobody changes them.
    folder : Path
        Its own: ``mosaic.zarr`` is there for ``predict``.
    client : distributed.Client or None
        Of two workers, for those that ask for one.
    patch : pytest.MonkeyPatch
    """

    verb: str
    tiles: Path
    folder: Path
    client: Client | None
    patch: pytest.MonkeyPatch

    @property
    def store(self) -> Path:
        """What is made."""
        return self.folder / {"ingest": "mosaic.zarr", "predict": "maps.zarr"}[self.verb]

    def prepared(self, **options: Any) -> Prepared:
        """The run, not begun."""
        if self.verb == "ingest":
            return prepare_ingest([str(self.tiles)], out=str(self.store), **{**LITTLE, **options})
        mosaic = str(self.folder / "mosaic.zarr")
        return prepare_predict(mosaic, out=str(self.store), **{"models": [MODEL], **options})

    def struck(self, part: str, nth: int, do: str) -> Prepared:
        """The run with one strike."""
        prepared = self.prepared()
        return strike(prepared, part, nth, do=do, folder=self.folder / "pipes")

    @property
    def pipes(self) -> Pipes:
        """Those of the one task that is held."""
        return Pipes(self.folder / "pipes")

    @property
    def on_dask(self) -> OnDask:
        """The shared cluster."""
        assert self.client is not None
        self.client.wait_for_workers(2, timeout=300)
        return OnDask(self.client)


def strike(prepared: Prepared, part: str, nth: int, *, do: Any, folder: Path) -> Prepared:
    """A run one of whose tasks is struck."""
    begin = prepared.begin
    return replace(prepared, begin=lambda: Struck(begin(), part, nth, do, folder))


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    Parameters
    ----------
    name, done, promised : str
        For people.
    verb : {"ingest", "predict"}
    act : callable
        Does it to a scene, and holds what it sees against what is promised. After it the same
        command is run again, and every byte compared with an undisturbed run's.
    cluster : bool
        Whether it takes the shared cluster.
    """

    name: str
    done: str
    promised: str
    verb: str
    act: Callable[[Scene], None]
    cluster: bool = False


class Aside:
    """A run in a thread of its own; what it raised or told is asked for in the end."""

    def __init__(self, prepared: Prepared, executor: Executor) -> None:
        self.tale: Tale | None = None
        self.error: BaseException | None = None

        def run() -> None:
            try:
                self.tale = prepared.run(executor)
            except BaseException as error:  # noqa: BLE001 - raised again by whoever asks
                self.error = error

        self._thread = Thread(target=run)
        self._thread.start()

    def end(self) -> Tale:
        """Wait for its end."""
        self._thread.join()
        if self.error is not None:
            raise self.error
        assert self.tale is not None
        return self.tale


def _killed(part: str, nth: int) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        tale = scene.struck(part, nth, "die").run(scene.on_dask)
        assert (scene.folder / "pipes" / "struck").exists()
        assert (tale.done, tale.problems) == (8, [])

    return act


def _client_killed(scene: Scene) -> None:
    arguments = [scene.verb, str(scene.folder / "mosaic.zarr"), str(scene.store)]
    with scene.pipes as pipes:
        command = [sys.executable, "-c", _RUN, *arguments, str(pipes.folder)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(command, env=environment) as client:
            pipes.wait()
            family = psutil.Process(client.pid).children(recursive=True)
            client.kill()
        with pytest.raises(StoreError, match="not done or torn"):
            summarise(str(scene.store))
        tale = scene.prepared().run(Serial())
        assert "is gone without an end; this run goes on in its place" in tale.remarks[0]
        assert tale.problems == []
    # its workers were let go behind the new run: they must end, and write nothing
    _, alive = psutil.wait_procs(family, timeout=120)
    assert not alive


_RUN = f"""
import sys
from pathlib import Path
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask
from lunarscale.steps.predict import prepare_predict
from scenarios import strike

if __name__ == "__main__":
    verb, mosaic, out, pipes = sys.argv[1:]
    prepared = prepare_predict(mosaic, out=out, models=["{MODEL}"])
    with open_cluster(ClusterChoice(workers=1, memory_limit="2GB")) as cluster:
        struck = strike(prepared, "write", 2, do="hold", folder=Path(pipes))
        struck.run(OnDask(cluster.client))
"""


def _scheduler_killed(scene: Scene) -> None:
    host, port = "127.0.0.1", str(free_port())
    address = f"{host}:{port}"
    dask = [sys.executable, "-m", "dask"]
    scheduler = [*dask, "scheduler", "--host", host, "--port", port, "--no-dashboard"]
    worker = [*dask, "worker", f"tcp://{address}", "--nthreads", "1", "--no-dashboard"]
    with scene.pipes as pipes, _running(scheduler) as first, _running(worker):
        with Client(f"tcp://{address}", set_as_default=False, timeout=120) as client:
            client.wait_for_workers(1, timeout=120)
            prepared = scene.struck("write", 2, "hold")
            run = Aside(prepared, OnDask(client, patience_s=4))
            pipes.wait()
            first.kill()
            with pytest.raises(ClusterError, match="what is stored is kept"):
                run.end()
        with _running(scheduler), _running(worker):
            with Client(f"tcp://{address}", set_as_default=False, timeout=120) as client:
                client.wait_for_workers(1, timeout=120)
                tale = scene.prepared().run(OnDask(client))
                assert tale.problems == []
            pipes.let_go()


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **quiet) as process:
        family = psutil.Process(process.pid)
        try:
            yield process
        finally:
            with suppress(psutil.NoSuchProcess):
                for child in family.children(recursive=True):
                    child.kill()
            process.kill()


def _disk_full(scene: Scene) -> None:
    scene.store.mkdir()
    if os.geteuid() != 0 or not _mount("-t", "tmpfs", "-o", "size=160k", "tmpfs", str(scene.store)):
        pytest.skip("a filesystem of a few kB can be mounted by root only")
    try:
        # a whole page goes to each file: what lays the store fits, its shards do not
        with pytest.raises(
            (IncompleteError, StoreError), match=r"the disk is full.* run the same command again"
        ):
            _complain(scene.prepared().run(scene.on_dask))
        assert None in entries(scene.store).values()
        assert _mount("-o", "remount,size=8m", str(scene.store))
        tale = scene.prepared().run(scene.on_dask)
        assert tale.problems == []
        copy = scene.folder / "copy"
        subprocess.run(["cp", "-a", str(scene.store), str(copy)], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(scene.store)], check=True)
    scene.store.rmdir()
    copy.rename(scene.store)


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


def _complain(tale: Tale) -> None:
    from lunarscale.engine.run import complain

    complain(tale, "the run")


def _damaged(damage: Callable[[Path], None]) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        scene.prepared().run(Serial())
        path = scene.store / "FeO" / "c" / "1" / "2"
        damage(path)
        with pytest.raises((TornError, StoreError), match=r"FeO/c/1/2|not done or torn"):
            _read_all(scene.store)
        verdict = validate(str(scene.store), deep=True)
        assert (verdict.done, len(verdict.torn)) == (7, 1)
        assert str(path) in verdict.torn[0]
        assert [job.window for job in scene.prepared().jobs] == [(32, 64, 32, 32)]

    return act


def _read_all(store: Path) -> None:
    from lunarscale.steps.opening import open_maps

    cube = open_maps(str(store), None)
    cube.read("FeO", cube.grid.window)


def _flip(path: Path) -> None:
    blob = bytearray(path.read_bytes())
    blob[len(blob) // 3] ^= 8
    path.write_bytes(bytes(blob))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@dataclass(frozen=True)
class _ClockJumps:
    """A task at whose every job the clock jumps thirty hours on or back."""

    task: Any

    def __call__(self, job: Any) -> Outcome:
        there, now = time.time, clock.datetime
        hours = 30 if job.window.col % 64 else -30
        time.time = lambda: there() + 3600 * hours
        clock.datetime = _jumped(now, hours)  # type: ignore[misc]
        try:
            outcome: Outcome = self.task(job)
            return outcome
        finally:
            time.time, clock.datetime = there, now  # type: ignore[misc]


def _jumped(of: Any, hours: int) -> Any:
    class Jumped(of):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return of.now(tz) + clock.timedelta(hours=hours)

    return Jumped


#: A run whose clock jumps, and the same again a day before it; in a process of their own: whoever
#: shares the process, a scheduler with its timers say, would stand still after it.
_CLOCK = """
import sys
import time
import lunarscale.engine.record as record
from dataclasses import replace
from pathlib import Path
from scenarios import Scene, _ClockJumps, _jumped
from lunarscale.engine.executors import Serial

verb, tiles, folder = sys.argv[1:]
now, clock = time.time, record.datetime

def run(most, hours):
    def stop(tale, todo):
        assert tale.problems == []
        if tale.done == most:
            raise KeyboardInterrupt

    time.time, record.datetime = (lambda: now() + 3600 * hours), _jumped(clock, hours)
    prepared = Scene(verb, Path(tiles), Path(folder), None, None).prepared()
    begin = prepared.begin
    print(len(prepared.jobs), flush=True)
    replace(prepared, begin=lambda: _ClockJumps(begin())).run(Serial(), stop)

try:
    run(4, 0)
except KeyboardInterrupt:
    run(-1, -30)
"""


def _clock_jumps(scene: Scene) -> None:
    command = [sys.executable, "-c", _CLOCK, scene.verb, str(scene.tiles), str(scene.folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    first, again = map(int, told.stdout.split())
    assert again == first - 4


def _two_at_once(scene: Scene) -> None:
    with scene.pipes as pipes:
        first = Aside(scene.struck("write", 2, "hold"), scene.on_dask)
        pipes.wait()
        with pytest.raises(BusyError, match=r"one run at a time .*\(predict on .* wait for its"):
            scene.prepared().run(Serial())
        with pytest.raises(BusyError, match=r"one run at a time .*\(predict on"):
            scene.prepared(models=[OTHER], overwrite=True).run(Serial())
        pipes.let_go()
        assert (first.end().done, first.end().problems) == (8, [])


def _lock_removed(part: str, nth: int, left: int) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        with scene.pipes as pipes:
            late = strike(scene.prepared(models=[OTHER]), part, nth, do="hold", folder=pipes.folder)
            first = Aside(late, Serial())
            pipes.wait()
            (scene.store / "ledger" / "lock" / "000001").unlink()
            tale = scene.prepared(overwrite=True).run(Serial())
            assert (tale.done, tale.problems) == (8, [])
            pipes.let_go()
            with pytest.raises(BusyError, match=r"lock|another run"):
                _first_problem(first)
        done = sum(entry is not None for entry in entries(scene.store).values())
        assert done == left

    return act


def _first_problem(run: Aside) -> None:
    """Raise what a run could not do."""
    problems = run.end().problems
    assert problems
    raise problems[0]


def _overwritten_under_a_reader(scene: Scene) -> None:
    from lunarscale.engine.counting import prepare_sums
    from lunarscale.engine.sources import MapsSource
    from lunarscale.grid.groupings import WholeMoon
    from lunarscale.reduce.tally import Histograms
    from lunarscale.steps.opening import open_maps

    scene.prepared(models=[OTHER]).run(Serial())
    source = MapsSource(open_maps(str(scene.store), None))
    sums = prepare_sums(source, {"s": Histograms((WholeMoon(),))}, verb="sums")
    with scene.pipes as pipes:
        held = strike(sums, "decode", 2, do="hold", folder=pipes.folder)
        reader = Aside(held, Serial())
        pipes.wait()
        assert scene.prepared(overwrite=True).run(Serial()).problems == []
        pipes.let_go()
        problems = reader.end().problems
    assert problems
    assert all("has been written anew, or taken back, since" in str(p) for p in problems)
    assert SHARD in str(problems[0])


def _overwritten_under_predict(scene: Scene) -> None:
    mosaic = scene.folder / "mosaic.zarr"
    with scene.pipes as pipes:
        held = Aside(scene.struck("decode", 2, "hold"), Serial())
        pipes.wait()
        some = sorted(scene.tiles.iterdir())[::2]
        ingest([str(path) for path in some], out=str(mosaic), overwrite=True, **LITTLE)
        pipes.let_go()
        problems = held.end().problems
    assert problems
    assert all("has changed since the run began" in str(problem) for problem in problems)
    ingest([str(scene.tiles)], out=str(mosaic), overwrite=True, **LITTLE)


def _left_half_written(scene: Scene) -> None:
    """What a SIGKILL leaves is there until the next run, and no longer."""
    scene.prepared().run(Serial())
    left = scene.store / "FeO" / "c" / "1" / ".2.0123456789abcdef.partial"
    left.write_bytes(b"half")
    (scene.store / "ledger" / f"{SHARD}.json").unlink()
    predict(str(scene.folder / "mosaic.zarr"), out=str(scene.store), models=[MODEL])
    assert not left.exists()
    assert Location(str(scene.store)).exists()


_WHOLE = "The run itself goes on: the shard is made again by another worker."
_REFUSED = "A refusal of one sentence; the next run completes."

SCENARIOS = (
    Scenario("worker killed in read", "SIGKILL while a shard's input is read", _WHOLE,
             "predict", _killed("read", 2), cluster=True),
    Scenario("worker killed in compute", "SIGKILL while tiles are laid", _WHOLE,
             "ingest", _killed("compute", 3), cluster=True),
    Scenario("worker killed in write", "SIGKILL between two chunks of a half-written object",
             _WHOLE, "predict", _killed("write", 2), cluster=True),
    Scenario("worker killed before the entry",
             "SIGKILL when all objects are written and the ledger's entry is not", _WHOLE,
             "predict", _killed("entry", 1), cluster=True),
    Scenario("scheduler killed and started again", "SIGKILL of the scheduler in mid-run; a new one "
             "at the same address; the old one's worker lives on and goes on later", _REFUSED,
             "predict", _scheduler_killed),
    Scenario("client killed", "SIGKILL of the process that the user started, in mid-run",
             "The next run sees that the holder is dead, says so, and completes; what the dead "
             "run's workers still have in hand is not written.", "predict", _client_killed),
    Scenario("disk full", "a filesystem that is full in mid-run, and has room again later",
             _REFUSED, "ingest", _disk_full, cluster=True),
    Scenario("a bit flipped on disk", "one bit of one shard", "Readers and validate --deep say "
             "which; the next run makes that one shard again.", "predict", _damaged(_flip)),
    Scenario("a shard truncated on disk", "the last 100 bytes of one shard gone", "Readers and "
             "validate say which; the next run makes that one shard again.", "predict",
             _damaged(_truncate)),
    Scenario("half-written files left", "what a killed worker leaves beside its object",
             "Nobody reads it; the next run removes it.", "predict", _left_half_written),
    Scenario("clock jumps", "time.time and datetime jump 30 hours on and back at every shard; the "
             "run is stopped and run again a day earlier",
             "Nothing changes: no decision is made by the clock.", "predict", _clock_jumps),
    Scenario("two runs at once", "a second run, and one with --overwrite, at a store that is being "
             "written", "Both are refused and told who writes; the first completes.",
             "predict", _two_at_once, cluster=True),
    Scenario("lock removed by hand", "the lock's object deleted while a shard is computed; another "
             "run makes the store afresh with another model; the first goes on",
             "The first is refused before it touches the shard; the second's store is whole.",
             "predict", _lock_removed("write", 2, left=8)),
    Scenario("lock removed by hand, objects written", "the same, but the first has written its "
             "objects over the other's when it goes on", "The first is refused and takes the "
             "shard's entry away, so that nobody reads it; the next run makes it again.",
             "predict", _lock_removed("entry", 1, left=7)),
    Scenario("maps overwritten under a reader", "a store is made afresh with another model while "
             "sums are taken of it", "The sums are refused; never half old and half new.",
             "predict", _overwritten_under_a_reader),
    Scenario("mosaic overwritten under predict", "the mosaic is made afresh from other tiles while "
             "maps are made of it", "The shards are refused; the next run completes.",
             "predict", _overwritten_under_predict),
)  # fmt: skip
