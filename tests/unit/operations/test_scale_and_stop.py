from __future__ import annotations

import asyncio

import pytest
from fakes.world import ADA, World, finished, text
from outrider_ground.errors import ConflictError, UsageError

from outrider.operations.application import Application
from outrider.operations.opening import Order

ME = Order(ADA)


async def deployed(application: Application, more: str = "") -> None:
    assert (
        await finished(application, await application.changes.deploy("stage", text(more), ME))
    ).state == "successful"


async def test_scaling_up_keeps_what_runs(world: World, application: Application) -> None:
    await deployed(application)
    before = {one.id for one in world.nomad.running("checkout")}
    ended = await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    assert (ended.state, ended.version) == ("successful", 1)
    assert before < {one.id for one in world.nomad.running("checkout")}


async def test_scaling_down_keeps_as_many_as_are_left(world: World, application: Application) -> None:
    await deployed(application, "count: 3\n")
    before = {one.id for one in world.nomad.running("checkout")}
    ended = await finished(application, await application.changes.scale("stage", "checkout", 1, ME))
    assert (ended.state, ended.reason) == ("successful", "1 of 1 allocations healthy")
    (left,) = world.nomad.running("checkout")
    assert left.id in before


async def test_scaling_to_nothing_needs_no_deployment_of_nomads(world: World, application: Application) -> None:
    await deployed(application, "count: 3\n")
    ended = await finished(application, await application.changes.scale("stage", "checkout", 0, ME))
    assert (ended.state, ended.reason) == ("successful", "0 allocations run")
    assert world.nomad.running("checkout") == []


async def test_a_scaled_service_differs_from_its_spec_in_its_count_only(application: Application) -> None:
    await deployed(application, "count: 2\n")
    await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    plan = await application.changes.plan(ADA, "stage", text("count: 2\n"))
    assert [(change.path, change.before, change.after) for change in plan.changes] == [("count", 3, 2)]


async def test_the_count_that_runs_needs_no_scaling(application: Application) -> None:
    await deployed(application, "count: 2\n")
    assert (await application.changes.scale("stage", "checkout", 2, ME)).state == "successful"


async def test_scaling_while_a_canary_waits_is_a_conflict_with_the_way_out(application: Application) -> None:
    spec = "count: 3\nupdate: {canary: 1}\n"
    await deployed(application, spec)
    waiting = await application.changes.deploy("stage", text(spec + "env: {A: b}\n"), ME)
    async with asyncio.timeout(30):
        while (await application.deployment(ADA, waiting.id)).state != "waiting":  # noqa: ASYNC110  the store has no bell
            await asyncio.sleep(0.01)
    past = Order(ADA, reason="more load", overrides=("deploying",))
    with pytest.raises(ConflictError, match="scales nothing meanwhile") as caught:
        await application.changes.scale("stage", "checkout", 4, past)
    assert "`outrider promote checkout -e stage`" in str(caught.value.next_step)
    assert (await application.status(ADA, "stage", "checkout")).state == "waiting"


async def test_what_does_not_run_cannot_be_scaled(application: Application) -> None:
    with pytest.raises(UsageError, match="stage knows no service checkout"):
        await application.changes.scale("stage", "checkout", 2, ME)
    await deployed(application)
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    with pytest.raises(UsageError, match="does not run in stage") as caught:
        await application.changes.scale("stage", "checkout", 2, ME)
    assert "`outrider start checkout -e stage`" in str(caught.value.next_step)


async def test_a_stopped_service_has_no_allocations_and_keeps_its_versions(
    world: World, application: Application
) -> None:
    await deployed(application, "count: 2\n")
    ended = await finished(application, await application.changes.stop("stage", "checkout", ME))
    assert ended.state == "successful"
    assert world.nomad.running("checkout") == []
    assert (await application.status(ADA, "stage", "checkout")).state == "stopped"
    assert len(await application.versions(ADA, "stage", "checkout")) == 1


async def test_a_stopped_service_comes_up_again_as_the_same_version(application: Application) -> None:
    await deployed(application, "count: 2\n")
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    ended = await finished(application, await application.changes.deploy("stage", text("count: 2\n"), ME))
    assert (ended.state, ended.version) == ("successful", 1)


async def test_purging_forgets_the_job(world: World, application: Application) -> None:
    await deployed(application)
    ended = await finished(application, await application.changes.stop("stage", "checkout", ME, purge=True))
    assert ended.state == "successful"
    assert await world.nomad.job("checkout") is None


async def test_what_is_not_there_cannot_be_stopped(application: Application) -> None:
    with pytest.raises(UsageError, match="stage knows no service checkout"):
        await application.changes.stop("stage", "checkout", ME)
