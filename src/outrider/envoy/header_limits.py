"""How many headers, and how large, a sidecar takes from an app and from another sidecar."""

from __future__ import annotations

# What frameworks and servers take by default, but for Go and Undertow (1 MB): Puma 112 KB, uvicorn 64 KB, Kestrel 32 KB.
HEADERS = 1_000
HEADERS_KB = 128
# What sidecars write on the way (x-request-id, trace, destination) must not be what the next one refuses.
WRITTEN_HEADERS = 50
WRITTEN_KB = 8


def most_headers(*, from_sidecar: bool) -> int:
    return HEADERS + (WRITTEN_HEADERS if from_sidecar else 0)


def most_kb(*, from_sidecar: bool) -> int:
    """Of all headers together, the first line among them."""
    return HEADERS_KB + (WRITTEN_KB if from_sidecar else 0)
