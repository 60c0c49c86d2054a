"""A kept-alive connection to an HTTP server that carries one request at a time, without ever blocking the loop."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.channel import Channel, ChannelError
from outrider_agent.dial import Dial
from outrider_agent.loop import NEVER, READ, WRITE, Loop
from outrider_agent.memory_budget import MalformedError
from outrider_agent.resolver import Resolver, SocketAddress
from outrider_agent.responses import BadResponseError, Body, ResponseReader
from outrider_agent.sockets import said, socket

PIECE = 16384  # bytes at a time: larger buffers would stay in the heap
LONGEST_SILENCE = 5.0  # seconds in an answer that has begun: it takes room that others need
NO_ANSWER = "closed without an answer"
TOO_LATE = "no answer in time"

Done = Callable[["ResponseReader | None", str], None]  # the whole answer, or None and the reason


class Ask:
    """One request and where its answer goes: body bytes to ``body`` as they come, the end to ``done``."""

    __slots__ = ("body", "deadline", "done", "request")

    def __init__(self, request: bytes, body: Body, deadline: float, done: Done) -> None:
        self.request = request
        self.body = body
        self.deadline = deadline
        self.done = done


class Exchange:
    """Connects when it is asked; a connection that the server closed while it was idle is opened again in silence."""

    def __init__(self, loop: Loop, resolver: Resolver, channel: Callable[[], Channel] = Channel) -> None:
        self._loop = loop
        self._resolver = resolver
        self._socket_address: SocketAddress | None = None  # of the connection
        self._dial: Dial | None = None
        self._new_channel = channel
        self._channel = Channel()
        self._socket: socket | None = None
        self._outbox = b""
        self._ask: Ask | None = None
        self._reader: ResponseReader | None = None
        self._silent_at = NEVER  # when an answer that has begun has stood still for too long
        self._is_reused = False
        self._is_sent = False
        self.was_hung_up_on = False  # the last failure: a fresh connection, closed without a word

    @property
    def is_connected(self) -> bool:
        return self._socket is not None

    @property
    def is_busy(self) -> bool:
        return self._ask is not None

    def ask(self, ask: Ask) -> None:
        """Send; ``ask.done`` is called once, never from within this call unless connecting fails at once."""
        self._ask = ask
        self._is_reused = self._socket is not None
        self._begin()

    def wake_at(self) -> float:
        if self._ask is None:
            return NEVER
        return min(self._ask.deadline, self._dial.wake_at() if self._dial else self._silent_at)

    def expire(self, now: float) -> None:
        if self._ask and self._ask.deadline <= now:
            self._end(self._unconnected() or TOO_LATE)
        elif self._dial:
            self._dial.wake(now)
        elif self._ask and self._silent_at <= now:
            self._end(f"the answer stood still for {LONGEST_SILENCE:.0f} s")

    def close(self) -> None:
        """Hang up without a word to whoever asked."""
        self._ask = None
        self._reader = None
        self._hang_up()

    def _begin(self) -> None:
        if self._ask is None:
            return
        self._reader = ResponseReader(self._ask.body)
        self._silent_at = NEVER
        self._is_sent = False
        self.was_hung_up_on = False
        if self._socket is None:
            self._dial = Dial(self._loop, self._resolver, self._ask.deadline, self._dialled)
            self._dial.begin()
        else:
            self._send()

    def _dialled(self, connected: socket | None, socket_address: SocketAddress | None, reason: str) -> None:
        self._dial = None
        if connected is None:
            self._end(reason)
            return
        self._socket, self._socket_address = connected, socket_address
        try:
            self._channel = self._new_channel()
        except ChannelError as problem:
            self._end(said(problem))
            return
        self._send()

    def _unconnected(self) -> str:
        """Give up connecting, where that is what takes so long; why."""
        if self._dial is None:
            return ""
        reason = self._dial.reason
        self._dial.expire()
        return reason

    def _send(self) -> None:
        try:
            self._outbox += self._channel.sealed(self._ask.request if self._ask else b"")
        except OSError as problem:
            self._end(said(problem))
            return
        self._ready(WRITE)  # it is open: no need to ask the selector first

    def _listen(self) -> None:
        if self._socket:
            self._loop.attend(self._socket, READ | WRITE if self._outbox else READ, self._ready)

    def _ready(self, mask: int) -> None:
        try:
            if mask & WRITE:
                self._write()
            if mask & READ:
                self._read()
        except (BadResponseError, MalformedError, ChannelError) as problem:
            self._end(str(problem))
        except OSError as problem:
            self._lost(said(problem))

    def _write(self) -> None:
        if self._socket is None:
            return
        try:
            sent = self._socket.send(self._outbox)
        except BlockingIOError:
            return
        self._is_sent = self._is_sent or sent > 0
        self._outbox = self._outbox[sent:]
        self._listen()

    def _read(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(PIECE)
        except BlockingIOError:
            return
        if not data:
            self._closed()
            return
        said_by_peer = self._channel.opened(data)
        answer = self._channel.sealed(b"")
        if answer:
            self._outbox += answer
            self._listen()
        if said_by_peer:
            self._heard(said_by_peer)

    def _heard(self, data: bytes) -> None:
        if self._ask is None or self._reader is None:
            self._hang_up()  # bytes that nobody asked for
            return
        self._silent_at = self._loop.now() + LONGEST_SILENCE
        self._reader.receive(data)
        if self._reader.is_complete:
            self._end("")

    def _closed(self) -> None:
        if self._ask is None or self._reader is None:
            self._hang_up()
        elif self._reader.status:
            self._reader.closed()
            self._end("")
        else:
            self._lost(NO_ANSWER)

    def _lost(self, reason: str) -> None:
        """The connection broke; one that was idle before may simply have been too old, which is worth a second try."""
        is_unanswered = self._reader is not None and not self._reader.status
        is_old = self._is_reused and is_unanswered
        self.was_hung_up_on = self._is_sent and is_unanswered and not is_old
        if self._socket_address and not is_old:
            self._resolver.failed(self._socket_address)
        self._hang_up()
        self._is_reused = False
        if is_old:
            self._begin()
        else:
            self._end(reason)

    def _end(self, reason: str) -> None:
        ask, reader = self._ask, self._reader
        self._ask = None
        if self._socket_address:
            (self._resolver.failed if reason else self._resolver.worked)(self._socket_address)
        if reason or reader is None or not reader.keeps_alive:
            self._hang_up()
        if ask:
            ask.done(None if reason else reader, reason)

    def _hang_up(self) -> None:
        if self._dial:
            self._dial.cancel()
            self._dial = None
        self._outbox = b""
        self._socket_address = None
        if self._socket:
            self._loop.leave(self._socket)
            self._socket.close()
            self._socket = None
