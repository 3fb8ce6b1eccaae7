"""What a job will take, told before it runs."""

from pydantic import BaseModel, Field

from lunarscale.errors import PlanError
from lunarscale.service.jobs.crew import Crew
from lunarscale.service.jobs.records import Records
from lunarscale.service.jobs.work import Work
from lunarscale.service.problems import worded


class Forecast(BaseModel):
    """What a job will take, as far as it is known."""

    shards: int = Field(description="Shards in all.")
    shards_done: int = Field(description="Those that are done already.")
    pixels: int = Field(description="Pixels still to do.")
    bytes_read: int = Field(description="Still to be read, decoded: over the disk goes less.")
    bytes_written: int = Field(description="Still to be written, decoded.")
    worker_bytes: int | None = Field(
        description="Most memory a worker takes; null where no worker is needed or known."
    )
    seconds: float | None = Field(description="As earlier runs took; null where there was none.")
    basis: str = Field(description="What the seconds rest on, or why there are none.")
    fits: bool | None = Field(
        description="Whether it fits the workers; null where that is not known before they are."
    )
    refusal: str | None = Field(description="Why it does not fit.")


def forecast(verb: str, work: Work, *, crew: Crew, records: Records) -> Forecast:
    """What a job will take.

    Parameters
    ----------
    verb : str
    work : Work
    crew : Crew
    records : Records
        Of earlier runs.
    """
    plan = work.plan
    fits, refusal, worker = _fit(work, crew)
    seconds, basis = records.expected(verb, work.kind, plan.pixels)
    if not plan.pixels:
        seconds, basis = 0.0, "nothing is left to compute"
    return Forecast(
        shards=plan.shards,
        shards_done=plan.done,
        pixels=plan.pixels,
        bytes_read=plan.read_bytes,
        bytes_written=plan.write_bytes,
        worker_bytes=worker,
        seconds=seconds,
        basis=basis,
        fits=fits,
        refusal=refusal,
    )


def require_fit(work: Work, crew: Crew) -> None:
    """Refuse what is known not to fit.

    Raises
    ------
    PlanError
        With what is needed and what is there.
    """
    known = crew.planned()
    if work.is_shared and known is not None:
        threads, worker_bytes = known
        work.plan.check(work.layout, threads=threads, worker_bytes=worker_bytes)


def _fit(work: Work, crew: Crew) -> tuple[bool | None, str | None, int | None]:
    """Whether it fits, why not, and what a worker takes."""
    if not work.is_shared:
        return True, None, None
    known = crew.planned()
    if known is None:
        return None, None, None
    try:
        require_fit(work, crew)
    except PlanError as error:
        return False, worded(str(error)), work.plan.worker_bytes(known[0])
    return True, None, work.plan.worker_bytes(known[0])
