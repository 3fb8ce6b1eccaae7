"""Jobs: made, started, watched, canceled, and their results fetched (after openEO's API).

Who runs jobs sees their own; an admin sees all. Who only reads sees none.
"""

from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from pydantic import ValidationError

from lunarscale.errors import UnknownError
from lunarscale.service.depending import COSTLY, Reader, Runner, TheHouse
from lunarscale.service.jobs.describing import (
    JobChange,
    JobFacts,
    JobList,
    JobResults,
    LogList,
    NewJob,
    VerbFacts,
    VerbList,
    facts_of,
    line_of,
    results_of,
)
from lunarscale.service.jobs.forecast import Forecast
from lunarscale.service.jobs.jobs import Jobs
from lunarscale.service.jobs.lifecycle import Action, Job
from lunarscale.service.jobs.listeners import JobEvents, Told
from lunarscale.service.jobs.owning import Fate
from lunarscale.service.jobs.records import Level
from lunarscale.service.jobs.verbs import VERBS
from lunarscale.service.problems import told

router = APIRouter(prefix="/api", tags=["jobs"])

JobId = Annotated[
    str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$", examples=["0123456789abcdef" * 2])
]

#: What may be wrong with what a job is to do.
_REFUSALS = (400, 401, 403, 404, 409, 413, 422, 429, 503)


def _job(id: JobId, house: TheHouse, caller: Runner) -> Job:
    return house.jobs.find(id, caller)


TheJob = Annotated[Job, Depends(_job)]


def _facts(jobs: Jobs, job: Job) -> JobFacts:
    return facts_of(job, jobs.message(job))


@router.get("/verbs", summary="What a job can be", responses=told(401, 429))
def list_verbs(house: TheHouse, _: Reader) -> VerbList:
    """What a job can be, what each is told, and the folders of tiles that there are."""
    verbs = [
        VerbFacts(name=verb.name, title=verb.title, parameters=verb.told.model_json_schema())
        for verb in VERBS.values()
    ]
    return VerbList(verbs=verbs, tiles=house.shelf.folders())


@router.get("/jobs", summary="Your jobs", responses=told(401, 403, 422, 429, 503))
def list_jobs(
    house: TheHouse,
    caller: Runner,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**6)] = 0,
) -> JobList:
    """The caller's jobs, the newest first; an admin's are all."""
    found = house.jobs.listed(caller, limit=limit, offset=offset)
    return JobList(jobs=[_facts(house.jobs, job) for job in found])


@router.post("/jobs", summary="Make a job", status_code=201, dependencies=[COSTLY],
             responses=told(*_REFUSALS))  # fmt: skip
def create_job(
    new: NewJob,
    response: Response,
    house: TheHouse,
    caller: Runner,
    idempotency_key: Annotated[
        str | None,
        Header(max_length=200, description="The same key and job again: the same job comes back."),
    ] = None,
) -> JobFacts:
    """Keep a job, once it is seen that it could run; start it by POST to its results."""
    job = house.jobs.create(
        new.verb, new.asked, title=new.title, caller=caller, request=idempotency_key
    )
    response.headers["Location"] = f"/api/jobs/{job.id}"
    return _facts(house.jobs, job)


@router.get("/jobs/{id}", summary="One job", responses=told(401, 403, 404, 422, 429, 503))
def show_job(job: TheJob, house: TheHouse) -> JobFacts:
    """What a job is to do, and how far it is."""
    return _facts(house.jobs, job)


@router.patch("/jobs/{id}", summary="Change a job", dependencies=[COSTLY],
              responses=told(*_REFUSALS))  # fmt: skip
def change_job(change: JobChange, job: TheJob, house: TheHouse) -> JobFacts:
    """Give a job another title, or, before it was started, other parameters."""
    try:
        changed = house.jobs.change(job, title=change.title, parameters=change.parameters)
    except ValidationError as error:
        faults = [
            {**fault, "loc": ("body", "parameters", *fault["loc"])} for fault in error.errors()
        ]
        raise RequestValidationError(faults) from error
    return _facts(house.jobs, changed)


@router.delete("/jobs/{id}", summary="Delete a job", status_code=204,
               responses=told(401, 403, 404, 409, 422, 429, 503))  # fmt: skip
