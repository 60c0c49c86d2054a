"""One connection being made: its name looked up, then each place in turn, without ever blocking the loop."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from outrider_agent.loop import NEVER, WRITE, Loop
from outrider_agent.resolver import Resolver, SocketAddress
from outrider_agent.sockets import (
    AF_UNIX,
    IPPROTO_TCP,
    SO_ERROR,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_NODELAY,
    said,
    socket,
)

PATIENCE = 1.5  # seconds for one place while another is left to try: enough for a first packet that was lost
LATE = "no connection in time"
CONNECTING = (0, errno.EINPROGRESS)

Done = Callable[
    ["socket | None", "SocketAddress | None", str], None
]  # the connection and its address, or why there is none


class Dial:
    """Calls ``done`` once, unless it is cancelled; whoever dials sets the deadline, and cancels when it is over."""

    def __init__(self, loop: Loop, resolver: Resolver, deadline: float, done: Done) -> None:
        self._loop = loop
        self._resolver = resolver
        self._deadline = deadline
        self._done: Done | None = done
        self._tried: list[SocketAddress] = []
        self._reasons: list[str] = []
        self._socket: socket | None = None
        self._until = NEVER

    def begin(self) -> None:
        self._resolver.ask(self._go_on)

    def wake_at(self) -> float:
        return self._until

    def wake(self, now: float) -> None:
        """Give up the place that has had its time, or the wait for news of the name."""
        if self._until > now:
            return
        if self._socket is None:
            self._end(None, None, self.reason)
        else:
            self._failed(LATE)
            self._go_on()

    @property
    def reason(self) -> str:
        """What has gone wrong so far, for whoever waits no longer."""
        reasons = [*self._reasons, *([self._named(LATE)] if self._socket else [])]
        is_unknown = not self._tried and self._resolver.is_looking
        return f"{self._resolver.address.host} is still being looked up" if is_unknown else ", ".join(reasons)

    def cancel(self) -> None:
        """Stop without a word."""
        self._done = None
        self._leave()

    def expire(self) -> None:
        """The deadline is over: others begin with another place."""
        if self._socket:
            self._resolver.failed(self._tried[-1])
        self.cancel()

    def _go_on(self) -> None:
        """The next place that has not been tried; where there is none, what a look-up on its way may bring."""
        while self._done and self._socket is None:
            left = [one for one in self._resolver.known if one not in self._tried]
            if not left:
                self._nothing_left()
                return
            if self._is_trying(left[0], len(left)):
                return

    def _nothing_left(self) -> None:
        if self._resolver.is_looking:
            self._until = self._loop.now() + PATIENCE if self._tried else NEVER
            self._resolver.await_look(self._go_on)
        else:
            self._end(None, None, self.reason or self._resolver.reason)

    def _is_trying(self, socket_address: SocketAddress, left: int) -> bool:
        """Begin to connect; false where that has failed already."""
        self._tried.append(socket_address)
        try:
            self._socket = connecting(socket_address)
        except OSError as problem:
            self._failed(said(problem))
            return False
        now, shares = self._loop.now(), left + self._resolver.is_looking
        self._until = NEVER if shares == 1 else now + min(PATIENCE, (self._deadline - now) / shares)
        self._loop.attend(self._socket, WRITE, self._ready)
        return True

    def _ready(self, _mask: int) -> None:
        if self._socket is None:
            return
        code = self._socket.getsockopt(SOL_SOCKET, SO_ERROR)
        if code:
            self._failed(os.strerror(code).lower())
            self._go_on()
            return
        connected, self._socket = self._socket, None
        self._loop.leave(connected)
        self._end(connected, self._tried[-1], "")

    def _failed(self, reason: str) -> None:
        self._reasons.append(self._named(reason))
        self._leave()
        self._resolver.failed(self._tried[-1])

    def _named(self, reason: str) -> str:
        """With the place where there are several."""
        is_alone = len(self._resolver.known) <= 1 and len(self._tried) <= 1
        return reason if is_alone else f"{self._tried[-1]} {reason}"

    def _leave(self) -> None:
        self._until = NEVER
        if self._socket:
            self._loop.leave(self._socket)
            self._socket.close()
            self._socket = None

    def _end(self, connected: socket | None, socket_address: SocketAddress | None, reason: str) -> None:
        done, self._done = self._done, None
        self._until = NEVER
        if done:
            done(connected, socket_address, reason)


def connecting(socket_address: SocketAddress) -> socket:
    """A socket on its way there; raise OSError where that fails at once."""
    sock = socket(socket_address.family, SOCK_STREAM)
    sock.setblocking(False)
    if socket_address.family != AF_UNIX:
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    code = sock.connect_ex(socket_address.target)
    if code in CONNECTING:
        return sock
    sock.close()
    raise OSError(code, os.strerror(code))
