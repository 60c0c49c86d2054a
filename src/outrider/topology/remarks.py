"""What a plan tells beside its changes: consequences of a spec, and fields that have no effect yet."""

from __future__ import annotations

from collections.abc import Callable

from outrider.topology import names
from outrider.topology.sidecar import Topology

# Whether a topology uses a field whose behaviour is not built, and what to say then. Today every field has its effect.
NOT_YET: tuple[tuple[Callable[[Topology], bool], str], ...] = ()


def remarks(topology: Topology) -> tuple[str, ...]:
    """One line for each consequence that a developer may not expect."""
    return tuple(
        f"{booking.label} is the fixed port {booking.reserved} of the node: one allocation per node, and a deploy "
        "stops the old one before the new one starts"
        for booking in topology.ports.bookings
        if booking.reserved
    )


def effects_not_yet(topology: Topology) -> tuple[str, ...]:
    """One line for each field that is accepted, and means nothing yet."""
    return tuple(line for is_used, line in NOT_YET if is_used(topology))


def has_fixed_port(topology: Topology) -> bool:
    """Whether no two allocations of the service fit on one node."""
    return any(booking.reserved for booking in topology.ports.bookings)


def serves_on(topology: Topology) -> str | None:
    """The port label under which Consul knows the service; a worker is known by its metrics, to be scraped."""
    if not topology.sidecar:
        return names.APP if topology.ports.app else None
    return names.INGRESS if topology.ports.ingress else names.METRICS
