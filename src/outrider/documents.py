"""Documents as everybody here takes them: how long one may be, and foreign JSON in which null stands for empty (Go writes so)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
MOST_SPEC_BYTES = 1_000_000
"""The longest spec or platform file that is read."""


def listed(document: Json, key: str) -> list[Json]:
    """The objects in a list; missing and null are empty."""
    found: list[Json] | None = document.get(key)
    return found or []


def nested(document: Json, key: str) -> Json:
    """The object inside an object; missing and null are empty."""
    found: Json | None = document.get(key)
    return found or {}


def table(document: Json, key: str) -> dict[str, Json]:
    """Objects by name; missing and null are empty."""
    found: dict[str, Json] | None = document.get(key)
    return found or {}
