from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked, a_rollout, an_allocation
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.world import HURRY
from outrider_ground.errors import ConflictError, RemoteError

from outrider.operations.drive.pausing import Pausing
from outrider.operations.drive.revert import returned
from outrider.operations.environment import WatchLimits

Json = dict[str, Any]
CANARY: Json = {"DesiredCanaries": 1, "PlacedCanaries": ["00000001-0000"], "Promoted": False}
HEALTHY: Json = {"DeploymentStatus": {"Healthy": True}}
UNHEALTHY: Json = {"DeploymentStatus": {"Healthy": False}}


RETURN = a_deployment("checkout", modify_index=10)
SOON = replace(HURRY, look=0.002)


async def back(nomad: NomadThatWasAsked, limits: WatchLimits = SOON) -> tuple[str, Records]:
    """What is said of a return that Nomad shows so, and the events meanwhile."""
    records = Records(RETURN)
    here = place(nomad, records, limits=limits)
    pausing = Pausing(here, RETURN, records.written, time.monotonic)
    return await returned(here, RETURN, records.written, pausing), records


async def came_back(nomad: NomadThatWasAsked) -> tuple[str, list[str]]:
    said, records = await back(nomad)
    return said, records.lines


async def test_a_return_for_which_nothing_had_to_be_placed_is_a_registration() -> None:
    said, told = await came_back(NomadThatWasAsked([[]], [a_rollout(index=10)]))
    assert (said, told) == ("the last good version is registered again", [])


async def test_a_return_that_came_up_says_how_many_are_healthy() -> None:
    nomad = NomadThatWasAsked([[]], [a_rollout(), a_rollout("successful", healthy=2)])
    assert await came_back(nomad) == (
        "the last good version runs again, 2 healthy",
        ["the last good version comes back"],
    )


async def test_a_return_that_failed_says_what_nomad_thought_and_what_runs() -> None:
    copies = [
        an_allocation(1, "running"),
        an_allocation(2, "pending"),
        an_allocation(3, "running", JobVersion=1),
        an_allocation(4, "complete"),
    ]
    nomad = NomadThatWasAsked([copies], [a_rollout(), a_rollout("failed", said="Failed due to progress deadline")])
    said, _ = await came_back(nomad)
    assert said == (
        "the return to the last good version was not confirmed (Nomad: Failed due to progress deadline)"
        "; 1 of 2 allocations of the last good version run"
    )


async def test_a_return_that_failed_is_told_though_nomad_shows_no_allocations() -> None:
    nomad = NomadThatWasAsked([[]], [a_rollout("failed", said="no")])
    nomad.shows_allocations = False
    assert (await came_back(nomad))[0].splitlines() == [
        "the return to the last good version was not confirmed (Nomad: no)",
        "  what its allocations say is not known: Nomad did not answer",
    ]


async def test_a_return_whose_allocations_all_run_unhealthy_is_not_waited_for() -> None:
    copies = [an_allocation(number, "running", **UNHEALTHY) for number in (1, 2)]
    said, _ = await came_back(NomadThatWasAsked([copies], [a_rollout(said="Deployment is running")]))
    assert said.splitlines()[0] == (
        "the return to the last good version was not confirmed (Nomad: Deployment is running)"
        "; 2 of 2 allocations of the last good version run"
    )


async def test_a_return_with_one_allocation_still_undecided_is_waited_for() -> None:
    copies = [an_allocation(1, "running", **UNHEALTHY), an_allocation(2, "running")]
    said, _ = await came_back(NomadThatWasAsked([copies], [a_rollout()]))
    assert said == (
        "the return to the last good version has not ended yet; 2 of 2 allocations of the last good version run"
    )


async def test_d08_a_return_is_promoted_once_its_canary_is_healthy_and_not_before() -> None:
    waiting = a_rollout(**CANARY)
    early, late = [an_allocation(1, "running")], [an_allocation(1, "running", **HEALTHY)]
    nomad = NomadThatWasAsked([early, late], [waiting, waiting, a_rollout("successful", healthy=2)])
    said, told = await came_back(nomad)
    assert nomad.promoted == ["d-1"]
    assert told == ["the last good version comes back", "the last good version is promoted again"]
    assert said == "the last good version runs again, 2 healthy"


async def test_what_is_told_of_a_return_says_to_programs_what_it_is() -> None:
    ended = a_rollout("successful", healthy=2)
    nomad = NomadThatWasAsked([[an_allocation(1, "running", **HEALTHY)]], [a_rollout(**CANARY), ended])
    said, records = await back(nomad)
    assert said == "the last good version runs again, 2 healthy"
    (kind, line, detail), promoted = records.told
    assert (kind, line, detail["nomad_deployment"]) == ("deployment", "the last good version comes back", "d-1")
    assert promoted == ("promotion", "the last good version is promoted again", {"needed": False, "by": "outrider"})
    assert nomad.asked_from == [(0, SOON.look), (1, SOON.look)]


@pytest.mark.parametrize("refusal", [ConflictError("over"), RemoteError("over")])
async def test_a_promotion_of_the_last_good_version_that_is_refused_is_told_and_tried_again_later(
    refusal: ConflictError | RemoteError,
) -> None:
    nomad = NomadThatWasAsked([[an_allocation(1, "running", **HEALTHY)]], [a_rollout(**CANARY, ProgressDeadline=1)])
    nomad.refusal = refusal
    _, records = await back(nomad, replace(SOON, look=0.02, stall=0.1))
    assert set(records.lines[1:]) == {"the promotion of the last good version was refused: over"}
    assert 1 <= len(nomad.promoted) <= 7


@pytest.mark.parametrize(("deadline", "stall"), [(60 * 10**9, 0.0), (1, 60.0)])
async def test_a_return_has_nomads_deadline_and_our_patience(deadline: int, stall: float) -> None:
    going = a_rollout(ProgressDeadline=deadline)
    nomad = NomadThatWasAsked([[]], [*[going] * 4, a_rollout("successful", healthy=2)])
    assert (await back(nomad, replace(SOON, stall=stall)))[0] == "the last good version runs again, 2 healthy"


async def test_between_two_looks_for_a_return_there_is_a_pause() -> None:
    nomad = NomadThatWasAsked([[]], [a_rollout(index=10)])
    said, _ = await back(nomad, replace(SOON, look=0.08, appearance=0.1))
    assert said == "the last good version is registered again"
    assert 1 <= nomad.looks <= 7


async def test_only_live_allocations_of_the_version_judge_its_return() -> None:
    bad = [an_allocation(number, "running", **UNHEALTHY) for number in (1, 2)]
    for other in (an_allocation(3, "running", JobVersion=1), an_allocation(3, "complete")):
        said, _ = await back(NomadThatWasAsked([[*bad, other]], [a_rollout(said="going")]))
        assert said.splitlines()[0].endswith("; 2 of 2 allocations of the last good version run")
