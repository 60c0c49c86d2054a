"""The transport seam: every HTTP call of ours passes here, with its deadline, its trust and its errors for a person.

Nothing here knows what a call means; `nomad`, `consul` and `portal` do. The environment's proxy variables are not
used: these servers are one's own.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2
from outrider_ground.errors import RemoteError, UsageError

from outrider.clients.headers import sendable
from outrider.clients.trust import refused_tls, tls_context
from outrider.server_settings import Tls

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence

CONNECT_S = 5.0
READ_S = 30.0
RETRY_PAUSES_S = (0.1, 0.4)
LONGEST_ERROR_TEXT = 2000
# Nomad closes the door at 100 connections per client address, Consul at 200 (reference of both: http_max_conns_per_client).
MOST_CONNECTIONS = 60
MOST_IDLE = 6  # each request looks at all of them, whether they still stand
UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
FAULT = 500
NO_LEADER = "no cluster leader"  # as Nomad and Consul say it, with or without a capital letter


class RefusedError(RemoteError):
    """The server answered, with an error; `body` is what it said, for clients that can read more out of it."""

    def __init__(self, message: str, *, status: int, next_step: str | None, body: bytes) -> None:
        super().__init__(message, status=status, next_step=next_step)
        self.body = body


@dataclass(frozen=True, slots=True)
class Server:
    """A server as one speaks to it: name, address and its origin appear in messages, `advice` is their next step."""

    name: str
    address: str
    advice: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    http_auth: str | None = field(default=None, repr=False)
    tls: Tls = field(default_factory=Tls)
    origin: str = ""

    def __str__(self) -> str:
        origins = {"": "", "default": " (the default address)"}
        return f"{self.name} at {self.address}" + origins.get(self.origin, f" (from {self.origin})")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its path's segments quoted here alone; `content` is the body, or makes it anew whenever it is sent."""

    method: str
    path: tuple[str, ...]
    parameters: Mapping[str, str | Sequence[str]] = field(default_factory=dict[str, "str | Sequence[str]"])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    content: bytes | Callable[[], AsyncIterator[bytes]] | None = None
    read_s: float | None = READ_S
    is_folder: bool = False

    @property
    def target(self) -> str:
        """The path with every segment quoted; a segment that would change the path is refused."""
        for segment in self.path:
            if segment in {"", ".", ".."}:
                raise UsageError(f"{segment!r} is no name that could stand in the path of a request")
        return "/" + "/".join(quote(segment, safe="") for segment in self.path) + ("/" if self.is_folder else "")

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


