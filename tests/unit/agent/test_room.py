"""The memory that lists may take: who gets it, who gives way, and that all of it comes back."""

from __future__ import annotations

import pytest
from outrider_agent.room import LEAST, MEGABYTE, Body, MalformedError, Room, Share, room_of


def test_answers_take_no_more_than_the_room_that_they_share() -> None:
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


def sharing(room: Room, size: int, ended: list[int]) -> Share:
    """An answer under way that notes when it gives way."""

    def give_way() -> None:
        ended.append(size)
        share.release()

    share = Share(room, give_way)
    share.resize(size)
    return share


def test_where_room_runs_out_the_largest_answer_gives_way_and_not_whoever_comes_last() -> None:
    room, ended = Room(100), list[int]()
    sharing(room, 30, ended)
    sharing(room, 60, ended)
    newcomer = Share(room, lambda: ended.append(0))
    newcomer.resize(20)
    assert (ended, newcomer.size, room.free) == ([60], 20, 50)


def test_several_answers_give_way_where_one_is_not_enough() -> None:
    room, ended = Room(100), list[int]()
    for size in (40, 31, 29):
        sharing(room, size, ended)
    Share(room, lambda: ended.append(0)).resize(39)
    assert ended == [40]
    sharing(room, 1, ended)
    with pytest.raises(MalformedError):
        Share(room, lambda: ended.append(0)).resize(101)


def test_an_answer_that_is_the_largest_itself_is_refused() -> None:
    room, ended = Room(100), list[int]()
    sharing(room, 40, ended)
    mine = sharing(room, 50, ended)
    with pytest.raises(MalformedError, match=r"sidecar\.memory\.agent"):
        mine.resize(61)
    assert (ended, mine.size) == ([], 50)


def test_what_is_kept_gives_no_way() -> None:
    room = Room(100)
    Share(room).resize(90)
    with pytest.raises(MalformedError):
        Share(room, lambda: None).resize(11)


def test_the_room_grows_with_the_memory_of_the_task() -> None:
    assert MEGABYTE == 2**20
    assert room_of(24).size == 12 * MEGABYTE
    assert room_of(36).size == 24 * MEGABYTE
    assert room_of(16).size == LEAST
