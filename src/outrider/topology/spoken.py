"""What a service speaks, as its callers have to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.topology import names

if TYPE_CHECKING:
    from outrider.spec.service import Service


def spoken(service: Service) -> str:
    """Its protocol; ``none`` for a worker, ``redis-shards`` for a redis whose instances share the keys out."""
    if service.port == "none":
        return names.PROTOCOL_NONE
    return names.PROTOCOL_SHARDS if service.shard else service.protocol
