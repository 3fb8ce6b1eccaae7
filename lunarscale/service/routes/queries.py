"""What a dataset says: at a point, along a line, in a box, within a drawn polygon."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from lunarscale.errors import LimitError
from lunarscale.service.depending import COSTLY, TheDataset, TheHouse
from lunarscale.service.problems import told
from lunarscale.service.queries.asked import box_of, line_of
from lunarscale.service.queries.profiles import Profile, profile_of
from lunarscale.service.queries.readings import PointAnswer, read_point
from lunarscale.service.queries.regions import Region, region_of
from lunarscale.service.queries.rooms import Watch
from lunarscale.service.queries.statistics import PolygonStatistics, statistics_of

router = APIRouter(prefix="/api/datasets/{name}", tags=["queries"])

LayerName = Annotated[
    str, Query(max_length=128, description="As the dataset lists it.", examples=["FeO"])
]
Level = Annotated[
    int,
    Query(
        ge=1,
        le=2**31 - 1,
        description="Base pixels along a pixel's edge: one of the dataset's `levels`. Coarser "
        "levels hold area means.",
    ),
]
BoxText = Annotated[
    str,
    Query(
        max_length=200,
        description="West, south, east, north in degrees, snapped outward to pixels; west above "
        "east goes over the seam at 180.",
        examples=["-15,-45,-5,-40"],
    ),
]

_DRAWN: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {
                "schema": {
                    "type": "object",
                    "required": ["type"],
                    "properties": {"type": {"enum": ["Polygon", "MultiPolygon", "Feature"]}},
                    "description": "GeoJSON of one region, lunar longitude and latitude; edges are "
                    "straight in them. Over the seam longitudes go on past 180.",
                },
                "example": {
                    "type": "Polygon",
                    "coordinates": [[[-14, -40], [-14, -46], [-8, -46], [-8, -40], [-14, -40]]],
                },
            }
            for media_type in ("application/geo+json", "application/json")
        },
    }
}

_NPY: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/octet-stream": {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": "An array of float64 (row, col) in NumPy's format; headers "
                    "`X-Lunarscale-...` say its bounds, unit and level.",
                }
            }
        }
    }
}


@router.get("/point", summary="All layers at a place", responses=told(401, 404, 409, 422, 429, 503))
def show_point(
    dataset: TheDataset,
    lon: Annotated[
        float,
        Query(allow_inf_nan=False, description="Degrees east, any turn.", examples=[-11.22]),
    ],
    lat: Annotated[
        float,
        Query(allow_inf_nan=False, ge=-90, le=90, description="Degrees north.", examples=[-43.3]),
    ],
) -> PointAnswer:
    """Every layer's value in the pixel that holds a place, with uncertainty, flags and reason."""
    return read_point(dataset, lon, lat)


@router.get(
    "/profile", summary="Layers along a line", response_model=Profile,
    responses=told(400, 401, 404, 409, 413, 422, 429, 503),
)  # fmt: skip
async def show_profile(
    request: Request,
    house: TheHouse,
    dataset: TheDataset,
    line: Annotated[
        str,
        Query(
            max_length=8_000,
            description="Places `lon,lat;lon,lat` in degrees; great circles lead between them.",
            examples=["-20,-43;0,-43"],
        ),
    ],
    layer: Annotated[
        list[str],
        Query(min_length=1, max_length=20, description="May be repeated.", examples=[["FeO"]]),
    ],
    samples: Annotated[
        int, Query(ge=2, description="Places, evenly along the line, its ends among them.")
    ] = 200,
) -> Response:
    """The pixels' values at places that lie evenly along a line on the sphere."""
    limits = house.settings.limits
    if samples * len(layer) > limits.profile_samples:
        raise LimitError(
            f"a profile has {limits.profile_samples:,} samples at most, of all its layers "
            f"together, but {samples * len(layer)!s:.40} were asked for; ask for fewer"
        )

    def work(watch: Watch) -> Response:
        layers = [dataset.layer(name) for name in dict.fromkeys(layer)]
        places = line_of(line, most=limits.profile_vertices)
        return _json(profile_of(dataset, layers, places, samples=samples))

    return await house.rooms.run(request, work)


@router.get(
    "/region", summary="A box of values", response_model=Region,
    responses={**_NPY, **told(400, 401, 404, 409, 413, 422, 429, 503)},
)  # fmt: skip
async def show_region(
    request: Request,
    house: TheHouse,
    dataset: TheDataset,
    bbox: BoxText,
    layer: LayerName,
    level: Level = 1,
    format: Annotated[
        Literal["json", "npy"], Query(description="Rows of JSON, or NumPy's own format.")
    ] = "json",
) -> Response:
    """The pixels of a box, row by row from the north, up to the limit `region_pixels`."""

    def work(watch: Watch) -> Response:
        found = region_of(
            dataset, dataset.layer(layer), box_of(bbox), level=level, limits=house.settings.limits
        )
        watch.look()
        # written here, in the room's thread: the event loop is not to wait for it
        if format == "npy":
            return Response(found.as_npy(), headers=found.headers, media_type=_BINARY)
        return Response(found.as_json(), media_type="application/json")

    return await house.rooms.run(request, work)


_BINARY = "application/octet-stream"


@router.post(
    "/statistics", summary="Statistics within a drawn polygon", dependencies=[COSTLY],
    response_model=PolygonStatistics, openapi_extra=_DRAWN,
    responses=told(400, 401, 404, 408, 409, 413, 422, 429, 503),
)  # fmt: skip
async def show_statistics(
    request: Request, house: TheHouse, dataset: TheDataset, layer: LayerName
) -> Response:
    """What `lunarscale summarise` gives of the polygon, its modes and a histogram by area.

    The finest level is counted that has few enough pixels under the polygon (`polygon_pixels`);
    `level` says which.
    """
    body = await request.body()

    def work(watch: Watch) -> Response:
        found = statistics_of(
            dataset, dataset.layer(layer), body, limits=house.settings.limits, watch=watch
        )
        return _json(found)

    return await house.rooms.run(request, work)


def _json(model: Profile | PolygonStatistics) -> Response:
    return Response(model.model_dump_json(), media_type="application/json")
