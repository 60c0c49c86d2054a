"""Calls of Consul's API as contract tests make them: short, with waiting for what arrives a little later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2

DEADLINE_S = 20.0
STILL_S = 0.6
"""How long a held query is watched before it counts as not woken."""


class ConsulCalls:
    """One Consul by its address."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(path)

    async def put(self, path: str, body: Any = None) -> httpx2.Response:
        if isinstance(body, (str, bytes)):
            return await self.client.put(path, content=body)
        return await self.client.put(path, json=body) if body is not None else await self.client.put(path)

    async def register(self, name: str, **fields: Any) -> None:
        """Register an instance and wait until the catalog shows it."""
        response = await self.put("/v1/agent/service/register", {"Name": name, **fields})
        assert response.status_code == 200, response.text
        wanted = fields.get("ID", name)
        await self.until(
            f"/v1/health/service/{name}", lambda found: wanted in [each["Service"]["ID"] for each in found]
        )

    async def deregister(self, service_id: str) -> None:
        response = await self.put(f"/v1/agent/service/deregister/{service_id}")
        assert response.status_code == 200, response.text

    async def statuses(self, name: str) -> dict[str, str]:
        """Check id to status, of all instances of a service as the catalog has them."""
        return {each["CheckID"]: each["Status"] for each in (await self.get(f"/v1/health/checks/{name}")).json()}

    async def until(self, path: str, is_reached: Callable[[Any], bool]) -> Any:
        """Ask until the answer is as wanted; the agent tells the catalog a moment after it has answered."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = (await self.get(path)).json()
                if is_reached(found):
                    return found
                await asyncio.sleep(0.02)

    async def index(self, path: str) -> int:
        """The index of a query once it stands still."""
        last = -1
        while True:
            found = int((await self.get(path)).headers["X-Consul-Index"])
            if found == last:
                return found
            last = found
            await asyncio.sleep(0.1)

    async def held(self, path: str, wait: str = "30s", index: int | None = None) -> asyncio.Task[httpx2.Response]:
        """A query that is held already, from the index that stands there now unless another one is given."""
        known = await self.index(path) if index is None else index
        sign = "&" if "?" in path else "?"
        task = asyncio.create_task(self.client.get(f"{path}{sign}index={known}&wait={wait}"))
        await asyncio.sleep(0.1)
        return task


async def is_woken(held: asyncio.Task[httpx2.Response]) -> bool:
    """Whether a held query has been answered, or still waits after a moment; it is ended either way."""
    done, _ = await asyncio.wait({held}, timeout=STILL_S)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    return bool(done)


async def woken(held: asyncio.Task[httpx2.Response]) -> httpx2.Response:
    """The answer of a held query; fails where it does not come."""
    async with asyncio.timeout(DEADLINE_S):
        return await held
