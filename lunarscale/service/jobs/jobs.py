"""The jobs of a service, as its requests see them."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lunarscale.engine.telling import Hearer
from lunarscale.errors import ConflictError, UnavailableError, UnknownError
from lunarscale.service.access import Caller, Role
from lunarscale.service.jobs.crew import Crew
from lunarscale.service.jobs.database import Database
from lunarscale.service.jobs.deleting import remove_dataset
from lunarscale.service.jobs.forecast import Forecast, forecast, require_fit
from lunarscale.service.jobs.holding import Hold
from lunarscale.service.jobs.lifecycle import Action, Job, Status
from lunarscale.service.jobs.listeners import Listeners
from lunarscale.service.jobs.owning import Fate
from lunarscale.service.jobs.parameters import Parameters
from lunarscale.service.jobs.records import Asset, Level, Records
from lunarscale.service.jobs.runner import Runner
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.store import JobStore
from lunarscale.service.jobs.verbs import VERBS, output_of, work_of
from lunarscale.service.settings import Settings
from lunarscale.service.upload import is_readable

#: Names of the file of jobs, of that whose lock says who runs them, and of their files' folder.
FILE, HOLD, FOLDER = "jobs.sqlite", "jobs.lock", "jobs"


_log = logging.getLogger("lunarscale.service.jobs")


def check_jobs(settings: Settings) -> None:
    """Make sure that the jobs of a folder can be kept, and that their workers have memory.

    Raises
    ------
    ServiceError
        If their file is another program's, of a later version, or damaged.
    PlanError
        If what the workers are to have is no number of bytes.
    """
    _ = settings.cluster.worker_bytes
    if (settings.own_folder / FILE).exists():
        Database(settings.own_folder / FILE).close()


class Jobs:
    """The jobs of a service; those of one folder are run by one service at a time.

    Parameters
    ----------
    settings : Settings
    shelf : Shelf
    hearers : sequence of Hearer
        Who is told how jobs' runs go.
    """

    def __init__(self, settings: Settings, shelf: Shelf, *, hearers: Sequence[Hearer] = ()) -> None:
        self._settings, self._shelf = settings, shelf
        self.listeners = Listeners(settings.limits)
        self._crew = Crew(settings.cluster, hearers)
        self._hold = Hold(settings.own_folder / HOLD)
        self._database: Database | None = None
        self._why_not = "the service has not started"
        #: Held while a job comes to name a dataset, and while one that nobody names is removed.
        self._naming = threading.Lock()
        self._runner: Runner | None = None

    @property
    def folder(self) -> Path:
        """Where jobs' files lie."""
        return self._settings.own_folder / FOLDER

    def open(self) -> None:
        """Begin; where nothing can be kept, there are no jobs, and the rest goes on."""
        try:
            self._database = Database(self._settings.own_folder / FILE)
            self._runner = Runner(
                self.store, self.records, shelf=self._shelf, crew=self._crew, hold=self._hold,
                folder=self.folder,
            )  # fmt: skip
            self._runner.open()
            if not self.are_ours:
                _log.warning(
                    "another service runs the jobs of %s; this one shows them, and takes over when "
                    "that one has ended", self._settings.data_dir,
                )  # fmt: skip
        except OSError as error:
            self.close()
            self._why_not = (
                f"the service may not write to its own folder ({error.strerror}), so it has no jobs"
            )

    def leave(self) -> None:
        """Stop soon: streams end, and jobs that run are kept."""
        self.listeners.leave()
        if self._runner is not None:
            self._runner.leave()

    def close(self) -> None:
        """Stop."""
        self.leave()
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        if self._database is not None:
            self._database.close()
            self._database = None

    @property
    def runner(self) -> Runner:
        """Who runs them."""
        if self._runner is None:
            raise UnavailableError(self._why_not)
        return self._runner

    @property
    def store(self) -> JobStore:
        """Where they are kept."""
        return JobStore(self._open_database(), self._settings.limits)

    @property
    def records(self) -> Records:
        """What is kept beside them."""
        return Records(self._open_database(), self._settings.limits.job_lines)

    @property
    def are_ours(self) -> bool:
        """Whether this service runs them, and no other one of the same folder."""
        return self._hold.is_ours

    def counts(self) -> dict[str, int]:
        """How many jobs there are, by status; none where none can be kept."""
        return {} if self._database is None else self.store.counts()

    def _open_database(self) -> Database:
        if self._database is None:
            raise UnavailableError(self._why_not)
        return self._database

    def _require_ours(self) -> None:
        """Make sure that this service runs the jobs.

        Raises
        ------
        UnavailableError
            If another one does.
        """
        self._open_database()
        if not self.are_ours:
            raise UnavailableError(
                "another service runs the jobs of this folder, so this one only shows them; send "
                "it there, or end the other one"
            )

    def find(self, id: str, caller: Caller) -> Job:
        """The job of an id; other callers' only for an admin.

        Raises
        ------
        UnknownError
            If there is none that this caller may see.
        """
        job = self.store.find(id)
        if job.owner != caller.name and caller.role < Role.ADMIN:
            raise UnknownError(f"there is no job {id[:80]!r}; /api/jobs lists yours")
        return job

    def listed(self, caller: Caller, *, limit: int, offset: int) -> list[Job]:
        """A caller's jobs, the newest first; of an admin's, all."""
        owner = None if caller.role >= Role.ADMIN else caller.name
        return self.store.listed(owner, limit=limit, offset=offset)

    def message(self, job: Job) -> str:
        """What a job waits for, does, or ended by."""
        unkept = None if self._runner is None else self._runner.unkept(job.id)
        if unkept is not None:
            return unkept
        if job.status != Status.QUEUED or job.message:
            return job.message
        before = self.store.before(job.id)
        return f"waiting for {before} other job{'s' * (before > 1)}" if before else "waiting"

    def create(
        self, verb: str, asked: Parameters, *, title: str, caller: Caller, request: str | None
    ) -> Job:
        """Keep a new job, once it is seen that it could run.

        Raises
        ------
        LunarscaleError
            What speaks against it.
        """
        self._require_ours()
        output = output_of(verb, asked, self._shelf)
        with self._naming:
            return self.store.create(
                verb, asked.model_dump(mode="json"), title=title or VERBS[verb].title,
                output=output, owner=caller.name, request=request,
            )  # fmt: skip

    def change(
        self, job: Job, *, title: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Job:
        """Give a job another title, or, before it was started, other parameters."""
        self._require_ours()
        if parameters is not None:
            job.require(Action.CHANGE)
            asked = VERBS[job.verb].told.model_validate(parameters)
            output = output_of(job.verb, asked, self._shelf)
            with self._naming:
                job = self.store.change(job.id, asked.model_dump(mode="json"), output=output)
        return job if title is None else self.store.rename(job.id, title)

    def start(self, job: Job) -> Job:
        """Queue a job.

        Raises
        ------
        PlanError
            If it is known not to fit.
        """
        self._require_ours()
        job.require(Action.START)
        require_fit(work_of(job, self._shelf), self._crew)
        with self._naming:
            job = self.store.start(job.id)
        self.records.log(job.id, Level.INFO, "queued")
        self.runner.ring()
        return job

    def cancel(self, job: Job) -> Job:
        """End a job."""
        self._require_ours()
        job = self.store.cancel(job.id)
        self.records.log(job.id, Level.INFO, "canceled")
        return job

    def remove(self, job: Job, caller: Caller, *, fate: Fate = Fate.UNFINISHED) -> None:
        """Forget a job and its files, and a dataset that it made and never finished.

        Raises
        ------
        RightError
            If a finished dataset is to go too, and the caller is no admin.
        ConflictError
            If the job waits or runs, or another one needs the dataset.
        """
        self._require_ours()
        if fate is Fate.ANY:
            caller.require(Role.ADMIN)
        job.require(Action.DELETE)
        if not self.runner.has_let_go(job.id):
            raise ConflictError(
                f"the job {job.id} has ended but is still at its last shard; delete it in a while"
            )
        with self._naming:
            job = self.store.find(job.id)
            job.require(Action.DELETE)
            remove_dataset(job, fate, store=self.store, shelf=self._shelf)
            self.store.remove(job.id)
        self.runner.forget(job.id)

    def estimate(self, job: Job) -> Forecast:
        """What a job would take now."""
        work = work_of(job, self._shelf)
        return forecast(job.verb, work, crew=self._crew, records=self.records)

    def asset(self, job: Job, name: str) -> tuple[Asset, Path]:
        """A file that a job made, and where it lies."""
        job.require(Action.FETCH)
        asset = self.records.asset(job.id, name)
        path = self.folder / job.id / asset.name
        if not is_readable(path):
            raise UnknownError(
                f"the file {asset.name} of the job {job.id} is gone or cannot be read; make the "
                "job anew"
            )
        return asset, path
