"""Watching a registered change: what is told, what is decided, and how it ends."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from fakes.asked_nomad import a_rollout, an_allocation
from fakes.watched import BAD, CALM, CANARY, DONE, NO_ROOM, WELL, Watched
from outrider_ground.errors import ConflictError, RemoteError

from outrider.operations.drive.placing import DECIDED
from outrider.operations.drive.progress import Verdict

Json = dict[str, Any]


# The evaluation, and the deployment that belongs to it


@pytest.mark.parametrize("status", sorted(DECIDED))
async def test_the_scheduler_is_waited_for_until_it_has_decided(status: str) -> None:
    watched = Watched(DONE, evaluation="e-1")
    watched.nomad.judged = [{"Status": "pending"}, {}, {"Status": status}, {"Status": "never"}]
    assert (await watched.verdict()).state == "successful"
    assert watched.records.told[0] == ("evaluation", "Nomad has scheduled it", {"status": status, "failures": []})
    assert watched.nomad.judged == [{"Status": "never"}]


async def test_between_two_looks_at_an_evaluation_there_is_a_pause() -> None:
    watched = Watched(DONE, evaluation="e-1", limits=replace(CALM, look=4.0))
    watched.nomad.judged = [{"Status": "pending"}, {"Status": "complete"}]
    began = time.monotonic()
    await watched.verdict()
    assert time.monotonic() - began > 0.05


async def test_without_an_evaluation_nothing_is_said_of_one() -> None:
    watched = Watched(DONE)
    assert (await watched.verdict()).state == "successful"
    assert watched.told("evaluation") == []


async def test_where_the_scheduler_finds_no_node_it_says_why() -> None:
    watched = Watched(a_rollout("successful", healthy=2), evaluation="e-1")
    watched.nomad.judged = [{"Status": "complete", "FailedTGAllocs": NO_ROOM}]
    await watched.verdict()
    said = "no node for web: 1 node considered: 1 without ${attr.kernel.name} = plan9"
    assert watched.records.told[0] == ("evaluation", said, {"status": "complete", "failures": [said]})


async def test_the_deployment_before_is_passed_over_until_its_own_appears() -> None:
    watched = Watched(DONE, limits=replace(CALM, appearance=60.0))
    watched.nomad.newest = [None, a_rollout("successful", index=19) | {"ID": "d-0"}, DONE]
    assert (await watched.verdict()).state == "successful"
    assert watched.kept.nomad_deployment == "d-1"


@pytest.mark.parametrize("index", [21, 900])
async def test_a_newer_deployment_than_its_own_leaves_the_allocations_to_tell(index: int) -> None:
    watched = Watched(a_rollout(index=index), limits=replace(CALM, appearance=60.0))
    watched.nomad.registered = [{"JobModifyIndex": index}]
    assert await watched.verdict() == Verdict("superseded", "the job was changed by somebody else meanwhile")
    assert watched.nomad.looks == 1


@pytest.mark.parametrize("shown", [None, {"ID": "d-0"}, {"ID": "d-0", "JobSpecModifyIndex": 19}])
async def test_where_no_deployment_appears_the_allocations_tell(shown: Json | None) -> None:
    two = [an_allocation(1, "running"), an_allocation(2, "running")]
    watched = Watched(allocations=[two], limits=replace(CALM, appearance=0.03, look=0.02))
    watched.nomad.newest = [shown]
    watched.nomad.registered = [{"JobModifyIndex": 20}]
    assert await watched.verdict() == Verdict("successful", "2 allocations run")
    assert watched.told("allocation") == [f"allocation 0000000{number} on node-1: running" for number in (1, 2)]
    assert 2 <= watched.nomad.looks <= 12


# What is told


async def test_numbers_are_told_when_they_change_with_what_programs_read() -> None:
    now = a_rollout(UnhealthyAllocs=1, PlacedAllocs=1, DesiredCanaries=1, AutoPromote=True)
    watched = Watched(now, now, DONE)
    await watched.verdict()
    detail: Json = {"nomad_deployment": "d-1", "desired": 2, "placed": 1, "healthy": 0, "unhealthy": 1, "canaries": 1}
    detail["progress_by"] = None
    assert watched.records.told[0] == (
        "deployment",
        "1 of 2 placed, 1 of them canaries, 0 healthy, 1 unhealthy",
        detail,
    )
    assert watched.told("deployment")[1:] == ["2 of 2 placed, 2 healthy"]


async def test_only_allocations_of_this_version_are_told_of_and_once_for_each_change() -> None:
    first = [an_allocation(1, "pending"), an_allocation(2, "running", JobVersion=1)]
    watched = Watched(a_rollout(), a_rollout(), DONE, allocations=[first, first, [an_allocation(1, "running", 2)]])
    await watched.verdict()
    assert watched.told("allocation") == [
        "allocation 00000001 on node-1: pending",
        "allocation 00000001 on node-1: running",
    ]


async def test_while_it_is_watched_it_is_running_and_its_deployment_is_kept() -> None:
    watched = Watched(a_rollout(), DONE)
    assert await watched.verdict() == Verdict("successful", "2 of 2 allocations healthy")
    assert (watched.kept.state, watched.kept.nomad_deployment) == ("running", "d-1")


async def test_each_look_asks_for_what_is_newer_than_the_last_and_waits_for_it() -> None:
    watched = Watched(a_rollout(), a_rollout(), DONE)
    await watched.verdict()
    assert watched.nomad.asked_from == [(0, CALM.look), (1, CALM.look), (2, CALM.look)]


async def test_between_two_looks_at_a_deployment_there_is_a_pause() -> None:
    watched = Watched(a_rollout(ProgressDeadline=1), limits=replace(CALM, look=0.1, stall=0.05, appearance=60.0))
    assert (await watched.verdict()).state == "failed"
    assert 1 <= len(watched.nomad.asked_from) <= 8


# Giving up


async def test_what_finds_no_room_is_given_up_and_a_first_version_is_stopped_again() -> None:
    watched = Watched(a_rollout(PlacedAllocs=0), limits=replace(CALM, placement=0.0), evaluation="e-1", previous=None)
    watched.nomad.judged = [{"Status": "complete", "FailedTGAllocs": NO_ROOM}]
    found = await watched.verdict()
    why = "no node for web: 1 node considered: 1 without ${attr.kernel.name} = plan9"
    stopped = "the job was stopped again: it would have started unwatched as soon as there is room"
    assert found == Verdict("not_placed", f"{why}\n{stopped}")
    assert (watched.nomad.failed, watched.nomad.stopped) == (["d-1"], ["checkout"])
    assert watched.told("warning") == [f"given up: {why}"]


async def test_what_finds_no_room_beside_a_version_that_runs_is_not_stopped() -> None:
    watched = Watched(a_rollout(PlacedAllocs=0), limits=replace(CALM, placement=0.0), evaluation="e-1")
    watched.nomad.judged = [{"Status": "complete", "FailedTGAllocs": NO_ROOM}]
    assert (await watched.verdict()).state == "not_placed"
    assert watched.nomad.stopped == []


async def test_what_has_found_room_and_fails_afterwards_was_placed() -> None:
    failed = a_rollout("failed", said="no")
    watched = Watched(a_rollout(PlacedAllocs=1), a_rollout(), failed, evaluation="e-1")
    watched.nomad.judged = [{"Status": "complete", "FailedTGAllocs": NO_ROOM}]
    found = await watched.verdict()
    assert found == Verdict("failed", "Nomad: no\nNomad has placed no allocation of this version")


async def test_a_deployment_that_nomad_fails_without_room_was_not_placed() -> None:
    watched = Watched(a_rollout("failed", PlacedAllocs=1, said="no"), evaluation="e-1")
    watched.nomad.judged = [{"Status": "complete", "FailedTGAllocs": NO_ROOM}]
    assert await watched.verdict() == Verdict("not_placed", "Nomad: no")


@pytest.mark.parametrize(("unhealthy", "state"), [(2, "successful"), (3, "failed")])
async def test_the_third_unhealthy_allocation_in_a_row_is_the_last(unhealthy: int, state: str) -> None:
    watched = Watched(a_rollout(), a_rollout(UnhealthyAllocs=unhealthy), DONE)
    found = await watched.verdict()
    assert found.state == state
    if state == "failed":
        assert watched.told("warning") == ["given up: 3 allocations became unhealthy"]
        assert found.reason == ("3 allocations became unhealthy\nNomad has placed no allocation of this version")
        assert watched.nomad.stopped == []


async def test_what_stands_still_beyond_nomads_deadline_and_ours_is_given_up() -> None:
    still = a_rollout(ProgressDeadline=10_000_000)
    watched = Watched(still, limits=replace(CALM, stall=0.01))
    waiting = an_allocation(1, "running", TaskStates={"app": {"State": "pending"}, "gate": {"State": "running"}})
    watched.nomad.lists = [[waiting]]
    found = await watched.verdict()
    assert found.state == "failed"
    assert found.reason.startswith("nothing has moved for 0 s\nallocation 00000001 on node-1: task gate has not opened")


@pytest.mark.parametrize("times", [(60, 0.0), (0.001, 60.0)])
async def test_nomads_deadline_and_ours_are_waited_for_both(times: tuple[float, float]) -> None:
    deadline, stall = times
    still = a_rollout(ProgressDeadline=int(deadline * 1e9))
    watched = Watched(*[still] * 4, DONE, limits=replace(CALM, stall=stall))
    assert (await watched.verdict()).state == "successful"


async def test_what_ended_while_it_was_given_up_ends_as_it_ended() -> None:
    watched = Watched(a_rollout(), a_rollout(UnhealthyAllocs=3), DONE)
    watched.nomad.refusal = ConflictError("can't fail terminal deployment")
    assert await watched.verdict() == Verdict("successful", "2 of 2 allocations healthy")
    assert watched.told("deployment")[-1] == "2 of 2 placed, 0 healthy, 3 unhealthy"


async def test_a_nomad_that_does_not_take_it_back_is_named_with_the_reason() -> None:
    broken = an_allocation(1, "running", **BAD, TaskStates={"app": {"State": "dead", "Failed": True}})
    watched = Watched(a_rollout(), a_rollout(UnhealthyAllocs=3), allocations=[[broken]])
    watched.nomad.refusal = RemoteError("no leader")
    found = await watched.verdict()
    assert found.state == "failed"
    assert found.reason.splitlines() == [
        "3 allocations became unhealthy; Nomad did not take it back: no leader",
        "allocation 00000001 on node-1: task app failed: ",
    ]


async def test_what_goes_back_says_so_before_the_reason() -> None:
    watched = Watched(a_rollout(), a_rollout(UnhealthyAllocs=3), allocations=[[an_allocation(1, "failed")]])
    watched.nomad.goes_back_to = 0
    found = await watched.verdict()
    assert found.reason.splitlines() == [
        "3 allocations became unhealthy",
        "the last good version is registered again",
        "allocation 00000001 on node-1 has not started any task",
    ]


# The end


async def test_a_cancelled_deployment_is_superseded() -> None:
    watched = Watched(a_rollout("cancelled", said="Cancelled due to newer version of job"))
    reason = "Nomad has cancelled the deployment: Cancelled due to newer version of job"
    assert await watched.verdict() == Verdict("superseded", reason)


async def test_a_failed_deployment_says_what_nomad_said_and_what_failed() -> None:
    watched = Watched(a_rollout("failed", said="Failed due to unhealthy allocations"))
    watched.nomad.lists = [[an_allocation(1, "failed"), an_allocation(2, "failed", JobVersion=1, index=9)]]
    assert await watched.verdict() == Verdict(
        "failed",
        "Nomad: Failed due to unhealthy allocations\nallocation 00000001 on node-1 has not started any task",
    )
    assert watched.told("deployment") == ["2 of 2 placed, 0 healthy"]


async def test_a_failed_deployment_that_goes_back_is_told_and_watched_to_its_return() -> None:
    said = "Failed due to unhealthy allocations - rolling back to job version 0"
    watched = Watched(a_rollout("failed", said=said), allocations=[[an_allocation(1, "failed")]])
    found = await watched.verdict()
    assert found.reason.splitlines()[-1] == "the last good version is registered again"
    assert watched.records.told[-1][:2] == ("deployment", f"failed; {said}")
    assert watched.records.told[-1][2]["nomad_deployment"] == "d-1"


# Promotion


async def test_a_canary_that_a_person_decides_on_waits_and_is_told_once() -> None:
    waiting = a_rollout(**CANARY)
    watched = Watched(
        *[waiting] * 3, a_rollout("successful", healthy=2), allocations=[[an_allocation(1, "running", **WELL)]]
    )
    watched.limits = replace(CALM, promotion=0.0)
    assert (await watched.verdict()).state == "successful"
    choice = "`outrider promote checkout -e stage` or `outrider fail checkout -e stage`"
    assert [one for one in watched.records.told if one[0] == "promotion"] == [
        ("promotion", f"the canary is healthy: {choice}", {"needed": True, "by": None})
    ]
    assert (watched.kept.state, watched.nomad.promoted) == ("waiting", [])


async def test_a_canary_that_is_not_healthy_waits_for_nobody() -> None:
    watched = Watched(a_rollout(**CANARY), DONE, allocations=[[an_allocation(1, "running")]])
    await watched.verdict()
    assert (watched.kept.state, watched.told("promotion")) == ("running", [])


async def test_d09_what_nomad_was_told_to_promote_and_has_forgotten_is_promoted() -> None:
    waiting = a_rollout(**CANARY, AutoPromote=True)
    watched = Watched(*[waiting] * 2, DONE, allocations=[[an_allocation(1, "running", **WELL)]])
    watched.limits = replace(CALM, promotion=0.0)
    await watched.verdict()
    assert watched.nomad.promoted[0] == "d-1"
    assert next(one for one in watched.records.told if one[0] == "promotion") == (
        "promotion",
        "promoted: all new allocations are healthy",
        {"needed": False, "by": "outrider"},
    )


async def test_nomad_has_time_to_promote_by_itself() -> None:
    waiting = a_rollout(**CANARY, AutoPromote=True)
    watched = Watched(*[waiting] * 3, DONE, allocations=[[an_allocation(1, "running", **WELL)]])
    await watched.verdict()
    assert watched.nomad.promoted == []


async def test_between_two_promotions_there_is_patience() -> None:
    waiting = a_rollout(**CANARY, AutoPromote=True)
    watched = Watched(*[waiting] * 8, DONE, allocations=[[an_allocation(1, "running", **WELL)]])
    watched.limits = replace(CALM, promotion=0.02, look=0.1)
    await watched.verdict()
    assert len(watched.nomad.promoted) <= 4


@pytest.mark.parametrize("refusal", [ConflictError("over"), RemoteError("over")])
async def test_a_promotion_that_is_refused_is_told(refusal: ConflictError | RemoteError) -> None:
    watched = Watched(a_rollout(**CANARY, AutoPromote=True), DONE, allocations=[[an_allocation(1, "running", **WELL)]])
    watched.nomad.refusal, watched.limits = refusal, replace(CALM, promotion=0.0)
    await watched.verdict()
    assert (watched.told("warning"), watched.told("promotion")) == (["the promotion was refused: over"], [])
