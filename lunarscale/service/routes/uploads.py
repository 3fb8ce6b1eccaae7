"""Tables of stations and polygons that callers have uploaded."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from lunarscale.errors import RightError
from lunarscale.service.access import Role
from lunarscale.service.depending import COSTLY, Admin, Reader, Runner, TheHouse
from lunarscale.service.problems import told
from lunarscale.service.upload import NAME_RULE, Upload

router = APIRouter(prefix="/api", tags=["uploads"])

NewName = Annotated[
    str,
    Query(
        max_length=100,
        description=f"What it is called by: {NAME_RULE}.",
        examples=["mare-outlines"],
    ),
]
UploadName = Annotated[str, Path(max_length=100, examples=["mare-outlines"])]

#: What a new upload may be refused with.
_REFUSALS = told(400, 401, 403, 408, 409, 413, 422, 429, 503)


def _body(media_type: str, description: str) -> dict[str, Any]:
    """The description of a body that is a file."""
    schema = {"type": "string", "format": "binary", "description": description}
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


class UploadFacts(BaseModel):
    """A file that was uploaded, read and kept."""

    name: str
    bytes: int
    sha256: str
    made: str = Field(description="UTC, ISO 8601.")
    by: str = Field(description="Who uploaded it.")
    holds: dict[str, Any] = Field(description="What was found in it.")


class UploadList(BaseModel):
    """All uploads, by kind."""

    models: list[UploadFacts]
    tables: list[UploadFacts]
    polygons: list[UploadFacts]


def _facts(upload: Upload) -> UploadFacts:
    return UploadFacts(
        name=upload.name, bytes=upload.bytes, sha256=upload.sha256, made=upload.made, by=upload.by,
        holds=upload.holds,
    )  # fmt: skip


@router.get("/uploads", summary="All uploads", responses=told(401, 429))
def list_uploads(house: TheHouse, _: Reader) -> UploadList:
    """Models, tables of stations and polygons that callers have uploaded."""
    uploads = house.uploads
    return UploadList(
        models=list(map(_facts, uploads.listed("models"))),
        tables=list(map(_facts, uploads.listed("tables"))),
        polygons=list(map(_facts, uploads.listed("polygons"))),
    )


@router.post(
    "/tables", summary="Upload a table of stations", status_code=201, dependencies=[COSTLY],
    openapi_extra=_body("text/csv", "CSV with the columns of the package's own tables."),
    responses=_REFUSALS,
)  # fmt: skip
async def upload_table(
    request: Request,
    response: Response,
    house: TheHouse,
    caller: Admin,
    name: NewName,
    camera: Annotated[Literal["clementine-uvvis", "kaguya-mi"], Query()],
) -> UploadFacts:
    """Keep a table of stations, once it was read."""
    with house.uploads.receiving("tables", name) as reception:
        await reception.take(_pieces(request), ".csv", most=reception.limits.table_bytes)
        upload = await reception.keep(".csv", by=caller.name, camera=camera)
    response.headers["Location"] = "/api/uploads"
    return _facts(upload)


@router.post(
    "/polygons", summary="Upload polygons", status_code=201, dependencies=[COSTLY],
    openapi_extra=_body("application/geo+json", "GeoJSON of polygons, lunar longitude, latitude."),
    responses=_REFUSALS,
)  # fmt: skip
async def upload_polygons(
    request: Request, response: Response, house: TheHouse, caller: Runner, name: NewName
) -> UploadFacts:
    """Keep polygons, once they were read; jobs use them as regions."""
    with house.uploads.receiving("polygons", name) as reception:
        limits = reception.limits
        await reception.take(_pieces(request), ".geojson", most=limits.polygon_bytes)
        upload = await reception.keep(".geojson", by=caller.name, vertices=limits.upload_vertices)
    response.headers["Location"] = "/api/uploads"
    return _facts(upload)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        yield piece


@router.delete("/tables/{name}", summary="Remove a table", status_code=204,
               responses=told(401, 403, 404, 429))  # fmt: skip
def remove_table(name: UploadName, house: TheHouse, _: Admin) -> None:
    """Remove an uploaded table of stations."""
    house.uploads.remove(house.uploads.find("tables", name))


@router.delete("/polygons/{name}", summary="Remove polygons", status_code=204,
               responses=told(401, 403, 404, 429))  # fmt: skip
def remove_polygons(name: UploadName, house: TheHouse, caller: Runner) -> None:
    """Remove uploaded polygons; other callers' only as an admin."""
    upload = house.uploads.find("polygons", name)
    if upload.by != caller.name and caller.role < Role.ADMIN:
        raise RightError(
            f"{upload.name} was uploaded by {upload.by}; removing it needs their token or the role "
            "admin"
        )
    house.uploads.remove(upload)
