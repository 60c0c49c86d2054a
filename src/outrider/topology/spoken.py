"""What a service speaks, as its callers have to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.topology import names

if TYPE_CHECKING:
    from outrider.spec.service import Service


def protocol(service: Service) -> str:
    """Its protocol; ``none`` for a worker."""
    return names.PROTOCOL_NONE if service.port == "none" else service.protocol


def spoken(service: Service) -> str:
    """The same, and ``redis-shards`` for a redis whose instances share the keys out."""
    is_sharded = service.shard and service.port != "none"
    return names.PROTOCOL_SHARDS if is_sharded else protocol(service)
