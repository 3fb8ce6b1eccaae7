"""Who is let in: by a right name, shortly, not too often, and from no page of another site."""

import re

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lunarscale.errors import AccessError, LunarscaleError
from lunarscale.service.access import Caller
from lunarscale.service.house import House
from lunarscale.service.problems import respond, respond_to
from lunarscale.service.settings import Limits, Settings

#: A host's name or address, and its port.
_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")

#: Addresses that machines ask by any name; those of them that cost nothing as often as they like.
PROBES = ("/healthz", "/readyz", "/metrics")
_UNCOUNTED = ("/healthz", "/readyz")

#: What a browser says of a request that a page of another site makes (W3C Fetch Metadata).
_ELSEWHERE = (b"cross-site", b"same-site")


class Door:
    """Knows each caller, and lets in who may come in.

    Parameters
    ----------
    app : ASGI app
    house : House
    """

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app, self._house = app, house
        self._hosts = _hosts(house.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, house = scope["path"], self._house
        answer: ASGIApp | None = self._refused(scope) if path not in PROBES else None
        try:
            if answer is None:
                scope.setdefault("state", {})["caller"] = self._caller(scope)
                answer = self._app
            else:
                house.rates.take(house.access.address(scope))
        except LunarscaleError as error:
            answer = respond_to(path, error, data_dir=str(house.settings.data_dir))
        await answer(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        """Who calls; who sends a token that is none is counted like all others."""
        access, rates = self._house.access, self._house.rates
        try:
            caller = access.caller(scope)
        except AccessError:
            rates.take(access.address(scope))
            raise
        if scope["path"] not in _UNCOUNTED:
            rates.take(caller.key)
        return caller

    def _refused(self, scope: Scope) -> Response | None:
        settings = self._house.settings
        return (
            _too_long(scope, settings.limits)
            or _of_two_ends(scope)
            or _of_another_name(scope, self._hosts)
            or (None if settings.cors else _of_another_site(scope))
        )


def _hosts(settings: Settings) -> tuple[str, ...]:
    """Names by which the service may be called; none: any.

    A page of another site whose name is made to lead to this machine would else be let in.
    """
    if settings.is_local and not settings.behind_proxy:
        return ("127.0.0.1", "localhost", "[::1]", *settings.hosts)
    return settings.hosts


def _too_long(scope: Scope, limits: Limits) -> Response | None:
    headers = scope["headers"]
    length = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if length > limits.url_bytes:
        return respond(
            scope["path"], 414,
            f"an address has {limits.url_bytes:,} bytes at most but this one has {length:,}; "
            "ask for less at once",
        )  # fmt: skip
    length = sum(len(name) + len(value) for name, value in headers)
    if length > limits.header_bytes or len(headers) > limits.headers:
        return respond(
            scope["path"], 431,
            f"a request has {limits.headers} headers of {limits.header_bytes:,} bytes at most "
            f"but this one has {len(headers)} of {length:,}; send fewer",
        )  # fmt: skip
    return None


def _of_two_ends(scope: Scope) -> Response | None:
    """Who stands between may take the other end of a body for its own, and what follows it for
    another request."""
    given = {name for name, _ in scope["headers"]}
    if not {b"content-length", b"transfer-encoding"} <= given:
        return None
    return respond(
        scope["path"], 400,
        "a body has either a length or chunks but this one promises both; send one of them",
        headers={"Connection": "close"},
    )  # fmt: skip


def _of_another_name(scope: Scope, hosts: tuple[str, ...]) -> Response | None:
    given = next((value for key, value in scope["headers"] if key == b"host"), b"")
    host = _HOST.fullmatch(given)
    if host is None:
        return respond(scope["path"], 400, "the header Host names no host; send its name alone")
    if hosts and host[1].decode().lower() not in hosts:
        return respond(
            scope["path"], 421,
            f"this service is {hosts[0]} but was asked as another host; who runs it adds names "
            "with --allow-host",
        )  # fmt: skip
    return None


def _of_another_site(scope: Scope) -> Response | None:
    """A page of another site could read nothing, but have much work done; links may lead here."""
    told = dict(scope["headers"])
    if told.get(b"sec-fetch-site") not in _ELSEWHERE:
        return None
    is_link = (
        told.get(b"sec-fetch-mode") == b"navigate"
        and told.get(b"sec-fetch-dest") == b"document"
        and scope["method"] in ("GET", "HEAD")
    )
    return None if is_link else respond(
        scope["path"], 403,
        "a page of another site asked this, and pages of other sites may not; who runs the "
        "service lets them with --cors",
    )  # fmt: skip
