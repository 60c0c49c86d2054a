"""What an environment's Consul lacks: reachable, led, new enough, readable, and with a token that shows enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from outrider_ground.errors import OutriderError

from outrider.documents import nested
from outrider.operations.doctor.findings import Finding, bad, good, version_finding, warning
from outrider.operations.doctor.rights import allocations_at_consul, portal_at_consul

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.ports import Consul
    from outrider.spec.platform import Environment

LEAST_VERSION = "1.8"


async def consul_findings(
    name: str, environment: Environment, consul: Consul, anybody: Consul | None = None
) -> list[Finding]:
    """The findings on one Consul, and on what it shows to ``anybody`` without a token; that it cannot be reached is the only one."""
    about = f"{name}: Consul"
    try:
        leader = await consul.leader()
    except OutriderError as error:
        return [bad(about, error.message, "Callers could not find callees.", error.next_step or "")]
    if not leader:
        return [
            bad(
                about,
                "it has no leader",
                "It answers with what it last knew, or not at all.",
                "Look at its servers' logs.",
            )
        ]
    of_agent, configuration = await _of_agent(about, consul)
    return [
        good(about, f"reachable at {environment.consul.address}, leader {leader}"),
        *of_agent,
        *await portal_at_consul(about, consul),
        *await allocations_at_consul(about, environment, anybody, configuration),
        *_agent_address(about, environment),
        *_agent_tls(about, environment, configuration),
    ]


def _agent_tls(about: str, environment: Environment, configuration: Json | None) -> list[Finding]:
    """What an https address of the agents needs beside it."""
    consul = environment.consul
    if not consul.agent_address.startswith("https://"):
        return []
    found: list[Finding] = []
    if consul.tls is None or consul.tls.ca is None:
        what = "agent_address has https, and consul.tls names no authorities (ca)"
        why = (
            "Agents believe those of the machine or the image only; an own authority's certificate keeps gates closed."
        )
        found.append(warning(about, what, why, "Set consul.tls.ca to the file of Consul's authorities."))
    if _wants_certificates(configuration or {}) and (consul.tls is None or consul.tls.certificate is None):
        what = "it asks for certificates (verify_incoming), and consul.tls names none"
        why = "It would refuse every agent beside an app, and gates would fail after 60 s."
        found.append(bad(about, what, why, "Set consul.tls.certificate and consul.tls.key."))
    return found


def _wants_certificates(configuration: Json) -> bool:
    """As Consul 1.8 has it in its DebugConfig, and as 1.12 and newer have it."""
    newer = nested(nested(configuration, "TLS"), "HTTPS")
    return any(configuration.get(key) for key in ("VerifyIncoming", "VerifyIncomingHTTPS")) or bool(
        newer.get("VerifyIncoming")
    )


async def _of_agent(about: str, consul: Consul) -> tuple[list[Finding], Json | None]:
    """What its agent says of itself; its configuration is None where that cannot be read."""
    try:
        answer = await consul.agent_self()
    except OutriderError as error:
        step = 'Give the portal\'s token `agent_prefix "" { policy = "read" }`, or check version and limits by hand.'
        what = f"its configuration cannot be read: {error.message}"
        return [warning(about, what, "Limits cannot be checked.", step)], None
    debug: dict[str, Any] = answer.get("DebugConfig") or {}
    version = str(answer["Config"].get("Version", ""))
    return [
        version_finding(about, version, LEAST_VERSION, "Nomad refuses older ones, and blocking queries differ."),
    ], debug


def _agent_address(about: str, environment: Environment) -> list[Finding]:
    """In a network namespace of its own, an allocation's 127.0.0.1 is not the node's."""
    address = environment.consul.agent_address
    host = urlsplit(address).hostname or ""
    if environment.network.mode == "bridge" and (host.startswith("127.") or host == "localhost"):
        return [
            bad(
                about,
                f"agent_address is {address}, and allocations have a network of their own (bridge)",
                "There this address is the allocation itself: its agent would never reach Consul.",
                "Use the node's address, as in http://${attr.unique.network.ip-address}:8500, or a unix socket.",
            )
        ]
    return []
