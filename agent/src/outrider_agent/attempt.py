"""One try to have one request answered, without a socket: bytes and clock readings in, an answer or a reason out."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.loop import NEVER
from outrider_agent.responses import Body, ResponseReader

LONGEST_SILENCE = 5.0  # seconds in an answer that has begun: it takes room that others need
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
    """Over one connection; ``is_reused`` says whether that was idle before, and so may be too old."""

    __slots__ = ("_silent_at", "ask", "is_reused", "reader")

    def __init__(self, ask: Ask, *, is_reused: bool) -> None:
        self.ask = ask
        self.is_reused = is_reused
        self.reader = ResponseReader(ask.body)
        self._silent_at = NEVER  # when an answer that has begun has stood still for too long

    @property
    def is_answered(self) -> bool:
        """Whether the answer has begun."""
        return bool(self.reader.status)

    @property
    def wake_at(self) -> float:
        return min(self.ask.deadline, self._silent_at)

    def complaint(self, now: float) -> str:
        """Why to wait no longer; "" while there is time."""
        if self.ask.deadline <= now:
            return TOO_LATE
        return f"the answer stood still for {LONGEST_SILENCE:.0f} s" if self._silent_at <= now else ""

    def receive(self, data: bytes, now: float) -> bool:
        """Whether this completes the answer; raise BadResponseError, or what the body raises."""
        self._silent_at = now + LONGEST_SILENCE
        self.reader.receive(data)
        return self.reader.is_complete

    def end(self, reason: str) -> None:
        """Tell whoever asked, with the answer where there is no reason."""
        self.ask.done(None if reason else self.reader, reason)
