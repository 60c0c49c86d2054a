"""On which nodes a service with host volumes can run, as Nomad's nodes say themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.documents import nested

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.topology.topology import Topology

MOST_NAMED = 3


async def volume_remarks(environment: Environment, topology: Topology) -> tuple[str, ...]:
    """One line for each volume; or that it was not seen, where Nomad does not answer."""
    if not topology.spec.volumes:
        return ()
    try:
        nodes = await environment.in_time(environment.nomad.nodes(), "Nomad")
    except OutriderError as error:
        return (f"on which nodes the volumes are was not seen: {error.message}",)
    return tuple(place_of(one.host, nodes) for one in topology.spec.volumes)


def place_of(volume: str, nodes: Sequence[Json]) -> str:
    """Where allocations can run, or what to do where they can run nowhere."""
    ready = [node for node in nodes if node.get("Status") == "ready"]
    having = sorted(str(node.get("Name")) for node in ready if volume in nested(node, "HostVolumes"))
    if not having:
        return (
            f"no node has the host volume {volume}, so none can run this: write host_volume {volume} into a client's "
            "configuration, or make one with `nomad volume create` (Nomad 1.10 and later)"
        )
    named = ", ".join(having[:MOST_NAMED]) + (" and more" if len(having) > MOST_NAMED else "")
    moving = "" if len(having) > 1 else "; what is in it does not move to another node"
    return f"the host volume {volume} is on {len(having)} of {len(ready)} nodes ({named}): allocations run only there{moving}"
