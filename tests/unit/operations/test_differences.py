from __future__ import annotations

from typing import Any

from outrider.operations.differences import differences


def paths(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    return [(change.sign, change.path) for change in differences(before, after)]


def test_equal_specs_have_no_differences() -> None:
    assert differences({"a": 1, "b": {"c": [1]}}, {"b": {"c": [1]}, "a": 1}) == ()


def test_fields_are_added_removed_and_changed() -> None:
    before = {"a": 1, "env": {"OLD": "x", "SAME": "y"}}
    after = {"a": 2, "env": {"NEW": "z", "SAME": "y"}}
    assert paths(before, after) == [("~", "a"), ("+", "env.NEW"), ("-", "env.OLD")]


def test_what_is_not_set_is_not_there() -> None:
    assert paths({"a": None, "b": [], "c": {}}, {}) == []


def test_an_upstream_without_knobs_is_seen() -> None:
    assert paths({"upstreams": {}}, {"upstreams": {"payments": {}}}) == [("+", "upstreams.payments")]


def test_a_knob_of_a_known_upstream_is_one_change() -> None:
    before = {"upstreams": {"payments": {"timeout": None}}}
    after = {"upstreams": {"payments": {"timeout": 800}}}
    assert ("+", "upstreams.payments.timeout") in paths(before, after)


def test_the_note_says_what_a_change_costs() -> None:
    notes = {change.path: change.note for change in differences({}, {"count": 2, "port": 80})}
    assert notes == {"count": "", "port": "replaces allocations"}
