from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakes.asked_nomad import NomadThatWasAsked, an_allocation
from fakes.surroundings import ADA, text

from outrider.operations.application import Application
from outrider.operations.drive.progress import Verdict
from outrider.operations.drive.stopping import Stopping
from outrider.operations.opening import Order

Json = dict[str, Any]


async def stopped(application: Application, *lists: list[Json]) -> tuple[Verdict, list[str]]:
    """How a stop ends for which Nomad shows those allocations, and what was told of them."""
    here = application.environment(ADA, "stage")
    deployment = await application.deploy("stage", text(), Order(ADA))
    await application.runner.close()
    before = len(await application.events(ADA, deployment.id))
    verdict = await Stopping(replace(here, nomad=NomadThatWasAsked(list(lists))), deployment).verdict()
    told = (await application.events(ADA, deployment.id))[before:]
    return verdict, [event.message for event in told if event.kind == "allocation"]


async def test_what_had_ended_before_a_stop_is_no_news_of_it(application: Application) -> None:
    verdict, told = await stopped(application, [an_allocation(1, "complete"), an_allocation(2, "failed")])
    assert (verdict.state, verdict.reason, told) == ("successful", "no allocation runs any more", [])


async def test_an_allocation_is_told_of_while_it_runs_and_when_it_has_ended(application: Application) -> None:
    first = [an_allocation(1, "running"), an_allocation(2, "complete")]
    verdict, told = await stopped(application, first, [an_allocation(1, "complete", 2)])
    assert verdict.state == "successful"
    assert told == ["allocation 00000001 on node-1: running", "allocation 00000001 on node-1: complete"]


async def test_allocations_that_never_end_are_named(application: Application) -> None:
    stay = [an_allocation(1, "running"), an_allocation(2, "complete"), an_allocation(3, "running")]
    verdict, _ = await stopped(application, stay)
    assert (verdict.state, verdict.reason) == ("failed", "allocations still run: 00000001, 00000003")


async def test_a_stop_in_which_something_moves_has_time(application: Application) -> None:
    left = [[an_allocation(number, "running") for number in range(first, 60)] for first in range(60)]
    ended = [[an_allocation(number, "complete") for number in range(first)] for first in range(60)]
    lists = [here + gone for here, gone in zip(left, ended, strict=True)]
    verdict, told = await stopped(application, *lists, [an_allocation(number, "complete") for number in range(60)])
    assert (verdict.state, len(told)) == ("successful", 120)
