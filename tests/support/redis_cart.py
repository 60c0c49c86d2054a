"""An app that calls a redis through two sidecars."""

from __future__ import annotations

from support.street import Json, Sidecar, Street


async def cart(street: Street, *instances: int, knobs: Json | None = None) -> Sidecar:
    """The sidecar of an app whose upstream ``sessions`` is that redis, behind a sidecar of its own.

    Several instances share the keys out between them.
    """
    shards = len(instances) > 1
    spec = {"service": "sessions", "protocol": "redis", "shard": shards}
    callees = [await street.sidecar(spec, redis) for redis in instances]
    street.discovery.names("sessions", *(callee.ports["ingress"] for callee in callees))
    caller = {"service": "cart", "port": "none", "upstreams": {"sessions": knobs or {}}}
    made = await street.sidecar(caller, sessions="redis-shards" if shards else "redis")
    await street.knows(made, "sessions", len(instances))
    return made