def delete_job(
    job: TheJob,
    house: TheHouse,
    caller: Runner,
    dataset: Annotated[
        Fate,
        Query(
            description="What goes of the dataset that the job made: one that was never finished, "
            "none (keep), or a finished one too (any; admins only).",
        ),
    ] = Fate.UNFINISHED,
) -> None:
    """Forget a job and its files, and the dataset that it made and never finished.

    A finished dataset stays, and so does one that was there before the job.
    """
    house.jobs.remove(job, caller, fate=dataset)


@router.get("/jobs/{id}/estimate", summary="What a job will take", dependencies=[COSTLY],
            responses=told(*_REFUSALS))  # fmt: skip
def estimate_job(job: TheJob, house: TheHouse) -> Forecast:
    """Pixels, bytes, memory and time that a job will take, and whether it fits."""
    return house.jobs.estimate(job)


@router.post("/jobs/{id}/results", summary="Start a job", status_code=202, dependencies=[COSTLY],
             responses=told(*_REFUSALS))  # fmt: skip
def start_job(job: TheJob, house: TheHouse) -> JobFacts:
    """Queue a job; one that has failed or was canceled goes on with what is stored."""
    return _facts(house.jobs, house.jobs.start(job))


@router.delete("/jobs/{id}/results", summary="Cancel a job", status_code=204,
               responses=told(401, 403, 404, 409, 422, 429, 503))  # fmt: skip
def cancel_job(job: TheJob, house: TheHouse) -> None:
    """End a job that waits or runs; what it has stored is kept."""
    house.jobs.cancel(job)


@router.get("/jobs/{id}/results", summary="A job's results",
            responses=told(401, 403, 404, 409, 422, 429, 503))  # fmt: skip
def show_results(job: TheJob, house: TheHouse) -> JobResults:
    """The files and the dataset that a finished job has made."""
    job.require(Action.FETCH)
    return results_of(job, house.jobs.records.assets(job.id))


@router.get("/jobs/{id}/results/{name}", summary="A file of a job",
            response_class=FileResponse,
            responses=told(401, 403, 404, 409, 416, 422, 429, 503))  # fmt: skip
def fetch_result(
    name: Annotated[str, Path(max_length=128, examples=["statistics.csv"])],
    job: TheJob,
    house: TheHouse,
) -> FileResponse:
    """One of the files that a job has made."""
    asset, path = house.jobs.asset(job, name)
    return FileResponse(
        path, media_type=asset.type, filename=asset.name,
        headers={"etag": f'"{asset.sha256[:32]}"', "cache-control": "private, no-cache"},
    )  # fmt: skip


@router.get("/jobs/{id}/logs", summary="A job's log",
            responses=told(401, 403, 404, 422, 429, 503))  # fmt: skip
def show_logs(
    job: TheJob,
    house: TheHouse,
    offset: Annotated[int, Query(ge=0, le=10**9, description="The last line you have.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    level: Annotated[
        Literal["debug", "info", "warning", "error"], Query(description="The least that is told.")
    ] = "debug",
) -> LogList:
    """What a job has said, the oldest first."""
    lines = house.jobs.records.logs(job.id, offset=offset, limit=limit, level=Level[level.upper()])
    return LogList(logs=list(map(line_of, lines)))


@router.get(
    "/jobs/{id}/events", summary="What happens to a job",
    response_class=Response,
    responses={
        200: {"description": "Each event's data is the job.", "content": {"text/event-stream": {}}},
        204: {"description": "Its last event is known already."},
        **told(401, 403, 404, 422, 429, 503),
    },
)  # fmt: skip
async def follow_job(
    job: TheJob,
    house: TheHouse,
    caller: Runner,
    last_event_id: Annotated[
        str | None, Header(max_length=32, description="The last event that the client has.")
    ] = None,
) -> Response:
    """The job now and after each change, as server-sent events, until it has ended."""
    since = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
    if job.status.is_over and job.revision <= since:
        return Response(status_code=204)  # who asks by EventSource stops asking
    jobs = house.jobs
    jobs.listeners.require_room(caller.key)

    def look() -> Told | None:
        try:
            found = jobs.store.find(job.id)
        except UnknownError:
            return None  # deleted meanwhile
        return found.revision, _facts(jobs, found).model_dump_json(), found.status.is_over

    async def ask() -> Told | None:
        return await anyio.to_thread.run_sync(look, limiter=jobs.listeners.threads)

    return JobEvents(jobs.listeners, caller.key, ask, since=since)
