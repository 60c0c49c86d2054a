"""One call of Nomad's HTTP API and what its answer means; which calls there are is not known here.

Nomad answers errors as text and many a caller's mistake with 500, so some texts decide the class of the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outrider_ground.errors import ConflictError, RemoteError

from outrider.clients.http import Call, Connection, json_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

NOT_FOUND = 404
# Texts of Nomad 1.6.5 and 2.0.5 that say "somebody was faster": the state is not what the caller believed.
CONFLICTS = (
    "Enforcing job modify index",
    "can't promote terminal deployment",
    "can't fail terminal deployment",
    "can't pause terminal deployment",
    "can't resume terminal deployment",
    "can't set health of allocations for a terminal deployment",
    "job scaling blocked due to active deployment",
)


class NomadCalls:
    """Calls over one connection; ConflictError where somebody was faster, RemoteError for all else."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def _get(self, path: tuple[str, ...], parameters: Mapping[str, str] | None = None) -> Any:
        return await self._json(Call("GET", path, parameters or {}))

    async def _get_or_none(self, path: tuple[str, ...], parameters: Mapping[str, str] | None = None) -> Any:
        call = Call("GET", path, parameters or {})
        response = await self._answer(call, frozenset({NOT_FOUND}))
        return None if response.status_code == NOT_FOUND else json_of(self._connection, call, response)

    async def _post(self, path: tuple[str, ...], body: Mapping[str, Any]) -> Any:
        return await self._json(Call("POST", path, body=body))

    async def _json(self, call: Call) -> Any:
        return json_of(self._connection, call, await self._answer(call))

    async def _indexed(self, call: Call) -> tuple[Any, int]:
        """The answer with the index that it is as of."""
        response = await self._answer(call)
        return json_of(self._connection, call, response), int(response.headers.get("X-Nomad-Index", "0"))

    async def _answer(self, call: Call, accept: frozenset[int] = frozenset()) -> httpx2.Response:
        try:
            return await self._connection.answer(call, accept)
        except RemoteError as error:
            if any(text in error.message for text in CONFLICTS):
                raise ConflictError(
                    error.message, next_step="Look again (`outrider plan`, `outrider status`), then decide."
                ) from error
            raise
