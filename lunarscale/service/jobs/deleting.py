"""What becomes of the dataset that a job made when the job is deleted."""

from lunarscale.errors import ConflictError
from lunarscale.service.jobs.lifecycle import Job, Status
from lunarscale.service.jobs.owning import Fate, is_finished, is_own, remove
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.store import JobStore
from lunarscale.store.location import Location


def remove_dataset(job: Job, fate: Fate, *, store: JobStore, shelf: Shelf) -> None:
    """Remove the dataset that a job made, if it is to go with the job.

    Parameters
    ----------
    job : Job
        Nobody has it in hand.
    fate : Fate
        ``ANY`` was asked for by an admin.
    store : JobStore
    shelf : Shelf

    Raises
    ------
    ConflictError
        If another job reads or writes it, or if it is asked for and not this job's.
    BusyError
        If a run writes to it.
    """
    is_asked_for = fate is Fate.ANY
    if job.output is None or fate is Fate.KEEP:
        return
    if job.status is Status.FINISHED and not is_asked_for:
        return
    location = Location(shelf.output(job.output))
    is_there = job.output in shelf.catalogue.names()  # a link is not
    if not is_there or job.made is None or not is_own(location, job.made):
        if is_there and is_asked_for:
            raise ConflictError(
                f"the dataset {job.output} was not made by the job {job.id}, so it does not go "
                "with it; leave dataset=any away to delete the job alone"
            )
        return
    if not is_asked_for and is_finished(location):
        return
    if store.is_shared(job):
        raise ConflictError(
            f"the dataset {job.output} goes with the job {job.id} but another job reads or writes "
            "it; delete that one first, or send dataset=keep to delete this job alone"
        )
    remove(location, job.made, finished=is_asked_for)
