"""An answer that does not begin in time is given up: the client learns so, and goes on."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lunarscale.service.problems import respond

#: Methods whose bodies nobody reads or counts.
BODILESS = ("GET", "HEAD")


class Patience:
    """Answers for what takes too long to begin.

    What was begun runs to its end, for a thread cannot be stopped; nobody waits for it. The time
    begins again with each piece of a body, whose own time ``Bodies`` counts.

    Parameters
    ----------
    app : ASGI app
    seconds : float
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        begun = over = False
        excuse: asyncio.Task[None] | None = None

        async def watched(message: Message) -> None:
            nonlocal begun
            if not over:
                begun = True
                await send(message)

        def give_up() -> None:
            nonlocal over, excuse
            if not begun:
                over = True
                detail = (
                    f"an answer must begin within {self._seconds:g} s but this one did not; ask "
                    "for less at once, or make it a job"
                )
                told = respond(scope["path"], 503, detail, headers={"Retry-After": "30"})
                excuse = loop.create_task(told(scope, receive, send))

        timer = loop.call_later(self._seconds, give_up)

        async def heard() -> Message:
            nonlocal timer
            message = await receive()
            if message["type"] == "http.request" and scope["method"] not in BODILESS:
                timer.cancel()
                timer = loop.call_later(self._seconds, give_up)
            return message

        try:
            await self._app(scope, heard, watched)
        finally:
            timer.cancel()
            if excuse is not None:
                await excuse
