"""The bodies of requests: read whole before the application runs, within bounds of size, time and memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outrider_ground.edge.limits import MIB, Limits
from outrider_ground.edge.refusal import Answer, Refusal, TurnedAwayError, plain_answer

LATE = Refusal(408, "Too slow", "the request's body did not arrive in time", "Send it again.")
FULL = Refusal(
    503, "Too much at once", "too many large requests are being read", "Try again in a moment.", {"Retry-After": "1"}
)


def too_large(most: int) -> Refusal:
    """413, with the bound in words."""
    size = f"{most // MIB} MiB" if most >= MIB else f"{most} bytes"
    return Refusal(413, "Too large", f"the body of this request may have at most {size}")


class Intake:
    """Hands an application each body in one piece; refuses with 413, 408 and 503.

    ``reads_itself`` says which requests an application reads as they come: for these only the time is kept.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        answer: Answer = plain_answer,
        reads_itself: Callable[[Scope], bool] = lambda _: False,
    ) -> None:
        self._app = app
        self._limits = limits
        self._answer = answer
        self._reads_itself = reads_itself
        self._memory = _Memory(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body, or refuse it."""
        if scope["type"] != "http" or not has_body(scope):
            await self._app(scope, receive, send)
        elif self._reads_itself(scope):
            await self._app(scope, _Body(receive, self._limits).receive, send)
        else:
            await self._whole(scope, receive, send)

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(receive, self._limits)
        try:
            content = await self._read(scope, body)
        except TurnedAwayError as error:
            await self._answer(error.refusal)(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await self._app(scope, _replayed(content, receive), send)
        finally:
            self._memory.give_back(body.held)

    async def _read(self, scope: Scope, body: _Body) -> bytes:
        """The whole body; refused at its declared length, or as soon as more has come than may."""
        most = self._limits.body
        if _declared(scope) > most:
            raise TurnedAwayError(too_large(most))
        content, has_more = bytearray(), True
        while has_more:
            message = await body.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            content += message.get("body", b"")
            if len(content) > most:
                raise TurnedAwayError(too_large(most))
            body.held = self._memory.take(body.held, len(content))
            has_more = message.get("more_body", False)
        return bytes(content)


class _Memory:
    """What the bodies of one server may take together, not counting the first ``small`` bytes of each."""

    def __init__(self, limits: Limits) -> None:
        self._free = limits.held
        self._small = limits.small

    def take(self, taken: int, size: int) -> int:
        """How much a body of ``size`` bytes so far has, that had ``taken``; TurnedAwayError where there is no room."""
        more = max(0, size - self._small - taken)
        if more > self._free:
            raise TurnedAwayError(FULL)
        self._free -= more
        return taken + more

    def give_back(self, taken: int) -> None:
        self._free += taken


class _Body:
    """One body as it arrives; only the time in which the sender is waited for counts. ``held`` is its part of the memory."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._waited_s = 0.0
        self._size = 0
        self._is_over = False
        self.held = 0

    async def receive(self) -> Message:
        """The next part; TurnedAwayError where it does not come in time."""
        if self._is_over:
            return await self._receive()
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._left_s()):
                message = await self._receive()
        except TimeoutError:
            raise TurnedAwayError(LATE) from None
        self._waited_s += time.monotonic() - begun
        self._size += len(message.get("body", b""))
        self._is_over = not message.get("more_body", False)
        return message

    def _left_s(self) -> float:
        return max(0.0, self._limits.body_s + self._size / self._limits.body_rate - self._waited_s)


def has_body(scope: Scope) -> bool:
    """Whether the head of a request announces a body."""
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _declared(scope: Scope) -> int:
    """The length that the head declares; the server has checked that it is a number."""
    return int(Headers(scope=scope).get("content-length", "0"))


def _replayed(body: bytes, receive: Receive) -> Receive:
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return parts.pop() if parts else await receive()

    return received
