"""The app: routes, guards and the life of what they share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

import lunarscale
from lunarscale.service import problems
from lunarscale.service.guards import install_guards
from lunarscale.service.house import House
from lunarscale.service.openapi import DescribedApp
from lunarscale.service.routes import (
    datasets,
    downloads,
    jobs,
    legends,
    metrics,
    models,
    places,
    queries,
    root,
    tiles,
    uploads,
    viewer,
)
from lunarscale.service.settings import Settings
from lunarscale.service.tokens import Token

#: Every router, in the order of the API's description.
ROUTERS = (
    root.router,
    metrics.router,
    datasets.router,
    queries.router,
    downloads.router,
    places.router,
    tiles.router,
    legends.router,
    models.router,
    uploads.router,
    jobs.router,
    viewer.router,
)

TAGS = [
    {"name": "service", "description": "What this service is, and what it allows."},
    {"name": "datasets", "description": "Mosaics and maps: what there is, where, how far."},
    {"name": "queries", "description": "Values of datasets: points, profiles, regions, polygons."},
    {"name": "downloads", "description": "Windows of datasets as files."},
    {"name": "tiles", "description": "Layers as pictures and values, and what they mean."},
    {"name": "places", "description": "Named features and landing sites."},
    {"name": "models", "description": "What turns reflectances into oxides."},
    {"name": "uploads", "description": "Tables of stations and polygons of callers' own."},
    {"name": "jobs", "description": "Work that takes longer than a request: its life and results."},
]


def create_app(settings: Settings, *, session: tuple[Token, ...] = ()) -> FastAPI:
    """The app of a service.

    Parameters
    ----------
    settings : Settings
    session : tuple of Token, optional
        Tokens that hold as long as this process.
    """
    house = House(settings, session)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(house.open)
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(house.close)

    app = DescribedApp(
        title="lunarscale",
        summary="Maps of the Moon's chemistry: values, statistics, tiles and jobs.",
        version=lunarscale.__version__,
        lifespan=life,
        openapi_tags=TAGS,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.house = house
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app, str(settings.data_dir))
    install_guards(app, house)
    return app
