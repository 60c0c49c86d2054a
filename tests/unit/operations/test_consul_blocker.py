"""While Consul is away nothing new is begun, what relieves stays possible and is warned of, and a person may go past."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fakes.world import ADA, World, finished, messages, text
from outrider_ground.errors import RemoteError

from outrider.operations.answers.blockers import BlockedError
from outrider.operations.application import Application
from outrider.operations.opening import Order

ME = Order(ADA)
PAST = replace(ME, overrides=("consul",), reason="callers are told by hand")
NEW = text("env: {A: b}\n")
WORKER = text("port: none\nmesh: false\n")


async def up(application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))


@pytest.mark.parametrize("verb", ["deploy", "scale", "start"])
async def test_without_a_leader_what_is_new_is_stopped_with_the_reason(
    world: World, application: Application, verb: str
) -> None:
    await up(application)
    if verb == "start":
        await finished(application, await application.changes.stop("stage", "checkout", ME))
    world.consul.has_leader, before = False, world.nomad.registrations
    changes = application.changes
    asked = {
        "deploy": lambda: changes.deploy("stage", NEW, ME),
        "scale": lambda: changes.scale("stage", "checkout", 3, ME),
        "start": lambda: changes.start("stage", "checkout", ME),
    }
    away = verb == "scale"
    if away:
        world.consul.away = RemoteError("Consul at x cannot be reached")
    with pytest.raises(BlockedError) as caught:
        await asked[verb]()
    (blocker,) = caught.value.blockers
    assert blocker.reason == (
        "Consul does not answer (Consul at x cannot be reached)" if away else "Consul has no leader"
    )
    assert (blocker.name, blocker.lifted_by) == ("consul", "Consul, as soon as it is back")
    assert world.nomad.registrations == before


async def test_a_plan_names_it_and_a_moment_without_a_leader_stops_nothing(
    world: World, application: Application
) -> None:
    await up(application)
    world.consul.has_leader = False
    plan = await application.changes.plan(ADA, "stage", NEW)
    assert [one.name for one in plan.blockers] == ["consul"]
    world.limits = replace(world.limits, look=0.3)
    patient = world.application()
    task = asyncio.create_task(patient.changes.plan(ADA, "stage", NEW))
    await asyncio.sleep(0.1)
    world.consul.has_leader = True
    assert (await task).blockers == ()


async def test_what_consul_shows_nothing_of_though_it_runs_healthy_is_not_replaced(
    world: World, application: Application
) -> None:
    await up(application)
    world.limits = replace(world.limits, outage=0.0)
    eager = world.application()
    with pytest.raises(BlockedError) as caught:
        await eager.changes.deploy("stage", NEW, ME)
    assert caught.value.blockers[0].reason == "Consul's catalog shows no instance of it, healthy as it is"
    (one,) = world.nomad.running("checkout")
    world.consul.add("checkout", f"_nomad-task-{one.id}-group-checkout-checkout-ingress", 1)
    assert (await eager.changes.plan(ADA, "stage", NEW)).blockers == ()


async def test_what_neither_calls_nor_is_called_goes_without_consul(world: World, application: Application) -> None:
    world.consul.has_leader = False
    ended = await finished(application, await application.changes.deploy("stage", WORKER, ME))
    assert ended.state == "successful"


async def test_a_stop_stays_possible(world: World, application: Application) -> None:
    await up(application)
    world.consul.has_leader = False
    assert (await finished(application, await application.changes.stop("stage", "checkout", ME))).state == "successful"


@pytest.mark.parametrize("is_away", [True, False])
async def test_a_rollback_stays_possible_and_is_warned_of(
    world: World, application: Application, is_away: bool
) -> None:
    await up(application)
    await finished(application, await application.changes.deploy("stage", NEW, ME))
    world.consul.has_leader = not is_away
    back = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert (back.state, back.version) == ("successful", 1)
    warned = [
        line for line in await messages(application, back) if line.startswith("Consul has no leader: callers do not")
    ]
    assert len(warned) == is_away
    assert not warned or warned[0].endswith("`--override consul --reason TEXT` replaces all of them at once")


async def test_who_goes_past_it_is_not_held_either(world: World) -> None:
    world.limits = replace(world.limits, outage=0.0)
    application = world.application()
    world.consul.has_leader = False
    ended = await finished(application, await application.changes.deploy("stage", text("count: 2\n"), PAST))
    assert ended.state == "successful"
    assert not [line for line in await messages(application, ended) if line.startswith("waits")]
