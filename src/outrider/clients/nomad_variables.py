"""Nomad's variables: what is listed of them without their items, one by itself, and one that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outrider_ground.errors import ConflictError, RemoteError

from outrider.clients.blocking import blocking, waiting_s
from outrider.clients.http import Call
from outrider.clients.nomad_calls import NomadCalls

if TYPE_CHECKING:
    from collections.abc import Mapping

TAKEN = 409


class NomadVariables(NomadCalls):
    """The calls that concern variables (https://developer.hashicorp.com/nomad/api-docs/variables)."""

    async def variables(
        self, prefix: str, namespace: str | None = None, index: int = 0, wait_s: float = 0
    ) -> tuple[list[dict[str, Any]] | None, int]:
        """Those below a prefix, without their items; None where nothing is newer than ``index``."""
        parameters = {"prefix": prefix, **_in(namespace), **blocking(index, wait_s)}
        found, now = await self._indexed(Call("GET", ("v1", "vars"), parameters, read_s=waiting_s(wait_s)))
        return (None if index and now == index else found), now

    async def variable(self, path: str, namespace: str | None = None) -> dict[str, Any] | None:
        """One with its items, None where there is none."""
        return await self._get_or_none(("v1", "var", *filter(None, path.split("/"))), _in(namespace))

    async def put_variable(self, path: str, items: Mapping[str, str], index: int) -> None:
        """Keep the items, if the variable is still as of that index (0: there is none); ConflictError where it is not."""
        body = {"Path": path, "Items": dict(items)}
        await self._set(path, Call("PUT", ("v1", "var", *path.split("/")), {"cas": str(index)}, body=body))

    async def delete_variable(self, path: str, index: int) -> None:
        """Forget it, if it is still as of that index; ConflictError where it is not."""
        await self._set(path, Call("DELETE", ("v1", "var", *path.split("/")), {"cas": str(index)}))

    async def _set(self, path: str, call: Call) -> None:
        try:
            await self._answer(call)
        except RemoteError as error:
            if error.status == TAKEN:
                raise ConflictError(f"the variable {path} has changed meanwhile", next_step="Try again.") from error
            raise


def _in(namespace: str | None) -> dict[str, str]:
    return {"namespace": namespace} if namespace else {}
