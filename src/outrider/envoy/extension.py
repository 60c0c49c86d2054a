"""How Envoy names what it is made of: extensions with a typed configuration, and durations as text."""

from __future__ import annotations

from typing import Any

from outrider.documents import Json

SECOND_MS = 1_000


def typed(kind: str, **fields: Any) -> Json:
    """A typed configuration: ``kind`` is the message without its package root, as in ``extensions.filters.….Router``."""
    return {"@type": f"type.googleapis.com/envoy.{kind}", **fields}


def extension(name: str, kind: str, **fields: Any) -> Json:
    """A named extension with its typed configuration; ``name`` without the leading ``envoy.``."""
    return {"name": f"envoy.{name}", "typed_config": typed(kind, **fields)}


def seconds(milliseconds: int) -> str:
    """A duration as protobuf's JSON has it: 800 → ``0.800s``, 5000 → ``5s``."""
    whole, rest = divmod(milliseconds, SECOND_MS)
    return f"{whole}.{rest:03}s" if rest else f"{whole}s"
