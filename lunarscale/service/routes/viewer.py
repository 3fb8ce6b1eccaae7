"""The viewer: one page and the few files that it is built of, from memory."""

import gzip
import hashlib
import json
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response

from lunarscale.errors import UnknownError

router = APIRouter(include_in_schema=False)

#: The page is asked for anew each time; what has a hash in its name never changes.
FRESH = "no-cache"
FOR_EVER = "public, max-age=31536000, immutable"

#: Type, pictures and the like are packed already; to pack them again gains nothing.
_WORTH_PACKING = ("text/", "application/json", "image/svg+xml")


@dataclass(frozen=True)
class Built:
    """One file of the page, ready to be sent.

    Parameters
    ----------
    content : bytes
    packed : bytes or None
        The same by gzip, where that gains something.
    media_type : str
    digest : str
        Of the content, for ``ETag``.
    keep : str
        For ``Cache-Control``.
    """

    content: bytes
    packed: bytes | None
    media_type: str
    digest: str
    keep: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "Built":
        """The file of a name; ``name-0123456789.js`` has a hash in it, ``name.html`` has none."""
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        packs = media_type.startswith(_WORTH_PACKING)
        return cls(
            content=content,
            packed=gzip.compress(content, mtime=0) if packs else None,
            media_type=media_type,
            digest=hashlib.sha256(content).hexdigest()[:32],
            keep=FOR_EVER if "-" in name else FRESH,
        )


@cache
def built_files() -> dict[str, Built]:
    """The files that the build's manifest names, and no other, by name."""
    folder: Traversable = files("lunarscale").joinpath("service", "viewer", "static")
    manifest = json.loads(folder.joinpath("manifest.json").read_text("utf-8"))
    return {name: Built.of(name, folder.joinpath(name).read_bytes()) for name in manifest["files"]}


@router.api_route("/", methods=["GET", "HEAD"])
def show_page(request: Request) -> Response:
    """The map of the Moon."""
    return _answer(request, built_files()["index.html"])


@router.api_route("/viewer/{name}", methods=["GET", "HEAD"])
def show_file(name: str, request: Request) -> Response:
    """A file that the page is built of.

    Raises
    ------
    UnknownError
        If it is none of them: the name is looked up, never made part of a path.
    """
    found = built_files().get(name)
    if found is None:
        raise UnknownError(f"the viewer has no file {name[:80]!r}; open the page at / again")
    return _answer(request, found)


def _answer(request: Request, built: Built) -> Response:
    packs = built.packed is not None and _takes_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{built.digest}-gzip"' if packs else f'"{built.digest}"'
    headers = {"etag": tag, "cache-control": built.keep, "vary": "Accept-Encoding"}
    known = request.headers.get("if-none-match", "")
    if tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return Response(status_code=304, headers=headers)
    if packs:
        headers["content-encoding"] = "gzip"
    content = built.packed if packs else built.content
    if request.method == "HEAD":
        headers["content-length"] = str(len(content or b""))
        return Response(headers=headers, media_type=built.media_type)
    return Response(content, headers=headers, media_type=built.media_type)


def _takes_gzip(accepted: str) -> bool:
    """Whether a list of encodings has gzip and does not rule it out."""
    for each in accepted.lower().split(","):
        name, _, quality = each.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
