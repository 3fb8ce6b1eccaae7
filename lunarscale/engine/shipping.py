"""A task as it travels: pickled once where a run begins, unpickled once in each process.

Dask pickles what it is given for every job, unpickles it in the scheduler, pickles it again for
the worker and unpickles it there. A task of ours knows the stores, models and groupings of a whole
run; bytes go through all of that as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import uuid4

from dask.utils import funcname
from distributed import Client, Future
from distributed.protocol import pickle

#: Times a task is tried again after an error that is not ours (a passing fault of the disk, say).
RETRIES = 2


@dataclass(frozen=True)
class Shipped:
    """A task as bytes, called with a job as the task itself is.

    All jobs of a process share the one task that is in them, so a task keeps nothing of a job.

    Parameters
    ----------
    name : str
        The task's, for the dashboard and for messages.
    packed : bytes
    """

    name: str
    packed: bytes = field(repr=False)

    @classmethod
    def of(cls, task: Callable[..., Any]) -> "Shipped":
        """The task, packed."""
        return cls(funcname(task), pickle.dumps(task))

    @property
    def task(self) -> Callable[[Any], Any]:
        """The task itself, the same for all of a process."""
        return _unpacked(self.packed)

    def __call__(self, job: Any) -> Any:
        """What the task makes of a job."""
        return self.task(job)

    def submit(self, client: Client, jobs: list[Any]) -> "list[Future[Any]]":
        """Send off some jobs in one message, each a job of its own though it equals another."""
        return submit(client, self, jobs, name=self.name)


def submit(
    client: Client, called: Callable[[Any], Any], jobs: list[Any], *, name: str
) -> "list[Future[Any]]":
    """Send off what is to be called with each of some jobs, in one message."""
    key = f"{name}-{uuid4().hex}"
    return client.map(called, jobs, key=key, pure=False, retries=RETRIES) if jobs else []


@lru_cache(maxsize=4)
def _unpacked(packed: bytes) -> Callable[[Any], Any]:
    task: Callable[[Any], Any] = pickle.loads(packed)
    return task
