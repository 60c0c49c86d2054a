"""What a Redis with several instances is asked to say."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.spec.mistakes import Mistake
from outrider.spec.service import Service


def redis_shards(service: Service) -> Iterator[Mistake]:
    if service.shard and service.protocol != "redis":
        message = f"has no effect: the service speaks {service.protocol}; it is for redis"
        yield Mistake(("shard",), message, of_key=True)
    refusal = shared_keys_refusal(service.protocol, service.count or 0, shares_keys=service.shard)
    if refusal:
        yield Mistake(("count",), refusal)


def shared_keys_refusal(protocol: str, count: int, *, shares_keys: bool) -> str:
    """What is wrong with that many instances, empty where nothing is; ``scale`` keeps the same rule."""
    if protocol != "redis" or count <= 1 or shares_keys:
        return ""
    return "several redis instances share the keys between them: write shard: true if they may, or count: 1"
