"""Whether a cluster has the same programs as we: a run of two versions would make one store of two.

Tasks travel as pickles, and maps are promised to be the same bits on any worker. So the scheduler
(which unpickles jobs) and the workers must have our lunarscale, our Python and what computes; the
question is Dask's own, which any version of its workers answers. A command asks when it connects;
workers that come later look at themselves (``joining``).
"""

from collections.abc import Mapping
from typing import Any

from distributed import Client

from lunarscale.errors import ClusterError

#: Seconds that all of a cluster may take to answer.
ANSWER_S = 60.0

#: What must be the same to the last digit.
EXACT = ("lunarscale",)

#: What must be of the same release: what computes, and what writes.
RELEASE = ("numpy", "numba", "zarr", "onnxruntime", "scipy")

#: Where the fault is another image or environment, as it mostly is.
_ADVICE = (
    "start the cluster from the same image or environment as this command, or run the command from "
    "the cluster's"
)


def require_same(client: Client, where: str) -> None:
    """Refuse a cluster whose scheduler or workers have other versions than this process.

    Parameters
    ----------
    client : distributed.Client
    where : str
        The scheduler as the user named it.

    Raises
    ------
    ClusterError
        Naming both versions; or if not all answer.
    """

    async def ask() -> Any:
        asked: Any = client.get_versions(packages=[*EXACT, *RELEASE])
        return await asked

    try:
        found = client.sync(ask, callback_timeout=ANSWER_S)
    except TimeoutError as error:
        raise ClusterError(
            f"{where}: not all of its workers say within {ANSWER_S:.0f} s which versions they "
            "have; look at its dashboard for one that stands still, and start it again"
        ) from error
    ours = found["client"]["packages"]
    others = {"its scheduler": found["scheduler"]}
    others |= {f"its worker {address}": worker for address, worker in found["workers"].items()}
    for who, theirs in others.items():
        difference = first_difference(ours, theirs["packages"])
        if difference is not None:
            raise ClusterError(f"{where}: {who} has {difference}; {_ADVICE}")


def first_difference(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], *, us: str = "this process"
) -> str | None:
    """What another process has that does not go with ours, and what ours has; None if nothing.

    Parameters
    ----------
    ours, theirs : mapping of str to str
        Versions by package; None or absent where it is not installed.
    us : str, optional
        What the sentence calls ours.
    """
    for name in (*EXACT, "python", *RELEASE):
        here, there = str(ours.get(name) or ""), str(theirs.get(name) or "")
        same = here == there if name in EXACT else release(name, here) == release(name, there)
        if not same:
            return f"{name} {there or 'not at all'} but {us} {here or 'has none'}"
    return None


def release(name: str, version: str) -> tuple[str, ...]:
    """The part of a version within which nothing breaks.

    Its numbers up to the first that is not zero (semver.org, item 4, of what begins with 0), of
    Python the first two.

    >>> release("zarr", "3.1.6"), release("numba", "0.68.1"), release("python", "3.11.7.final.0")
    (('3',), ('0', '68'), ('3', '11'))
    """
    numbers = version.split(".")
    if name == "python":
        return tuple(numbers[:2])
    first = next((i for i, number in enumerate(numbers) if number != "0"), len(numbers) - 1)
    return tuple(numbers[: first + 1])
