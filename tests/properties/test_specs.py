"""Whatever text comes in, a spec is read or refused in words; and differences are laid over as RFC 7396 says."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from outrider_ground.errors import Problem, SpecError

from outrider.spec.reading.document import document
from outrider.spec.reading.files import read_platform, read_service
from outrider.spec.reading.merge import merged
from outrider.spec.reading.syntax import decoded
from outrider.spec.schema import service_schema

KEYS = st.sampled_from(
    [
        "service",
        "run",
        "image",
        "command",
        "upstreams",
        "timeout",
        "checks",
        "http",
        "env",
        "environments",
        "stage",
        "x.y",
        *sorted(service_schema()["properties"]),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(["5s", "http", "none", "/healthz", "a#b", "x:1"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=8), inner, max_size=6),
    max_leaves=20,
)
MAPS = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        st.none() | st.integers() | st.lists(st.integers(), max_size=2),
        lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
WHOLE_MAPS = MAPS.map(lambda value: merged({}, value))


def problems(text: str) -> list[Problem]:
    """What is said of the text as both kinds of files."""
    found: list[Problem] = []
    for reading in (read_service, read_platform):
        try:
            reading(text, "f.yaml")
        except SpecError as error:
            found += error.problems
    return found


def read(text: str) -> None:
    """The text is read or refused in words that name the file, and that a terminal shows as they are."""
    assert [found for found in problems(text) if found.file != "f.yaml" or not str(found).isprintable()] == []


@given(st.binary())
def test_any_bytes_are_text_or_refused_with_their_place(data: bytes) -> None:
    try:
        assert decoded(data, "f").encode() == data
    except SpecError as error:
        assert error.problems[0].line  # noqa: PT017 - both ways are right


@given(st.text(st.characters()))
def test_text_with_half_signs_is_read_or_refused(text: str) -> None:
    read(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)


@given(st.text(alphabet=" \n\t-:{}[]&*!|>'\"#%@`,?~ab1.<\\\ufeff\0\u2028\x85"))
def test_any_text_of_yaml_signs_is_read_or_refused(text: str) -> None:
    read(text)


@given(JSON)
def test_any_data_is_read_or_refused(data: Any) -> None:
    read(yaml.safe_dump(data, allow_unicode=True))


@given(JSON)
def test_any_data_in_a_spec_that_is_right_otherwise_is_read_or_refused(data: Any) -> None:
    extra = data if isinstance(data, dict) else {"env": data}
    read(yaml.safe_dump({**extra, "service": "a", "run": {"image": "x"}}))


@given(JSON, JSON)
def test_any_difference_is_read_or_refused(below: Any, above: Any) -> None:
    common = below if isinstance(below, dict) else {"upstreams": below}
    read(yaml.safe_dump({**common, "service": "a", "run": {"image": "x"}, "environments": {"stage": above}}))


PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"], exclude_characters="\ufeff"), min_size=1)


@given(st.dictionaries(PRINTABLE, st.lists(PRINTABLE, max_size=2), max_size=3))
def test_quoted_text_comes_out_as_it_went_in(data: dict[str, list[str]]) -> None:
    assert document(json.dumps(data, ensure_ascii=False)).data == data
    assert document(yaml.safe_dump(data, default_style='"', allow_unicode=True)).data == data


@given(MAPS)
def test_no_difference_changes_nothing(below: dict[str, Any]) -> None:
    assert merged(below, {}) == below


@given(WHOLE_MAPS)
def test_a_difference_over_nothing_is_itself(above: dict[str, Any]) -> None:
    assert merged({}, above) == above


@given(MAPS, MAPS)
def test_the_same_difference_twice_is_the_same_as_once(below: dict[str, Any], above: dict[str, Any]) -> None:
    once = merged(below, above)
    assert merged(once, above) == once


LEAF = st.integers() | st.lists(st.integers(), max_size=2)
FLAT = st.fixed_dictionaries({}, optional={"a": LEAF, "b": LEAF})
ALIKE = st.fixed_dictionaries({}, optional={"a": LEAF, "m": st.fixed_dictionaries({}, optional={"a": LEAF, "n": FLAT})})


@given(ALIKE, ALIKE, ALIKE)
def test_differences_of_the_same_structure_may_be_joined_first(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    """Specs have a structure; where a text takes a map's place, or null removes, the order matters (RFC 7396)."""
    assert merged(merged(first, second), third) == merged(first, merged(second, third))


@given(MAPS, MAPS)
def test_a_key_comes_from_the_difference_where_it_has_it_and_else_from_below(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    result = merged(below, above)
    assert set(result) == (set(below) | set(above)) - {key for key, value in above.items() if value is None}
    assert all(result[key] == below[key] for key in set(below) - set(above))
    assert all(result[key] == value for key, value in above.items() if isinstance(value, int | list))


@given(MAPS, MAPS)
def test_merging_changes_neither_side(below: dict[str, Any], above: dict[str, Any]) -> None:
    before = copy.deepcopy((below, above))
    merged(below, above)
    assert (below, above) == before


def contains_null(data: Any) -> bool:
    return data is None or (isinstance(data, dict) and any(contains_null(value) for value in data.values()))


@given(WHOLE_MAPS, MAPS)
@settings(max_examples=200)
def test_nothing_empty_is_left_after_a_difference(below: dict[str, Any], above: dict[str, Any]) -> None:
    assert not contains_null(merged(below, above))
