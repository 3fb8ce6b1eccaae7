"""The threads that run jobs, the one that has waited longest first."""

import errno
import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from lunarscale.errors import ClusterError, LunarscaleError, UnavailableError
from lunarscale.service.jobs.crew import Crew
from lunarscale.service.jobs.desk import Desk, Hands
from lunarscale.service.jobs.holding import Hold
from lunarscale.service.jobs.lifecycle import Job
from lunarscale.service.jobs.records import Asset, Level, Records
from lunarscale.service.jobs.scribe import Scribe
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.store import JobStore
from lunarscale.service.jobs.verbs import work_of
from lunarscale.service.jobs.watch import Canceled, Ending, Watch
from lunarscale.service.logs import about

#: Seconds between two looks for work where nobody rings, at a cluster that is away, or at the hold
#: of another service.
PATIENCE_S = 5.0

#: Times in a row that a job may lose its cluster without a shard done.
MOST_LOSSES = 3

#: Seconds that who deletes a job waits until it has stopped.
LET_GO_S = 10.0

#: Seconds that the end of a service waits for its jobs to stop.
FAREWELL_S = 8.0

_log = logging.getLogger("lunarscale.service.jobs")


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
        self._scribe = Scribe(store, records, data_dir=str(shelf.data_dir), ending=self._ending)
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

    def unkept(self, id: str) -> str | None:
        """How a job has ended, where that cannot be kept just now."""
        return self._scribe.unkept.get(id)

    def has_let_go(self, id: str) -> bool:
        """Whether nobody works at a job that was ended, now or a little later."""
        with self._bell:
            return self._bell.wait_for(lambda: id not in self._in_hand, LET_GO_S)

    def forget(self, id: str) -> None:
        """Remove the files of a job that is gone."""
        shutil.rmtree(self._folder / id, ignore_errors=True)  # what stays goes at the next start

    def _take_hold(self) -> bool:
        had = self._hold.is_ours
        if not self._hold.take():
            return False
        if not had:
            for id in self._store.recover():
                self._scribe.say(
                    id, Level.WARNING, "the service was ended in mid-job; the job goes on"
                )
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
            with self._bell:
                self._in_hand.discard(job.id)
                self._bell.notify_all()

    def _hands(self, job: Job) -> Hands | None:
        """Who does a job; None where it has to wait for the cluster, which it is told."""
        is_shared = job.verb != "export"
        if is_shared and not job.message and not self._crew.is_ready:
            self._store.wait(job.id, "waiting for the cluster")
        try:
            return self._crew.hands(shared=is_shared)
        except (LunarscaleError, OSError, RuntimeError) as error:
            # whatever it is, it is not the job's fault
            message = self._scribe.worded(f"waiting for the cluster: {_found(error)}")
            if message != job.message:
                _log.warning("the cluster cannot be used: %s", error)  # with what is to be done
                self._store.wait(job.id, message)
                self._scribe.say(job.id, Level.WARNING, message)
            return None

    def _do(self, job: Job, hands: Hands) -> None:
        watch = Watch(self._store, job.id, self._ending)
        self._scribe.say(job.id, Level.INFO, f"{job.verb} began")
        try:
            with about(job.id), watch:
                keep = self._made(job, hands, watch)
        except Canceled:
            self._scribe.say(
                job.id, Level.INFO, "stopped, as it was canceled; what is stored is kept"
            )
        except Ending:
            self._scribe.put_back(
                job.id, "the service ends; the job goes on when it starts again", losses=0
            )
        except ClusterError as error:
            self._lose(job, watch, error)
        except LunarscaleError as error:
            self._scribe.fail(job.id, str(error))
        except OSError as error:
            self._fail(job, error)
        except Exception:  # noqa: BLE001  # whatever is wrong with a job, the next ones run
            self._scribe.crash(job.id)
        else:
            self._finish(job, keep)

    def _fail(self, job: Job, error: OSError) -> None:
        """What the system refuses is not the job's fault, nor ours where it names a file."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            self._scribe.fail(job.id, "the disk is full; free some room, and start the job again")
        elif error.filename is None:
            self._scribe.crash(job.id)
        else:
            _log.warning("what the system refused the job %s", job.id, exc_info=error)
            self._scribe.fail(
                job.id,
                f"{error.filename}: the service can neither use nor make this ({error.strerror}); "
                "ask who runs it to put that right, then start the job again",
            )

    def _made(self, job: Job, hands: Hands, watch: Watch) -> Callable[[], None]:
        """Do what a job asks for; returns what keeps the outcome."""
        work, folder = work_of(job, self._shelf), self._folder / job.id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

        def say(level: Level, message: str) -> None:
            self._scribe.say(job.id, level, message)

        def claim(number: str) -> None:
            self._store.claim(job.id, number)

        desk = Desk(hands, watch, folder, say, claim)
        begun = monotonic()
        work.run(desk)
        seconds = monotonic() - begun
        assets = [Asset.of(path, title) for path, title in desk.files]

        def keep() -> None:
            self._records.keep(job.id, assets)
            if desk.pixels:
                self._records.pace(job.verb, work.kind, pixels=desk.pixels, seconds=seconds)

        return keep

    def _finish(self, job: Job, keep: Callable[[], None]) -> None:
        self._scribe.say(job.id, Level.INFO, f"{job.verb} finished")

        def write() -> None:
            keep()
            self._store.finish(job.id, "")
            for id in self._store.prune():
                self.forget(id)

        self._scribe.keep(job.id, write)

    def _lose(self, job: Job, watch: Watch, error: ClusterError) -> None:
        """The cluster went away: try again, unless it does so again and again."""
        losses = 1 if watch.has_done else job.losses + 1
        if losses >= MOST_LOSSES:
            self._scribe.fail(job.id, f"{error} ({losses} times in a row)")
        else:
            message = f"waiting for the cluster: {_found(error)}"
            self._scribe.put_back(job.id, message, losses=losses)


def _found(error: Exception) -> str:
    """What was found, without what is to be done: that is for who runs the service."""
    return str(error).partition("; ")[0]
