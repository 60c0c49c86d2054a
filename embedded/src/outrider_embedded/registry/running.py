"""A registry as it runs: its address, its checks executed, its held queries answered when it ends."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

from outrider_ground.edge.serving import serving, shielded

from outrider_embedded.registry.app import registry_app
from outrider_embedded.registry.probing import probing
from outrider_embedded.registry.state import Registry, identity


@dataclass(frozen=True, slots=True)
class RunningRegistry:
    """``address`` is ``http://host:port``."""

    address: str
    registry: Registry


@contextlib.asynccontextmanager
async def running_registry(
    node: str,
    datacenter: str = "dc1",
    host: str = "127.0.0.1",
    port: int = 0,
    hosts: Iterable[str] = (),
) -> AsyncGenerator[RunningRegistry]:
    """Serve a fresh registry while the block runs, also under the names ``hosts``.

    Raises OutriderError where the port is taken.
    """
    registry = Registry(identity(node, datacenter, host))
    async with serving(shielded(registry_app(registry), [host, *hosts]), host, port) as address:
        try:
            async with probing(registry):
                yield RunningRegistry(address, registry)
        finally:
            registry.watches.close()
