"""Nomad's calls about the cluster itself: its nodes and servers, our rights there, and the stream of its events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import RemoteError

from outrider.clients.http import Call, Server, json_of
from outrider.clients.nomad_calls import NomadCalls

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

UNREAD = frozenset({400, 403, 404})
NO_ACLS = frozenset({400, 404})  # to whoever asks for its own token
ANYBODY = "acls-disabled"  # the token that a Nomad without ACLs makes up for everybody [2.0.5, structs/acl.go]
# Nomad sends a heartbeat every 30 s into an event stream [S 1.6.5 and 2.0.5, event_endpoint.go]: two that are missing
# mean that nobody is there.
STREAM_SILENCE_S = 75


class NomadCluster(NomadCalls):
    """One region's servers and nodes."""

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

    async def token_name(self, accessor: str) -> str | None:
        """The name of a token; None where ours may not read it (a management token may), or it is gone."""
        call = Call("GET", ("v1", "acl", "token", accessor))
        response = await self._answer(call, UNREAD)
        return None if response.status_code in UNREAD else json_of(self._connection, call, response).get("Name") or None

    async def events(self, index: int = 0, topics: tuple[str, ...] = ()) -> AsyncGenerator[dict[str, Any]]:
        """Batches {Index, Events}, and {} as a heartbeat; topics as in "Allocation:*". Re-list after each reconnect."""
        parameters = {"index": str(index), "topic": topics}
        call = Call("GET", ("v1", "event", "stream"), parameters, read_s=STREAM_SILENCE_S)
        async with self._connection.stream(call) as response:
            async for line in response.aiter_lines():
                if line.strip():
                    yield _batch(self._connection.server, line)

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
