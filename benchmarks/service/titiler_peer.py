"""The peer, titiler, as a program: ``python -m benchmarks.service.titiler_peer PORT [FILE]``.

It reads a cloud-optimised GeoTIFF and has our tile matrix sets and our palette. Without a file it
is the limit: an app that sends the same few bytes whatever is asked for, on the same server.
"""

import os
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from morecantile import TileMatrixSet
from morecantile.defaults import TileMatrixSets
from rio_tiler.colormap import ColorMaps
from titiler.core.dependencies import create_colormap_dependency
from titiler.core.factory import TilerFactory

from lunarscale.service.tiles.colours import COLOURS, colours_of
from lunarscale.service.tiles.matrices import MATRIX_SETS

#: As titiler's own documents advise, and as much memory as ours has.
GDAL = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": "256", "VSI_CACHE": "TRUE"}

#: Bytes of the limit's answer: about a tile.
BODY = bytes(32_768)


def palette(name: str) -> dict[int, tuple[int, int, int, int]]:
    """A palette of ours as titiler has them: the last index is for the range's end alone."""
    places = [min(index, COLOURS - 1) for index in range(256)]
    return {index: (*colours_of(name)[at].tolist(), 255) for index, at in enumerate(places)}


def titiler_app() -> FastAPI:
    """Titiler of our sets and our palette."""
    app = FastAPI()
    sets = {
        name: TileMatrixSet.model_validate(each.as_json()) for name, each in MATRIX_SETS.items()
    }
    factory = TilerFactory(
        supported_tms=TileMatrixSets(sets),
        colormap_dependency=create_colormap_dependency(ColorMaps({"batlow": palette("batlow")})),
        add_viewer=False,
    )
    app.include_router(factory.router)
    return app


async def limit_app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-type", b"image/png"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


def main() -> None:
    """Serve until it is killed."""
    port, file = int(sys.argv[1]), sys.argv[2:]
    os.environ.update(GDAL)
    app = titiler_app() if file else limit_app
    # the same protocol as ours: neither has a compiled one
    uvicorn.run(app, host="127.0.0.1", port=port, http="h11", log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
