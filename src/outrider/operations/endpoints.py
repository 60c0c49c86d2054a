"""Where a service's calls can go: what Consul says, what each agent knows, what each Envoy has, side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.errors import RemoteError
from outrider.operations.documents import Json
from outrider.operations.status import Instance, instances, status
from outrider.telemetry.address import UntrustedAddressError, instance_name, metrics_address

if TYPE_CHECKING:
    from outrider.operations.environment import Environment


@dataclass(frozen=True, slots=True)
class SidecarView:
    """What the sidecar at ``address`` (its metrics listener) answers, or the problem with asking it."""

    instance: str
    address: str
    upstreams: Json
    problem: str | None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The upstreams of a service in Consul, the service's own instances, and the views of its sidecars."""

    environment: str
    service: str
    own: tuple[Instance, ...]
    consul: dict[str, tuple[Instance, ...]]
    sidecars: tuple[SidecarView, ...]
    problems: tuple[str, ...]


async def endpoints(environment: Environment, service: str) -> Endpoints:
    """Ask everybody at once; whoever does not answer is named in ``problems``. UsageError: an unknown service."""
    now = await status(environment, service)
    inside = [name for name, written in now.upstreams.items() if not written.get("address")]
    answers = await asyncio.gather(*(instances(environment, name) for name in inside))
    sidecars, problem = await _sidecars(environment, service)
    problems = [said for _, said in answers if said] + [said for said in (problem, now.problem) if said]
    return Endpoints(
        environment=environment.name,
        service=service,
        own=now.instances,
        consul={name: found for name, (found, _) in zip(inside, answers, strict=True)},
        sidecars=sidecars,
        problems=tuple(dict.fromkeys(problems)),
    )


async def _sidecars(environment: Environment, service: str) -> tuple[tuple[SidecarView, ...], str | None]:
    """One view per registered instance: its meta says where scrapers reach its metrics listener."""
    try:
        entries, _ = await environment.consul.health(service)
    except RemoteError as error:
        return (), error.message
    views = await asyncio.gather(*(_view(environment, entry) for entry in entries))
    return tuple(sorted((one for one in views if one), key=lambda one: (one.instance, one.address))), None


async def _view(environment: Environment, entry: Json) -> SidecarView | None:
    """None where the entry names no sidecar; one that cannot be trusted or asked is named with the reason."""
    instance, address = instance_name(entry), ""
    try:
        address = metrics_address(entry)
        if not address:
            return None
        return SidecarView(instance, address, await environment.sidecars.endpoints(address), None)
    except UntrustedAddressError as error:
        return SidecarView(instance, address, {}, f"is not asked: {error}")
    except RemoteError as error:
        return SidecarView(instance, address, {}, error.message)
