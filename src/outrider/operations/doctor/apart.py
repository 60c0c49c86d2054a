"""Whether two environments of a platform are one cluster by another name, which only their servers can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError, RemoteError

from outrider.documents import nested
from outrider.operations.doctor.findings import Finding, bad, warning

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul
    from outrider.spec.platform import Environment, Platform


@dataclass(frozen=True, slots=True)
class ClusterIdentity:
    """What a server says of itself: names that must agree, and what is unique, the ids of its nodes or its leader."""

    names: tuple[str, ...]
    leader: str
    nodes: frozenset[str]

    def is_one_with(self, other: ClusterIdentity) -> bool:
        """Two clusters may have leaders of one private address; no two nodes have one id."""
        if self.names != other.names:
            return False
        if self.nodes and other.nodes:
            return bool(self.nodes & other.nodes)
        return bool(self.leader) and self.leader == other.leader


async def environments_that_are_one(
    platform: Platform, servers: Mapping[str, tuple[Nomad, Consul]]
) -> tuple[Finding, ...]:
    """A failure for each pair whose services would meet in Consul, or whose jobs would replace each other in Nomad.

    Where a server does not tell what it is, a warning says that this was not seen.
    """
    if len(servers) < 2:  # noqa: PLR2004  one environment is apart from all others
        return ()
    consuls = {name: await _of_consul(consul) for name, (_, consul) in servers.items()}
    nomads = {name: await _of_nomad(platform.environments[name], nomad) for name, (nomad, _) in servers.items()}
    return (
        *(_one_consul(a, b, place) for a, b, place in _pairs(consuls)),
        *(_one_nomad(a, b, place) for a, b, place in _pairs(nomads)),
        *(_unseen(f"{name}: Consul", why) for name, why in consuls.items() if isinstance(why, str)),
        *(_unseen(f"{name}: Nomad", why) for name, why in nomads.items() if isinstance(why, str)),
    )


def _pairs(places: Mapping[str, ClusterIdentity | str]) -> Iterator[tuple[str, str, ClusterIdentity]]:
    for (a, one), (b, other) in combinations(places.items(), 2):
        if isinstance(one, ClusterIdentity) and isinstance(other, ClusterIdentity) and one.is_one_with(other):
            yield a, b, one


def _unseen(about: str, why: str) -> Finding:
    return warning(
        about,
        f"cannot tell whether it is that of another environment, too: {why}",
        "Two environments on one cluster mix their services, or replace each other's jobs.",
        "Make sure by hand that each environment has a Consul datacenter and a Nomad namespace of its own.",
    )


def _one_consul(a: str, b: str, place: ClusterIdentity) -> Finding:
    return bad(
        f"{a} and {b}",
        f"both are one Consul datacenter, {place.names[0]}",
        "Services of the same name would mix: requests of one environment would reach the other.",
        "Give each environment a Consul datacenter of its own.",
    )


def _one_nomad(a: str, b: str, place: ClusterIdentity) -> Finding:
    return bad(
        f"{a} and {b}",
        f"both are one Nomad region and namespace, {' and '.join(place.names)}",
        "Jobs of the same name would replace each other.",
        "Give each environment a namespace of its own (nomad.namespace).",
    )


async def _of_consul(consul: Consul) -> ClusterIdentity | str:
    """What it is, or why it does not tell."""
    nodes = await _nodes(consul)
    try:
        return ClusterIdentity((await _datacenter(consul, nodes),), await consul.leader(), _ids(nodes))
    except OutriderError as error:
        return error.message


async def _datacenter(consul: Consul, nodes: list[Json]) -> str:
    """By its nodes, or by its agent; a token that may read neither is still told of all datacenters, the nearest first."""
    named = next((str(node["Datacenter"]) for node in nodes if node.get("Datacenter")), "")
    if named:
        return named
    try:
        named = str(nested(await consul.agent_self(), "Config").get("Datacenter") or "")
    except RemoteError:
        named = ""  # what follows is open to everybody, and tells as much
    nearest = named or next(iter(await consul.datacenters()), "")
    if not nearest:
        raise RemoteError("it names no datacenter")
    return nearest


async def _of_nomad(environment: Environment, nomad: Nomad) -> ClusterIdentity | str:
    """What it is, or why it does not tell."""
    written = environment.nomad
    try:
        return ClusterIdentity((written.region, written.namespace), await nomad.leader(), _ids(await _nodes(nomad)))
    except OutriderError as error:
        return error.message


async def _nodes(server: Consul | Nomad) -> list[Json]:
    """None where they cannot be read: then the leaders tell."""
    try:
        return await server.nodes()
    except RemoteError:
        return []


def _ids(nodes: list[Json]) -> frozenset[str]:
    return frozenset(str(node["ID"]) for node in nodes if node.get("ID"))
