"""Connections that are fewer than upstreams: who may ask, and for how long."""

from __future__ import annotations

from outrider_agent.connection_slots import MOST_QUERIES, ROUND, TRY_AGAIN, ConnectionSlots


def full(links: int) -> ConnectionSlots:
    """Lanes on which every link but the last one is being served."""
    slots = ConnectionSlots(links, links)
    for number in range(links - 1):
        assert slots.is_free_for(str(number), 0.0)
        slots.take(str(number))
    return slots


def test_without_a_refusal_every_link_has_its_lane_and_may_wait_as_long_as_it_likes() -> None:
    slots = ConnectionSlots(3, 3)
    assert all(slots.is_free_for(label, 0.0) for label in "abc")
    assert (slots.limit, slots.longest_wait) == (None, float("inf"))


def test_a_refusal_while_others_are_served_is_a_limit() -> None:
    slots = full(5)
    assert slots.refused(10.0)
    assert slots.limit == 3
    assert slots.longest_wait * 5 / 3 <= ROUND + 0.001
    assert not slots.refused(10.1), "the same limit again is no news"


def test_a_refusal_while_nobody_is_served_is_no_limit_but_trouble() -> None:
    slots = ConnectionSlots(5, 5)
    assert not slots.refused(10.0)
    assert slots.limit is None


def test_links_take_turns_in_the_order_in_which_they_came() -> None:
    slots = full(3)
    slots.refused(0.0)
    for label in ("0", "1"):
        slots.give_back(label)
    served: list[str] = []
    for _ in range(9):
        label = next(label for label in ("0", "1", "2") if slots.is_free_for(label, 1.0))
        slots.take(label)
        for other in ("0", "1", "2"):
            if other != label:
                assert not slots.is_free_for(other, 1.0)
        slots.give_back(label)
        served.append(label)
    assert [served.count(label) for label in ("0", "1", "2")] == [3, 3, 3]


def test_after_a_while_the_full_number_is_tried_again() -> None:
    slots = full(3)
    slots.refused(0.0)
    assert not slots.is_free_for("2", TRY_AGAIN - 1)
    assert slots.is_free_for("2", TRY_AGAIN)
    assert slots.limit is None
    assert TRY_AGAIN == 60.0


def test_there_is_always_one_lane() -> None:
    slots = full(2)
    slots.refused(0.0)
    assert slots.limit == 1


def test_no_more_is_held_than_was_told_and_everybody_has_a_turn_in_a_second() -> None:
    """An agent cannot know its neighbours, who share Consul's limit."""
    slots = ConnectionSlots(120, 32)
    labels = [str(number) for number in range(120)]
    using, served, now = list[tuple[float, str]](), list[str](), 0.0
    while now < 1.0:
        for at, label in [one for one in using if one[0] <= now]:
            slots.give_back(label)
            using.remove((at, label))
        for label in labels:
            if label not in [one for _, one in using] and slots.is_free_for(label, now):
                slots.take(label)
                using.append((now + slots.longest_wait, label))
                served.append(label)
        assert len(using) <= 32
        now += 0.01
    assert set(served) == set(labels)


def test_a_limit_that_was_told_outlives_one_that_consul_set() -> None:
    slots = ConnectionSlots(5, 4)
    for label in "012":
        slots.take(label)
    assert slots.refused(0.0)
    assert slots.limit == 2
    slots.is_free_for("4", TRY_AGAIN)
    assert slots.limit == 4


def test_as_many_connections_as_upstreams_are_no_limit() -> None:
    assert ConnectionSlots(32, 32).limit is None
    assert ConnectionSlots(33, 32).limit == 32


def test_very_many_upstreams_are_asked_less_often_than_would_keep_a_core_busy() -> None:
    slots = ConnectionSlots(500, 32)
    assert 32 / slots.longest_wait <= MOST_QUERIES + 0.001
