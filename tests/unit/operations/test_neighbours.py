"""Which services are behind others."""

from __future__ import annotations

from outrider.operations.change.neighbours import behind

CALLS = {"a": {"b": {}, "c": {}}, "b": {"d": {}}, "d": {"b": {}}, "x": {"a": {}}}


def test_what_is_called_directly_or_not_is_behind_rings_included() -> None:
    assert behind(CALLS, ["a"]) == {"a", "b", "c", "d"}
    assert behind(CALLS, ["d", "unknown"]) == {"b", "d", "unknown"}
    assert behind(CALLS, []) == set()
