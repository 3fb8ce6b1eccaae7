"""What stands before the routes: headers on every answer, the door, how much and how long."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lunarscale.service.bodies import Bodies
from lunarscale.service.door import Door
from lunarscale.service.house import House
from lunarscale.service.logs import Access
from lunarscale.service.metrics import Measured
from lunarscale.service.patience import Patience
from lunarscale.service.problems import crashed
from lunarscale.service.settings import Settings

#: Scripts, styles and pictures come from the service alone; nobody frames its pages.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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
            "cache-control": "private, no-cache",  # what may be kept says so
        }
        if settings.tls_certificate is not None:
            headers["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        # or a cache between gives a page of an allowed origin what it keeps for one of none
        self._vary = [(b"vary", b"Origin")] if settings.cors else []

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
                message["headers"] = [*message["headers"], *ours, *self._vary]
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except ClientDisconnect:
            return  # nobody waits for an answer
        except Exception:
            if begun:
                raise  # the server breaks the connection off: the client sees it is not whole
            await crashed(scope["path"])(scope, receive, with_headers)
