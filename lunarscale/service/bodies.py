"""A request's body is counted while it comes: too much or too slow, and it is refused."""

import asyncio
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lunarscale.errors import LimitError, RequestError
from lunarscale.service.patience import BODILESS
from lunarscale.service.problems import respond, respond_to
from lunarscale.service.settings import Limits

#: Addresses that take files.
UPLOADS = ("/api/models", "/api/tables", "/api/polygons")


class Bodies:
    """Refuses bodies that are too large or too slow, whatever they promised.

    Parameters
    ----------
    app : ASGI app
    limits : Limits
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in BODILESS:
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        most = self._limits.upload_bytes if path in UPLOADS else self._limits.body_bytes
        packing = next((v for k, v in scope["headers"] if k == b"content-encoding"), b"identity")
        if packing.lower() != b"identity":
            detail = "a packed body is not taken, for nobody knows how large it gets; send it plain"
            await respond(path, 415, detail)(scope, receive, send)
            return
        promised = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if promised.isdigit() and int(promised) > most:
            await respond_to(path, _too_large(most))(scope, receive, send)
            return
        body = _Counted(receive, most, self._limits.body_s)
        begun = False

        async def unless_refused(message: Message) -> None:
            nonlocal begun
            if begun or body.refusal is None:
                begun = True
                await send(message)

        try:
            await self._app(scope, body.receive, unless_refused)
        finally:
            if body.refusal is not None and not begun:
                told = (
                    respond_to(path, body.refusal)
                    if isinstance(body.refusal, LimitError)
                    else respond(path, 408, str(body.refusal))
                )
                await told(scope, receive, send)


class _Counted:
    """What a client sends, as long as it is neither too much nor too slow."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive, self._most, self._seconds = receive, most, seconds
        self._until = monotonic() + seconds
        self._came, self._whole = 0, False
        #: Why no more is taken; whatever the app makes of it, this is what the client is told.
        self.refusal: LimitError | RequestError | None = None

    async def receive(self) -> Message:
        """The next piece.

        Raises
        ------
        LimitError
            If it is one too many.
        RequestError
            If it has not come in time.
        """
        if self._whole:
            return await self._receive()  # a disconnection, which has all the time
        try:
            message = await asyncio.wait_for(self._receive(), self._until - monotonic())
        except TimeoutError:
            self.refusal = RequestError(
                f"a request's body must come within {self._seconds:g} s but this one did not; "
                "send it again over a better line, or less of it"
            )
            raise self.refusal from None
        if message["type"] == "http.request":
            self._came += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._came > self._most:
                self.refusal = _too_large(self._most)
                raise self.refusal
        return message


def _too_large(most: int) -> LimitError:
    return LimitError(
        f"a request's body has {most:,} bytes at most but more was sent; send less, or ask who "
        "runs the service to raise the limit"
    )
