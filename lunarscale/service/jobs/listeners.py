"""Who listens to jobs: so many at once and no more, told of each change and that all is well."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from time import monotonic

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from lunarscale.errors import RateError
from lunarscale.service.settings import Limits

#: Seconds between two looks at a job, and between two words that only say that all is well.
LOOK_S, HEARTBEAT_S = 0.5, 15.0

#: Seconds after which a stream ends though its job has not: the client asks again.
LONGEST_S = 3600.0

#: Seconds after which one who found no room may ask again.
AGAIN_S = 30

#: A job's revision, what is told of it as one line of JSON, and whether that was the last word.
Told = tuple[int, str, bool]


class Listeners:
    """Those who listen just now.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()
        #: Threads that look after all streams, so that these take none of the requests'.
        self.threads = anyio.CapacityLimiter(2)
        #: Whether the service ends.
        self.is_leaving = False

    def require_room(self, key: str) -> None:
        """Make sure that one more may listen.

        Raises
        ------
        RateError
            If too many do.
        """
        most, own = self._limits.job_listeners, self._limits.job_listeners_each
        if self._open.total() >= most or self._open[key] >= own:
            error = RateError(
                f"{own} streams of events are open at most for a caller and {most} for all; close "
                "one, or ask for the job itself now and then"
            )
            error.retry_after_s = AGAIN_S
            raise error

    def enter(self, key: str) -> None:
        """One more listens."""
        self._open[key] += 1

    def leave_one(self, key: str) -> None:
        """One does not any more."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]

    def leave(self) -> None:
        """The service ends: so do its streams."""
        self.is_leaving = True


class JobEvents(StreamingResponse):
    """What happens to a job, as server-sent events.

    Each event is the job as it is then, its id the revision; what lies between two looks is not
    told, as the next one holds it.

    Parameters
    ----------
    listeners : Listeners
    key : str
        Of the caller.
    ask : callable
        The job as it is now.
    since : int
        The revision that the client has.
    """

    def __init__(
        self, listeners: Listeners, key: str, ask: Callable[[], Awaitable[Told | None]], *,
        since: int = 0,
    ) -> None:  # fmt: skip
        self._listeners, self._key = listeners, key
        super().__init__(
            _events(listeners, ask, since),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them, and count the caller among the listeners until the last word is sent."""
        with ExitStack() as place:
            self._listeners.enter(self._key)
            place.callback(self._listeners.leave_one, self._key)

            async def tell(message: Message) -> None:
                if message["type"] == "http.response.body" and not message.get("more_body", False):
                    place.close()  # who has read the end finds room at once
                await send(message)

            await super().__call__(scope, receive, tell)


async def _events(
    listeners: Listeners, ask: Callable[[], Awaitable[Told | None]], since: int
) -> AsyncIterator[str]:
    begun = said = monotonic()
    yield "retry: 2000\n\n"
    while not listeners.is_leaving and monotonic() - begun < LONGEST_S:
        told = await ask()
        if told is None:
            return
        revision, line, is_last = told
        if revision > since:
            since, said = revision, monotonic()
            yield f"id: {revision}\ndata: {line}\n\n"
        if is_last:
            return
        if monotonic() - said >= HEARTBEAT_S:
            said = monotonic()
            yield ": all is well\n\n"
        await anyio.sleep(LOOK_S)
