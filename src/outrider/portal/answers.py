"""What every answer of the API carries: it is nobody's to keep, and nothing but what it says it is."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outrider.portal.problems import UNKEPT


class ApiAnswers:
    """Adds `Cache-Control: no-store` and `X-Content-Type-Options: nosniff` where a route says nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in UNKEPT.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sent)
