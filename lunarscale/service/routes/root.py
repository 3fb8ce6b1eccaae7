"""The API's front door: what this service is, and what the caller may."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

import lunarscale
from lunarscale.service.access import Caller
from lunarscale.service.depending import TheHouse, caller
from lunarscale.service.problems import told

router = APIRouter(prefix="/api", tags=["service"])

#: Where to go on from here.
LINKS = {
    "viewer": "/",
    "description": "/openapi.json",
    "datasets": "/api/datasets",
    "features": "/api/features",
    "sites": "/api/sites",
    "tile_matrix_sets": "/api/tile-matrix-sets",
    "palettes": "/api/palettes",
    "models": "/api/models",
    "uploads": "/api/uploads",
    "jobs": "/api/jobs",
}


class Front(BaseModel):
    """What this service is."""

    title: str = Field(examples=["lunarscale"])
    version: str = Field(examples=[lunarscale.__version__])
    role: str = Field(description="What the caller may: nobody, read, run or admin.")
    name: str = Field(description="Who the token belongs to; empty without one.")
    limits: dict[str, float] = Field(description="The most that is given or taken, with units.")
    links: dict[str, str] = Field(description="Where to go on.")


@router.get("", summary="This service", responses=told(401, 429))
async def show_front(who: Annotated[Caller, Depends(caller)], house: TheHouse) -> Front:
    """What this service is, what the caller may, and the limits."""
    return Front(
        title="lunarscale",
        version=lunarscale.__version__,
        role=who.role.word,
        name=who.name,
        limits=asdict(house.settings.limits),
        links=LINKS,
    )
