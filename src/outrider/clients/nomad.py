"""Nomad's HTTP API, the part we use; answers are the JSON documents as Nomad has them (durations in nanoseconds)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import RemoteError

from outrider.clients.http import Call, Connection, Server, json_of, waiting_s
from outrider.clients.nomad_calls import NomadCalls
from outrider.clients.reader_slots import ReaderSlots
from outrider.operations.ports import Listing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    import httpx2

    from outrider.operations.ports import LogKind, Origin
    from outrider.settings import NomadSettings

# With the calls' own connections (`MOST_CONNECTIONS`) these stay below the 100 that Nomad allows an address.
MOST_STREAMS = 36
# Followers stay for hours; what remains is for those who read to the end and go.
MOST_FOLLOWED = 32
NO_ACLS = frozenset({400, 404})  # to whoever asks for its own token
ANYBODY = "acls-disabled"  # the token that a Nomad without ACLs makes up for everybody [2.0.5, structs/acl.go]
# Nomad sends a heartbeat every 30 s into an event stream [S 1.6.5 and 2.0.5, event_endpoint.go]: two that are missing
# mean that nobody is there.
STREAM_SILENCE_S = 75
ADVICE = "Check the address in the platform file, NOMAD_TOKEN and NOMAD_CACERT; `outrider doctor` looks at all of it."


def nomad_client(
    address: str,
    credentials: NomadSettings,
    *,
    region: str | None = None,
    namespace: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> NomadClient:
    """A client of the Nomad at `address`, for one region and one namespace (NOMAD_REGION, NOMAD_NAMESPACE without)."""
    named = {"region": region or credentials.region, "namespace": namespace or credentials.namespace}
    server = Server(
        name="Nomad",
        address=address,
        advice=ADVICE,
        headers={"X-Nomad-Token": credentials.token} if credentials.token else {},
        parameters={key: value for key, value in named.items() if value},
        http_auth=credentials.http_auth,
        tls=credentials.tls,
    )
    return NomadClient(Connection(server, transport), Connection(server, transport, connections=MOST_STREAMS))


class NomadClient(NomadCalls):
    """One Nomad, one region, one namespace.

    Output of tasks has connections of its own, so that nobody who reads it keeps a deployment from Nomad.
    """

    def __init__(self, connection: Connection, streams: Connection) -> None:
        super().__init__(connection)
        self._streams = streams
        self._places = ReaderSlots(MOST_FOLLOWED, MOST_STREAMS)

    @property
    def address(self) -> str:
        return self._connection.server.address

    async def close(self) -> None:
        await self._connection.close()
        await self._streams.close()

    # Jobs

    async def register(self, job: Mapping[str, Any], modify_index: int | None = None) -> dict[str, Any]:
        """Register or update a job; with `modify_index` only if the job is still at that index (0: does not exist)."""
        enforced = {"EnforceIndex": True, "JobModifyIndex": modify_index} if modify_index is not None else {}
        return await self._post(("v1", "jobs"), {"Job": job, **enforced})

    async def plan(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """What registering `job` would do: Diff, Annotations, FailedTGAllocs, JobModifyIndex."""
        return await self._post(("v1", "job", str(job["ID"]), "plan"), {"Job": job, "Diff": True})

    async def validate(self, job: Mapping[str, Any]) -> dict[str, Any]:
        return await self._post(("v1", "validate", "job"), {"Job": job})

    async def job(self, job_id: str) -> dict[str, Any] | None:
        return await self._get_or_none(("v1", "job", job_id))

    async def jobs(self, prefix: str = "") -> list[dict[str, Any]]:
        return await self._get(("v1", "jobs"), {"prefix": prefix, "meta": "true"} if prefix else {"meta": "true"})

    async def listing(self) -> Listing:
        """The stubs of all jobs and of all allocations; allocations first, so that no job of theirs is missing."""
        allocations, allocations_at = await self._indexed(Call("GET", ("v1", "allocations")))
        jobs, jobs_at = await self._indexed(Call("GET", ("v1", "jobs"), {"meta": "true"}))
        return Listing(jobs, jobs_at, allocations, allocations_at)

    async def deregister(self, job_id: str, *, purge: bool = False) -> dict[str, Any]:
        call = Call("DELETE", ("v1", "job", job_id), {"purge": "true"} if purge else {})
        return await self._json(call)

    async def scale(self, job_id: str, group: str, count: int, message: str = "") -> dict[str, Any]:
        """Change a group's count; ConflictError while a deployment is active."""
        body = {"Count": count, "Target": {"Group": group}, "Message": message}
        return await self._post(("v1", "job", job_id, "scale"), body)

    async def versions(self, job_id: str) -> list[dict[str, Any]]:
        """The versions Nomad still has (six by default), newest first; an unknown job has none."""
        answer: dict[str, Any] = await self._get_or_none(("v1", "job", job_id, "versions")) or {}
        return answer.get("Versions") or []

    # Rights

    async def own_policies(self) -> list[dict[str, Any]] | None:
        """The policies of our token, those of its roles too, with RulesJSON; None where it may do everything.

        That is a management token, or a Nomad without ACLs.
        """
        call = Call("GET", ("v1", "acl", "token", "self"))
        response = await self._answer(call, NO_ACLS)
        if response.status_code in NO_ACLS:
            return None
        token = json_of(self._connection, call, response)
        if token.get("Type") == "management" or token.get("AccessorID") == ANYBODY:
            return None
        roles = [await self._get(("v1", "acl", "role", one["ID"])) for one in token.get("Roles") or ()]
        named = [one["Name"] for role in roles for one in role.get("Policies") or ()]
        names = dict.fromkeys([*(token.get("Policies") or ()), *named])
        return [await self._get(("v1", "acl", "policy", name)) for name in names]

    # What became of them

    async def evaluation(self, evaluation_id: str) -> dict[str, Any]:
        return await self._get(("v1", "evaluation", evaluation_id))

    async def evaluations(self, job_id: str) -> list[dict[str, Any]]:
        return await self._get(("v1", "job", job_id, "evaluations"))

    async def allocations(self, job_id: str) -> list[dict[str, Any]]:
        return await self._get(("v1", "job", job_id, "allocations"))

    async def allocation(self, allocation_id: str) -> dict[str, Any] | None:
        return await self._get_or_none(("v1", "allocation", allocation_id))

    async def restart(self, allocation_id: str, task: str | None = None) -> dict[str, Any]:
        body = {"TaskName": task} if task else {}
        return await self._post(("v1", "client", "allocation", allocation_id, "restart"), body)

    async def deployment_of(self, job_id: str) -> dict[str, Any] | None:
        """The job's newest deployment; just after a register it may still be the one before: compare JobVersion."""
        return await self._get(("v1", "job", job_id, "deployment"))

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[dict[str, Any], int]:
        """The deployment and its index; waits up to `wait_s` for an index above `index`."""
        call = Call("GET", ("v1", "deployment", deployment_id), _blocking(index, wait_s), read_s=waiting_s(wait_s))
        return await self._indexed(call)

    async def promote(self, deployment_id: str) -> dict[str, Any]:
        body = {"DeploymentID": deployment_id, "All": True}
        return await self._post(("v1", "deployment", "promote", deployment_id), body)

    async def fail(self, deployment_id: str) -> dict[str, Any]:
        return await self._post(("v1", "deployment", "fail", deployment_id), {})

    # Streams

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

    async def events(self, index: int = 0, topics: tuple[str, ...] = ()) -> AsyncGenerator[dict[str, Any]]:
        """Batches {Index, Events}, and {} as a heartbeat; topics as in "Allocation:*". Re-list after each reconnect."""
        parameters = {"index": str(index), "topic": topics}
        call = Call("GET", ("v1", "event", "stream"), parameters, read_s=STREAM_SILENCE_S)
        async with self._connection.stream(call) as response:
            async for line in response.aiter_lines():
                if line.strip():
                    yield _batch(self._connection.server, line)

    # The cluster

    async def nodes(self) -> list[dict[str, Any]]:
        return await self._get(("v1", "nodes"), {"resources": "true"})

    async def node(self, node_id: str) -> dict[str, Any]:
        return await self._get(("v1", "node", node_id))

    async def agent_self(self) -> dict[str, Any]:
        return await self._get(("v1", "agent", "self"))

    async def regions(self) -> list[str]:
        return await self._get(("v1", "regions"))

    async def leader(self) -> str:
        return await self._get(("v1", "status", "leader"))


def _batch(server: Server, line: str) -> dict[str, Any]:
    """A line of the event stream; where an error interrupts it, Nomad writes the error's text."""
    try:
        return json.loads(line)
    except ValueError as error:
        raise RemoteError(f"{server} ended its event stream: {line.strip()[:200]}", next_step=server.advice) from error


def _blocking(index: int, wait_s: float) -> dict[str, str]:
    return {"index": str(index), "wait": f"{round(wait_s * 1000)}ms"} if wait_s else {}
