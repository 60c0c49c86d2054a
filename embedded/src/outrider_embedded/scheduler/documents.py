"""Nomad's documents as Python holds them, and the parts that Nomad writes as null when they are empty."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def rows(value: Any) -> list[Document]:
    """A list of documents; null is an empty one."""
    return value or []


def fields(value: Any) -> Document:
    """A document; null is an empty one."""
    return value or {}


def words(value: Any) -> list[str]:
    """A list of texts; null is an empty one."""
    return value or []
