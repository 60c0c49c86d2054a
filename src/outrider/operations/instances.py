"""A service's registrations in Consul, and its addresses by what Nomad has booked where Consul does not answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.consul.instances import Instance, address_of, instance
from outrider.documents import Json, listed, nested
from outrider.nomad.read.allocations import allocations

if TYPE_CHECKING:
    from outrider.operations.environment import Environment

UNKNOWN = "unknown"


async def instances(environment: Environment, service: str) -> tuple[tuple[Instance, ...], str | None]:
    """The service's registrations in Consul, or the reason why they are not known."""
    try:
        entries, _ = await environment.in_time(environment.consul.health(service), "Consul")
    except RemoteError as error:
        return (), error.message
    return tuple(sorted((instance(entry) for entry in entries), key=lambda one: one.address)), None


async def booked(environment: Environment, service: str, label: str) -> tuple[Instance, ...]:
    """Where Nomad has placed the service's live allocations: the port of that label. RemoteError as Nomad's."""
    stubs = await environment.in_time(environment.nomad.allocations(service), "Nomad")
    live = [one for one in allocations(stubs) if one.is_live]
    documents = await asyncio.gather(*(environment.nomad.allocation(one.id) for one in live))
    found = [(one, _booked(document or {}, label)) for one, document in zip(live, documents, strict=True)]
    known = [Instance(one.id, address, UNKNOWN, one.canary) for one, address in found if address]
    return tuple(sorted(known, key=lambda one: one.address))


def _booked(document: Json, label: str) -> str | None:
    """The address in ``AllocatedResources.Shared.Ports`` of ``/v1/allocation/:id``."""
    shared = nested(nested(document, "AllocatedResources"), "Shared")
    ports = [port for port in listed(shared, "Ports") if port.get("Label") == label]
    return next((address_of(str(port.get("HostIP") or ""), port.get("Value")) for port in ports), None)
