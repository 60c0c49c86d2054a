"""The metrics listener of a running sidecar, asked from outside its allocation."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from outrider.clients.http import Call, Connection, Server, json_of

if TYPE_CHECKING:
    import httpx2

READ_S = 3.0
SCRAPE_S = 5.0
ADVICE = "The portal must reach the metrics port of allocations; look at the allocation's tasks `envoy` and `agent`."


class SidecarClient:
    """Any sidecar by the address of its metrics listener (``host:port``)."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._transport = transport

    async def endpoints(self, address: str) -> dict[str, Any]:
        """The agent's answer to /endpoints: per upstream its index, age, state and endpoints, and what Envoy has."""
        call = Call("GET", ("agent", "endpoints"), read_s=READ_S)
        async with _connection(address, self._transport) as connection:
            return json_of(connection, call, await connection.answer(call))

    async def metrics(self, address: str) -> str:
        """Envoy's counters that have ever counted, as Prometheus' text: about 14 KB instead of 640 KB."""
        call = Call("GET", ("stats", "prometheus"), {"usedonly": ""}, read_s=SCRAPE_S)
        async with _connection(address, self._transport) as connection:
            return (await connection.answer(call)).text


@asynccontextmanager
async def _connection(address: str, transport: httpx2.AsyncBaseTransport | None) -> AsyncGenerator[Connection]:
    connection = Connection(Server("the sidecar", f"http://{address}", ADVICE), transport)
    try:
        yield connection
    finally:
        await connection.close()
