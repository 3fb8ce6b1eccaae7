"""Tiles of maps: the planes that they come in, and a layer's pictures and values."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from lunarscale.service.depending import DatasetName, Reader, TheHouse
from lunarscale.service.house import House
from lunarscale.service.problems import told
from lunarscale.service.tiles.answers import answer_tile
from lunarscale.service.tiles.asking import (
    Asked,
    Hidden,
    Resampling,
    colours_for,
    hidden_flags,
    layer_of,
)
from lunarscale.service.tiles.colours import Colours
from lunarscale.service.tiles.matrices import FINE_PIXELS, MATRIX_SETS, PIXELS, Tile, matrix_set

router = APIRouter(prefix="/api", tags=["tiles"])

SetName = Annotated[
    str,
    Path(
        max_length=80,
        description=f"One of {', '.join(MATRIX_SETS)}.",
        examples=["MoonSouthPolar"],
    ),
]
Zoom = Annotated[int, Path(ge=0, le=99, description="0 shows all.")]
Place = Annotated[int, Path(ge=0, le=2**31 - 1, description="From 0, eastwards or southwards.")]

_TILE = "/datasets/{name}/tiles/{tms}/{z}/{x}/{y}"
_PROBLEMS = told(400, 401, 404, 409, 422, 429, 503)


class ValuesQuery(BaseModel):
    """How pixels are found."""

    layer: str | None = Field(
        None, max_length=128, description="Of the dataset; else its first.", examples=["FeO"]
    )
    hide: list[Hidden] = Field(
        [], max_length=3, description="Values with this flag are left out; again for more."
    )
    resampling: Resampling = Field(
        "nearest", description="bilinear: a mean of those of the four next pixels with a value."
    )
    size: int = Field(
        PIXELS,
        ge=PIXELS,
        le=FINE_PIXELS,
        multiple_of=PIXELS,
        description=f"Pixels of an edge: {PIXELS}, or {FINE_PIXELS} for fine screens.",
    )
    v: str | None = Field(
        None, max_length=64, description="The dataset's version: then it may be kept for long."
    )


class PictureQuery(ValuesQuery):
    """How pixels are found and values become colours."""

    palette: str | None = Field(
        None, max_length=80, description="One of /api/palettes.", examples=["batlow"]
    )
    min: float | None = Field(
        None, allow_inf_nan=False, description="Value of the first colour, in the layer's unit."
    )
    max: float | None = Field(None, allow_inf_nan=False, description="Value of the last colour.")


class SetList(BaseModel):
    """All tile matrix sets."""

    tileMatrixSets: list[dict[str, Any]]


@router.get("/tile-matrix-sets", summary="All tile matrix sets", responses=told(401, 429))
def list_sets(_: Reader) -> SetList:
    """The planes that tiles come in."""
    return SetList(tileMatrixSets=[_linked(each.name) for each in MATRIX_SETS.values()])


@router.get(
    "/tile-matrix-sets/{tms}", summary="One tile matrix set", responses=told(401, 404, 422, 429)
)
def show_set(tms: SetName, _: Reader) -> dict[str, Any]:
    """A plane's tiles in the words of OGC 17-083r4, in metres on the Moon's sphere."""
    return matrix_set(tms).as_json()


def _linked(name: str) -> dict[str, Any]:
    link = {
        "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
        "type": "application/json",
        "href": f"/api/tile-matrix-sets/{name}",
    }
    return {"id": name, "title": MATRIX_SETS[name].title, "links": [link]}


def _binary(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """A route's answers that are no JSON."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {"description": description, "content": {media_type: schema}},
        304: {"description": "The client has it already"},
    }


@router.head(f"{_TILE}@2x.png", include_in_schema=False)
@router.get(f"{_TILE}@2x.png", include_in_schema=False)
async def show_fine_picture(
    name: DatasetName, tms: SetName, z: Zoom, x: Place, y: Place,
    query: Annotated[PictureQuery, Query()], house: TheHouse, _: Reader, request: Request,
) -> Response:  # fmt: skip
    """The same of twice as many pixels an edge."""
    query = query.model_copy(update={"size": FINE_PIXELS})
    return await _answer(house, request, query, name=name, tms=tms, place=(z, x, y))


@router.head(f"{_TILE}.png", include_in_schema=False)
@router.get(
    f"{_TILE}.png",
    summary="A tile as a picture",
    response_class=Response,
    responses=_binary("image/png", "Indexed colours; transparent where there is no value")
    | _PROBLEMS,
)
async def show_picture(
    name: DatasetName, tms: SetName, z: Zoom, x: Place, y: Place,
    query: Annotated[PictureQuery, Query()], house: TheHouse, _: Reader, request: Request,
) -> Response:  # fmt: skip
    """A layer in colours, from the level of the map whose pixels are next finer than the tile's."""
    return await _answer(house, request, query, name=name, tms=tms, place=(z, x, y))


@router.head(f"{_TILE}.npy", include_in_schema=False)
@router.get(
    f"{_TILE}.npy",
    summary="A tile as values",
    response_class=Response,
    responses=_binary("application/octet-stream", "NumPy's file of float32 (row, col)") | _PROBLEMS,
)
async def show_values(
    name: DatasetName, tms: SetName, z: Zoom, x: Place, y: Place,
    query: Annotated[ValuesQuery, Query()], house: TheHouse, _: Reader, request: Request,
) -> Response:  # fmt: skip
    """A layer's values in its unit, NaN where there is none."""
    return await _answer(house, request, query, name=name, tms=tms, place=(z, x, y))


async def _answer(
    house: House, request: Request, query: ValuesQuery, *, name: str, tms: str,
    place: tuple[int, int, int],
) -> Response:  # fmt: skip
    known = request.headers.get("if-none-match", "")
    look: Callable[[], Asked] = lambda: _asked(house, query, name=name, tms=tms, place=place)  # noqa: E731
    return await house.tiles.run(
        request,
        lambda: answer_tile(
            house.tiles, look(), known=known, version=query.v, private=house.settings.private
        ),
    )


def _asked(
    house: House, query: ValuesQuery, *, name: str, tms: str, place: tuple[int, int, int]
) -> Asked:
    """What a request asks for; it looks at files, so no loop must wait for it."""
    dataset = house.catalogue.dataset(name)
    layer = layer_of(dataset, query.layer)
    colours: Colours | None = None
    if isinstance(query, PictureQuery):
        colours = colours_for(
            dataset, layer, palette=query.palette, low=query.min, high=query.max
        )  # fmt: skip
    zoom, col, row = place
    tile = Tile(matrix_set(tms), zoom, col, row, query.size)
    hidden = hidden_flags(dataset, query.hide)
    return Asked(dataset, layer, tile, colours, hidden, query.resampling)
