"""What an environment's Consul lacks: reachable, led, new enough, readable, and with a token that shows enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from outrider.errors import OutriderError
from outrider.operations.findings import Finding, bad, good, version_finding, warning

if TYPE_CHECKING:
    from outrider.operations.ports import Consul
    from outrider.spec.platform import Environment

LEAST_VERSION = "1.8"


async def consul_findings(name: str, environment: Environment, consul: Consul) -> list[Finding]:
    """The findings on one Consul; the first failure of reaching it is the only one."""
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
    return [
        good(about, f"reachable at {environment.consul.address}, leader {leader}"),
        *await _of_agent(about, environment, consul),
        *await _readable(about, consul),
        *_agent_address(about, environment),
    ]


async def _of_agent(about: str, environment: Environment, consul: Consul) -> list[Finding]:
    try:
        answer = await consul.agent_self()
    except OutriderError as error:
        step = 'Give the portal\'s token `agent_prefix "" { policy = "read" }`, or check version and limits by hand.'
        return [warning(about, f"its configuration cannot be read: {error.message}", "Limits cannot be checked.", step)]
    debug: dict[str, Any] = answer.get("DebugConfig") or {}
    version = str(answer["Config"].get("Version", ""))
    return [
        version_finding(about, version, LEAST_VERSION, "Nomad refuses older ones, and blocking queries differ."),
        *_token(about, environment, debug),
    ]


def _token(about: str, environment: Environment, debug: dict[str, Any]) -> list[Finding]:
    is_closed = debug.get("ACLsEnabled") and debug.get("ACLDefaultPolicy") == "deny"
    if is_closed and environment.consul.token == "none":  # noqa: S105  a word of the platform file
        return [
            bad(
                about,
                "ACLs deny by default, and consul.token is none",
                "The agents beside the apps would see no instance of any upstream.",
                "Set consul.token to workload_identity (Nomad 1.7 and newer) or {nomad_variable: PATH}; the policy: "
                'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }',
            )
        ]
    return []


async def _readable(about: str, consul: Consul) -> list[Finding]:
    """Without rights Consul 1.8 answers 200 with less, so the service that is always there must be in it."""
    try:
        services = await consul.services()
    except OutriderError as error:
        return [
            bad(about, f"its services cannot be read: {error.message}", "Status needs them.", error.next_step or "")
        ]
    if "consul" in services:
        return [good(about, f"{len(services)} services are readable")]
    return [
        warning(
            about,
            "the service `consul` itself is not among those that can be read",
            "The portal's token sees only a part: `status` and `endpoints` would show healthy services as missing.",
            'Give CONSUL_HTTP_TOKEN a policy with service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }.',
        )
    ]


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