class Connection:
    """Calls to one server; the transport can be any of httpx2's, so that tests need no patch."""

    def __init__(
        self,
        server: Server,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        connections: int = MOST_CONNECTIONS,
    ) -> None:
        self.server = server
        address, socket = base_of(server.address)
        self._client = httpx2.AsyncClient(
            base_url=address,
            transport=transport or _transport(address, socket, server.tls, connections),
            headers=sendable(server.name, server.headers),
            auth=_basic(server.http_auth),
            timeout=httpx2.Timeout(READ_S, connect=CONNECT_S),
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def answer(self, call: Call, accept: frozenset[int] = frozenset()) -> httpx2.Response:
        """The answer with its body; any status of 300 and up that is not in `accept` raises RemoteError.

        Reads are tried again when the connection fails; writes only when it was never made, so nothing happens twice.
        """
        for pause in (*RETRY_PAUSES_S, None):
            try:
                response = await self._client.send(self._request(call))
            except (httpx2.TransportError, ssl.SSLError) as error:
                if pause is None or not _may_repeat(call, error):
                    raise self.unreachable(call, error) from error
                await asyncio.sleep(pause)
            else:
                return self._accepted(call, response, accept)
        raise AssertionError

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncGenerator[httpx2.Response]:
        """An answer whose body is read while it arrives; errors while reading are RemoteErrors as well."""
        try:
            response = await self._client.send(self._request(call), stream=True)
            try:
                if response.status_code >= httpx2.codes.MULTIPLE_CHOICES:
                    await response.aread()
                yield self._accepted(call, response, frozenset())
            finally:
                await response.aclose()
        except (httpx2.TransportError, ssl.SSLError) as error:
            raise self.unreachable(call, error) from error

    def unreachable(self, call: Call, error: Exception) -> RemoteError:
        """The error for a call that got no answer; says what was tried, as what, and what to do."""
        if refused := refused_tls(self.server.name, self.server.tls, error):
            return RemoteError(f"{self.server} {refused}", next_step=self.server.advice, was_sent=False)
        reason = str(error) or type(error).__name__
        waited = " in time" if isinstance(error, httpx2.TimeoutException) else ""
        # Where nobody is there at all, what was asked explains nothing.
        failed = "cannot be reached" if isinstance(error, httpx2.ConnectError) else f"did not answer {call}{waited}"
        was_sent = not isinstance(error, UNSENT)
        return RemoteError(f"{self.server} {failed}: {reason}", next_step=self.server.advice, was_sent=was_sent)

    def _request(self, call: Call) -> httpx2.Request:
        name = self.server.tls.server_name
        return self._client.build_request(
            call.method,
            call.target,
            params={**self.server.parameters, **call.parameters} or None,
            headers=dict(call.headers),
            json=call.body,
            content=call.content() if callable(call.content) else call.content,
            timeout=httpx2.Timeout(call.read_s, connect=CONNECT_S, write=READ_S, pool=READ_S),
            extensions={"sni_hostname": name} if name else None,
        )

    def _accepted(self, call: Call, response: httpx2.Response, accept: frozenset[int]) -> httpx2.Response:
        if response.status_code < httpx2.codes.MULTIPLE_CHOICES or response.status_code in accept:
            return response
        raise refused(self.server, call, response.status_code, response.content, response.reason_phrase)


def refused(server: Server, call: Call, status: int, body: bytes, phrase: str) -> RefusedError:
    """The error for an answer that refuses."""
    said = body.decode(errors="replace").strip()[:LONGEST_ERROR_TEXT] or phrase or "nothing"
    return RefusedError(
        f"{server} answered {status} to {call}: {said}",
        status=status,
        next_step=_next_step(server, status, said),
        body=body,
    )


def json_of(connection: Connection, call: Call, response: httpx2.Response) -> Any:
    """The answer's body as JSON; a body that is none (a proxy's page, half an answer) is a RemoteError."""
    try:
        return json.loads(response.content)
    except ValueError as error:
        start = response.text.strip()[:80]
        server = connection.server
        raise RemoteError(
            f"{server} answered {call} with something that is not JSON: {start!r}",
            status=response.status_code,
            next_step=f"Check that this address is {server.name}'s HTTP API. {server.advice}",
        ) from error


def _next_step(server: Server, status: int, said: str) -> str | None:
    if NO_LEADER in said.lower():
        return f"{server.name}'s servers elect a leader, or most of them are away; try again when they have one."
    steps = {
        401: f"Check the token for {server.name}. {server.advice}",
        403: f"The token for {server.name} lacks the right for this call. {server.advice}",
        429: f"{server.name} limits connections or requests per client address; try again, or raise its limit.",
    }
    return steps.get(status) or (f"{server.name}'s own log says more." if status >= FAULT else None)


def _may_repeat(call: Call, error: httpx2.TransportError | ssl.SSLError) -> bool:
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return False
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)):
        return True
    return call.method == "GET" and not isinstance(error, httpx2.TimeoutException)


def base_of(address: str) -> tuple[str, str | None]:
    """The base URL and, for unix:///run/x.sock, the socket; an address without a scheme is http, as Consul has it."""
    if address.startswith("unix://"):
        return "http://localhost", address.removeprefix("unix://")
    url = address if "://" in address else f"http://{address}"
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise UsageError(f"{address} is no address of an HTTP server: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise UsageError(f"{address} is no address of an HTTP server", next_step="Use http://, https:// or unix://.")
    return url.rstrip("/"), None


def _transport(address: str, socket: str | None, tls: Tls, connections: int) -> httpx2.AsyncBaseTransport:
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=MOST_IDLE)
    verify = tls_context(tls) if address.startswith("https://") else False
    return httpx2.AsyncHTTPTransport(verify=verify, uds=socket, limits=limits, trust_env=False)


def _basic(http_auth: str | None) -> httpx2.BasicAuth | None:
    if not http_auth:
        return None
    user, _, password = http_auth.partition(":")
    return httpx2.BasicAuth(user, password)
