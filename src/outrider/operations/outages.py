"""Whether Consul is away for a service, so that callers would not hear of allocations that are replaced now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.consul.instances import allocation_of
from outrider.documents import listed, nested
from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import Collection

    from outrider.documents import Json
    from outrider.operations.environment import Environment


def needs_consul(job: Json) -> bool:
    """Whether callers find its allocations in Consul, or its own sidecar looks there for its upstreams."""
    groups = listed(job, "TaskGroups")
    tasks = [task.get("Name") for group in groups for task in listed(group, "Tasks")]
    return names.AGENT_TASK in tasks or any(listed(group, "Services") for group in groups)


async def outage(environment: Environment) -> str:
    """Why Consul cannot say now what is registered; empty where it can."""
    try:
        leader = await environment.in_time(environment.consul.leader(), "Consul")
    except RemoteError as error:
        return f"Consul does not answer ({error.message})"
    return "" if leader else "Consul has no leader"


async def blindness(environment: Environment, service: str, healthy: Collection[str]) -> str:
    """Why callers do not see any of these allocations, which Nomad has found healthy; empty where they see one, or none is."""
    if not healthy:
        return ""
    try:
        entries, _ = await environment.in_time(environment.consul.health(service), "Consul")
    except RemoteError as error:
        return f"Consul does not answer ({error.message})"
    seen = {allocation_of(str(nested(entry, "Service").get("ID", ""))) for entry in entries}
    return "" if seen & set(healthy) else "Consul's catalog shows no instance of it, healthy as it is"
