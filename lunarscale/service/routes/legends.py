"""What tiles mean: TileJSON for map libraries, legends for people, palettes to choose from."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from lunarscale.service.depending import COSTLY, Reader, TheDataset, TheHouse
from lunarscale.service.problems import told
from lunarscale.service.queries.rooms import Watch
from lunarscale.service.routes.tiles import PictureQuery, SetName
from lunarscale.service.tiles.answers import FOR_NOBODY
from lunarscale.service.tiles.asking import colours_for, hidden_flags, layer_of
from lunarscale.service.tiles.colours import PALETTES, Kind, in_hex
from lunarscale.service.tiles.legend import draw_legend, legend
from lunarscale.service.tiles.links import origin_of
from lunarscale.service.tiles.matrices import matrix_set
from lunarscale.service.tiles.tilejson import tilejson

router = APIRouter(prefix="/api", tags=["tiles"])

#: Colours of a palette that the list shows.
_SHOWN = 16

_PROBLEMS = told(400, 401, 404, 409, 422, 429, 503)


class Palette(BaseModel):
    """One palette."""

    name: str = Field(examples=["batlow"])
    kind: Kind
    colours: list[str] = Field(description="Some of it, from the least value to the largest.")


class PaletteList(BaseModel):
    """All palettes."""

    palettes: list[Palette]
    source: str = "F. Crameri, Scientific colour maps; Crameri et al. 2020, Nat. Commun. 11, 5444"


class LegendQuery(BaseModel):
    """Whose colours."""

    layer: str | None = Field(
        None, max_length=128, description="Of the dataset; else its first.", examples=["FeO"]
    )
    palette: str | None = Field(None, max_length=80, description="One of /api/palettes.")
    min: float | None = Field(None, allow_inf_nan=False, description="Value of the first colour.")
    max: float | None = Field(None, allow_inf_nan=False, description="Value of the last colour.")


@router.get("/palettes", summary="All palettes", responses=told(401, 429))
def list_palettes(_: Reader) -> PaletteList:
    """Palettes whose lightness rises evenly, so that equal steps of a value look equal."""
    found = [
        Palette(name=name, kind=kind, colours=in_hex(name, _SHOWN))
        for name, kind in PALETTES.items()
    ]
    return PaletteList(palettes=found)


@router.get(
    "/datasets/{name}/tiles/{tms}/tilejson.json", summary="TileJSON of a layer",
    responses=_PROBLEMS,
)  # fmt: skip
async def show_tilejson(
    dataset: TheDataset, tms: SetName, query: Annotated[PictureQuery, Query()], house: TheHouse,
    request: Request, response: Response,
) -> dict[str, Any]:  # fmt: skip
    """What a map library must know of a layer's tiles (TileJSON 3.0.0)."""

    def tell() -> dict[str, Any]:
        layer = layer_of(dataset, query.layer)
        # what cannot be drawn is told here and not with every tile
        colours_for(dataset, layer, palette=query.palette, low=query.min, high=query.max)
        hidden_flags(dataset, query.hide)
        with_tiles = query.model_dump(exclude_defaults=True, exclude={"layer", "v"})
        origin = origin_of(request, house.settings)
        return tilejson(dataset, layer, matrix_set(tms), origin=origin, query=with_tiles)

    # its links are as this client came
    response.headers["cache-control"] = FOR_NOBODY
    return await house.tiles.run(request, tell)


@router.get("/datasets/{name}/legend.json", summary="A layer's colours", responses=_PROBLEMS)
async def show_legend(
    dataset: TheDataset, query: Annotated[LegendQuery, Query()], house: TheHouse, request: Request
) -> dict[str, Any]:
    """The values and colours of a layer, from the least to the largest."""

    def tell() -> dict[str, Any]:
        layer = layer_of(dataset, query.layer)
        colours = colours_for(
            dataset, layer, palette=query.palette, low=query.min, high=query.max
        )  # fmt: skip
        return legend(dataset, layer, colours)

    return await house.tiles.run(request, tell)


@router.get(
    "/datasets/{name}/legend.png",
    summary="A layer's colours, drawn",
    dependencies=[COSTLY],
    response_class=Response,
    responses={
        200: {
            "description": "A strip of colours above their values",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        **_PROBLEMS,
    },
)
async def show_drawn_legend(
    dataset: TheDataset, query: Annotated[LegendQuery, Query()], house: TheHouse, request: Request
) -> Response:
    """The same as a picture, for reports and pages without scripts."""

    def draw(watch: Watch) -> bytes:
        layer = layer_of(dataset, query.layer)
        colours = colours_for(
            dataset, layer, palette=query.palette, low=query.min, high=query.max
        )  # fmt: skip
        return draw_legend(dataset, layer, colours)

    # not among the tiles: figures are drawn one after the other, and each takes as long as many
    content = await house.rooms.run(request, draw)
    return Response(content, media_type="image/png", headers={"cache-control": FOR_NOBODY})
