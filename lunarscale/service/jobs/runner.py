"""The threads that run jobs, the one that has waited longest first."""

import errno
import logging
import shutil
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from lunarscale.errors import ClusterError, LunarscaleError, UnavailableError
from lunarscale.service.jobs.crew import Crew
from lunarscale.service.jobs.desk import Desk, Hands
from lunarscale.service.jobs.holding import Hold
from lunarscale.service.jobs.lifecycle import Job
from lunarscale.service.jobs.records import Asset, Level, Records
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.store import JobStore
from lunarscale.service.jobs.verbs import VERBS
from lunarscale.service.jobs.watch import Canceled, Ending, Watch
from lunarscale.service.logs import about
from lunarscale.service.problems import without_paths

#: Seconds between two looks for work where nobody rings, at a cluster that is away, or at the hold
#: of another service.
PATIENCE_S = 5.0

#: Times in a row that a job may lose its cluster without a shard done.
MOST_LOSSES = 3

#: Seconds that the end of a service waits for its jobs to stop.
FAREWELL_S = 8.0

_log = logging.getLogger("lunarscale.service.jobs")

#: Levels of the service's log by those of a job's.
_LOGGED = {
    Level.DEBUG: logging.DEBUG,
    Level.INFO: logging.INFO,
    Level.WARNING: logging.WARNING,
    Level.ERROR: logging.ERROR,
}


