"""The memory that lists may take: who gets it, who gives way, and that all of it comes back."""

from __future__ import annotations

import pytest
from outrider_agent.memory_budget import LEAST, MEGABYTE, Body, MalformedError, MemoryBudget, Share, budget_of


def test_answers_take_no_more_than_the_room_that_they_share() -> None:
    """A13: bounded memory."""
    budget = MemoryBudget(100)
    first, second = Body(budget), Body(budget)
    first.feed(b"x" * 60)
    second.feed(b"x" * 40)
    with pytest.raises(MalformedError, match="more than"):
        second.feed(b"x")


def test_room_comes_back_when_a_body_is_read_or_given_up() -> None:
    budget = MemoryBudget(100)
    read, given_up = Body(budget), Body(budget)
    read.feed(b"[")
    read.feed(b"]")
    given_up.feed(b"x" * 98)
    assert read.text() == "[]"
    given_up.release()
    assert budget.free == 100


def test_a_body_that_is_no_utf8_is_refused() -> None:
    body = Body(MemoryBudget(10))
    body.feed(b"\xff\xfe")
    with pytest.raises(MalformedError, match="UTF-8"):
        body.text()


def sharing(budget: MemoryBudget, size: int, ended: list[int]) -> Share:
    """An answer under way that notes when it gives way."""

    def give_way() -> None:
        ended.append(size)
        share.release()

    share = Share(budget, give_way)
    share.resize(size)
    return share


def test_where_room_runs_out_the_largest_answer_gives_way_and_not_whoever_comes_last() -> None:
    budget, ended = MemoryBudget(100), list[int]()
    sharing(budget, 30, ended)
    sharing(budget, 60, ended)
    newcomer = Share(budget, lambda: ended.append(0))
    newcomer.resize(20)
    assert (ended, newcomer.size, budget.free) == ([60], 20, 50)


def test_several_answers_give_way_where_one_is_not_enough() -> None:
    budget, ended = MemoryBudget(100), list[int]()
    for size in (40, 31, 29):
        sharing(budget, size, ended)
    Share(budget, lambda: ended.append(0)).resize(39)
    assert ended == [40]
    sharing(budget, 1, ended)
    with pytest.raises(MalformedError):
        Share(budget, lambda: ended.append(0)).resize(101)


def test_an_answer_that_is_the_largest_itself_is_refused() -> None:
    budget, ended = MemoryBudget(100), list[int]()
    sharing(budget, 40, ended)
    mine = sharing(budget, 50, ended)
    with pytest.raises(MalformedError, match=r"sidecar\.memory\.agent"):
        mine.resize(61)
    assert (ended, mine.size) == ([], 50)


def test_what_is_kept_gives_no_way() -> None:
    budget = MemoryBudget(100)
    Share(budget).resize(90)
    with pytest.raises(MalformedError):
        Share(budget, lambda: None).resize(11)


def test_the_room_grows_with_the_memory_of_the_task() -> None:
    assert MEGABYTE == 2**20
    assert budget_of(24).size == 12 * MEGABYTE
    assert budget_of(36).size == 24 * MEGABYTE
    assert budget_of(16).size == LEAST
