"""WebSockets at the transport seam: opened as every other call of ours, with its server's trust, headers and errors.

What is sent and received are JSON objects, one in each text. No ping is taken for a sign of death: whoever does not read
for a while, as a pager, is still there.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import httpx2
from outrider_ground.errors import RemoteError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from outrider.clients.headers import sendable
from outrider.clients.http import CONNECT_S, Call, Connection, base_of, refused
from outrider.clients.last_words import connected, read_to_its_end
from outrider.clients.trust import tls_context

if TYPE_CHECKING:
    import socket as sockets
    from collections.abc import AsyncGenerator, AsyncIterator

    from websockets.asyncio.client import ClientConnection

    from outrider.clients.http import Server
    from outrider.documents import Json

MOST_FRAME = 1_048_576
PING_S = 20.0  # less than the idle time of any proxy in between
CLOSE_S = 2.0


class ClosedError(RemoteError):
    """The server has ended a WebSocket before its time; ``reason`` is what it said, if anything."""

    def __init__(self, message: str, *, reason: str, next_step: str | None) -> None:
        super().__init__(message, next_step=next_step)
        self.reason = reason


class Socket:
    """An open WebSocket."""

    def __init__(self, server: Server, call: Call, opened: ClientConnection) -> None:
        self._server, self._call, self._opened = server, call, opened

    async def send(self, frame: Json) -> None:
        """Send one object, once there is room for it. ClosedError where nobody takes it any more."""
        try:
            await self._opened.send(json.dumps(frame, separators=(",", ":")))
        except ConnectionClosed as error:
            raise self._closed(error) from error

    async def received(self) -> AsyncIterator[Json]:
        """What comes, up to a good end; ClosedError for any other."""
        try:
            async for text in self._opened:
                yield self._read(text)
        except ConnectionClosed as error:
            raise self._closed(error) from error

    def _read(self, text: str | bytes) -> Json:
        try:
            found: Any = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise RemoteError(f"{self._server} said something that is no JSON object", next_step=self._server.advice)
        return cast("Json", found)

    def _closed(self, error: ConnectionClosed) -> ClosedError:
        reason = error.rcvd.reason if error.rcvd else ""
        said = reason or "the connection has ended"
        return ClosedError(f"{self._server} ended {self._call}: {said}", reason=reason, next_step=self._server.advice)


class _Opening(connect):
    """To this server and no other: it would get our token."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


@asynccontextmanager
async def opened_socket(connection: Connection, call: Call) -> AsyncGenerator[Socket]:
    """A WebSocket while the block runs. RemoteError where none is to be had, RefusedError where the server says why."""
    server = connection.server
    async with AsyncExitStack() as held:
        try:
            far = await connected(_place(server.address), CONNECT_S)
            near = await held.enter_async_context(read_to_its_end(far))
            opened = await _opening(server, call, near)
        except InvalidStatus as error:
            answer = error.response
            raise refused(server, call, answer.status_code, bytes(answer.body or b""), answer.reason_phrase) from error
        except InvalidHandshake as error:
            raise RemoteError(
                f"{server} answered {call} with no WebSocket: {error}", next_step=server.advice
            ) from error
        except OSError as error:
            raise connection.unreachable(call, _as_transport_error(error)) from error
        try:
            yield Socket(server, call, opened)
        finally:
            await asyncio.shield(opened.close())


def _place(address: str) -> str | tuple[str, int]:
    """Where the server listens: a path, or a host and a port."""
    base, unix = base_of(address)
    if unix:
        return unix
    url = httpx2.URL(base)
    return url.host, url.port or (443 if url.scheme == "https" else 80)


def _opening(server: Server, call: Call, near: sockets.socket) -> _Opening:
    base, _ = base_of(server.address)
    query = str(httpx2.QueryParams({**server.parameters, **call.parameters}))
    how: dict[str, Any] = {}
    if base.startswith("https://"):
        how["ssl"] = tls_context(server.tls)
        if server.tls.server_name:
            how["server_hostname"] = server.tls.server_name
    return _Opening(
        f"ws{base.removeprefix('http')}{call.target}?{query}",
        additional_headers=_headers(server, call),
        compression=None,
        proxy=None,
        sock=near,
        open_timeout=CONNECT_S,
        ping_interval=PING_S,
        ping_timeout=None,
        close_timeout=CLOSE_S,
        max_size=MOST_FRAME,
        **how,
    )


def _headers(server: Server, call: Call) -> list[tuple[str, str]]:
    """As they go over the wire: a header is bytes, which are latin-1 to the library."""
    found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sendable(server.name, server.headers)]
    if server.http_auth:
        found.append(("Authorization", f"Basic {base64.b64encode(server.http_auth.encode()).decode()}"))
    return [*found, *call.headers.items()]


def _as_transport_error(error: OSError) -> Exception:
    """The same in the words of the transport of all other calls."""
    if isinstance(error, ssl.SSLError):
        return error
    kind = httpx2.ConnectTimeout if isinstance(error, TimeoutError) else httpx2.ConnectError
    return kind(str(error) or "it took too long")
