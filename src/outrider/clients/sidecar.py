"""The metrics listener of a running sidecar, asked from outside its allocation: whoever answers there is not trusted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
from outrider_ground.errors import RemoteError

from outrider.telemetry.report import Report, UnreadableReportError, report

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_S = 3.0
MOST_BYTES = 4_000_000
"""Of an answer: Envoy's whole page of a large sidecar is a sixth of that."""
OK = 200
ADVICE = "The portal must reach the metrics port of allocations; look at the allocation's tasks `envoy` and `agent`."
# Not compressed: a few bytes that become gigabytes are then no answer at all.
HEADERS = {"Accept-Encoding": "identity"}


class SidecarClient:
    """Any sidecar by the address of its metrics listener (``host:port``)."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._transport = transport

    async def endpoints(self, address: str) -> Report:
        """The agent's answer to /endpoints: per upstream its index, age, state and endpoints, and what Envoy has."""
        try:
            return report(await page(address, "/agent/endpoints", {}, self._transport))
        except UnreadableReportError as error:
            raise _failed(address, str(error)) from error


async def page(
    address: str, path: str, parameters: Mapping[str, str], transport: httpx2.AsyncBaseTransport | None = None
) -> bytes:
    """The body of a 200, of at most MOST_BYTES within READ_S; RemoteError, which repeats nothing of what was answered."""
    try:
        async with asyncio.timeout(READ_S), _client(transport) as client:
            request = client.build_request("GET", f"http://{address}{path}", params=dict(parameters), headers=HEADERS)
            return await _body(address, await client.send(request, stream=True))
    except TimeoutError as error:
        raise _failed(address, f"did not answer within {READ_S:g} s") from error
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise _failed(address, "cannot be reached") from error


def _client(transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    own = transport or httpx2.AsyncHTTPTransport(trust_env=False)
    return httpx2.AsyncClient(transport=own, timeout=READ_S, trust_env=False, follow_redirects=False)


async def _body(address: str, response: httpx2.Response) -> bytes:
    try:
        if response.status_code != OK:
            raise _failed(address, f"answered {response.status_code}")
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise _failed(address, "answered compressed, which it was asked not to")
        return await _read(address, response)
    finally:
        await response.aclose()


async def _read(address: str, response: httpx2.Response) -> bytes:
    found = bytearray()
    async for chunk in response.aiter_bytes():
        found += chunk
        if len(found) > MOST_BYTES:
            raise _failed(address, f"answered with more than {MOST_BYTES // 1_000_000} MB")
    return bytes(found)


def _failed(address: str, why: str) -> RemoteError:
    return RemoteError(f"the sidecar at {address} {why}", next_step=ADVICE)
