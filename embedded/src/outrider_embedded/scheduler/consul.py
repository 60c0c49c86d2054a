"""The calls to Consul's HTTP API that a Nomad client makes: services, checks' results, keys."""

from __future__ import annotations

import base64
from typing import Any

import httpx2
from outrider_ground.errors import RemoteError

from outrider_embedded.scheduler.documents import Document

_TIMEOUT_S = 5.0
_WAIT_S = 60


class ConsulAgent:
    """The Consul agent of this node, by address. Every call raises RemoteError where Consul refuses or is away."""

    def __init__(self, address: str) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=30)
        self._client = httpx2.AsyncClient(base_url=address, timeout=_TIMEOUT_S, limits=limits, trust_env=False)
        self.address = address

    async def close(self) -> None:
        await self._client.aclose()

    async def self_document(self) -> Document:
        return (await self._call("GET", "/v1/agent/self")).json()

    async def register(self, registration: Document) -> None:
        await self._call("PUT", "/v1/agent/service/register", json=registration)

    async def deregister(self, identifier: str) -> None:
        await self._call("PUT", f"/v1/agent/service/deregister/{identifier}", accepted=(404, 500))

    async def services(self) -> dict[str, Document]:
        return (await self._call("GET", "/v1/agent/services")).json()

    async def checks(self) -> dict[str, Document]:
        return (await self._call("GET", "/v1/agent/checks")).json()

    async def report(self, check: str, status: str, output: str) -> None:
        """Tell the result of a script check: ``passing``, ``warning`` or ``critical``."""
        body = {"Status": status, "Output": output}
        await self._call("PUT", f"/v1/agent/check/update/{check}", json=body)

    async def key(self, name: str) -> bytes | None:
        return (await self.watched_key(name, 0))[0]

    async def watched_key(self, name: str, index: int) -> tuple[bytes | None, int]:
        """The key's value and index; with an index, the answer comes with the next change or after a minute."""
        answer = await self._watched(f"/v1/kv/{name}", {}, index)
        new_index = _index(answer)
        if answer.status_code == 404:  # noqa: PLR2004  # HTTP's own number
            return None, new_index
        return base64.b64decode(answer.json()[0]["Value"] or ""), new_index

    async def watched_keys(self, prefix: str, index: int) -> tuple[dict[str, bytes], int]:
        """The same for all keys under a prefix."""
        answer = await self._watched(f"/v1/kv/{prefix}", {"recurse": "true"}, index)
        entries: list[Document] = [] if answer.status_code == 404 else answer.json()  # noqa: PLR2004  # HTTP's own number
        return {one["Key"]: base64.b64decode(one["Value"] or "") for one in entries}, _index(answer)

    async def watched_instances(self, service: str, index: int) -> tuple[list[Document], int]:
        """The same for the instances of a service with their health."""
        answer = await self._watched(f"/v1/health/service/{service}", {}, index)
        return answer.json(), _index(answer)

    async def watched_catalog(self, what: str, index: int) -> tuple[Any, int]:
        """The same for the list of all ``services`` or ``nodes``."""
        answer = await self._watched(f"/v1/catalog/{what}", {}, index)
        return answer.json(), _index(answer)

    async def _watched(self, path: str, query: dict[str, Any], index: int) -> httpx2.Response:
        query |= {"index": index, "wait": f"{_WAIT_S}s"} if index else {}
        timeout = _TIMEOUT_S + (_WAIT_S * 1.1 if index else 0)
        return await self._call("GET", path, accepted=(404,), params=query, timeout=timeout)

    async def _call(self, method: str, path: str, accepted: tuple[int, ...] = (), **more: Any) -> httpx2.Response:
        try:
            answer = await self._client.request(method, path, **more)
        except httpx2.HTTPError as error:
            raise RemoteError(f"Consul at {self.address} cannot be reached: {error}") from error
        if answer.is_error and answer.status_code not in accepted:
            raise RemoteError(f"Consul: {method} {path}: {answer.text.strip()}", status=answer.status_code)
        return answer


def _index(answer: httpx2.Response) -> int:
    return int(answer.headers.get("X-Consul-Index", "0"))
