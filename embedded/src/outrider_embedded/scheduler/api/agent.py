"""/v1/agent, /v1/status, /v1/regions, /v1/nodes and the event stream: the server itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from outrider_embedded.scheduler.agent_document import agent_document, members
from outrider_embedded.scheduler.allocation import allocation_stub
from outrider_embedded.scheduler.api.answers import checked_id, document, read
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.events import EventBuffer, Topics
from outrider_embedded.scheduler.node import node_stub
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.state import State

_NAMESPACE: Document = {
    "Capabilities": None,
    "CreateIndex": 1,
    "Description": "Default shared namespace",
    "Meta": None,
    "ModifyIndex": 1,
    "Name": "default",
    "Quota": "",
}


class AgentCalls:
    """The calls that concern the server and its one node."""

    def __init__(self, state: State, node: Document, buffer: EventBuffer, consul_address: str) -> None:
        self._state, self._node, self._buffer, self._consul = state, node, buffer, consul_address

    async def itself(self, _request: Request) -> Response:
        return document(agent_document(self._node, self._consul, self._state))

    async def health(self, _request: Request) -> Response:
        good = {"message": "ok", "ok": True}
        return document({"client": good, "server": good})

    async def members(self, _request: Request) -> Response:
        return document(members(self._node))

    async def leader(self, _request: Request) -> Response:
        return document(self._node["HTTPAddr"])

    async def peers(self, _request: Request) -> Response:
        return document([self._node["HTTPAddr"]])

    async def regions(self, _request: Request) -> Response:
        return document(["global"])

    async def namespaces(self, request: Request) -> Response:
        return await read(request, self._state, lambda: 1, lambda: [_NAMESPACE])

    async def nodes(self, request: Request) -> Response:
        prefix = request.query_params.get("prefix", "")
        stub = node_stub(self._node)
        if request.query_params.get("resources", "") not in {"true", "1"}:
            stub = {key: value for key, value in stub.items() if key not in {"NodeResources", "ReservedResources"}}
        found = [stub] if self._node["ID"].startswith(prefix) else []
        return await read(request, self._state, lambda: self._state.table_index("nodes"), lambda: found)

    async def node(self, request: Request) -> Response:
        identifier = checked_id(request.path_params["id"], "node")
        found = self._node if identifier == self._node["ID"] else None
        return await read(request, self._state, lambda: 10, lambda: found, "node")

    async def node_allocations(self, request: Request) -> Response:
        state = self._state

        def found() -> list[Document]:
            return [allocation_stub(one) for one in state.allocations.values()]

        return await read(request, state, lambda: state.table_index("allocations"), found)

    async def events(self, request: Request) -> Response:
        """Newline-delimited JSON from an index on, for the topics that the query names."""
        query = request.query_params
        asked = query.getlist("topic")
        pairs = [tuple((one if ":" in one else f"{one}:*").split(":", 1)) for one in asked]
        topics = Topics(tuple((pair[0], pair[1]) for pair in pairs)) if pairs else Topics()
        index = query.get("index", "0")
        if not index.isdecimal():
            raise RefusalError(400, f'Unable to parse index: strconv.Atoi: parsing "{index}": invalid syntax')
        return StreamingResponse(_lines(self._buffer, topics, int(index)), media_type="application/json")


async def _lines(buffer: EventBuffer, topics: Topics, index: int) -> AsyncIterator[bytes]:
    async for batch in buffer.stream(topics, index):
        yield json.dumps(batch, separators=(",", ":")).encode() + b"\n"
