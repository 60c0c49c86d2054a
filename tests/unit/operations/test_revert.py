from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakes.asked_nomad import NomadThatWasAsked, a_rollout, an_allocation
from fakes.surroundings import ADA, text

from outrider.operations.application import Application
from outrider.operations.drive.revert import returned
from outrider.operations.opening import Order

Json = dict[str, Any]
CANARY: Json = {"DesiredCanaries": 1, "PlacedCanaries": ["00000001-0000"], "Promoted": False}
HEALTHY: Json = {"DeploymentStatus": {"Healthy": True}}
UNHEALTHY: Json = {"DeploymentStatus": {"Healthy": False}}


async def came_back(application: Application, nomad: NomadThatWasAsked) -> tuple[str, list[str]]:
    """What is said of a return that Nomad shows so, and the events meanwhile."""
    here = application.environment(ADA, "stage")
    deployment = await application.deploy("stage", text(), Order(ADA))
    await application.runner.close()
    before = len(await application.events(ADA, deployment.id))

    async def note(kind: Any, message: str, /, **detail: object) -> None:
        await here.journal.note(deployment.id, kind, message, **detail)

    said = await returned(replace(here, nomad=nomad), replace(deployment, modify_index=10), note)
    return said, [event.message for event in (await application.events(ADA, deployment.id))[before:]]


async def test_a_return_for_which_nothing_had_to_be_placed_is_a_registration(application: Application) -> None:
    said, told = await came_back(application, NomadThatWasAsked([[]], [a_rollout(index=10)]))
    assert (said, told) == ("the last good version is registered again", [])


async def test_a_return_that_came_up_says_how_many_are_healthy(application: Application) -> None:
    nomad = NomadThatWasAsked([[]], [a_rollout(), a_rollout("successful", healthy=2)])
    assert await came_back(application, nomad) == (
        "the last good version runs again, 2 healthy",
        ["the last good version comes back"],
    )


async def test_a_return_that_failed_says_what_nomad_thought_and_what_runs(application: Application) -> None:
    copies = [
        an_allocation(1, "running"),
        an_allocation(2, "pending"),
        an_allocation(3, "running", JobVersion=1),
        an_allocation(4, "complete"),
    ]
    nomad = NomadThatWasAsked([copies], [a_rollout(), a_rollout("failed", said="Failed due to progress deadline")])
    said, _ = await came_back(application, nomad)
    assert said == (
        "the return to the last good version was not confirmed (Nomad: Failed due to progress deadline)"
        "; 1 of 2 allocations of the last good version run"
    )


async def test_a_return_that_failed_is_told_though_nomad_shows_no_allocations(application: Application) -> None:
    nomad = NomadThatWasAsked([[]], [a_rollout("failed", said="no")])
    nomad.shows_allocations = False
    assert (await came_back(application, nomad))[
        0
    ] == "the return to the last good version was not confirmed (Nomad: no)"


async def test_a_return_whose_allocations_all_run_unhealthy_is_not_waited_for(application: Application) -> None:
    copies = [an_allocation(number, "running", **UNHEALTHY) for number in (1, 2)]
    said, _ = await came_back(application, NomadThatWasAsked([copies], [a_rollout(said="Deployment is running")]))
    assert said.splitlines()[0] == (
        "the return to the last good version was not confirmed (Nomad: Deployment is running)"
        "; 2 of 2 allocations of the last good version run"
    )


async def test_a_return_with_one_allocation_still_undecided_is_waited_for(application: Application) -> None:
    copies = [an_allocation(1, "running", **UNHEALTHY), an_allocation(2, "running")]
    said, _ = await came_back(application, NomadThatWasAsked([copies], [a_rollout()]))
    assert said == (
        "the return to the last good version has not ended yet; 2 of 2 allocations of the last good version run"
    )


async def test_a_return_is_promoted_once_its_canary_is_healthy_and_not_before(application: Application) -> None:
    waiting = a_rollout(**CANARY)
    early, late = [an_allocation(1, "running")], [an_allocation(1, "running", **HEALTHY)]
    nomad = NomadThatWasAsked([early, late], [waiting, waiting, a_rollout("successful", healthy=2)])
    said, told = await came_back(application, nomad)
    assert nomad.promoted == ["d-1"]
    assert told == ["the last good version comes back", "the last good version is promoted again"]
    assert said == "the last good version runs again, 2 healthy"
