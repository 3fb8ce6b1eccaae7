"""Places: named features, and landing sites with their chemistry."""

from typing import Annotated

from fastapi import APIRouter, Query

from lunarscale.service.depending import Reader, TheHouse
from lunarscale.service.problems import told
from lunarscale.service.queries.asked import box_of
from lunarscale.service.queries.features import FeatureList, search
from lunarscale.service.queries.sites import SiteList, list_sites

router = APIRouter(prefix="/api", tags=["places"])


@router.get("/features", summary="Named features", responses=told(400, 401, 422, 429))
def list_features(
    _: Reader,
    q: Annotated[
        str,
        Query(
            max_length=100,
            description="Beginning of a name's word, however it is spelled; empty for all.",
            examples=["schrod"],
        ),
    ] = "",
    kind: Annotated[
        str | None, Query(max_length=40, description="Only these.", examples=["crater"])
    ] = None,
    bbox: Annotated[
        str | None,
        Query(
            max_length=200,
            description="West, south, east, north in degrees, in which the centres lie; west above "
            "east goes over the seam at 180.",
            examples=["-15,-45,-5,-40"],
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="The most that are listed.")] = 100,
) -> FeatureList:
    """Features of the IAU's gazetteer (list of 2015), the largest first."""
    return search(q, kind=kind, box=None if bbox is None else box_of(bbox), limit=limit)


@router.get("/sites", summary="Landing sites", responses=told(401, 404, 409, 422, 429, 503))
def show_sites(
    house: TheHouse,
    _: Reader,
    dataset: Annotated[
        str | None,
        Query(
            max_length=128,
            description="Of which to tell the values at each site.",
            examples=["maps.zarr"],
        ),
    ] = None,
) -> SiteList:
    """Stations where soil was collected: measured chemistry, and a dataset's at the same pixel."""
    if dataset is None:
        return list_sites(None)
    found = house.catalogue.dataset(dataset)
    return house.sites.get((found.name, found.version), lambda: list_sites(found))