class Runner:
    """Runs the jobs of a store on a crew, while it has the hold on them.

    Parameters
    ----------
    store : JobStore
    records : Records
    shelf : Shelf
    crew : Crew
    hold : Hold
    folder : Path
        Where each job has a folder for its files.
    """

    def __init__(
        self, store: JobStore, records: Records, *, shelf: Shelf, crew: Crew, hold: Hold,
        folder: Path,
    ) -> None:  # fmt: skip
        self._store, self._records, self._shelf = store, records, shelf
        self._crew, self._hold, self._folder = crew, hold, folder
        self._ending, self._bell, self._rings = threading.Event(), threading.Condition(), 0
        self._in_hand: set[str] = set()
        self._threads: list[threading.Thread] = []

    def open(self) -> None:
        """Begin, at once or when the hold is free."""
        self._take_hold()
        for number in range(self._shelf.limits.jobs_at_once):
            thread = threading.Thread(
                target=self._work_on, name=f"lunarscale-jobs-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def leave(self) -> None:
        """Stop soon: jobs that run are kept as queued."""
        self._ending.set()
        self.ring()

    def close(self) -> None:
        """Stop, and let the cluster and the hold go."""
        self.leave()
        until = monotonic() + FAREWELL_S
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        self._crew.close()
        self._hold.close()

    def ring(self) -> None:
        """There may be work."""
        with self._bell:
            self._rings += 1
            self._bell.notify_all()

    def forget(self, id: str) -> None:
        """Remove the files of a job that is gone."""
        shutil.rmtree(self._folder / id, ignore_errors=True)  # what stays goes at the next start

    def _take_hold(self) -> bool:
        had = self._hold.is_ours
        if not self._hold.take():
            return False
        if not had:
            for id in self._store.recover():
                self._say(id, Level.WARNING, "the service was ended in mid-job; the job goes on")
            self._clear()
        return True

    def _clear(self) -> None:
        """Remove the files of jobs that are gone."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = self._store.ids()
        for place in self._folder.iterdir():
            if place.name not in kept:
                self.forget(place.name)

    def _work_on(self) -> None:
        while not self._ending.is_set():
            rings = self._rings
            try:
                worked = self._turn()
            except (UnavailableError, OSError) as error:  # of the jobs' file: a full disk, say
                _log.warning("jobs wait: %s", error)
                worked = False
            if not worked:
                self._rest(rings)

    def _rest(self, heard: int) -> None:
        """Until somebody rings once more, or patience ends."""
        with self._bell:
            self._bell.wait_for(lambda: self._rings != heard, PATIENCE_S)

    def _turn(self) -> bool:
        """Do the next job, if there is one that can be done; whether there was."""
        with self._bell:
            job = self._store.next(self._in_hand) if self._take_hold() else None
            if job is None:
                return False
            self._in_hand.add(job.id)
        try:
            hands = self._hands(job)
            if hands is None:
                return False
            if self._store.take(job.id):
                self._do(job, hands)
            return True
        finally:
            self._in_hand.discard(job.id)

    def _hands(self, job: Job) -> Hands | None:
        """Who does a job; None where it has to wait for the cluster, which it is told."""
        try:
            return self._crew.hands(shared=job.verb != "export")
        except (LunarscaleError, OSError, RuntimeError) as error:
            # whatever it is, it is not the job's fault
            message = self._worded(f"waiting for the cluster: {error}")
            if message != job.message:
                self._store.wait(job.id, message)
                self._say(job.id, Level.WARNING, message)
            return None

    def _do(self, job: Job, hands: Hands) -> None:
        watch = Watch(self._store, job.id, self._ending)
        self._say(job.id, Level.INFO, f"{job.verb} began")
        try:
            with about(job.id), watch:
                made = self._made(job, hands, watch)
        except Canceled:
            self._say(job.id, Level.INFO, "stopped, as it was canceled; what is stored is kept")
        except Ending:
            self._put_back(job, "the service ends; the job goes on when it starts again", losses=0)
        except ClusterError as error:
            self._lose(job, watch, str(error))
        except LunarscaleError as error:
            self._fail(job, str(error))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                self._crash(job)
            else:
                self._fail(job, "the disk is full; free some room, and start the job again")
        except Exception:  # noqa: BLE001  # whatever is wrong with a job, the next ones run
            self._crash(job)
        else:
            self._finish(job, made)

    def _made(self, job: Job, hands: Hands, watch: Watch) -> list[Asset]:
        """Do what a job asks for; returns what it made."""
        verb, folder = VERBS[job.verb], self._folder / job.id
        work = verb.prepare(verb.told.model_validate(job.parameters), self._shelf)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

        def say(level: Level, message: str) -> None:
            self._say(job.id, level, message)

        desk = Desk(hands, watch, folder, say)
        begun = monotonic()
        work.run(desk)
        if desk.pixels:
            seconds = monotonic() - begun
            self._records.pace(job.verb, work.kind, pixels=desk.pixels, seconds=seconds)
        return [Asset.of(path, title) for path, title in desk.files]

    def _finish(self, job: Job, made: list[Asset]) -> None:
        self._say(job.id, Level.INFO, f"{job.verb} finished")

        def write() -> None:
            self._records.keep(job.id, made)
            self._store.finish(job.id, "")
            for id in self._store.prune():
                self.forget(id)

        self._surely(write)

    def _lose(self, job: Job, watch: Watch, sentence: str) -> None:
        """The cluster went away: try again, unless it does so again and again."""
        losses = 1 if watch.has_done else job.losses + 1
        if losses >= MOST_LOSSES:
            self._fail(job, f"{sentence} ({losses} times in a row)")
        else:
            self._put_back(job, f"waiting for the cluster: {sentence}", losses=losses)

    def _put_back(self, job: Job, sentence: str, *, losses: int) -> None:
        message = self._worded(sentence)
        self._say(job.id, Level.WARNING, message)
        self._surely(lambda: self._store.put_back(job.id, message, losses=losses))

    def _fail(self, job: Job, sentence: str) -> None:
        message = self._worded(sentence)
        self._say(job.id, Level.ERROR, message)
        self._surely(lambda: self._store.fail(job.id, message))

    def _crash(self, job: Job) -> None:
        """A fault of ours; call it in ``except``."""
        number = uuid.uuid4().hex[:12]
        _log.exception("job %s failed, error %s", job.id, number)
        self._fail(job, f"the service failed at this; its log has the details under {number}")

    def _say(self, id: str, level: Level, message: str) -> None:
        _log.log(_LOGGED[level], "%s", self._worded(message), extra={"job": id})
        try:
            self._records.log(id, level, self._worded(message))
        except UnavailableError as error:
            _log.warning("job %s: %s is not kept: %s", id, message, error)

    def _worded(self, sentence: str) -> str:
        return without_paths(sentence, str(self._shelf.data_dir))

    def _surely(self, write: Callable[[], object]) -> None:
        """Keep how a job ended as soon as the disk takes it; the next start knows what was not."""
        while True:
            try:
                write()
                return
            except UnavailableError as error:
                _log.warning("what became of a job is not kept yet: %s", error)
                if self._ending.wait(PATIENCE_S):
                    return
