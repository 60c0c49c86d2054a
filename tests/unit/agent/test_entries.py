"""Lists of entries, complete or not used at all (A13)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outrider_agent.entries import Body, MalformedError, Room, entries

ENTRIES = st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3), max_size=5)


@given(ENTRIES, st.sampled_from([None, 1]))
def test_every_entry_of_a_list_is_read(found: list[dict[str, object]], indent: int | None) -> None:
    assert [entry for _, entry in entries(json.dumps(found, indent=indent))] == found


@given(ENTRIES.filter(bool), st.data())
def test_a_truncated_list_is_refused_wherever_it_ends(found: list[dict[str, object]], data: st.DataObject) -> None:
    """A13: truncated."""
    text = json.dumps(found)
    with pytest.raises(MalformedError):
        list(entries(text[: data.draw(st.integers(0, len(text) - 1))]))


@pytest.mark.parametrize(
    "text", ["null", "{}", "[1]", "[[]]", "[{}] x", "[{},]", "[,{}]", "[{}{}]", "x", "[{]}", "[nul]"]
)
def test_what_is_no_list_of_objects_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        list(entries(text))


def test_a_body_takes_no_more_than_the_room_that_all_bodies_share() -> None:
    """A13: bounded memory."""
    room = Room(100)
    first, second = Body(room), Body(room)
    first.feed(b"x" * 60)
    second.feed(b"x" * 40)
    with pytest.raises(MalformedError, match="more than"):
        second.feed(b"x")


def test_room_comes_back_when_a_body_is_read_or_given_up() -> None:
    room = Room(100)
    read, given_up = Body(room), Body(room)
    read.feed(b"[")
    read.feed(b"]")
    given_up.feed(b"x" * 98)
    assert read.text() == "[]"
    given_up.release()
    assert room.free == 100


def test_a_body_that_is_no_utf8_is_refused() -> None:
    body = Body(Room(10))
    body.feed(b"\xff\xfe")
    with pytest.raises(MalformedError, match="UTF-8"):
        body.text()
