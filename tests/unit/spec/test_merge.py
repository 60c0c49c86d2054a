"""The difference of an environment over the common part."""

from __future__ import annotations

import pytest

from outrider.spec.reading.merge import merged


@pytest.mark.parametrize(
    ("below", "above", "result"),
    [
        # The examples of RFC 7396, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_maps_merge_lists_replace_and_null_removes(below: object, above: object, result: object) -> None:
    assert merged(below, above) == result


def test_merging_leaves_both_sides_as_they_were() -> None:
    below, above = {"a": {"b": 1}}, {"a": {"c": 2}}
    merged(below, above)
    assert (below, above) == ({"a": {"b": 1}}, {"a": {"c": 2}})
