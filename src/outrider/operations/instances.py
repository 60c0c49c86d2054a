"""A service's registrations in Consul, and its addresses by what Nomad has booked where Consul does not answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.errors import RemoteError
from outrider.operations.allocations import allocations
from outrider.operations.deadline import in_time
from outrider.operations.documents import Json, listed, nested
from outrider.topology import names

if TYPE_CHECKING:
    from outrider.operations.environment import Environment

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Instance:
    """One registration of the service in Consul; ``status`` is the worst of its checks, ``unknown`` without Consul."""

    id: str
    address: str
    status: str
    canary: bool


async def instances(environment: Environment, service: str) -> tuple[tuple[Instance, ...], str | None]:
    """The service's registrations in Consul, or the reason why they are not known."""
    try:
        entries, _ = await in_time(environment, environment.consul.health(service), "Consul")
    except RemoteError as error:
        return (), error.message
    return tuple(sorted((_instance(entry) for entry in entries), key=lambda one: one.address)), None


async def booked(environment: Environment, service: str, label: str) -> tuple[Instance, ...]:
    """Where Nomad has placed the service's live allocations: the port of that label. RemoteError as Nomad's."""
    stubs = await in_time(environment, environment.nomad.allocations(service), "Nomad")
    live = [one for one in allocations(stubs) if one.is_live]
    documents = await asyncio.gather(*(environment.nomad.allocation(one.id) for one in live))
    found = [(one, _booked(document or {}, label)) for one, document in zip(live, documents, strict=True)]
    known = [Instance(one.id, address, UNKNOWN, one.canary) for one, address in found if address]
    return tuple(sorted(known, key=lambda one: one.address))


def address_of(host: str, port: object) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _booked(document: Json, label: str) -> str | None:
    """The address in ``AllocatedResources.Shared.Ports`` of ``/v1/allocation/:id``."""
    shared = nested(nested(document, "AllocatedResources"), "Shared")
    ports = [port for port in listed(shared, "Ports") if port.get("Label") == label]
    return next((address_of(str(port.get("HostIP") or ""), port.get("Value")) for port in ports), None)


def _instance(entry: Json) -> Instance:
    service, node = nested(entry, "Service"), nested(entry, "Node")
    levels = [str(check.get("Status")) for check in listed(entry, "Checks")]
    worst = next((level for level in ("critical", "warning") if level in levels), "passing")
    return Instance(
        id=str(service.get("ID", "")),
        address=address_of(str(service.get("Address") or node.get("Address")), service.get("Port")),
        status=worst,
        canary=nested(service, "Meta").get(names.META_CANARY) == "true",
    )
