"""A spec that is run again while it comes up joins its deployment; what had nothing to do is no success to go back to."""

from __future__ import annotations

import asyncio

import pytest
from fakes.world import ADA, World, finished, messages, someone, text
from outrider_ground.errors import ConflictError, UsageError

from outrider.operations.answers.blockers import BlockedError
from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.operations.records import Deployment

ME = Order(ADA)
CANARY = "count: 2\nupdate: {canary: 1}\n"


async def deployed(application: Application, more: str = "") -> Deployment:
    return await finished(application, await application.changes.deploy("stage", text(more), ME))


async def waiting(application: Application) -> Deployment:
    """Version 2 with a canary that waits."""
    await deployed(application, CANARY)
    deployment = await application.changes.deploy("stage", text(f"{CANARY}env: {{A: b}}\n"), ME)
    for _ in range(200):
        now = await application.deployment(ADA, deployment.id)
        if now.state == "waiting":
            return now
        await asyncio.sleep(0.01)
    raise AssertionError("the canary did not come up")


async def test_run_joins_a_canary_that_waits(application: Application) -> None:
    canary = await waiting(application)
    again = await application.changes.deploy("stage", text(f"{CANARY}env: {{A: b}}\n"), Order(someone("bob")))
    assert (again.id, again.state) == (canary.id, "waiting")
    assert "asked for again by bob: it is under way" in await messages(application, canary)
    await application.changes.promote("stage", "checkout", ME)
    assert (await finished(application, again)).state == "successful"


async def test_run_joins_a_deployment_under_way_and_gets_its_verdict(world: World, application: Application) -> None:
    world.nomad.progress_deadline_s = 0.3
    await deployed(application)
    broken = text("env: {A: b}\n")
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", broken)).version_hash] = "hang"
    first = await application.changes.deploy("stage", broken, ME)
    again = await application.changes.deploy("stage", broken, ME)
    assert again.id == first.id
    assert (await finished(application, again)).state == "failed"


async def test_run_does_not_join_at_an_index_that_no_longer_holds(application: Application) -> None:
    canary = await waiting(application)
    seen = (await application.changes.plan(ADA, "stage", text(f"{CANARY}env: {{A: b}}\n"))).check_index
    with pytest.raises(ConflictError, match=f"checkout is at index {seen} now, not at {seen - 1}"):
        await application.changes.deploy(
            "stage", text(f"{CANARY}env: {{A: b}}\n"), Order(someone("bob"), check_index=seen - 1)
        )
    at_hand = Order(someone("bob"), check_index=seen)
    assert (await application.changes.deploy("stage", text(f"{CANARY}env: {{A: b}}\n"), at_hand)).id == canary.id


async def test_another_spec_does_not_join(application: Application) -> None:
    canary = await waiting(application)
    another = text(f"{CANARY}env: {{A: c}}\n")
    with pytest.raises(BlockedError):
        await application.changes.deploy("stage", another, ME)
    past = Order(ADA, reason="it is needed", overrides=("deploying",))
    assert (await application.changes.deploy("stage", another, past)).id != canary.id


async def test_rollback_never_picks_a_version_that_a_person_has_failed(world: World, application: Application) -> None:
    await waiting(application)
    await application.changes.deploy("stage", text(f"{CANARY}env: {{A: b}}\n"), ME)
    await application.changes.fail("stage", "checkout", ME)
    third = await application.changes.deploy("stage", text("count: 2\nenv: {A: c}\n"), ME)
    assert (await finished(application, third)).state == "successful"
    back = await finished(application, await application.changes.roll_back("stage", "checkout", None, ME))
    assert (back.state, back.version) == ("successful", 1)


async def test_what_had_nothing_to_do_is_nothing_to_go_back_to(application: Application) -> None:
    await deployed(application)
    linked = await application.changes.deploy("stage", text('links: {wiki: "https://wiki.example"}\n'), ME)
    assert (linked.state, linked.version, linked.modify_index) == ("successful", 2, None)
    with pytest.raises(UsageError, match="has no earlier good version"):
        await application.changes.roll_back("stage", "checkout", None, ME)


async def test_runs_of_one_spec_at_the_same_moment_are_one_deployment(world: World, application: Application) -> None:
    """Both looked before either had registered: the slower one joins, and nobody is told that somebody else changed it."""
    spec = text("env: {A: b}\n")
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", spec)).version_hash] = "hang"
    world.nomad.progress_deadline_s = 2.0
    orders = [Order(someone(by), key=f"{by}-key", request_hash="same") for by in "abc"]
    found = await asyncio.gather(*(application.changes.deploy("stage", spec, one) for one in orders))
    assert len({one.id for one in found}) == 1
    assert world.nomad.registrations == 1
    assert (await finished(application, found[0])).state == "failed"


async def test_a_run_that_was_slower_than_the_same_run_to_its_end_has_nothing_to_do(
    world: World, application: Application
) -> None:
    asked = (application.changes.deploy("stage", text("env: {A: b}\n"), Order(someone(by))) for by in "abc")
    found = await asyncio.gather(*asked)
    assert [(await finished(application, one)).state for one in found] == ["successful"] * 3
    assert world.nomad.registrations == 1


async def test_of_runs_of_two_specs_at_the_same_moment_the_slower_one_is_a_conflict(
    world: World, application: Application
) -> None:
    world.nomad.usually = "hang"
    specs = (text("env: {A: b}\n"), text("env: {A: c}\n"))
    asked = (application.changes.deploy("stage", one, ME) for one in specs)
    found = await asyncio.gather(*asked, return_exceptions=True)
    (refused,) = [one for one in found if not isinstance(one, Deployment)]
    assert isinstance(refused, ConflictError)
