"""What a worker does before its first job: imports, models, kernels, all of them outside the loop.

A process that is new has nothing compiled and no model open; on its first shard it would spend
longer on that than on the pixels. So a run begins with one task a worker that rehearses the run's
own on a few chunks, writing nothing, and says what it took; jobs follow behind it. A worker that
joins later, or comes back, gets ready within its first job. On a cluster that stands, a process
that has rehearsed a task of the same parameters before does not again.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple, Protocol, runtime_checkable

from distributed import Client, Future

from lunarscale.engine.shipping import Shipped
from lunarscale.grid.raster import Window
from lunarscale.models.network import Network


@runtime_checkable
class Rehearsing(Protocol):
    """A task that can do all it does but writing, so that a process is ready for it."""

    def rehearse(self) -> None:
        """Do it on a few chunks; what is compiled once is, then.

        Raises
        ------
        LunarscaleError
            Where a job would find the same.
        """


class Warmth(NamedTuple):
    """Seconds by the clock that a process took to be ready.

    Parameters
    ----------
    imports : float
        Unpacking the task, with all modules that it names.
    models : float
        Opening networks' files.
    kernels : float
        The rehearsal: compiling, reading masks and polygons, and the chunks themselves.
    """

    imports: float
    models: float
    kernels: float


#: What this process has rehearsed: kinds of tasks, and the digests of their runs' parameters.
_ready: set[tuple[type, str | None]] = set()


def send_ahead(client: Client, task: Any, only: Sequence[str] = ()) -> "list[Future[Warmth]]":
    """Have every worker warm up for a task before its jobs, if there is anything to rehearse.

    The futures are to be kept as long as jobs are sent; what goes wrong in them goes wrong in a
    job too, which tells it.

    Parameters
    ----------
    client : distributed.Client
    task : callable
        Or one around it that has it as its ``task``.
    only : sequence of str
        Addresses of the workers that will have the jobs; all are asked for where none is given.
    """
    while not isinstance(task, Rehearsing):
        if not hasattr(task, "task"):
            return []
        task = task.task
    packed = Shipped.of(task)  # type: ignore[arg-type]  # what rehearses is called with jobs too
    return [
        client.submit(warm, packed, workers=[worker], pure=False, priority=1)
        for worker in only or client.nthreads()
    ]


def warm(packed: Shipped) -> Warmth:
    """Make this process ready for a task that rehearses, unless it is."""
    start = perf_counter()
    task: Any = packed.task
    unpacked = perf_counter()
    for model in getattr(task, "models", ()):
        if isinstance(model, Network):
            model.open()
    opened = perf_counter()
    kind = type(task), getattr(task, "parameters", None)
    if kind not in _ready:
        task.rehearse()
    if kind[1] is not None:
        _ready.add(kind)
    return Warmth(unpacked - start, opened - unpacked, perf_counter() - opened)


def some_of(windows: list[Window]) -> list[Window]:
    """Four of a map's shards, the first among them: at a pole one group, elsewhere several."""
    return windows[:: max(1, len(windows) // 4)][:4]
