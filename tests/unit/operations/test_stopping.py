from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakes.asked_nomad import NomadThatWasAsked, an_allocation
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.world import HURRY

from outrider.operations.drive.progress import Verdict
from outrider.operations.drive.stopping import Stopping

Json = dict[str, Any]
STOP = a_deployment("checkout", kind="stop", state="running")


async def stopped(*lists: list[Json], silence: float = 0.05, look: float = 0.002) -> tuple[Verdict, list[str]]:
    """How a stop ends for which Nomad shows those allocations, and what was told of them."""
    records = Records(STOP)
    here = place(NomadThatWasAsked(list(lists)), records, limits=replace(HURRY, look=look, silence=silence))
    verdict = await Stopping(here, STOP).verdict()
    return verdict, [line for kind, line, _ in records.told if kind == "allocation"]


async def test_what_had_ended_before_a_stop_is_no_news_of_it() -> None:
    verdict, told = await stopped([an_allocation(1, "complete"), an_allocation(2, "failed")])
    assert (verdict.state, verdict.reason, told) == ("successful", "no allocation runs any more", [])


async def test_an_allocation_is_told_of_while_it_runs_and_when_it_has_ended() -> None:
    first = [an_allocation(1, "running"), an_allocation(2, "complete")]
    verdict, told = await stopped(first, [an_allocation(1, "complete", 2)])
    assert verdict.state == "successful"
    assert told == ["allocation 00000001 on node-1: running", "allocation 00000001 on node-1: complete"]


async def test_allocations_that_never_end_are_named() -> None:
    stay = [an_allocation(1, "running"), an_allocation(2, "complete"), an_allocation(3, "running")]
    verdict, _ = await stopped(stay)
    assert (verdict.state, verdict.reason) == ("failed", "allocations still run: 00000001, 00000003")


async def test_a_stop_in_which_something_moves_has_time() -> None:
    left = [[an_allocation(number, "running") for number in range(first, 45)] for first in range(45)]
    ended = [[an_allocation(number, "complete") for number in range(first)] for first in range(45)]
    lists = [here + gone for here, gone in zip(left, ended, strict=True)]
    over = [an_allocation(number, "complete") for number in range(45)]
    verdict, told = await stopped(*lists, over, silence=0.3, look=0.01)
    assert (verdict.state, len(told)) == ("successful", 90)


async def test_between_two_looks_at_what_is_to_stop_there_is_a_pause() -> None:
    nomad = NomadThatWasAsked([[an_allocation(1, "running")]])
    here = place(nomad, Records(STOP), limits=replace(HURRY, look=0.02, silence=0.1))
    assert (await Stopping(here, STOP).verdict()).state == "failed"
    assert 1 <= nomad.looks <= 7
