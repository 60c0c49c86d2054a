"""Lists of entries, complete or not used at all (A13)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outrider_agent.json_array import LONGEST_GUESS, ArrayReader, entries
from outrider_agent.memory_budget import MalformedError

NAMES = st.text(max_size=5) | st.just("Node")
ENTRIES = st.lists(st.dictionaries(NAMES, st.integers() | st.text(max_size=5), max_size=3), max_size=5)


def read(data: bytes, size: int) -> list[dict[str, object] | None]:
    """What a list means that comes in pieces of that size."""
    found = ArrayReader()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    early = [entry for piece in pieces for _, entry in found.feed(piece)]
    return [*early, *(entry for _, entry in found.finish())]


@given(ENTRIES, st.sampled_from([None, 1]))
def test_every_entry_of_a_list_is_read(found: list[dict[str, object]], indent: int | None) -> None:
    assert [entry for _, entry in entries(json.dumps(found, indent=indent))] == found


@given(ENTRIES, st.sampled_from([None, 1]), st.integers(1, 40), st.booleans())
def test_a_list_means_the_same_in_whatever_pieces_it_comes(
    found: list[dict[str, object]], indent: int | None, size: int, is_ascii: bool
) -> None:
    assert read(json.dumps(found, indent=indent, ensure_ascii=is_ascii).encode(errors="replace"), size) == json.loads(
        json.dumps(found, indent=indent, ensure_ascii=is_ascii).encode(errors="replace")
    )


@given(ENTRIES.filter(bool), st.data())
def test_a_truncated_list_is_refused_wherever_it_ends(found: list[dict[str, object]], data: st.DataObject) -> None:
    """A13: truncated."""
    text = json.dumps(found)
    cut = text[: data.draw(st.integers(0, len(text) - 1))].encode()
    with pytest.raises(MalformedError):
        read(cut, data.draw(st.integers(1, 40)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        "[1]",
        "[[]]",
        "[{}] x",
        "[{}]]",
        "[{},]",
        "[,{}]",
        "[{}{}]",
        "x",
        "[{]}",
        "[nul]",
        "[{}",
        "[{},{",
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_what_is_no_list_of_objects_is_refused(text: str, size: int) -> None:
    with pytest.raises(MalformedError):
        read(text.encode(), size)


@pytest.mark.parametrize("data", [b'[{"a": "\xff"}]', b'[{"a": 1}]\xc3'])
def test_a_list_that_is_no_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match="UTF-8"):
        read(data, 3)


def test_the_text_of_what_was_read_is_not_kept() -> None:
    one = json.dumps({"Node": {}, "pad": "x" * 1000}).encode()
    found = ArrayReader()
    assert len(list(found.feed(b"[" + b",".join([one] * 100)))) >= 98
    assert found.waiting <= 2 * len(one)


def test_an_entry_longer_than_any_guess_is_read_though_it_comes_in_small_pieces() -> None:
    long = {"Node": {}, "pad": "x" * (20 * LONGEST_GUESS)}
    assert read(json.dumps([long, long, {"Node": {}}]).encode(), 1000) == [long, long, {"Node": {}}]
