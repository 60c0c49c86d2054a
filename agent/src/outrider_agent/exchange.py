"""A kept-alive connection to an HTTP server that carries one request at a time, without ever blocking the loop."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.channel import Channel, ChannelError, Stream
from outrider_agent.dial import Dial
from outrider_agent.loop import NEVER, READ, WRITE, Loop
from outrider_agent.memory_budget import MalformedError
from outrider_agent.resolver import Resolver, SocketAddress
from outrider_agent.responses import BadResponseError, Body, ResponseReader
from outrider_agent.sockets import said, socket

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


class Attempt:
    """One try to have a request answered, over one connection; ``is_reused`` says whether that was idle before, and so may be too old."""

    __slots__ = ("_silent_at", "ask", "is_reused", "reader")

    def __init__(self, ask: Ask, *, is_reused: bool) -> None:
        self.ask = ask
        self.is_reused = is_reused
        self.reader = ResponseReader(ask.body)
        self._silent_at = NEVER  # when an answer that has begun has stood still for too long

    @property
    def wake_at(self) -> float:
        return min(self.ask.deadline, self._silent_at)

    def complaint(self, now: float) -> str:
        """Why to wait no longer; "" while there is time."""
        if self.ask.deadline <= now:
            return TOO_LATE
        return f"the answer stood still for {LONGEST_SILENCE:.0f} s" if self._silent_at <= now else ""

    def receive(self, data: bytes | None, now: float) -> bool:
        """Whether this, or with None the connection's end, completes the answer; raise BadResponseError, or what the body does."""
        self._silent_at = now + LONGEST_SILENCE
        if data is None:
            self.reader.closed()
        else:
            self.reader.receive(data)
        return self.reader.is_complete


class Exchange:
    """Connects when it is asked; a connection that the server closed while it was idle is opened again in silence."""

    __slots__ = ("_attempt", "_dial", "_loop", "_new_channel", "_resolver", "_stream", "was_hung_up_on")

    def __init__(self, loop: Loop, resolver: Resolver, channel: Callable[[], Channel] = Channel) -> None:
        self._loop = loop
        self._resolver = resolver
        self._new_channel = channel
        self._dial: Dial | None = None
        self._stream: Stream | None = None
        self._attempt: Attempt | None = None
        self.was_hung_up_on = False  # the last failure: a fresh connection, closed without a word

    @property
    def is_connected(self) -> bool:
        return self._stream is not None

    @property
    def is_busy(self) -> bool:
        return self._attempt is not None

    def ask(self, ask: Ask) -> None:
        """Send; ``ask.done`` is called once, never from within this call unless connecting fails at once."""
        self._begin(Attempt(ask, is_reused=self.is_connected))

    def wake_at(self) -> float:
        if self._attempt is None:
            return NEVER
        return min(self._attempt.wake_at, self._dial.wake_at() if self._dial else NEVER)

    def expire(self, now: float) -> None:
        reason = self._attempt.complaint(now) if self._attempt else ""
        if reason:
            self._end(self._unconnected() or reason)
        elif self._dial:
            self._dial.wake(now)

    def close(self) -> None:
        """Hang up without a word to whoever asked."""
        self._attempt = None
        self._hang_up()

    def _begin(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self.was_hung_up_on = False
        if self._stream:
            self._send(self._stream)
        else:
            self._dial = Dial(self._loop, self._resolver, attempt.ask.deadline, self._dialled)
            self._dial.begin()

    def _dialled(self, connected: socket | None, socket_address: SocketAddress | None, reason: str) -> None:
        self._dial = None
        if connected is None or socket_address is None:
            self._end(reason)
            return
        self._stream = Stream(connected, socket_address)
        try:
            self._stream.channel = self._new_channel()
        except ChannelError as problem:
            self._end(said(problem))
            return
        self._send(self._stream)

    def _unconnected(self) -> str:
        """Give up connecting, where that is what takes so long; why."""
        if self._dial is None:
            return ""
        reason = self._dial.reason
        self._dial.expire()
        return reason

    def _send(self, stream: Stream) -> None:
        try:
            stream.request(self._attempt.ask.request if self._attempt else b"")
        except OSError as problem:
            self._end(said(problem))
            return
        self._ready(WRITE)  # it is open: no need to ask the selector first

    def _ready(self, mask: int) -> None:
        if self._stream is None:
            return
        try:
            if mask & WRITE:
                self._stream.send()
            heard = self._stream.heard() if mask & READ else b""
            self._stream.attend(self._loop, self._ready)
            self._take(heard)
        except (BadResponseError, MalformedError, ChannelError) as problem:
            self._end(str(problem))
        except OSError as problem:
            self._lost(said(problem))

    def _take(self, heard: bytes | None) -> None:
        """What the server said: b"" where that is nothing yet, None where it has closed."""
        if heard == b"":
            return
        if self._attempt is None:
            self._hang_up()  # it closes, or says what nobody asked for
        elif heard is None and not self._attempt.reader.status:
            self._lost(NO_ANSWER)
        elif self._attempt.receive(heard, self._loop.now()):
            self._end("")

    def _lost(self, reason: str) -> None:
        """The connection broke; one that was idle before may simply have been too old, which is worth a second try."""
        attempt, stream = self._attempt, self._stream
        is_unanswered = attempt is not None and not attempt.reader.status
        if attempt and is_unanswered and attempt.is_reused:
            self._hang_up()
            self._begin(Attempt(attempt.ask, is_reused=False))
            return
        self.was_hung_up_on = is_unanswered and stream is not None and stream.has_sent
        self._end(reason)

    def _end(self, reason: str) -> None:
        attempt, self._attempt = self._attempt, None
        if self._stream:
            (self._resolver.failed if reason else self._resolver.worked)(self._stream.socket_address)
        if reason or attempt is None or not attempt.reader.keeps_alive:
            self._hang_up()
        if attempt:
            attempt.ask.done(None if reason else attempt.reader, reason)

    def _hang_up(self) -> None:
        if self._dial:
            self._dial.cancel()
            self._dial = None
        if self._stream:
            self._stream.close(self._loop)
            self._stream = None
