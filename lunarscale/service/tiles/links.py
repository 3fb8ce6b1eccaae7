"""By which address a client has found the service: what absolute links begin with."""

import re

from starlette.requests import Request

from lunarscale.service.settings import Settings

_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_PREFIX = re.compile(r"(?:/[\w.~-]+)*")


def origin_of(request: Request, settings: Settings) -> str:
    """Scheme, host and prefix, without a slash at the end.

    Behind a proxy they are what its ``X-Forwarded-Proto``, ``-Host`` and ``-Prefix`` say: the last
    word of each is its own. What is no scheme, host or path is not repeated to anybody.

    Parameters
    ----------
    request : Request
    settings : Settings
    """
    scheme, prefix = request.url.scheme, ""
    host = request.headers.get("host", "")
    if settings.behind_proxy:
        forwarded = _last(request, "x-forwarded-proto")
        scheme = forwarded if forwarded in ("http", "https") else scheme
        host = _last(request, "x-forwarded-host") or host
        prefix = _last(request, "x-forwarded-prefix").rstrip("/")
    if _HOST.fullmatch(host) is None:
        host = f"{settings.host}:{settings.port}"
    if _PREFIX.fullmatch(prefix) is None:
        prefix = ""
    return f"{scheme}://{host}{prefix}"


def _last(request: Request, header: str) -> str:
    return request.headers.get(header, "").rpartition(",")[2].strip()
