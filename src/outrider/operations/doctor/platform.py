"""What a platform lacks: every environment's two servers looked at, and the environments beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outrider_ground.errors import OutriderError

from outrider.operations.doctor.apart import environments_that_are_one
from outrider.operations.doctor.connections import connection_findings
from outrider.operations.doctor.consul import consul_findings
from outrider.operations.doctor.findings import Finding, bad, good, warning
from outrider.operations.doctor.live_jobs import live_jobs
from outrider.operations.doctor.nomad import nomad_findings
from outrider.operations.doctor.values import value_findings
from outrider.operations.doctor.volumes import volume_findings

if TYPE_CHECKING:
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul, Metrics, Vault
    from outrider.spec.platform import Environment, Platform

LOOPBACK = ("127.", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of one environment; Consul as an allocation would reach it on its node, and without a token.

    ``agent`` is an error where it cannot be asked that way from here, as where a file of a certificate is missing.
    """

    nomad: Nomad
    consul: Consul
    agent: Consul | OutriderError | None = None
    anybody: Consul | None = None
    metrics: Metrics | None = None
    vault: Vault | None = None


async def findings(platform: Platform, servers: Mapping[str, Servers]) -> tuple[Finding, ...]:
    """All findings, environment by environment, then what concerns them together; asks, and changes nothing."""
    found = [finding for name in servers for finding in await _of_environment(name, platform, servers[name])]
    both = {name: (one.nomad, one.consul) for name, one in servers.items()}
    return (*found, *await environments_that_are_one(platform, both), *await _portal(platform, servers))


async def _of_environment(name: str, platform: Platform, servers: Servers) -> list[Finding]:
    environment = platform.environments[name]
    of_nomad, of_consul = await asyncio.gather(
        nomad_findings(name, environment, servers.nomad),
        consul_findings(name, environment, servers.consul, servers.anybody),
    )
    jobs = asyncio.create_task(live_jobs(name, servers.nomad))
    return [
        *of_nomad,
        *of_consul,
        *await volume_findings(name, jobs, servers.nomad),
        *await connection_findings(name, environment, servers.nomad, servers.consul),
        *await _agent_address(name, environment, servers),
        *await _prometheus(name, environment, servers.metrics),
        *await value_findings(name, jobs, servers.nomad, servers.consul, servers.vault),
    ]


async def _prometheus(name: str, environment: Environment, metrics: Metrics | None) -> list[Finding]:
    if environment.prometheus is None or metrics is None:
        return []
    about, address = f"{name}: Prometheus", environment.prometheus.address
    try:
        await metrics.ask("vector(1)")
    except OutriderError as error:
        why = "Pages link to it; nothing else needs it: rates come from the sidecars themselves."
        return [warning(about, error.message, why, error.next_step or "Correct prometheus.address, or leave it out.")]
    return [good(about, f"answers at {address}")]


async def _agent_address(name: str, environment: Environment, servers: Servers) -> list[Finding]:
    """Where all nodes are this very machine, an allocation's loopback is ours, and its Consul can be tried from here."""
    address = environment.consul.agent_address
    nodes = await _node_addresses(servers.nomad)
    is_here = bool(nodes) and all(map(is_loopback, nodes)) and environment.network.mode == "host"
    is_same = address == environment.consul.address and not address.startswith("https://")
    if servers.agent is None or not is_here or is_same:
        return []
    try:
        await _leader(servers.agent)
    except OutriderError as error:
        why = "The agents beside the apps would hear of no instance, and gates would fail after 60 s."
        step = "Set consul.agent_address to the node's own Consul"
        step += ", and consul.tls to what it wants." if address.startswith("https://") else "."
        return [bad(f"{name}: Consul", f"as allocations reach it: {error.message}", why, step)]
    return [good(f"{name}: Consul", f"allocations reach it at {address}")]


async def _leader(consul: Consul | OutriderError) -> str:
    if isinstance(consul, OutriderError):
        raise consul
    return await consul.leader()


async def _portal(platform: Platform, servers: Mapping[str, Servers]) -> list[Finding]:
    """Where nodes fetch packed directories: nothing else of a job comes from there."""
    key, url = _store(platform)
    if url is None:
        step = "Set portal.url in the platform file to an address of the portal that every node reaches."
        why = (
            "Nodes fetch packed directories there. Without it they are told the address that the portal listens on: "
            "127.0.0.1 is right on one machine only, and with --host 0.0.0.0 services with run.directory are refused."
        )
        return [warning("portal", "portal.url is not set", why, step)]
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
    """None where they cannot be read, which the findings on Nomad say."""
    try:
        return [str(node.get("Address", "")) for node in await nomad.nodes()]
    except OutriderError:
        return []


def is_loopback(host: str) -> bool:
    return host.startswith(LOOPBACK)
