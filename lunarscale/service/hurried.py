"""A server's connections that do not wait for ever for a request's first lines."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds in which the first line and the headers of a request must have come.
HEADERS_S = 20.0


class HurriedProtocol(H11Protocol):
    """Closes a connection whose client takes too long to say what it wants.

    Uvicorn counts no time until a request is whole: a few thousand connections that send a header's
    letter now and then would else keep everybody out.
    """

    seconds = HEADERS_S
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to count."""
        super().connection_made(transport)
        self._count()

    def data_received(self, data: bytes) -> None:
        """Stop counting where a request is there, go on where it is not."""
        super().data_received(data)
        self._count()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        self._stop()
        super().connection_lost(exc)

    @property
    def _waits(self) -> bool:
        """Whether it is the client's turn: no request is whole, or a refused one's body goes on."""
        ours, theirs = self.conn.our_state, self.conn.their_state
        return theirs is h11.IDLE or (ours is h11.DONE and theirs is h11.SEND_BODY)

    def _count(self) -> None:
        if not self._waits or self.transport.is_closing():
            self._stop()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self._close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self, *_: Any) -> None:
        self._timer = None
        if self._waits:
            self.transport.close()
