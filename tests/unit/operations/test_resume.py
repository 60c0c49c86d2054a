from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fakes.world import ADA, World, finished, messages, text

from outrider.operations.application import Application
from outrider.operations.events import PromotionEvent
from outrider.operations.opening import Order, new_deployment
from outrider.operations.records import Deployment

ME = Order(ADA)


async def left_behind(world: World, application: Application, **known: Any) -> Deployment:
    """Version 2 as it stands in the store when its portal dies, with what that portal knew."""
    await finished(application, await application.changes.deploy("stage", text("env: {A: one}\n"), ME))
    await finished(application, await application.changes.deploy("stage", text("env: {A: two}\n"), ME))
    back = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert back.state == "successful"
    index = (await application.changes.plan(ADA, "stage", text("env: {A: one}\n"))).check_index
    fresh = new_deployment("stage", "checkout", "run", ME)
    long_ago: dict[str, Any] = {"created_at": datetime.now(UTC) - timedelta(seconds=15), "version": 2, "count": 1}
    return await world.store.deployments.add_deployment(replace(fresh, expected_index=index, **long_ago, **known))


async def test_what_never_reached_nomad_is_registered_once(world: World, application: Application) -> None:
    deployment = await left_behind(world, application)
    before = world.nomad.registrations
    second = patient(world)
    world.runner.start()
    ended = await finished(second, deployment)
    assert (ended.state, ended.version) == ("successful", 2)
    assert world.nomad.registrations == before + 1


async def test_what_had_reached_nomad_is_adopted_and_not_registered_again(
    world: World, application: Application
) -> None:
    deployment = await left_behind(world, application)
    version = await application.version(ADA, "stage", "checkout", 2)
    await world.nomad.register(version.job, deployment.expected_index)
    before = world.nomad.registrations
    second = patient(world)
    world.runner.start()
    ended = await finished(second, deployment)
    assert (ended.state, world.nomad.registrations) == ("successful", before)
    assert "the portal watches it again" in await messages(second, deployment)


async def test_what_somebody_else_has_replaced_is_superseded(world: World, application: Application) -> None:
    deployment = await left_behind(world, application)
    job = await world.nomad.job("checkout")
    assert job is not None
    job["TaskGroups"][0]["Count"] = 2
    await world.nomad.register(job)
    second = patient(world)
    world.runner.start()
    assert (await finished(second, deployment)).state == "superseded"


async def test_what_was_watched_is_watched_to_its_end(world: World, application: Application) -> None:
    spec = "count: 3\nupdate: {canary: 1}\n"
    await finished(application, await application.changes.deploy("stage", text(spec), ME))
    deployment = await application.changes.deploy("stage", text(spec + "env: {A: b}\n"), ME)
    await world.runners[0].close()
    second = patient(world)
    world.runner.start()
    async for event in await second.feed(ADA, deployment.id):
        if isinstance(event, PromotionEvent) and event.detail.needed:
            await second.changes.promote("stage", "checkout", ME)
    assert (await second.deployment(ADA, deployment.id)).state == "successful"


async def test_two_portals_do_not_drive_the_same_deployment(world: World, application: Application) -> None:
    spec = "count: 3\nupdate: {canary: 1}\n"
    await finished(application, await application.changes.deploy("stage", text(spec), ME))
    patient(world)
    world.runner.start()
    deployment = await application.changes.deploy("stage", text(spec + "env: {A: b}\n"), ME)
    async for event in await application.feed(ADA, deployment.id):
        if isinstance(event, PromotionEvent) and event.detail.needed:
            await application.changes.promote("stage", "checkout", ME)
    kinds = [event.kind for event in await application.events(ADA, deployment.id)]
    assert kinds.count("verdict") == 1
    assert "resumed" not in kinds


async def test_what_nobody_registered_for_too_long_is_given_up(world: World, application: Application) -> None:
    deployment = await left_behind(world, application)
    second = world.application()
    world.runner.start()
    ended = await finished(second, deployment)
    assert ended.state == "failed"
    assert "the portal was away" in ended.reason


async def test_a_defect_ends_the_deployment_instead_of_taking_it_up_for_ever(
    world: World, application: Application
) -> None:
    deployment = await left_behind(world, application)
    version = await application.version(ADA, "stage", "checkout", 2)
    await world.nomad.register(version.job, deployment.expected_index)
    world.nomad.away = KeyError("what nobody has thought of")
    await world.store.deployments.save_deployment(
        replace(deployment, state="running", modify_index=1, evaluation="any")
    )
    second = patient(world)
    world.runner.start()
    ended = await finished(second, deployment)
    assert (ended.state, "defect" in ended.reason) == ("failed", True)


def patient(world: World) -> Application:
    world.limits = replace(world.limits, silence=60.0)
    return world.application()


async def test_what_has_ended_meanwhile_gets_no_second_verdict(world: World, application: Application) -> None:
    """A sweep may have taken it up, and ended it, before the request that registered it drives it itself."""
    ended = await finished(application, await application.changes.deploy("stage", text(), ME))
    before = await messages(application, ended)
    world.runner.drive(replace(ended, state="running"))
    await asyncio.sleep(0.2)
    assert (await application.deployment(ADA, ended.id)).state == "successful"
    assert await messages(application, ended) == before
