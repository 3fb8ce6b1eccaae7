"""The models that jobs may use, and how one more comes."""

from collections.abc import AsyncIterator
from pathlib import PurePath
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.datastructures import FormData, UploadFile

from lunarscale.errors import ConflictError, RequestError
from lunarscale.service.depending import COSTLY, Admin, Reader, TheHouse
from lunarscale.service.models import KnownModel, find_known, known_models, package_models
from lunarscale.service.problems import told
from lunarscale.service.reception import Reception

router = APIRouter(prefix="/api/models", tags=["models"])

#: Files of models, and of the cards beside them.
MODELS, CARDS = (".onnx", ".json"), (".yaml", ".yml")

#: Bytes of a piece that is copied from the form to the upload.
_PIECE = 2**18

_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "A network (.onnx, weights inside) or equations (.json).",
                    },
                    "card": {
                        "type": "string",
                        "format": "binary",
                        "description": "The card (.yaml) of a network that has none inside.",
                    },
                },
            }
        }
    },
}

ModelName = Annotated[str, Path(max_length=100, examples=["qiu-2025-feo"])]


class ModelFacts(BaseModel):
    """A model that a job may name."""

    name: str = Field(examples=["qiu-2025-feo"])
    camera: str = Field(examples=["clementine-uvvis"])
    bands_nm: list[int] = Field(description="Bands that it needs.", examples=[[750, 950]])
    quantities: list[str] = Field(description="What it maps.", examples=[["FeO"]])
    source: str
    usual: bool = Field(description="Whether a job that names no model takes it.")
    uploaded: bool = Field(description="Whether it is an upload; else it comes with lunarscale.")
    by: str | None = Field(description="Who uploaded it.")
    made: str | None = Field(description="When it was uploaded.")
    sha256: str | None = Field(description="Of an upload.")


class ModelList(BaseModel):
    """All models."""

    models: list[ModelFacts]


def _facts(model: KnownModel) -> ModelFacts:
    upload = model.upload
    return ModelFacts(
        name=model.name,
        camera=model.camera,
        bands_nm=list(model.bands_nm),
        quantities=list(model.quantities),
        source=model.source,
        usual=model.is_usual,
        uploaded=upload is not None,
        by=None if upload is None else upload.by,
        made=None if upload is None else upload.made,
        sha256=None if upload is None else upload.sha256,
    )


@router.get("", summary="All models", responses=told(401, 429))
def list_models(house: TheHouse, _: Reader) -> ModelList:
    """The models that jobs may use: equations and networks of the package, and uploads."""
    return ModelList(models=list(map(_facts, known_models(house.uploads))))


@router.get("/{name}", summary="One model", responses=told(401, 404, 429))
def show_model(name: ModelName, house: TheHouse, _: Reader) -> ModelFacts:
    """What one model needs and maps."""
    return _facts(find_known(house.uploads, name))


@router.post(
    "", summary="Upload a model", status_code=201, dependencies=[COSTLY],
    openapi_extra={"requestBody": _FORM},
    responses=told(400, 401, 403, 408, 409, 413, 422, 429, 503),
)  # fmt: skip
async def upload_model(
    request: Request,
    response: Response,
    house: TheHouse,
    caller: Admin,
    name: Annotated[str, Query(max_length=100, description="What jobs call it by.")],
) -> ModelFacts:
    """Keep a model, once it was read and has run in a process of its own."""
    if any(model.name.casefold() == name.casefold() for model in package_models()):
        raise ConflictError(
            f"{name} is a model that comes with lunarscale; choose another name for yours"
        )
    with house.uploads.receiving("models", name) as reception:
        async with request.form(max_files=2, max_fields=2) as form:
            suffix = await _take(form, reception)
        await reception.keep(suffix, by=caller.name)
    response.headers["Location"] = f"/api/models/{name}"
    return _facts(find_known(house.uploads, name))


async def _take(form: FormData, reception: Reception) -> str:
    """Copy the form's files; returns the suffix of the model's."""
    model, card = form.get("file"), form.get("card")
    if not isinstance(model, UploadFile):
        raise RequestError(
            "a form with a part `file` is needed but none came; send multipart/form-data with the "
            "model as `file`, and its card as `card` if it is not inside"
        )
    limits = reception.limits
    suffix = _suffix_of(model, MODELS)
    await reception.take(_pieces(model), suffix, most=limits.upload_bytes)
    if isinstance(card, UploadFile):
        _suffix_of(card, CARDS)
        await reception.take(_pieces(card), CARDS[0], most=limits.card_bytes)
    return suffix


def _suffix_of(part: UploadFile, known: tuple[str, ...]) -> str:
    suffix = PurePath(part.filename or "").suffix.lower()
    if suffix not in known:
        raise RequestError(
            f"a file of the kind {' or '.join(known)} is needed but {(part.filename or '')[:80]!r} "
            "came; send one of these, not packed"
        )
    return suffix


async def _pieces(part: UploadFile) -> AsyncIterator[bytes]:
    while piece := await part.read(_PIECE):
        yield piece


@router.delete("/{name}", summary="Remove a model", status_code=204,
               responses=told(401, 403, 404, 409, 429))  # fmt: skip
def remove_model(name: ModelName, house: TheHouse, _: Admin) -> None:
    """Remove an uploaded model; maps that it made stay."""
    upload = find_known(house.uploads, name).upload
    if upload is None:
        raise ConflictError(f"{name} comes with lunarscale and stays; uploads can be removed")
    house.uploads.remove(upload)
