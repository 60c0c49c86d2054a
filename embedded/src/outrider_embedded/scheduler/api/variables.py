"""/v1/var and /v1/vars: Nomad's variables, which templates read."""

from __future__ import annotations

import re
import time

from starlette.requests import Request
from starlette.responses import Response

from outrider_embedded.scheduler import request_types
from outrider_embedded.scheduler.api.answers import body, document, read
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.state import State

_PATH = re.compile(r"[a-zA-Z0-9\-_~/]{1,128}")


class VariableCalls:
    """The calls that concern variables."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def all(self, request: Request) -> Response:
        """Everything but the items, by path."""
        state, prefix = self._state, request.query_params.get("prefix", "")

        def found() -> list[Document]:
            kept = [one for path, one in sorted(state.variables.items()) if path.startswith(prefix)]
            return [{name: value for name, value in one.items() if name != "Items"} for one in kept]

        return await read(request, state, self._index, found)

    async def one(self, request: Request) -> Response:
        """GET reads, PUT and POST write, DELETE removes."""
        path: str = request.path_params["path"]
        if request.method == "DELETE":
            self._require_index(request, path)
            self._state.forget_variable(path)
            return Response(status_code=204)
        if request.method in {"PUT", "POST"}:
            return await self._written(request, path)
        return await read(request, self._state, self._index, lambda: self._state.variables.get(path), "variable")

    async def _written(self, request: Request, path: str) -> Response:
        asked = await body(request, request_types.VARIABLE)
        if not _PATH.fullmatch(path):
            raise RefusalError(400, f'invalid path "{path}"')
        if not fields(asked.get("Items")):
            raise RefusalError(400, "variable missing required Items object")
        self._require_index(request, path)
        written = {"Namespace": "default", "Path": path, "Items": asked["Items"], "ModifyTime": time.time_ns()}
        stored = self._state.keep_variable(written)
        return document(stored, stored["ModifyIndex"])

    def _require_index(self, request: Request, path: str) -> None:
        """``cas`` is the index that the variable must have, 0 where there must be none."""
        asked = request.query_params.get("cas")
        index = self._state.variables.get(path, {"ModifyIndex": 0})["ModifyIndex"]
        if asked is not None and asked != str(index):
            raise RefusalError(409, f"cas error: requested index {asked}; found index {index}")

    def _index(self) -> int:
        return self._state.table_index("variables")
