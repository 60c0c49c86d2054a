"""Parts of foreign JSON, of whatever shape it comes in: what is not there, or of another kind, is empty."""

from __future__ import annotations


def object_in(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]  JSON's keys are text


def list_in(value: object) -> list[object]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]  asked again where used


def text_in(value: object) -> str:
    return value if isinstance(value, str) else ""
