"""What a platform lacks: every environment's two servers looked at, and the environments beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outrider_ground.errors import OutriderError

from outrider.operations.doctor.connections import connection_findings
from outrider.operations.doctor.consul import consul_findings
from outrider.operations.doctor.findings import Finding, bad, good, warning
from outrider.operations.doctor.nomad import nomad_findings

if TYPE_CHECKING:
    from outrider.operations.ports import Consul, Nomad
    from outrider.spec.platform import Environment, Platform

LOOPBACK = ("127.", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Servers:
    """The two servers of one environment; Consul as an allocation would reach it on its node, and without a token."""

    nomad: Nomad
    consul: Consul
    agent: Consul | None = None
    anybody: Consul | None = None


async def findings(platform: Platform, servers: Mapping[str, Servers]) -> tuple[Finding, ...]:
    """All findings, environment by environment, then what concerns them together; asks, and changes nothing."""
    found = [finding for name in servers for finding in await _of_environment(name, platform, servers[name])]
    return (*found, *await _together(servers), *await _portal(platform, servers))


async def _of_environment(name: str, platform: Platform, servers: Servers) -> list[Finding]:
    environment = platform.environments[name]
    of_nomad, of_consul = await asyncio.gather(
        nomad_findings(name, environment, servers.nomad),
        consul_findings(name, environment, servers.consul, servers.anybody),
    )
    return [
        *of_nomad,
        *of_consul,
        *await connection_findings(name, environment, servers.nomad, servers.consul),
        *await _agent_address(name, environment, servers),
    ]


async def _agent_address(name: str, environment: Environment, servers: Servers) -> list[Finding]:
    """Where all nodes are this very machine, an allocation's loopback is ours, and its Consul can be tried from here."""
    address = environment.consul.agent_address
    nodes = await _node_addresses(servers.nomad)
    is_here = bool(nodes) and all(map(is_loopback, nodes)) and environment.network.mode == "host"
    if servers.agent is None or not is_here or address == environment.consul.address:
        return []
    try:
        await servers.agent.leader()
    except OutriderError as error:
        why = "The agents beside the apps would hear of no instance, and gates would fail after 60 s."
        return [bad(f"{name}: Consul", error.message, why, "Set consul.agent_address to the node's own Consul.")]
    return [good(f"{name}: Consul", f"allocations reach it at {address}")]


async def _together(servers: Mapping[str, Servers]) -> list[Finding]:
    """Two environments on one Consul datacenter would send requests to each other's services."""
    places = {name: await _place(one.consul) for name, one in servers.items()}
    shared = [(a, b) for a, b in combinations(places, 2) if places[a] is not None and places[a] == places[b]]
    return [
        bad(
            f"{a} and {b}",
            f"both are Consul datacenter {(places[a] or ('?',))[0]} with the same leader",
            "Services of the same name would mix: requests of one environment would reach the other.",
            "Give each environment a Consul datacenter of its own.",
        )
        for a, b in shared
    ]


async def _place(consul: Consul) -> tuple[str, str] | None:
    try:
        return (await consul.agent_self())["Config"]["Datacenter"], await consul.leader()
    except (OutriderError, KeyError):
        return None


async def _portal(platform: Platform, servers: Mapping[str, Servers]) -> list[Finding]:
    """Where nodes fetch packed directories: nothing else of a job comes from there."""
    key, url = _store(platform)
    if url is None:
        step = "Set portal.url in the platform file to an address of the portal that every node reaches."
        return [warning("portal", "portal.url is not set", "Nodes fetch packed directories there.", step)]
    host = urlsplit(url).hostname or ""
    remote = [
        address for one in servers.values() for address in await _node_addresses(one.nomad) if not is_loopback(address)
    ]
    if is_loopback(host) and remote:
        return [
            bad(
                "portal",
                f"{key} is {url}, but there is a node at {remote[0]}",
                "On that node this address is the node itself: it cannot fetch packed directories.",
                f"Set {key} to an address that every node reaches.",
            )
        ]
    return [good("portal", f"nodes fetch packed directories from {url} (whether they reach it is theirs to say)")]


def _store(platform: Platform) -> tuple[str, str | None]:
    """The key of the platform that says it, and its address."""
    if platform.artifacts:
        return "artifacts.url", platform.artifacts.url
    return "portal.url", platform.portal.url if platform.portal else None


async def _node_addresses(nomad: Nomad) -> list[str]:
    try:
        return [str(node.get("Address", "")) for node in await nomad.nodes()]
    except OutriderError:
        return []


def is_loopback(host: str) -> bool:
    return host.startswith(LOOPBACK)
