"""HTTP without a socket: requests of a client handed to an ASGI application, whose answer may be read while it grows."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2

_ENDED: dict[str, Any] = {"type": "ended"}
Application = Callable[..., Awaitable[None]]


class InProcess(httpx2.AsyncBaseTransport):
    """A transport whose server is an application in this process; ``before`` may refuse, ``after`` follows a write.

    ``asked`` counts requests by method and path.
    """

    def __init__(
        self, application: Application, before: Callable[[httpx2.Request], None], after: Callable[[], Awaitable[None]]
    ) -> None:
        self._application, self._before, self._after = application, before, after
        self.asked: Counter[tuple[str, str]] = Counter()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._before(request)
        self.asked[request.method, request.url.path] += 1
        exchange = Exchange(self._application, request)
        try:
            start = await exchange.next()
            if request.method != "GET":
                await exchange.work
                await self._after()
        except BaseException:
            await exchange.aclose()
            raise
        return httpx2.Response(start["status"], headers=start["headers"], stream=exchange)


class Exchange(httpx2.AsyncByteStream):
    """One request and its answer. An error of the application is the caller's error: nobody would see it elsewhere."""

    def __init__(self, application: Application, request: httpx2.Request) -> None:
        self._request = request
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._is_read = False
        self.work = asyncio.ensure_future(application(self._scope(), self._receive, self._messages.put))
        self.work.add_done_callback(lambda _: self._messages.put_nowait(_ENDED))

    async def next(self) -> dict[str, Any]:
        """The application's next message. Raises what the application raised."""
        message = await self._messages.get()
        if message is _ENDED:
            self.work.result()
        return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self.next()) is not _ENDED:
            if body := message.get("body"):
                yield body

    async def aclose(self) -> None:
        self.work.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.work

    async def _receive(self) -> dict[str, Any]:
        if self._is_read:
            await asyncio.Event().wait()  # nobody hangs up; who does not read on cancels
        self._is_read = True
        return {"type": "http.request", "body": await self._request.aread(), "more_body": False}

    def _scope(self) -> dict[str, Any]:
        url = self._request.url
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._request.method,
            "headers": [(key.lower(), value) for key, value in self._request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.split(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port),
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }
