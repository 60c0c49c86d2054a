"""A Consul in memory, as operations see it: instances that a test registers, or no answer at all."""

from __future__ import annotations

import asyncio
from typing import Any

from outrider_ground.errors import RemoteError

Json = dict[str, Any]


class CatalogInMemory:
    """The Consul port over a dictionary."""

    def __init__(self) -> None:
        self.away: RemoteError | None = None
        self.hidden: RemoteError | None = None
        """Where the token may read no key."""
        self.has_leader = True
        self.agents_checks: dict[str, Json] = {}
        self.keys: dict[str, bytes] = {}
        self.keys_at = 1
        self._changed = asyncio.Condition()
        self._entries: dict[str, list[Json]] = {}

    def add(
        self, service: str, instance: str, port: int, status: str = "passing", meta: dict[str, str] | None = None
    ) -> None:
        """Register an instance on 127.0.0.1."""
        checks = [{"Name": "alive", "Status": status, "Output": "connection refused" if status == "critical" else "ok"}]
        named = {"ID": instance, "Address": "127.0.0.1", "Port": port, "Meta": meta or {}, "Tags": ["outrider"]}
        self._entries.setdefault(service, []).append(
            {"Node": {"Address": "127.0.0.1"}, "Service": named, "Checks": checks}
        )

    async def health(self, service: str, index: int = 0, wait_s: float = 0) -> tuple[list[Json], int]:
        self._answer()
        return self._entries.get(service, []), 1

    async def checks(self, index: int = 0, wait_s: float = 0) -> tuple[list[Json] | None, int]:
        self._answer()
        named = [(name, one) for name, some in self._entries.items() for one in some]
        return [
            {**check, "Node": "", "ServiceID": one["Service"]["ID"], "ServiceName": name, "ServiceTags": ["outrider"]}
            for name, one in named
            for check in one["Checks"]
        ], 1

    async def services(self) -> dict[str, list[str]]:
        self._answer()
        return {name: ["outrider"] for name in self._entries}

    async def nodes(self) -> list[Json]:
        self._answer()
        return [{"Node": "node-1"}]

    async def may_read(self, *resources: str) -> dict[str, bool]:
        return dict.fromkeys(resources, True)

    async def agent_checks(self) -> dict[str, Json]:
        self._answer()
        return self.agents_checks

    async def agent_self(self) -> Json:
        return {"Config": {"Version": "1.8.7"}}

    async def key(self, path: str) -> bytes | None:
        self._answer()
        self._show()
        return self.keys.get(path)

    async def entries(
        self, path: str, index: int = 0, wait_s: float = 0, *, is_exact: bool = False
    ) -> tuple[dict[str, bytes] | None, int]:
        """As Consul: held until something changes below the path, or until time is up."""
        self._answer()
        self._show()
        if index and index == self.keys_at:
            async with self._changed:
                try:
                    async with asyncio.timeout(wait_s):
                        await self._changed.wait()
                except TimeoutError:
                    return None, self.keys_at
        self._answer()
        return {
            key: value for key, value in self.keys.items() if (key == path if is_exact else key.startswith(path))
        }, self.keys_at

    async def put_key(self, path: str, value: bytes | None) -> None:
        """Write a key, or take it away."""
        self.keys_at += 1
        self.keys = {key: one for key, one in self.keys.items() if key != path} | (
            {} if value is None else {path: value}
        )
        async with self._changed:
            self._changed.notify_all()

    async def datacenters(self) -> list[str]:
        return ["dc1"]

    async def leader(self) -> str:
        self._answer()
        return "127.0.0.1:8300" if self.has_leader else ""

    def _answer(self) -> None:
        if self.away is not None:
            raise self.away

    def _show(self) -> None:
        if self.hidden is not None:
            raise self.hidden
