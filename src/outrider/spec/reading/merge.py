"""The difference of an environment laid over the common part: JSON Merge Patch (RFC 7396)."""

from __future__ import annotations

from typing import Any, cast


def merged(below: Any, above: Any) -> Any:
    """``above`` laid over ``below``: maps merge key by key, null removes, everything else (lists too) replaces."""
    if not isinstance(above, dict):
        return above
    result: dict[str, Any] = dict(cast("dict[str, Any]", below)) if isinstance(below, dict) else {}
    for key, value in cast("dict[str, Any]", above).items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
