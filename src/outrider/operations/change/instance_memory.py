"""Whether a sidecar's memory takes as many instances of its upstreams as Consul lists today."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.concurrency import in_turns
from outrider.topology.memory import agent_needs_mb, envoy_needs_mb, instances_taken

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.topology.sidecar import Sidecar
    from outrider.topology.topology import Topology

PATIENCE_S = 1.0
UNSEEN = "whether the sidecar's memory takes all instances of the upstreams was not seen"


async def instance_warnings(environment: Environment, topology: Topology) -> tuple[str, ...]:
    """What is too small, or that it was not seen: a plan does not wait for a Consul that does not answer in a second."""
    sidecar = topology.sidecar
    if sidecar is None or not sidecar.discovered:
        return ()
    try:
        async with asyncio.timeout(PATIENCE_S):
            return warnings(sidecar, await _instances(environment, sidecar.discovered))
    except OutriderError as error:
        return (f"{UNSEEN}: {error.message}",)
    except TimeoutError:
        return (f"{UNSEEN}: Consul has not answered within {PATIENCE_S:g} s",)


async def _instances(environment: Environment, services: tuple[str, ...]) -> int:
    async def of(service: str) -> int:
        return len((await environment.consul.health(service))[0])

    return sum(await in_turns(of, services))


def warnings(sidecar: Sidecar, instances: int) -> tuple[str, ...]:
    """One line for each task whose memory is too small for so many instances of its upstreams together."""
    found: list[str] = []
    if instances > instances_taken(sidecar.agent_memory_mb):
        found.append(
            f"the upstreams have {instances} instances in Consul, and an agent of {sidecar.agent_memory_mb} MB takes "
            f"{instances_taken(sidecar.agent_memory_mb)}: it would refuse the largest lists; sidecar.memory.agent in the "
            f"platform file should be {agent_needs_mb(instances)} at least"
        )
    needed = envoy_needs_mb(sidecar.protocols, instances)
    if needed > sidecar.memory_mb and instances > 0:
        found.append(
            f"the upstreams have {instances} instances in Consul, for which Envoy's {sidecar.memory_mb} MB are too little: "
            f"sidecar.memory.envoy in the platform file should be {needed} at least"
        )
    return tuple(found)
