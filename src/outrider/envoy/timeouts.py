"""How long a sidecar waits, in milliseconds, where no knob says it."""

from __future__ import annotations

CONNECT_MS = 500
# An app whose queue of connections is full drops them in silence, and the system asks again after a second.
APP_CONNECT_MS = 1_500
OUTSIDE_CONNECT_MS = 3_000
# A caller that sends its headers byte by byte would hold a connection for ever: no idle time counts meanwhile.
HEADERS_MS = 10_000
# Ingress keeps what others' pools have closed long before, so that none meets a connection that is just being closed: those of
# sidecars after 30 s, and of balancers in front of the mesh after 60 s (nginx, AWS), 90 s (Traefik, Go) or 600 s (GCP).
INGRESS_IDLE_MS = 650_000
STREAM_IDLE_MS = 300_000
TCP_IDLE_MS = 3_600_000
