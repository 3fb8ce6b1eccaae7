"""A tile as an answer of HTTP: how long it may be kept, and whether the client has it already."""

from starlette.responses import Response

from lunarscale.service.tiles.asking import Asked
from lunarscale.service.tiles.making import Tiles

#: Seconds for which a tile is kept unasked where its address does not say of which version it is.
FRESH_S = 60

#: What may change any moment, or is one client's alone.
FOR_NOBODY = "private, no-cache"

_A_YEAR_S = 31_536_000


def answer_tile(
    tiles: Tiles, asked: Asked, *, known: str, version: str | None, private: bool
) -> Response:
    """The tile, or that the client has it already.

    A tile's tag follows from what the dataset holds and what was asked for, so a client that has it
    is told without drawing anything.

    Parameters
    ----------
    tiles : Tiles
    asked : Asked
    known : str
        The request's ``If-None-Match``.
    version : str or None
        The dataset's, as the request's address has it.
    private : bool
        Whether others must not keep it.

    Raises
    ------
    UnknownError
        If there is no such tile.
    StoreError
        If it cannot be drawn.
    """
    asked.require()
    lasting = asked.dataset.version == version
    life = f"max-age={_A_YEAR_S}, immutable" if lasting else f"max-age={FRESH_S}"
    headers = {
        "etag": asked.tag,
        "cache-control": f"{'private' if private else 'public'}, {life}",
    }
    if is_known(asked.tag, known):
        return Response(status_code=304, headers=headers)
    made = tiles.make(asked)
    if not made.whole:
        headers = {"cache-control": "no-store"}
    media_type = "application/octet-stream" if asked.colours is None else "image/png"
    return Response(made.content, headers=headers, media_type=media_type)


def is_known(tag: str, known: str) -> bool:
    """Whether a list of entity tags has one; weakly compared (RFC 9110, 13.1.2)."""
    told = (each.strip().removeprefix("W/") for each in known.split(","))
    return known.strip() == "*" or tag in told
