"""Windows of datasets as files."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from lunarscale.service.access import key_of
from lunarscale.service.depending import COSTLY, TheDataset, TheHouse
from lunarscale.service.problems import told
from lunarscale.service.queries.asked import box_of
from lunarscale.service.queries.downloads import Download, Format, Ready
from lunarscale.service.queries.rooms import Watch
from lunarscale.service.routes.queries import LayerName, Level

router = APIRouter(prefix="/api/datasets/{name}", tags=["downloads"])

#: Bytes that are read and sent at a time.
_PIECE = 2**18

_TYPES: dict[Format, str] = {
    "geotiff": "image/tiff; application=geotiff; profile=cloud-optimized",
    "csv": "text/csv; charset=utf-8",
}

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, named by `Content-Disposition`.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in ("image/tiff", "text/csv")
        },
    }
}


class FileSent(StreamingResponse):
    """A file that is sent and closed, whether the client takes all of it or not.

    Parameters
    ----------
    ready : Ready
    media_type : str
    gone : callable
        Called when it is closed.
    """

    def __init__(self, ready: Ready, media_type: str, gone: Callable[[], None]) -> None:
        self._file, self._gone = ready.file, gone
        headers = {
            "Content-Length": str(ready.bytes),
            "Content-Disposition": f'attachment; filename="{ready.name}"',
        }
        super().__init__(_pieces(ready.file), headers=headers, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()
            self._gone()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


@router.get(
    "/download", summary="A window as a file", dependencies=[COSTLY],
    response_class=StreamingResponse,
    responses={**_FILES, **told(400, 401, 404, 409, 413, 422, 429, 503)},
)  # fmt: skip
async def download(
    request: Request,
    house: TheHouse,
    dataset: TheDataset,
    layer: LayerName,
    bbox: Annotated[
        str | None,
        Query(
            max_length=200,
            description="West, south, east, north in degrees, snapped outward to pixels; west "
            "above east goes over the seam at 180. All of the dataset by default.",
            examples=["-15,-45,-5,-40"],
        ),
    ] = None,
    level: Level = 1,
    format: Annotated[
        Format,
        Query(description="A cloud-optimised GeoTIFF of counts with scale, or a row a pixel."),
    ] = "geotiff",
) -> StreamingResponse:
    """One layer of a window as a GeoTIFF or CSV, with its history and whether it is simulated."""

    def work(watch: Watch) -> Ready:
        box = None if bbox is None else box_of(bbox)
        asked = Download(dataset, dataset.layer(layer), box, level, format)
        asked.check(house.settings.limits)
        return asked.make(watch)

    key = key_of(request)
    house.files.enter(key)
    try:
        ready = await house.rooms.run(request, work)
    except BaseException:
        house.files.leave(key)
        raise
    return FileSent(ready, _TYPES[format], lambda: house.files.leave(key))
