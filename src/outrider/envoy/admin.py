"""Envoy's administration interface, locked down to what agent, gate and metrics listener need."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.address import address, pipe
from outrider.topology.ports import Address, Pipe

OWNER_ONLY = 0o600
# Everything else answers 403, on the socket too: no /quitquitquit, /config_dump, /logging (Envoy 1.37 and later).
ALLOWED: tuple[Json, ...] = (
    {"prefix": "/stats"},
    {"exact": "/ready"},
    {"exact": "/clusters"},
    {"exact": "/memory"},
    {"exact": "/listeners"},
    {"prefix": "/healthcheck/"},
)


def admin(place: Address | Pipe) -> Json:
    """Admin on a socket that only the sidecar's user may open; it stays reachable when connections run out."""
    where = pipe(place, OWNER_ONLY) if isinstance(place, Pipe) else address(place)
    return {"address": where, "ignore_global_conn_limit": True, "allow_paths": list(ALLOWED)}
