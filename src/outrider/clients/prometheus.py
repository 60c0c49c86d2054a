"""Prometheus's HTTP API, the part that we ask: one expression, now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outrider_ground.errors import RemoteError

from outrider.clients.http import Call, Connection, Server, json_of

if TYPE_CHECKING:
    import httpx2

READ_S = 5.0
ADVICE = "Check prometheus.address in the platform file: it is the address of Prometheus's own pages, without a path behind it."


class PrometheusClient:
    """One Prometheus, or anything that answers its queries."""

    def __init__(self, address: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._connection = Connection(Server("Prometheus", address, ADVICE), transport)

    async def close(self) -> None:
        await self._connection.close()

    async def ask(self, expression: str) -> dict[str, Any]:
        """The answer to an instant query: ``resultType`` and ``result``. RemoteError where there is none."""
        call = Call("GET", ("api", "v1", "query"), {"query": expression}, read_s=READ_S)
        answer: Any = json_of(self._connection, call, await self._connection.answer(call))
        try:
            return {"resultType": answer["data"]["resultType"], "result": answer["data"]["result"]}
        except (TypeError, KeyError) as error:
            raise RemoteError(
                f"{self._connection.server} answered {call} with something else", next_step=ADVICE
            ) from error
