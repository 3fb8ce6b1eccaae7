"""A server's connections: so many and no more, and none that neither asks nor takes an answer."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lunarscale.service.addresses import network_of
from lunarscale.service.crowds import Crowd
from lunarscale.service.settings import Limits, Settings

#: Seconds in which the first line and the headers of a request must have come.
HEADERS_S = 20.0

#: Seconds between two looks at what a client has taken of its answer, and the bytes of a long one
#: that it must have taken meanwhile: half a kilobyte a second.
LOOK_S, LEAST_BYTES = 30.0, 2**14

#: Bytes that are taken at a time. Of chunks of one byte asyncio's quarter of a megabyte would keep
#: the loop, and all other clients, for half a second.
READ_BYTES = 2**14

#: What a connection for which there is no room is told.
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class HurriedProtocol(H11Protocol):
    """Closes a connection whose client takes too long to say what it wants, or to take it.

    Uvicorn counts no time until a request is whole, and none while an answer waits to be taken: a
    few thousand connections that send a header's letter now and then, or read nothing of a large
    answer, would else keep everybody out, and their answers in memory.
    """

    seconds, look_s = HEADERS_S, LOOK_S
    #: All connections of the server; None: nobody counts them.
    lines: Crowd | None = None
    _who: str | None = None
    _timer: asyncio.TimerHandle | None = None
    _looking: asyncio.TimerHandle | None = None
    _owed, _moves = 0, False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it in, if there is room, and begin to count."""
        peer = transport.get_extra_info("peername")
        who = network_of(peer[0]) if isinstance(peer, tuple) else ""
        if self.lines is not None:
            if not self.lines.has_room(who):
                transport.write(_FULL)
                transport.close()
                return
            self.lines.enter(who)
        self._who = who
        if hasattr(transport, "max_size"):  # asyncio's own has it
            transport.max_size = READ_BYTES
        super().connection_made(transport)
        self._count()
        self._looking = self.loop.call_later(self.look_s, self._look)

    def data_received(self, data: bytes) -> None:
        """Stop counting where a request is there, go on where it is not."""
        if self._who is None:
            return  # there was no room
        self._moves = True
        super().data_received(data)
        self._count()

    def resume_writing(self) -> None:
        """The client has taken most of what waited."""
        self._moves = True
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        if self._who is None:
            return
        if self.lines is not None:
            self.lines.leave(self._who)
        self._stop()
        if self._looking is not None:
            self._looking.cancel()
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

    def _look(self) -> None:
        """Break off where the client has taken next to nothing of what waits for it."""
        owed = self.transport.get_write_buffer_size()
        if owed and self._owed and not self._moves and owed > self._owed - LEAST_BYTES:
            self.transport.abort()  # closing would wait for what nobody takes
            return
        self._owed, self._moves = owed, False
        self._looking = self.loop.call_later(self.look_s, self._look)


def head_bytes(limits: Limits) -> int:
    """Bytes of a request's first line and headers that are read: twice what the door lets in, so
    that it tells who sends a little too much what the limit is."""
    return 2 * (limits.url_bytes + limits.header_bytes)


def protocol_for(settings: Settings) -> type[HurriedProtocol]:
    """The protocol of one server, whose connections are counted together.

    An address may have a part of them; on loopback, and behind a proxy, all come from one.
    """
    limits = settings.limits
    alone = settings.is_local or settings.behind_proxy
    each = limits.connections if alone else limits.connections_each

    class Bounded(HurriedProtocol):
        lines = Crowd(limits.connections, each, what="connections")

    return Bounded
