"""Whether a rollout went as it was planned, by the allocations that Nomad lists afterwards."""

from __future__ import annotations

from typing import Any

from outrider.operations.answers.rollout import Rollout


def check_happened(planned: Rollout, happened: list[dict[str, Any]]) -> None:
    """AssertionError where other allocations were made than planned, in another order, or more at a time."""
    newest = max(one["JobVersion"] for one in happened)
    made = sorted(
        (one for one in happened if one["JobVersion"] == newest and one["CreateIndex"] >= _first(happened, newest)),
        key=lambda one: (one["CreateIndex"], number(one)),
    )
    check_order(planned, made)
    check_pace(planned, made)
    assert sum(one["DesiredStatus"] == "run" for one in happened) == planned.after


def _first(happened: list[dict[str, Any]], newest: int) -> int:
    """The index at which the newest version began: what is changed in place keeps its own, older one."""
    return max((one["CreateIndex"] for one in happened if one["JobVersion"] < newest), default=-1) + 1


def number(allocation: dict[str, Any]) -> int:
    return int(allocation["Name"].rpartition("[")[2].rstrip("]"))


def check_order(planned: Rollout, made: list[dict[str, Any]]) -> None:
    """Those of an earlier phase and step come up before those of a later one, with the numbers that were said."""
    said = [
        number for step in planned.steps if step.kind in {"start", "canary", "replace"} for number in step.allocations
    ]
    assert len(made) == len(said)
    if len(set(said)) < len(said):
        return  # an old one whose number a canary has taken is replaced by one with a free number (2.0.5), or with its own
    assert sorted(number(one) for one in made) == sorted(said)
    first = [
        number
        for step in planned.steps
        if step.phase == 1 and step.kind in {"start", "canary", "replace"}
        for number in step.allocations
    ]
    if len(first) < len(said):
        begun_first, later = made[: len(first)], made[len(first) :]
        assert sorted(number(one) for one in begun_first) == sorted(first)
        assert max(one["CreateIndex"] for one in begun_first) < min(one["CreateIndex"] for one in later)
    for step in planned.steps:
        if step.kind == "replace":
            those = [one for one in rest(planned, made) if number(one) in step.allocations]
            assert [number(one) for one in those] == list(step.allocations)


def check_pace(planned: Rollout, made: list[dict[str, Any]]) -> None:
    """When one is made, fewer than `at_a_time` of those before are not healthy yet."""
    for step in planned.steps:
        if step.kind != "replace":
            continue
        for one in (one for one in rest(planned, made) if number(one) in step.allocations):
            earlier = [other for other in made if other["CreateIndex"] < one["CreateIndex"]]
            waiting = [other for other in earlier if other["DeploymentStatus"]["ModifyIndex"] > one["CreateIndex"]]
            assert len(waiting) < step.at_a_time, (step, one["Name"], [other["Name"] for other in waiting])


def rest(planned: Rollout, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are made after the canaries, which come first."""
    return made[sum(len(step.allocations) for step in planned.steps if step.kind == "canary") :]
