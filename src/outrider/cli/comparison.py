"""What Consul, the agents and the Envoys know of each address of a service's upstreams, side by side; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from outrider.consul.instances import allocation_of

Document = Mapping[str, Any]
UNKNOWN = "?"
ABSENT = "absent"
ROW = ("upstream", "address", "consul", "agent", "envoy", "seen_by")


def comparison(document: Document) -> list[dict[str, str]]:
    """One row per sidecar, upstream and address that anybody knows; `?` where somebody could not be asked."""
    sidecars: list[Document] = list(document.get("sidecars") or ()) or [
        {"instance": "", "upstreams": {}, "problem": "none"}
    ]
    return [
        row for sidecar in sidecars for upstream in document["consul"] for row in _rows(document, sidecar, upstream)
    ]


def _rows(document: Document, sidecar: Document, upstream: str) -> Iterator[dict[str, str]]:
    view = _view(sidecar, upstream)
    consul, agent, envoy = _consul(document, upstream), _agent(view), _envoy(view)
    booked = [] if consul is not None else [address_of(one["address"]) for one in document["consul"][upstream]]
    known_to_any: set[str] = {*booked, *(consul or {}), *(agent or {}), *(envoy or {})}
    for address in sorted(known_to_any) or [""]:
        known = (consul, agent, envoy)
        yield dict(
            zip(ROW, (upstream, address, *(_word(one, address) for one in known), _allocation(sidecar)), strict=True)
        )


def _view(sidecar: Document, upstream: str) -> Document | None:
    """The agent's answer for the upstream; None where the sidecar could not be asked."""
    answer: Document = sidecar.get("upstreams") or {}
    upstreams: Document = answer.get("upstreams") or answer
    return upstreams.get(upstream)


def address_of(text: str) -> str:
    """``host:port`` in one way of several: an IPv6 address is in brackets and short, an IPv4 address is no IPv6 one."""
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return text
    known = getattr(address, "ipv4_mapped", None) or address
    return f"[{known}]:{port}" if known.version == 6 else f"{known}:{port}"  # noqa: PLR2004  IPv6


def _consul(document: Document, upstream: str) -> dict[str, str] | None:
    """What Consul says of each address; None where it has not answered, and the addresses are those that Nomad knows."""
    if upstream in (document.get("unknown") or ()):
        return None
    return {address_of(one["address"]): str(one["status"]) for one in document["consul"][upstream]}


def _agent(view: Document | None) -> dict[str, str] | None:
    if view is None or view.get("endpoints") is None:
        return None
    return {address_of(f"{one['address']}:{one['port']}"): str(one["health"]).lower() for one in view["endpoints"]}


def _envoy(view: Document | None) -> dict[str, str] | None:
    envoy: Document = (view or {}).get("envoy") or {}
    if envoy.get("endpoints") is None:
        return None
    return {address_of(str(one["address"])): str(one["health"]) for one in envoy["endpoints"]}


def _word(known: Mapping[str, str] | None, address: str) -> str:
    return UNKNOWN if known is None else known.get(address, ABSENT)


def _allocation(sidecar: Document) -> str:
    """The allocation's first eight characters; those of the instance's id where Nomad has not registered it."""
    instance = str(sidecar.get("instance") or "")
    return (allocation_of(instance) or instance)[:8]
