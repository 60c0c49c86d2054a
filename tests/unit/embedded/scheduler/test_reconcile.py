"""Decisions on a job as a pure function of what there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from outrider_embedded.scheduler.deployment import (
    NEEDS_PROMOTION,
    NEWER_JOB,
    STOPPED_JOB,
    next_step,
    promoted,
    with_status,
)
from outrider_embedded.scheduler.times import stamp_ns

SECOND = 1_000_000_000
CANARY = {"Canary": 1, "MaxParallel": 1}
RESCHEDULED = {"Unlimited": True, "Delay": 0, "DelayFunction": "constant"}


def test_a_new_job_is_placed_whole_whatever_max_parallel_says(story: Callable[..., Any]) -> None:
    told = story(Count=3, Update={"MaxParallel": 1})
    decided = told.decided()
    assert [one.name for one in decided.place] == ["web.web[0]", "web.web[1]", "web.web[2]"]
    assert decided.deployment is not None
    assert decided.deployment["TaskGroups"]["web"]["DesiredTotal"] == 3


@pytest.mark.parametrize(("max_parallel", "steps"), [(1, [1, 1, 1]), (2, [2, 1]), (3, [3])])
def test_an_update_replaces_as_many_as_it_may_and_goes_on_with_health(
    story: Callable[..., Any], max_parallel: int, steps: list[int]
) -> None:
    told = story(Count=3, Update={"MaxParallel": max_parallel})
    told.finish()
    decided = told.change("2")
    seen: list[int] = []
    while decided.place:
        seen.append(len(decided.place))
        told.happen(decided)
        assert not told.decided().place
        told.become(is_healthy=True)
        decided = told.decided()
    assert seen == steps
    assert decided.deployment is not None
    assert decided.deployment["Status"] == "successful"


def test_an_unhealthy_allocation_stops_the_update(story: Callable[..., Any]) -> None:
    told = story(Count=3, Update={"MaxParallel": 2})
    told.finish()
    told.happen(told.change("2"))
    told.become(is_healthy=False)
    assert not told.decided().place


def test_the_same_content_keeps_every_allocation(story: Callable[..., Any]) -> None:
    told = story(Count=2)
    told.finish()
    decided = told.decided()
    assert not decided.place
    assert not decided.stop
    assert decided.updates["web"].ignore == 2


def test_a_smaller_count_ends_the_highest_numbers(story: Callable[..., Any]) -> None:
    told = story(Count=4)
    told.finish()
    decided = told.change("1", Count=2)
    assert sorted(one["Name"] for one in decided.stop) == ["web.web[2]", "web.web[3]"]
    assert decided.updates["web"].in_place == 2


def test_a_larger_count_fills_the_free_numbers(story: Callable[..., Any]) -> None:
    told = story(Count=1)
    told.finish()
    decided = told.change("1", Count=3)
    assert [one.name for one in decided.place] == ["web.web[1]", "web.web[2]"]
    assert not decided.stop


def test_a_canary_comes_beside_the_running_ones_and_nothing_else_happens(story: Callable[..., Any]) -> None:
    told = story(Count=2, Update=CANARY)
    told.finish()
    decided = told.change("2")
    assert [(one.name, one.is_canary) for one in decided.place] == [("web.web[0]", True)]
    assert not decided.stop
    assert decided.deployment is not None
    assert decided.deployment["StatusDescription"] == NEEDS_PROMOTION
    told.happen(decided)
    told.become(is_healthy=True)
    assert not told.decided().place


def test_a_promotion_ends_the_twin_of_the_canary_and_then_updates_the_rest(story: Callable[..., Any]) -> None:
    told = story(Count=2, Update=CANARY)
    told.finish()
    old = {one["Name"]: one["ID"] for one in told.allocations}
    told.happen(told.change("2"))
    told.become(is_healthy=True)
    told.deployment["TaskGroups"]["web"]["Promoted"] = True
    decided = told.decided()
    assert {one["ID"] for one in decided.stop} == set(old.values())
    assert [(one.name, one.is_canary) for one in decided.place] == [("web.web[1]", False)]


def test_as_many_canaries_as_the_count_need_no_further_step(story: Callable[..., Any]) -> None:
    told = story(Count=2, Update={"Canary": 2, "MaxParallel": 1})
    told.finish()
    told.happen(told.change("2"))
    told.become(is_healthy=True)
    told.deployment["TaskGroups"]["web"]["Promoted"] = True
    decided = told.decided()
    assert len(decided.stop) == 2
    assert not decided.place


def test_a_failed_canary_is_replaced_by_one(story: Callable[..., Any]) -> None:
    told = story(Count=1, Update=CANARY, ReschedulePolicy=RESCHEDULED)
    told.finish()
    told.happen(told.change("2"))
    transition = {"Reschedule": True, "Migrate": None}
    told.become(is_healthy=False, ClientStatus="failed", DesiredTransition=transition)
    decided = told.decided()
    assert [one.is_canary for one in decided.place] == [True]
    assert decided.updates["web"].place == 1


def test_a_failed_deployment_ends_its_canary_and_keeps_the_rest(story: Callable[..., Any]) -> None:
    told = story(Count=1, Update=CANARY)
    told.finish()
    kept = told.allocations[0]["ID"]
    told.happen(told.change("2"))
    told.deployment = with_status(told.deployment, "failed", "why not")
    decided = told.decided()
    assert [one["ID"] for one in decided.stop] == [one["ID"] for one in told.allocations if one["ID"] != kept]
    assert not decided.place


def test_a_newer_version_cancels_the_deployment_and_its_canary(story: Callable[..., Any]) -> None:
    told = story(Count=1, Update=CANARY)
    told.finish()
    told.happen(told.change("2"))
    decided = told.change("3")
    assert decided.cancelled is not None
    assert decided.cancelled["StatusDescription"] == NEWER_JOB
    assert len(decided.stop) == 1
    assert [one.is_canary for one in decided.place] == [True]


def test_a_stopped_job_ends_everything(story: Callable[..., Any]) -> None:
    told = story(Count=2)
    told.happen(told.decided())
    decided = told.decided(Stop=True)
    assert len(decided.stop) == 2
    assert decided.cancelled is not None
    assert decided.cancelled["StatusDescription"] == STOPPED_JOB


def test_a_failed_allocation_is_replaced_now_or_later_or_never(story: Callable[..., Any]) -> None:
    for delay, now, later in ((0, 1, 0), (60 * SECOND, 0, 1)):
        told = story(ReschedulePolicy={**RESCHEDULED, "Delay": delay})
        told.finish()
        told.allocations = [{**one, "ClientStatus": "failed", "ModifyTime": told.now} for one in told.allocations]
        decided = told.decided()
        assert (len(decided.place), len(decided.later)) == (now, later)
    never = story(ReschedulePolicy={"Attempts": 0, "Unlimited": False})
    never.finish()
    never.allocations = [{**one, "ClientStatus": "failed"} for one in never.allocations]
    decided = never.decided()
    assert not decided.place
    assert not decided.later


def test_a_moving_allocation_is_replaced_under_its_name(story: Callable[..., Any]) -> None:
    told = story(Count=1)
    told.finish()
    transition = {"Migrate": True, "Reschedule": None}
    told.allocations = [{**one, "DesiredTransition": transition} for one in told.allocations]
    decided = told.decided()
    assert [one.name for one in decided.place] == ["web.web[0]"]
    assert decided.stop[0]["DesiredDescription"] == "alloc is being migrated"


def test_a_renamed_group_ends_the_old_ones_and_places_the_new(story: Callable[..., Any]) -> None:
    told = story(Count=1)
    told.finish()
    decided = told.change("1", Name="other")
    assert [one["TaskGroup"] for one in decided.stop] == ["web"]
    assert [one.name for one in decided.place] == ["web.other[0]"]


def test_the_deadline_begins_with_the_first_placement_and_moves_only_with_health(story: Callable[..., Any]) -> None:
    told = story(Update={"ProgressDeadline": 60 * SECOND, "HealthyDeadline": 10 * SECOND}, ReschedulePolicy=RESCHEDULED)
    told.happen(told.decided())
    first = told.deployment["TaskGroups"]["web"]["RequireProgressBy"]
    told.become(is_healthy=False)
    assert told.deployment["TaskGroups"]["web"]["RequireProgressBy"] == first
    late = told.now + 10**18
    step = next_step(told.deployment, told.job, told.allocations, late)
    assert step.failure == "Failed due to progress deadline"


def test_an_unhealthy_allocation_without_a_replacement_fails_the_deployment_at_once(story: Callable[..., Any]) -> None:
    told = story(Update={"AutoRevert": True}, ReschedulePolicy={"Attempts": 0, "Unlimited": False})
    told.happen(told.decided())
    told.become(is_healthy=False)
    step = next_step(told.deployment, told.job, told.allocations, told.now)
    assert (step.failure, step.is_reverting) == ("Failed due to unhealthy allocations", True)


def test_a_promotion_is_progress_and_moves_the_deadline(story: Callable[..., Any]) -> None:
    told = story(Update={"ProgressDeadline": 60 * SECOND}, ReschedulePolicy=RESCHEDULED)
    told.happen(told.decided())
    before = stamp_ns(told.deployment["TaskGroups"]["web"]["RequireProgressBy"])
    after = promoted(told.deployment, "web", before + 5 * SECOND)["TaskGroups"]["web"]
    assert (after["Promoted"], stamp_ns(after["RequireProgressBy"])) == (True, before + 65 * SECOND)
