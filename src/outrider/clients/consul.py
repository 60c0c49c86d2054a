"""Consul's HTTP API, the part the portal uses; an allocation's own questions are the agent's, not ours."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import RemoteError, UsageError

from outrider.clients.blocking import blocking, waiting_s
from outrider.clients.http import Call, Connection, Server, json_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from outrider.server_settings import ConsulSettings

NOT_FOUND, UNAUTHORIZED = 404, 401
NO_ACLS = "ACL support disabled"
ANY_NAME = "outrider-doctor"  # of a service or node that does not exist, so that only rules for all of them allow it
ADVICE = (
    "Check the address in the platform file, CONSUL_HTTP_TOKEN and CONSUL_CACERT; `outrider doctor` looks at all of it."
)


def consul_client(
    address: str, credentials: ConsulSettings, *, transport: httpx2.AsyncBaseTransport | None = None
) -> ConsulClient:
    """A client of the Consul at `address`; an address without a scheme is http, or https with CONSUL_HTTP_SSL."""
    token = _token(credentials)
    server = Server(
        name="Consul",
        address=address if "://" in address or not credentials.is_tls else f"https://{address}",
        advice=ADVICE,
        headers={"X-Consul-Token": token} if token else {},
        parameters={"ns": credentials.namespace} if credentials.namespace else {},
        http_auth=credentials.http_auth,
        tls=credentials.tls,
    )
    return ConsulClient(Connection(server, transport))


class ConsulClient:
    """One Consul datacenter, asked through one of its agents."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def address(self) -> str:
        return self._connection.server.address

    async def close(self) -> None:
        await self._connection.close()

    async def health(self, service: str, index: int = 0, wait_s: float = 0) -> tuple[list[dict[str, Any]], int]:
        """All instances, healthy or not, and the index; an index that goes backwards is the caller's to reset.

        Consul's names ignore case: what was registered under another name is left out.
        """
        parameters = blocking(index, wait_s)
        call = Call("GET", ("v1", "health", "service", service), parameters, read_s=waiting_s(wait_s))
        response = await self._connection.answer(call)
        found: list[dict[str, Any]] = json_of(self._connection, call, response)
        return [one for one in found if one.get("Service", {}).get("Service", service) == service], _index(response)

    async def checks(self, index: int = 0, wait_s: float = 0) -> tuple[list[dict[str, Any]] | None, int]:
        """All checks in any state, and the index; None where nothing is newer than ``index``, which is not read then."""
        parameters = blocking(index, wait_s)
        call = Call("GET", ("v1", "health", "state", "any"), parameters, read_s=waiting_s(wait_s))
        response = await self._connection.answer(call)
        now = _index(response)
        return (None if now == index else json_of(self._connection, call, response)), now

    async def services(self) -> dict[str, list[str]]:
        """Names of all services with the union of their tags."""
        return await self._get(("v1", "catalog", "services"))

    async def nodes(self) -> list[dict[str, Any]]:
        """The catalog's nodes."""
        return await self._get(("v1", "catalog", "nodes"))

    async def may_read(self, *resources: str) -> dict[str, bool]:
        """Whether this client's token may read any resource of these kinds (``service``, ``node``); all without ACLs.

        Consul's own pages ask this way; a Consul that does not know the question is a RemoteError.
        """
        questions = [{"Resource": one, "Access": "read", "Segment": ANY_NAME} for one in resources]
        call = Call("POST", ("v1", "internal", "acl", "authorize"), content=json.dumps(questions).encode())
        response = await self._connection.answer(call, frozenset({UNAUTHORIZED}))
        if response.status_code == UNAUTHORIZED and NO_ACLS in response.text:
            return dict.fromkeys(resources, True)
        answers = json_of(self._connection, call, response)
        try:
            return {str(one["Resource"]): bool(one["Allow"]) for one in answers}
        except (TypeError, KeyError) as error:
            raise RemoteError(f"{self._connection.server} answered {call} with something else") from error

    async def agent_self(self) -> dict[str, Any]:
        return await self._get(("v1", "agent", "self"))

    async def agent_checks(self) -> dict[str, dict[str, Any]]:
        """The checks that this very agent runs, by their id, with what they said last."""
        return await self._get(("v1", "agent", "checks"))

    async def datacenters(self) -> list[str]:
        return await self._get(("v1", "catalog", "datacenters"))

    async def leader(self) -> str:
        """Address of the leader, "" when there is none."""
        return await self._get(("v1", "status", "leader"))

    async def key(self, path: str) -> bytes | None:
        """The value of a KV key; None where there is no such key."""
        call = Call("GET", ("v1", "kv", *path.strip("/").split("/")))
        response = await self._connection.answer(call, frozenset({NOT_FOUND}))
        if response.status_code == NOT_FOUND:
            return None
        entries = json_of(self._connection, call, response)
        return base64.b64decode(entries[0]["Value"] or "")

    async def entries(
        self, path: str, index: int = 0, wait_s: float = 0, *, is_exact: bool = False
    ) -> tuple[dict[str, bytes] | None, int]:
        """A key, or all that begin so, with their values; None where nothing is newer than ``index``."""
        parameters = blocking(index, wait_s)
        asked = ("v1", "kv", *filter(None, path.split("/")))
        # A trailing slash is part of the prefix: config/a/ is not config/ab.
        call = Call(
            "GET",
            asked,
            parameters if is_exact else parameters | {"recurse": "true"},
            read_s=waiting_s(wait_s),
            is_folder=path.endswith("/"),
        )
        response = await self._connection.answer(call, frozenset({NOT_FOUND}))
        now = _index(response)
        if index and now == index:
            return None, now
        if response.status_code == NOT_FOUND:
            return {}, now
        entries = json_of(self._connection, call, response)
        return {str(one["Key"]): base64.b64decode(one["Value"] or "") for one in entries}, now

    async def put_key(self, path: str, value: bytes) -> bool:
        """Whether Consul has taken the value."""
        call = Call("PUT", ("v1", "kv", *path.strip("/").split("/")), content=value)
        return bool(json_of(self._connection, call, await self._connection.answer(call)))

    async def _get(self, path: tuple[str, ...], parameters: Mapping[str, str] | None = None) -> Any:
        call = Call("GET", path, parameters or {})
        return json_of(self._connection, call, await self._connection.answer(call))


def _index(response: httpx2.Response) -> int:
    """X-Consul-Index; what is missing or no number counts as 1, which never blocks (consul.io, Blocking Queries)."""
    text = response.headers.get("X-Consul-Index", "")
    return max(1, int(text)) if text.isdigit() else 1


def _token(credentials: ConsulSettings) -> str | None:
    """The token, or the content of CONSUL_HTTP_TOKEN_FILE, which wins as it does in Consul's own client."""
    if not credentials.token_file:
        return credentials.token
    try:
        return Path(credentials.token_file).read_text().strip()
    except OSError as error:
        raise UsageError(f"CONSUL_HTTP_TOKEN_FILE {credentials.token_file} cannot be read: {error}") from error
