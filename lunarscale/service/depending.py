"""What a route asks for by its parameters' types: the house, a caller of a role, a dataset.

What looks at no file is a coroutine, for FastAPI runs all else in threads: three of them would take
longer than sending a tile.
"""

from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.security import HTTPBearer

from lunarscale.service.access import Caller, Role
from lunarscale.service.dataset import Dataset
from lunarscale.service.house import House

#: For the description of the API alone: who calls is told by ``Access``.
_BEARER = HTTPBearer(
    auto_error=False, description="A token of the role that is needed: read, run or admin."
)


async def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


TheHouse = Annotated[House, Depends(_house)]


async def caller(request: Request, _: Annotated[object, Security(_BEARER)] = None) -> Caller:
    """Who calls; the guards at the door have found it out already."""
    found: Caller = request.state.caller
    return found


_TheCaller = Annotated[Caller, Depends(caller)]


async def _reader(found: _TheCaller) -> Caller:
    found.require(Role.READ)
    return found


async def _runner(found: _TheCaller) -> Caller:
    found.require(Role.RUN)
    return found


async def _admin(found: _TheCaller) -> Caller:
    found.require(Role.ADMIN)
    return found


#: A caller who may see maps, start jobs, or do everything: ``def route(caller: Reader)``.
Reader = Annotated[Caller, Depends(_reader)]
Runner = Annotated[Caller, Depends(_runner)]
Admin = Annotated[Caller, Depends(_admin)]

DatasetName = Annotated[
    str,
    Path(
        max_length=128,
        description="A dataset's name, as /api/datasets lists it.",
        examples=["maps.zarr"],
    ),
]


def _dataset(name: DatasetName, house: TheHouse, _: Reader) -> Dataset:
    return house.catalogue.dataset(name)


#: The dataset of the path's ``{name}``, for a caller who may read.
TheDataset = Annotated[Dataset, Depends(_dataset)]


async def _costly(found: _TheCaller, house: TheHouse) -> None:
    house.costly.take(found.key)


#: For routes that take seconds of a core: ``@router.post(..., dependencies=[COSTLY])``.
COSTLY = Depends(_costly)
