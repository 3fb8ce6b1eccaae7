"""What a job can be, and what a job of each verb would do now."""

from typing import Any

from pydantic import ValidationError

from lunarscale.errors import RequestError
from lunarscale.service.jobs.exporting import EXPORT
from lunarscale.service.jobs.ingesting import INGEST
from lunarscale.service.jobs.lifecycle import Job
from lunarscale.service.jobs.mapping import OVERVIEW, PREDICT
from lunarscale.service.jobs.parameters import Parameters
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.summing import SUMMARISE
from lunarscale.service.jobs.work import Verb, Work

#: Every verb by name, in the order of the way that data go.
VERBS: dict[str, Verb[Any]] = {
    verb.name: verb for verb in (INGEST, PREDICT, OVERVIEW, SUMMARISE, EXPORT)
}


def output_of(name: str, asked: Parameters, shelf: Shelf) -> str | None:
    """The dataset that a job of a verb writes to, once it is seen that the job could run.

    Raises
    ------
    LunarscaleError
        What speaks against it.
    """
    verb = VERBS[name]
    output = verb.output(asked)
    if output is not None and verb.is_new:
        shelf.require_free(output)
    verb.prepare(asked, shelf)
    return output


def work_of(job: Job, shelf: Shelf) -> Work:
    """What a job would do now.

    Raises
    ------
    LunarscaleError
        What speaks against it.
    """
    verb = VERBS[job.verb]
    try:
        asked = verb.told.model_validate(job.parameters)
    except ValidationError as error:
        raise RequestError(
            f"the job {job.id} was made by another version of lunarscale, whose parameters were "
            "others; make a new job"
        ) from error
    return verb.prepare(asked, shelf)
