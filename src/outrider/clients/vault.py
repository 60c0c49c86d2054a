"""Vault's HTTP API, the part the portal uses: whether a secret has changed, and how long one is lent for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import ConflictError, RemoteError

from outrider.clients.http import Call, Connection, Server, json_of
from outrider.documents import nested
from outrider.operations.ports import VaultSecret

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from outrider.server_settings import VaultSettings

BAD_REQUEST, FORBIDDEN, NOT_FOUND = 400, 403, 404
# A version 2 store keeps its fields below data/, and what is known of them below metadata/.
DATA, METADATA = "data", "metadata"
# Vault cuts it down to what the lease may live at most: so it says how long that is (sys/leases/renew).
FOR_EVER_S = 10 * 365 * 24 * 3600
STANDBYS = {429, 472, 473}
STATES = {501: "it is not initialised", 503: "it is sealed"}
ADVICE = "Check VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE and VAULT_CACERT where the portal runs."


def vault_client(
    credentials: VaultSettings, *, transport: httpx2.AsyncBaseTransport | None = None
) -> VaultClient | None:
    """A client of the Vault that the settings name, None where they name none."""
    if not credentials.address:
        return None
    headers = {"X-Vault-Request": "true"}
    headers |= {"X-Vault-Token": credentials.token} if credentials.token else {}
    headers |= {"X-Vault-Namespace": credentials.namespace} if credentials.namespace else {}
    server = Server("Vault", credentials.address, ADVICE, headers=headers, tls=credentials.tls)
    return VaultClient(Connection(server, transport))


class VaultClient:
    """One Vault, one namespace, one token."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def address(self) -> str:
        return self._connection.server.address

    async def close(self) -> None:
        await self._connection.close()

    async def look(self, path: str) -> VaultSecret:
        """A secret of a version 2 store by its metadata, which holds no value; any other one is read.

        One that is lent is made by being read: it is given back at once, after asking how long it may live.
        """
        segments = _segments(path)
        if DATA in segments[1:]:
            return await self._versioned(segments)
        return await self._read(segments)

    async def health(self) -> str:
        """Empty where it serves, as a standby does too, which passes questions on."""
        call = Call("GET", ("v1", "sys", "health"))
        response = await self._connection.answer(call, frozenset({*STATES, *STANDBYS}))
        return STATES.get(response.status_code, "")

    async def fields(self, path: str) -> tuple[dict[str, str], int]:
        """The newest version of a secret of a version 2 store, and its number; of one that was deleted no fields."""
        call = Call("GET", ("v1", *_segments(path)))
        response = await self._allowed(call, "read", path, frozenset({NOT_FOUND}))
        found = nested(json_of(self._connection, call, response), "data") if response.content else {}
        number = int(nested(found, "metadata").get("version") or 0)
        return {key: str(value) for key, value in nested(found, "data").items()}, number

    async def put_fields(self, path: str, fields: Mapping[str, str], version: int) -> None:
        """A new version of it, if that is the newest one still (0: there is none); ConflictError where it is not."""
        body = {"options": {"cas": version}, "data": dict(fields)}
        call = Call("PUT", ("v1", *_segments(path)), body=body)
        response = await self._allowed(call, "create and update", path, frozenset({BAD_REQUEST, NOT_FOUND}))
        if response.status_code == BAD_REQUEST and "check-and-set" in response.text:
            raise ConflictError(f"the secret {path} has changed meanwhile", next_step="Try again.")
        if response.status_code in {BAD_REQUEST, NOT_FOUND}:
            raise RemoteError(
                f"Vault takes no secret at {path}: {response.text.strip() or 'there is no such store'}",
                status=response.status_code,
                next_step="`vault.addons` of the platform file names a path of a version 2 store, as secret/data/NAMESPACE.",
            )

    async def delete_secret(self, path: str) -> None:
        """Forget it with all its versions."""
        segments = _segments(path)
        at = segments.index(DATA, 1)
        call = Call("DELETE", ("v1", *segments[:at], METADATA, *segments[at + 1 :]))
        await self._allowed(call, "delete", "/".join(call.path[1:]), frozenset({NOT_FOUND}))

    async def _allowed(self, call: Call, right: str, path: str, expected: frozenset[int]) -> httpx2.Response:
        """The answer; a refusal names the right that lacks."""
        response = await self._connection.answer(call, expected | {FORBIDDEN})
        if response.status_code == FORBIDDEN:
            raise RemoteError(
                f"Vault does not let the portal {right} {path}: permission denied",
                status=FORBIDDEN,
                next_step=f"The policy of the portal's VAULT_TOKEN needs `{right.replace(' and ', ', ')}` there.",
            )
        return response

    async def _versioned(self, segments: tuple[str, ...]) -> VaultSecret:
        at = segments.index(DATA, 1)
        found = await self._found(Call("GET", ("v1", *segments[:at], METADATA, *segments[at + 1 :])))
        data = nested(found or {}, "data")
        number = data.get("current_version") or 0
        version = nested(nested(data, "versions"), str(number))
        if not version or version.get("destroyed") or version.get("deletion_time"):
            return VaultSecret(None)
        created = str(version.get("created_time") or "")
        return VaultSecret(f"{number} {created}".encode(), _moment(created))

    async def _read(self, segments: tuple[str, ...]) -> VaultSecret:
        found = await self._found(Call("GET", ("v1", *segments)))
        if found is None:
            return VaultSecret(None)
        if not found.get("lease_id"):
            return VaultSecret(repr(sorted(nested(found, "data").items())).encode())
        return VaultSecret(None, lease_s=await self._longest(found))

    async def _longest(self, found: dict[str, Any]) -> float:
        """How long it may live in all: until then Nomad renews it, and no longer. It is given back whatever becomes of that."""
        lease, seconds = str(found["lease_id"]), float(found.get("lease_duration") or 0)
        try:
            if found.get("renewable"):
                body = {"lease_id": lease, "increment": FOR_EVER_S}
                renewed = await self._put(("v1", "sys", "leases", "renew"), body)
                seconds = max(seconds, float(renewed.get("lease_duration") or 0))
        except RemoteError as error:
            if error.status is None:
                raise
        finally:
            await self._given_back(lease)
        return seconds

    async def _given_back(self, lease: str) -> None:
        """Where that is refused, it ends by itself."""
        try:
            await self._put(("v1", "sys", "leases", "revoke"), {"lease_id": lease})
        except RemoteError:
            return

    async def _put(self, path: tuple[str, ...], body: dict[str, Any]) -> dict[str, Any]:
        call = Call("PUT", path, body=body)
        response = await self._connection.answer(call)
        return json_of(self._connection, call, response) if response.content else {}

    async def _found(self, call: Call) -> dict[str, Any] | None:
        response = await self._connection.answer(call, frozenset({NOT_FOUND}))
        return None if response.status_code == NOT_FOUND else json_of(self._connection, call, response)


def _segments(path: str) -> tuple[str, ...]:
    return tuple(filter(None, path.split("/")))


def _moment(text: str) -> datetime | None:
    """Vault writes nine digits behind the second; None for what is no time."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
