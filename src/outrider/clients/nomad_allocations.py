"""Nomad's calls about allocations: what they are, what is done with one, and the output of its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outrider.clients.http import Call, Connection
from outrider.clients.nomad_calls import NomadCalls
from outrider.clients.reader_slots import ReaderSlots

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outrider.operations.nomad_port import LogKind, Origin

# With the calls' own connections (`MOST_CONNECTIONS`) these stay below the 100 that Nomad allows an address.
MOST_STREAMS = 36
# Followers stay for hours; what remains is for those who read to the end and go.
MOST_FOLLOWED = 32


class NomadAllocations(NomadCalls):
    """The allocations of jobs.

    Output of tasks has connections of its own, so that nobody who reads it keeps a deployment from Nomad.
    """

    def __init__(self, connection: Connection, streams: Connection) -> None:
        super().__init__(connection)
        self._streams = streams
        self._places = ReaderSlots(MOST_FOLLOWED, MOST_STREAMS)

    async def allocations(self, job_id: str) -> list[dict[str, Any]]:
        return await self._get(("v1", "job", job_id, "allocations"))

    async def allocation(self, allocation_id: str) -> dict[str, Any] | None:
        return await self._get_or_none(("v1", "allocation", allocation_id))

    async def stop_allocation(self, allocation_id: str) -> dict[str, Any]:
        """End it, after its shutdown delay; Nomad places another one (EvalID)."""
        return await self._post(("v1", "allocation", allocation_id, "stop"), {})

    async def restart(self, allocation_id: str, task: str | None = None) -> dict[str, Any]:
        """Restart one task where it is, or all that run; RemoteError where the allocation or the task does not run."""
        body = {"TaskName": task} if task else {"AllTasks": False}
        return await self._post(("v1", "client", "allocation", allocation_id, "restart"), body)

    async def logs(
        self,
        allocation_id: str,
        task: str,
        kind: LogKind = "stdout",
        *,
        follow: bool = False,
        origin: Origin = "start",
        offset: int = 0,
    ) -> AsyncIterator[bytes]:
        """A task's output as it is; `kind` stdout or stderr, `origin` start or end, `offset` bytes from there.

        RemoteError (503) where as many are read already as Nomad allows.
        """
        parameters = {"task": task, "type": kind, "plain": "true", "origin": origin, "offset": str(offset)}
        parameters |= {"follow": "true"} if follow else {}
        call = Call("GET", ("v1", "client", "fs", "logs", allocation_id), parameters, read_s=None if follow else 30)
        async with self._places.one(is_followed=follow), self._streams.stream(call) as response:
            async for chunk in response.aiter_bytes():
                yield chunk
