"""Connections that are fewer than upstreams: who may ask, and for how long."""

from __future__ import annotations

from outrider_agent.lanes import ROUND, TRY_AGAIN, Lanes


def full(links: int) -> Lanes:
    """Lanes on which every link but the last one is being served."""
    lanes = Lanes(links)
    for number in range(links - 1):
        assert lanes.is_free_for(str(number), 0.0)
        lanes.take(str(number))
    return lanes


def test_without_a_refusal_every_link_has_its_lane_and_may_wait_as_long_as_it_likes() -> None:
    lanes = Lanes(3)
    assert all(lanes.is_free_for(label, 0.0) for label in "abc")
    assert (lanes.limit, lanes.longest_wait) == (None, float("inf"))


def test_a_refusal_while_others_are_served_is_a_limit() -> None:
    lanes = full(5)
    assert lanes.refused(10.0)
    assert lanes.limit == 3
    assert lanes.longest_wait * 5 / 3 <= ROUND + 0.001
    assert not lanes.refused(10.1), "the same limit again is no news"


def test_a_refusal_while_nobody_is_served_is_no_limit_but_trouble() -> None:
    lanes = Lanes(5)
    assert not lanes.refused(10.0)
    assert lanes.limit is None


def test_links_take_turns_in_the_order_in_which_they_came() -> None:
    lanes = full(3)
    lanes.refused(0.0)
    for label in ("0", "1"):
        lanes.give_back(label)
    served: list[str] = []
    for _ in range(9):
        label = next(label for label in ("0", "1", "2") if lanes.is_free_for(label, 1.0))
        lanes.take(label)
        for other in ("0", "1", "2"):
            if other != label:
                assert not lanes.is_free_for(other, 1.0)
        lanes.give_back(label)
        served.append(label)
    assert [served.count(label) for label in ("0", "1", "2")] == [3, 3, 3]


def test_after_a_while_the_full_number_is_tried_again() -> None:
    lanes = full(3)
    lanes.refused(0.0)
    assert not lanes.is_free_for("2", TRY_AGAIN - 1)
    assert lanes.is_free_for("2", TRY_AGAIN)
    assert lanes.limit is None


def test_there_is_always_one_lane() -> None:
    lanes = full(2)
    lanes.refused(0.0)
    assert lanes.limit == 1
