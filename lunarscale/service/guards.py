"""What stands at the door: headers on every answer, who calls, how often, how much and how long."""

import re
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lunarscale.errors import LunarscaleError
from lunarscale.service.bodies import Bodies
from lunarscale.service.house import House
from lunarscale.service.logs import Access
from lunarscale.service.metrics import Measured
from lunarscale.service.patience import Patience
from lunarscale.service.problems import crashed, respond, respond_to
from lunarscale.service.settings import Settings

#: Scripts, styles and pictures come from the service alone; nobody frames its pages.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

#: A host's name or address, and its port.
_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")

#: Addresses that machines ask, by any name and as often as they like.
PROBES = ("/healthz", "/readyz", "/metrics")


def install_guards(app: FastAPI, house: House) -> None:
    """Put the guards before an app; those named last stand outside."""
    limits, settings = house.settings.limits, house.settings
    app.add_middleware(Bodies, limits=limits)
    app.add_middleware(Patience, seconds=limits.answer_s)
    app.add_middleware(Door, house=house)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors,
            allow_methods=("GET", "HEAD", "POST", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"),
            expose_headers=("ETag", "Location", "Retry-After", "Content-Disposition"),
        )
    app.add_middleware(Outermost, settings=settings)
    app.add_middleware(Measured, metrics=house.metrics, access=Access())


class Outermost:
    """Security headers on every answer, and an answer to what nobody foresaw."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        shared = "cross-origin" if settings.cors else "same-origin"
        headers = {
            "content-security-policy": POLICY,
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": shared,
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
        }
        if settings.tls_certificate is not None:
            headers["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = {name.lower() for name, _ in message["headers"]}
                ours = [pair for pair in self._headers if pair[0] not in given]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except ClientDisconnect:
            return  # nobody waits for an answer
        except Exception:
            if begun:
                raise  # the server breaks the connection off: the client sees it is not whole
            await crashed(scope["path"])(scope, receive, with_headers)


class Door:
    """Knows each caller, and lets in who calls by a right name, shortly and not too often."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app, self._house = app, house
        self._hosts = _hosts(house.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        refused = self._refused(scope) if path not in PROBES else None
        if refused is None:
            try:
                caller = self._house.access.caller(scope)
                if path not in PROBES:
                    self._house.rates.take(caller.key)
            except LunarscaleError as error:
                refused = respond_to(path, error, data_dir=str(self._house.settings.data_dir))
            else:
                scope.setdefault("state", {})["caller"] = caller
        await (self._app if refused is None else refused)(scope, receive, send)

    def _refused(self, scope: Scope) -> Any:
        limits, headers = self._house.settings.limits, scope["headers"]
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
        host = _HOST.fullmatch(next((value for key, value in headers if key == b"host"), b""))
        if host is None:
            return respond(scope["path"], 400, "the header Host names no host; send its name alone")
        if self._hosts and host[1].decode().lower() not in self._hosts:
            return respond(
                scope["path"], 421,
                f"this service is {self._hosts[0]} but was asked as another host; who runs it adds "
                "names with --allow-host",
            )  # fmt: skip
        return None


def _hosts(settings: Settings) -> tuple[str, ...]:
    """Names by which the service may be called; none: any.

    A page of another site whose name is made to lead to this machine would else be let in.
    """
    if settings.is_local and not settings.behind_proxy:
        return ("127.0.0.1", "localhost", "[::1]", *settings.hosts)
    return settings.hosts
