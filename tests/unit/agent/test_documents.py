"""JSON by the C scanner alone, against the json package."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outrider_agent.documents import list_in, object_in, parsed, rendered, text_in

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_rendered_is_what_the_json_package_reads(value: object) -> None:
    assert json.loads(rendered(value)) == value


@given(VALUES)
def test_what_the_json_package_writes_is_parsed(value: object) -> None:
    assert parsed(f" {json.dumps(value)}\n") == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", '{"a"', '{"a":', "[1,", '"open', "nul", "1 2", "{} {}", "[" * 100_000, "\x00", "\x0b{}", "[]\u00a0"],
)
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parsed(text)


def test_parts_of_another_kind_are_empty() -> None:
    assert (object_in([]), list_in({}), text_in(3), object_in(None)) == ({}, [], "", {})
