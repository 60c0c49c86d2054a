"""The questions to a Vault that a Nomad client asks for its tasks' templates: a secret, read again as its lease wants it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
from outrider_ground.errors import RemoteError

if TYPE_CHECKING:
    from outrider_ground.settings import VaultAccess

    from outrider_embedded.scheduler.documents import Document

_TIMEOUT_S = 5.0
# What is not lent is read again after so long (Nomad: client, vault default_lease_duration).
_UNLENT_S = 300.0
_SHARE = 2 / 3
_GONE = frozenset({403, 404})


class VaultReader:
    """One Vault with one token: on one machine all tasks read with the same rights."""

    def __init__(self, access: VaultAccess) -> None:
        headers = {"X-Vault-Request": "true", "X-Vault-Token": access.token}
        headers |= {"X-Vault-Namespace": access.namespace} if access.namespace else {}
        self._client = httpx2.AsyncClient(base_url=access.address, headers=headers, timeout=_TIMEOUT_S, trust_env=False)
        self.address = access.address

    async def close(self) -> None:
        await self._client.aclose()

    async def watched(self, path: str, index: int) -> tuple[Document | None, int]:
        """The secret as templates see it, None where there is none or it may not be read; ``index`` is when to ask anew."""
        if index:
            await asyncio.sleep(index)
        found = await self._read(path)
        if found is None:
            return None, 1
        lent = float(found.get("lease_duration") or 0) if found.get("lease_id") else 0.0
        secret: dict[str, Any] = {
            "Data": found.get("data") or {},
            "LeaseID": found.get("lease_id") or "",
            "LeaseDuration": int(found.get("lease_duration") or 0),
            "Renewable": bool(found.get("renewable")),
        }
        return secret, max(1, int(lent * _SHARE or _UNLENT_S))

    async def _read(self, path: str) -> dict[str, Any] | None:
        try:
            answer = await self._client.get(f"/v1/{path.strip('/')}")
        except httpx2.HTTPError as error:
            raise RemoteError(f"Vault at {self.address} cannot be reached: {error}") from error
        if answer.status_code in _GONE:
            return None
        if answer.is_error:
            raise RemoteError(f"Vault: GET {path}: {answer.text.strip()}", status=answer.status_code)
        return answer.json()
