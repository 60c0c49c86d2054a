"""How the portal's API is asked: one question, one answer of a known type, or the error that the portal tells of."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
from outrider_ground.errors import RemoteError

from outrider.clients.answers import Answer, decoded
from outrider.clients.http import Call, Connection
from outrider.clients.problem import error_of
from outrider.operations.request_bodies import Body

API = ("api", "v1")
MAY_TAKE_S = 120.0


class PortalCalls:
    """One portal, as whatever asks it for something stands on it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """For what is no question with one answer."""
        return self._connection

    async def close(self) -> None:
        await self._connection.close()

    async def _get(self, kind: type[Answer], *path: str, parameters: Mapping[str, str] | None = None) -> Answer:
        call = Call("GET", (*API, *path), parameters or {})
        return decoded(kind, self._connection, call, await self._answer(call))

    async def _post(
        self, kind: type[Answer], path: tuple[str, ...], body: Body, idempotency_key: str | None = None
    ) -> Answer:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        said = body.model_dump(mode="json", exclude_defaults=True)
        call = Call("POST", (*API, *path), headers=headers, body=said, read_s=MAY_TAKE_S)
        return decoded(kind, self._connection, call, await self._answer(call))

    async def _answer(self, call: Call) -> httpx2.Response:
        try:
            return await self._connection.answer(call)
        except RemoteError as error:
            raise error_of(error) from error


def service_path(environment: str, service: str) -> tuple[str, ...]:
    """A service of an environment, as segments."""
    return ("environments", environment, "services", service)
