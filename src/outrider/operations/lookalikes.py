"""Names that Consul takes for one, since it ignores case, and that people registered as two services."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outrider.operations.environment import Environment
    from outrider.topology.topology import Topology

PATIENCE_S = 1.0  # a plan does not wait for a Consul that hangs
UNSEEN = "which services Consul knows under names alike was not seen"


def lookalikes(known: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The groups of names that differ in case only, each sorted."""
    groups: dict[str, list[str]] = {}
    for name in known:
        groups.setdefault(name.lower(), []).append(name)
    return tuple(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


async def mistakable(environment: Environment, topology: Topology) -> tuple[str, ...]:
    """A line for each name in Consul that would be taken for the service or an upstream, or that this was not seen."""
    own = (topology.service, *(topology.sidecar.discovered if topology.sidecar else ()))
    try:
        async with asyncio.timeout(PATIENCE_S):
            known = await environment.consul.services()
    except RemoteError as error:
        return (f"{UNSEEN}: {error.message}",)
    except TimeoutError:
        return (f"{UNSEEN}: it has not answered within {PATIENCE_S:g} s",)
    return tuple(line for name in own for line in _told(name, known))


def _told(name: str, known: Iterable[str]) -> Iterable[str]:
    for other in sorted(known):
        if other != name and other.lower() == name.lower():
            yield (
                f"Consul also knows {other}, which it lists under {name} too: our agents leave its instances out, "
                "whoever else asks Consul does not; rename one of them"
            )
