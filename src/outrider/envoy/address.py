"""Envoy's addresses and endpoints that stand in the bootstrap itself."""

from __future__ import annotations

from outrider.documents import Json
from outrider.topology.ports import Address, Pipe, Slot


def address(place: Address | Pipe) -> Json:
    """A socket address or a pipe (config.core.v3.Address)."""
    return pipe(place) if isinstance(place, Pipe) else socket(place.host, place.port)


def socket(host: str | Slot, port: int | Slot) -> Json:
    """A TCP address."""
    return {"socket_address": {"address": host, "port_value": port}}


def pipe(place: Pipe, mode: int | None = None) -> Json:
    """A unix socket; ``mode`` are the permissions of one that Envoy makes itself."""
    return {"pipe": {"path": place.path} | ({"mode": mode} if mode is not None else {})}


def assignment(cluster: str, *places: Json) -> Json:
    """Fixed endpoints of a cluster (ClusterLoadAssignment)."""
    return {
        "cluster_name": cluster,
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": place}} for place in places]}],
    }
