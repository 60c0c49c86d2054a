"""The steps that a plan shows are those that happen: pure, and beside the reconciler of the embedded Nomad."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.world import ADA, World, finished, text
from support.planned import check_happened

from outrider.operations.answers.rollout import Rollout, Step
from outrider.operations.application import Application
from outrider.operations.change.rollout import Start, rollout
from outrider.operations.opening import Order

ME = Order(ADA)
SECOND = 1_000_000_000


def spec(command: str, count: int, update: str) -> str:
    return f"service: checkout\nmesh: false\nrun: {{command: [{command}]}}\ncount: {count}\nupdate: {{{update}, min_healthy_time: 0s}}\n"


def named(steps: tuple[Step, ...], *kinds: str) -> list[tuple[str, tuple[int, ...], int]]:
    return [(one.kind, one.allocations, one.at_a_time) for one in steps if not kinds or one.kind in kinds]


WAYS = [
    # count before, count after, update: rolling, by twos, all at once, with canaries, more and fewer of them
    (4, 4, "max_parallel: 1"),
    (4, 4, "max_parallel: 2"),
    (5, 5, "max_parallel: 2"),
    (1, 1, "max_parallel: 1"),
    (3, 3, "max_parallel: 3"),
    (4, 4, "canary: 1, max_parallel: 1"),
    (4, 4, "canary: 2, max_parallel: 2"),
    (3, 3, "canary: 3, max_parallel: 1"),
    (4, 6, "max_parallel: 1"),
    (4, 6, "max_parallel: 3"),
    (5, 3, "max_parallel: 1"),
    (5, 3, "canary: 1, max_parallel: 1"),
    (2, 4, "canary: 1, max_parallel: 1"),
    (2, 5, "canary: 2, max_parallel: 2"),
]


@pytest.mark.parametrize(("before", "after", "update"), WAYS)
async def test_the_steps_of_the_plan_are_those_that_happen(
    world: World, application: Application, before: int, after: int, update: str
) -> None:
    first = text(spec=spec("one", before, update))
    assert (await finished(application, await application.changes.deploy("stage", first, ME))).state == "successful"
    second = text(spec=spec("two", after, update))
    plan = await application.changes.plan(ADA, "stage", second)
    deployment = await application.changes.deploy("stage", second, ME)
    if any("your word" in step.text for step in plan.rollout.steps):
        async for event in await application.feed(ADA, deployment.id):
            if event is not None and event.kind == "promotion":
                await application.changes.promote("stage", "checkout", ME)
                break
    assert (await finished(application, deployment)).state == "successful"
    check_happened(plan.rollout, await world.nomad.allocations("checkout"))
    assert (plan.rollout.before, plan.rollout.after) == (before, after)


def begun(numbers: dict[str, int], *, count: int = 4, update: dict[str, Any] | None = None, **more: Any) -> Rollout:
    strategy = {"MaxParallel": 1, "MinHealthyTime": 5 * SECOND, "HealthyDeadline": 120 * SECOND} | (update or {})
    job = {"ID": "checkout", "TaskGroups": [{"Name": "checkout", "Count": count, "Update": strategy}]}
    start: Any = {"is_live": True, "previous": 3} | more
    return rollout(Start("stage", job, {"checkout": numbers}, **start))


def test_a_rolling_update_names_all_replacements_though_nomad_says_the_first_only() -> None:
    found = begun({"destructive": 2, "ignore": 2}, update={"MaxParallel": 2, "AutoRevert": True})
    assert named(found.steps) == [("replace", (0, 1, 2, 3), 2)]
    assert found.steps[0].text == "replaces checkout[0] to [3] 2 at a time, each healthy for 5s before the next"
    assert (found.before, found.after, found.least) == (4, 4, 2)
    assert found.on_failure == (
        "an allocation that is not healthy within 2m ends the rollout, and version 3 is brought back"
    )


def test_a_canary_waits_for_a_word_and_takes_the_place_of_an_old_one() -> None:
    found = begun({"canary": 1, "ignore": 4}, update={"Canary": 1})
    assert [step.text for step in found.steps] == [
        "starts 1 canary allocation of the new version beside the 4 old, which stay; each has to be healthy for 5s",
        "waits for your word: `outrider promote checkout -e stage`, or `outrider fail checkout -e stage` to give it up",
        "stops checkout[0], whose place is taken, at once",
        "replaces checkout[1] to [3] one at a time, each healthy for 5s before the next",
    ]
    assert found.least == 3


def test_where_everything_would_be_replaced_at_once_the_new_comes_up_beside_it_and_takes_over_by_itself() -> None:
    found = begun({"canary": 2, "ignore": 2}, count=2, update={"Canary": 2, "AutoPromote": True, "MaxParallel": 2})
    assert named(found.steps) == [("canary", (0, 1), 2), ("promote", (0, 1), 2), ("stop", (0, 1), 2)]
    assert "by itself" in found.steps[1].text
    assert found.least == 2


def test_the_first_deployment_starts_all_at_once() -> None:
    found = begun({"place": 3}, count=3, is_live=False, previous=None)
    assert named(found.steps) == [("start", (0, 1, 2), 3)]
    assert found.steps[0].text == "starts all 3, checkout[0] to [2], at once; each has to be healthy for 5s"
    assert "stays as it is" in found.on_failure


def test_a_scale_changes_what_runs_in_place_and_starts_the_others() -> None:
    found = begun({"in_place": 4, "place": 2}, count=6)
    assert named(found.steps) == [("in_place", (0, 1, 2, 3), 4), ("start", (4, 5), 2)]
    assert found.steps[0].text == "changes checkout[0] to [3] in place: nothing restarts"
    assert found.least == 4


def test_scaling_down_stops_the_highest_numbers() -> None:
    found = begun({"in_place": 2, "stop": 2}, count=2)
    assert named(found.steps) == [("stop", (3, 2), 2), ("in_place", (0, 1), 2)]
    assert found.steps[0].text == "stops checkout[3] down to [2], at once"


def test_nothing_at_all_stops_what_runs_and_nobody_serves() -> None:
    found = begun({"stop": 2}, count=0)
    assert (named(found.steps), found.least) == ([("stop", (1, 0), 2)], 0)


def test_a_fixed_port_is_told_with_each_step_that_it_holds_up() -> None:
    found = begun({"destructive": 1, "ignore": 1}, count=2, has_fixed_port=True)
    assert found.steps[0].text.endswith("; a node stops its old one before its new one starts")
    canary = begun({"canary": 1, "ignore": 2}, count=2, update={"Canary": 1}, has_fixed_port=True)
    assert "each canary needs a node whose port is free" in canary.steps[0].text


def test_the_group_of_another_tool_is_stopped_at_once() -> None:
    job = {"ID": "checkout", "TaskGroups": [{"Name": "checkout", "Count": 1, "Update": {"MaxParallel": 1}}]}
    found = rollout(Start("stage", job, {"web": {"stop": 3}, "checkout": {"place": 1}}, is_live=True))
    assert found.steps[0].text == ("stops all 3 of the group web, which the job no longer has, at once")


def test_a_job_that_stays_as_it_is_has_no_steps() -> None:
    assert begun({"ignore": 4}, is_unchanged=True).steps == ()


def test_more_than_may_change_at_once_are_awaited_before_the_first_is_replaced() -> None:
    found = begun({"place": 3, "ignore": 4}, count=7, update={"MaxParallel": 2})
    assert [(step.kind, step.phase) for step in found.steps] == [("start", 1), ("replace", 2)]
    assert found.least == 4
    some = begun({"place": 1, "destructive": 1, "ignore": 3}, count=5, update={"MaxParallel": 2})
    assert [(step.kind, step.phase) for step in some.steps] == [("start", 1), ("replace", 1)]
    assert some.least == 3
