"""A verb of jobs: what it is told, what it would take, and how it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from lunarscale.engine.plan import Plan
from lunarscale.service.jobs.desk import Desk
from lunarscale.service.jobs.parameters import Parameters
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.store.layout import Layout

Asked = TypeVar("Asked", bound=Parameters)


@dataclass(frozen=True)
class Work:
    """What a job would do now; nothing is written before it runs.

    Parameters
    ----------
    plan : Plan
        Of its first step, which is nearly all.
    layout : Layout
        Of what that step makes or reads.
    kind : str
        Works of one kind are about as fast.
    run : callable
        Does it, at a desk.
    is_shared : bool
        Whether the cluster does it; else this process does.
    """

    plan: Plan
    layout: Layout
    kind: str
    run: Callable[[Desk], None]
    is_shared: bool = True


@dataclass(frozen=True)
class Verb(Generic[Asked]):
    """Something that a job can be.

    Parameters
    ----------
    name, title : str
    told : type of Parameters
    prepare : callable
        Finds what is there and plans the rest; raises what speaks against it. Writes nothing.
    output : callable
        The name of the dataset that it writes to, or None.
    is_new : bool
        Whether that dataset must not be there yet.
    """

    name: str
    title: str
    told: type[Asked]
    prepare: Callable[[Asked, Shelf], Work]
    output: Callable[[Asked], str | None] = lambda asked: None
    is_new: bool = False
