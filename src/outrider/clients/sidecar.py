"""The metrics listener of a running sidecar, asked from outside its allocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outrider.clients.http import Call, Connection, Server, json_of

if TYPE_CHECKING:
    import httpx2

READ_S = 3.0
ADVICE = "The portal must reach the metrics port of allocations; look at the allocation's tasks `envoy` and `agent`."


class SidecarClient:
    """Any sidecar by the address of its metrics listener (``host:port``)."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._transport = transport

    async def endpoints(self, address: str) -> dict[str, Any]:
        """The agent's answer to /endpoints: per upstream its index, age, state and endpoints, and what Envoy has."""
        connection = Connection(Server("the sidecar", f"http://{address}", ADVICE), self._transport)
        call = Call("GET", ("agent", "endpoints"), read_s=READ_S)
        try:
            return json_of(connection, call, await connection.answer(call))
        finally:
            await connection.close()
