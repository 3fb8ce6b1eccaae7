"""The jobs of a service, as its requests see them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lunarscale.engine.telling import Hearer
from lunarscale.errors import RequestError, UnavailableError, UnknownError
from lunarscale.service.access import Caller, Role
from lunarscale.service.jobs.crew import Crew
from lunarscale.service.jobs.database import Database
from lunarscale.service.jobs.forecast import Forecast, forecast, require_fit
from lunarscale.service.jobs.holding import Hold
from lunarscale.service.jobs.lifecycle import Action, Job, Status
from lunarscale.service.jobs.listeners import Listeners
from lunarscale.service.jobs.parameters import Parameters
from lunarscale.service.jobs.records import Asset, Level, Records
from lunarscale.service.jobs.runner import Runner
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.store import JobStore
from lunarscale.service.jobs.verbs import VERBS
from lunarscale.service.jobs.work import Work
from lunarscale.service.settings import Settings

#: Names of the file of jobs, of that whose lock says who runs them, and of their files' folder.
FILE, HOLD, FOLDER = "jobs.sqlite", "jobs.lock", "jobs"


def check_jobs(settings: Settings) -> None:
    """Make sure that the jobs of a folder can be kept.

    Raises
    ------
    ServiceError
        If their file is another program's, of a later version, or damaged.
    """
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
        if not self._hold.is_ours:
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
        output = self._checked(verb, asked)
        return self.store.create(
            verb, asked.model_dump(mode="json"), title=title or VERBS[verb].title, output=output,
            owner=caller.name, request=request,
        )  # fmt: skip

    def _checked(self, name: str, asked: Parameters) -> str | None:
        """The dataset that a job writes to, once it is seen that the job could run."""
        verb = VERBS[name]
        output = verb.output(asked)
        if output is not None and verb.is_new:
            self._shelf.require_free(output)
        verb.prepare(asked, self._shelf)
        return output

    def change(
        self, job: Job, *, title: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Job:
        """Give a job another title, or, before it was started, other parameters."""
        self._require_ours()
        if parameters is not None:
            job.require(Action.CHANGE)
            asked = VERBS[job.verb].told.model_validate(parameters)
            output = self._checked(job.verb, asked)
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
        require_fit(self._work(job), self._crew)
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

    def remove(self, job: Job) -> None:
        """Forget a job and its files; a dataset that it made stays."""
        self._require_ours()
        self.store.remove(job.id)
        self.runner.forget(job.id)

    def estimate(self, job: Job) -> Forecast:
        """What a job would take now."""
        return forecast(job.verb, self._work(job), crew=self._crew, records=self.records)

    def _work(self, job: Job) -> Work:
        verb = VERBS[job.verb]
        try:
            asked = verb.told.model_validate(job.parameters)
        except ValidationError as error:
            raise RequestError(
                f"the job {job.id} was made by another version of lunarscale, whose parameters "
                "were others; make a new job"
            ) from error
        return verb.prepare(asked, self._shelf)

    def asset(self, job: Job, name: str) -> tuple[Asset, Path]:
        """A file that a job made, and where it lies."""
        job.require(Action.FETCH)
        asset = self.records.asset(job.id, name)
        path = self.folder / job.id / asset.name
        if not path.is_file():
            raise UnknownError(f"the file {asset.name} of the job {job.id} is gone; run it again")
        return asset, path
