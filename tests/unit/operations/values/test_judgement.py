"""Which allocations run with another value than the one that is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outrider.operations.records import Seen
from outrider.operations.values.judgement import Ground, Start, judged
from outrider.operations.values.sighting import Sighting
from outrider.spec.readings import Reading
from outrider.spec.references import Reference
from outrider.spec.variables import OnChange

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
FLAG = Reference("consul", "config/flag")
OLD, NEW = "a" * 32, "b" * 32


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def value(
    word: OnChange | None = "ask",
    sighting: Sighting | None = None,
    may_lack: bool = False,
    by_sidecar: bool = False,
    **said: Any,
) -> Any:
    history = said.pop("history", (Seen(OLD, at(0)), Seen(NEW, at(60))))
    starts = said.pop("starts", (Start("one", at(-10)), Start("two", at(100))))
    ground = Ground(
        {FLAG: history}, {FLAG: sighting or Sighting(NEW)}, "ask", said.pop("now", at(200)), starts=starts, **said
    )
    (found,) = judged((Reading(FLAG, "", "FLAG", word, may_lack, by_sidecar),), ground)
    return found


def test_who_started_before_a_change_is_behind_and_who_started_after_it_is_not() -> None:
    found = value()
    assert (found.state, found.behind, found.since) == ("pending", ("one",), at(60))
    assert (found.deployed, found.now) == (("a" * 8, "b" * 8), "b" * 8)


def test_a_platforms_word_holds_where_the_spec_says_none() -> None:
    assert value(None).on_change == "ask"


def test_a_value_that_goes_back_to_what_was_read_is_no_change() -> None:
    history = (Seen(OLD, at(0)), Seen(NEW, at(60)), Seen(OLD, at(90)))
    found = value(sighting=Sighting(OLD), history=history, starts=(Start("one", at(-10)),))
    assert (found.state, found.behind) == ("current", ())


def test_what_was_first_seen_after_a_start_counts_as_read_by_it() -> None:
    assert (
        value(sighting=Sighting(OLD), history=(Seen(OLD, at(0)),), starts=(Start("one", at(-3600)),)).state == "current"
    )


def test_who_started_in_the_moment_of_the_change_may_have_read_the_old_one() -> None:
    assert value(starts=(Start("one", at(61)),)).behind == ("one",)
    assert value(starts=(Start("one", at(62)),)).behind == ()


def test_what_a_rollout_started_has_the_new_value_whatever_the_nodes_clock_says() -> None:
    late = (Start("one", at(-500)),)
    assert value(starts=late, rolled_at=at(60)).state == "current"
    assert value(starts=late, rolled_at=at(59)).state == "pending"


@pytest.mark.parametrize(
    ("word", "state"), [("roll", "pending"), ("nothing", "left"), ("restart", "nomads"), ("signal", "nomads")]
)
def test_each_word_has_its_state(word: OnChange, state: str) -> None:
    assert value(word).state == state


@pytest.mark.parametrize("word", ["ask", "roll", "restart"])
def test_what_is_gone_is_said_to_be_gone_whatever_is_done_on_a_change(word: OnChange) -> None:
    found = value(word, Sighting(NEW, is_gone=True))
    assert (found.state, found.now) == ("gone", None)
    assert "is gone" in found.problem


def test_what_may_lack_and_is_gone_is_a_change_like_any_other() -> None:
    assert value("roll", Sighting(NEW, is_gone=True), may_lack=True).state == "pending"


def test_an_empty_value_waits_and_says_so() -> None:
    found = value("roll", Sighting(NEW, is_empty=True))
    assert (found.state, found.problem, found.is_pending) == ("empty", "is empty", True)


def test_what_nobody_may_read_is_unwatched_with_the_reason() -> None:
    found = value(sighting=Sighting(problem="403"))
    assert (found.state, found.problem, found.is_pending) == ("unwatched", "403", False)


def test_an_allocation_whose_app_has_not_started_is_behind_nothing() -> None:
    assert value(starts=(Start("one", None),)).behind == ()


def test_a_password_was_read_when_envoy_started_and_not_the_app() -> None:
    starts = (Start("one", at(100), at(-10)), Start("two", at(-10), at(100)))
    assert value(by_sidecar=True, starts=starts).behind == ("one",)


def test_a_lent_secret_is_due_when_a_third_of_its_life_is_left_whatever_the_spec_says_but_nothing() -> None:
    lent, starts = Sighting(lease_s=300), (Start("one", at(0)), Start("two", at(50)))
    before = value("ask", lent, starts=starts, now=at(199))
    assert (before.state, before.expires_at) == ("current", at(300))
    due = value("ask", lent, starts=starts, now=at(200))
    assert (due.state, due.behind, due.since) == ("pending", ("one",), at(200))
    assert value("nothing", lent, starts=starts, now=at(200)).state == "left"
    assert value("restart", lent, starts=starts, now=at(200)).state == "nomads"
    assert value("ask", lent, starts=starts, now=at(200), rolled_at=at(190)).state == "current"
