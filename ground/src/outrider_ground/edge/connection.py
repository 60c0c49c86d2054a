"""One connection of a server: uvicorn's own, with a time for each request's head and a place in the crowd."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from outrider_ground.edge.crowd import Crowd
from outrider_ground.edge.descriptors import taken
from outrider_ground.edge.limits import Limits

FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BoundedConnection(H11Protocol):
    """Ends itself where a head does not arrive in time; gives way, or is turned away, where the server is full."""

    def __init__(self, *, limits: Limits, crowd: Crowd[BoundedConnection], most_files: int, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._crowd = crowd
        self._most_files = most_files
        self._is_handed_over = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        for _ in range(self._surplus()):
            other = self._crowd.giving_way(self.loop.time())
            if other is None:
                self._turn_away()
                return
            other.give_way()
        self._crowd.stands(self, "silent", self.loop.time())
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.is_gone(self)
        self._forget_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._settle()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """From here on it is another protocol's: its application bounds how many there are."""
        self._is_handed_over = True
        self._crowd.is_gone(self)
        self._forget_head()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._settle()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._settle()

    def give_way(self) -> None:
        """End at once, so that another has the place."""
        self._crowd.leaves(self)
        self.transport.abort()

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing here speaks WebSocket; the request is answered as the plain one that it is, and no log grows."""

    def _surplus(self) -> int:
        """How many connections there are too many, for this server or for the descriptors of the whole process."""
        here = len(self.connections) - self._limits.connections
        files = taken() - self._most_files if self._may_be_full() else 0
        return max(0, max(here, files) - self._crowd.leaving)

    def _may_be_full(self) -> bool:
        """Whether a look at the descriptors is worth its time.

        The number of a new one is not enough: it is the lowest that is free, and who gives way makes room below.
        """
        number = self.transport.get_extra_info("socket").fileno()
        return number >= self._most_files // 2 or len(self.connections) >= self._most_files // 8

    def _turn_away(self) -> None:
        self.transport.write(FULL)
        self.transport.close()

    def _settle(self) -> None:
        """Take the place that the connection's state gives it, and the time for a head that has begun."""
        if self.transport.is_closing() or self._is_handed_over:
            self._forget_head()
        elif not self._has_asked():
            pass
        elif self.cycle.response_complete:
            self._crowd.stands(self, "kept", self.loop.time())
            self._await_head() if self._has_begun() else self._forget_head()
        else:
            self._forget_head()
            self._stand_in_request()

    def _has_asked(self) -> bool:
        """Uvicorn sets the cycle with the first request, whatever its annotation says."""
        return bool(self.cycle)

    def _stand_in_request(self) -> None:
        if self.flow.write_paused:
            self._crowd.stands(self, "unread", self.loop.time())
        elif self.cycle.more_body:
            self._crowd.stands(self, "sending", self.loop.time())
        else:
            self._crowd.moves(self)

    def _has_begun(self) -> bool:
        """Whether something of the next head is here, or the body of a request that is answered already still comes."""
        return bool(self.conn.trailing_data[0]) or self.conn.their_state is h11.SEND_BODY

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._limits.head_s, self._be_late)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _be_late(self) -> None:
        """408 for half a head; who has said nothing hears nothing."""
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0] and self.conn.their_state is h11.IDLE:
            self.transport.write(LATE)
        self.transport.close()


def bounded_connection(limits: Limits, most_files: int) -> type[asyncio.Protocol]:
    """What uvicorn makes of each accepted socket of one server; ``most_files`` are the descriptors that the process may have."""
    crowd: Crowd[BoundedConnection] = Crowd()
    made = functools.partial(BoundedConnection, limits=limits, crowd=crowd, most_files=most_files)
    return cast("type[asyncio.Protocol]", made)
