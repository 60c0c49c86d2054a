"""The group's network: the ports that Nomad books."""

from __future__ import annotations

from outrider.documents import Json
from outrider.topology.ports import Booking
from outrider.topology.topology import Topology


def networks(topology: Topology) -> list[Json]:
    """One network, or none for a group without any port in host mode."""
    bookings, network = topology.ports.bookings, topology.platform.network
    if not bookings and network.mode == "host":
        return []
    made: Json = {"Mode": network.mode}
    for kind, wanted in (("DynamicPorts", False), ("ReservedPorts", True)):
        ports = [_port(item, network.host_network) for item in bookings if bool(item.reserved) is wanted]
        made |= {kind: ports} if ports else {}
    return [made]


def _port(booking: Booking, host_network: str | None) -> Json:
    return {
        "Label": booking.label,
        **({"HostNetwork": host_network} if host_network else {}),
        **({"To": booking.to} if booking.to else {}),
        **({"Value": booking.reserved} if booking.reserved else {}),
    }
