"""What Consul, the agents and the Envoys know of each address of a service's upstreams, side by side; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from outrider.consul.instances import allocation_of
from outrider.operations.answers.endpoints import Endpoints, SidecarView
from outrider.telemetry.report import Report, UpstreamReport

NOBODY = SidecarView("", "", Report(), "none")
UNKNOWN = "?"
ABSENT = "absent"
ROW = ("upstream", "address", "consul", "agent", "envoy", "seen_by")


def comparison(found: Endpoints) -> list[dict[str, str]]:
    """One row per sidecar, upstream and address that anybody knows; `?` where somebody could not be asked."""
    sidecars = found.sidecars or (NOBODY,)
    return [row for sidecar in sidecars for upstream in found.consul for row in _rows(found, sidecar, upstream)]


def _rows(found: Endpoints, sidecar: SidecarView, upstream: str) -> Iterator[dict[str, str]]:
    view = sidecar.upstreams.upstreams.get(upstream)
    consul, agent, envoy = _consul(found, upstream), _agent(view), _envoy(view)
    booked = [] if consul is not None else [address_of(one.address) for one in found.consul[upstream]]
    known_to_any: set[str] = {*booked, *(consul or {}), *(agent or {}), *(envoy or {})}
    for address in sorted(known_to_any) or [""]:
        known = (consul, agent, envoy)
        yield dict(
            zip(ROW, (upstream, address, *(_word(one, address) for one in known), _allocation(sidecar)), strict=True)
        )


def address_of(text: str) -> str:
    """``host:port`` in one way of several: an IPv6 address is in brackets and short, an IPv4 address is no IPv6 one."""
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return text
    known = getattr(address, "ipv4_mapped", None) or address
    return f"[{known}]:{port}" if known.version == 6 else f"{known}:{port}"  # noqa: PLR2004  IPv6


def _consul(found: Endpoints, upstream: str) -> dict[str, str] | None:
    """What Consul says of each address; None where it has not answered, and the addresses are those that Nomad knows."""
    if upstream in found.unknown:
        return None
    return {address_of(one.address): one.status for one in found.consul[upstream]}


def _agent(view: UpstreamReport | None) -> dict[str, str] | None:
    if view is None or view.endpoints is None:
        return None
    return {address_of(f"{one.address}:{one.port}"): one.health.lower() for one in view.endpoints}


def _envoy(view: UpstreamReport | None) -> dict[str, str] | None:
    if view is None or view.envoy.endpoints is None:
        return None
    return {address_of(one.address): one.health for one in view.envoy.endpoints}


def _word(known: Mapping[str, str] | None, address: str) -> str:
    return UNKNOWN if known is None else known.get(address, ABSENT)


def _allocation(sidecar: SidecarView) -> str:
    """The allocation's first eight characters; those of the instance's id where Nomad has not registered it."""
    return (allocation_of(sidecar.instance) or sidecar.instance)[:8]
