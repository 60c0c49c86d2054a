"""Whether two environments of a platform are one cluster by another name, which only their servers can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import OutriderError

from outrider.operations.doctor.findings import Finding, bad

if TYPE_CHECKING:
    from outrider.operations.ports import Consul, Nomad
    from outrider.spec.platform import Environment, Platform


@dataclass(frozen=True, slots=True)
class Place:
    """What a server says of itself: names that must agree, and what is unique, the ids of its nodes or its leader."""

    names: tuple[str, ...]
    leader: str
    nodes: frozenset[str]

    def is_one_with(self, other: Place) -> bool:
        """Two clusters may have leaders of one private address; no two nodes have one id."""
        if self.names != other.names:
            return False
        if self.nodes and other.nodes:
            return bool(self.nodes & other.nodes)
        return bool(self.leader) and self.leader == other.leader


async def environments_that_are_one(
    platform: Platform, servers: Mapping[str, tuple[Nomad, Consul]]
) -> tuple[Finding, ...]:
    """A failure for each pair whose services would meet in Consul, or whose jobs would replace each other in Nomad."""
    consuls = {name: await _of_consul(consul) for name, (_, consul) in servers.items()}
    nomads = {name: await _of_nomad(platform.environments[name], nomad) for name, (nomad, _) in servers.items()}
    of_consul = [_one_consul(a, b, place) for a, b, place in _pairs(consuls)]
    return (*of_consul, *(_one_nomad(a, b, place) for a, b, place in _pairs(nomads)))


def _pairs(places: Mapping[str, Place | None]) -> Iterator[tuple[str, str, Place]]:
    for (a, one), (b, other) in combinations(places.items(), 2):
        if one and other and one.is_one_with(other):
            yield a, b, one


def _one_consul(a: str, b: str, place: Place) -> Finding:
    return bad(
        f"{a} and {b}",
        f"both are one Consul datacenter, {place.names[0]}",
        "Services of the same name would mix: requests of one environment would reach the other.",
        "Give each environment a Consul datacenter of its own.",
    )


def _one_nomad(a: str, b: str, place: Place) -> Finding:
    return bad(
        f"{a} and {b}",
        f"both are one Nomad region and namespace, {' and '.join(place.names)}",
        "Jobs of the same name would replace each other.",
        "Give each environment a namespace of its own (nomad.namespace).",
    )


async def _of_consul(consul: Consul) -> Place | None:
    try:
        datacenter, leader = (await consul.agent_self())["Config"]["Datacenter"], await consul.leader()
    except (OutriderError, KeyError):
        return None
    return Place((datacenter,), leader, await _ids(consul))


async def _of_nomad(environment: Environment, nomad: Nomad) -> Place | None:
    written = environment.nomad
    try:
        return Place((written.region, written.namespace), await nomad.leader(), await _ids(nomad))
    except OutriderError:
        return None


async def _ids(server: Consul | Nomad) -> frozenset[str]:
    """The ids of its nodes; none where they cannot be read."""
    try:
        nodes: list[dict[str, Any]] = await server.nodes()
    except OutriderError:
        return frozenset()
    return frozenset(str(node["ID"]) for node in nodes if node.get("ID"))
