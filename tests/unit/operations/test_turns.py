"""One change of a service begins at a time, over all portals of one database; nothing is ever lost without a word."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.world import ADA, World, finished, someone, text
from outrider_ground.errors import ConflictError, SpecError
from sqlalchemy import select

from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.operations.records import Deployment
from outrider.operations.stop_records import Lock
from outrider.operations.turns import turn
from outrider.store.tables import locks

ME = Order(ADA)
HERS = Lock("stage", "checkout", "another portal", "eve")


async def test_d10_of_deployers_at_one_moment_over_two_portals_one_wins_and_each_other_sees_whose_it_is(
    world: World,
) -> None:
    portals = [world.application() for _ in range(2)]
    specs = [text(f"env: {{A: {letter}}}\n") for letter in "abcdef"]
    world.nomad.usually = "hang"
    asked = [
        portals[number % 2].changes.deploy("stage", spec, Order(someone(f"d{number}")))
        for number, spec in enumerate(specs)
    ]
    found = await asyncio.gather(*asked, return_exceptions=True)
    (won,) = [one for one in found if isinstance(one, Deployment)]
    refused = [one for one in found if isinstance(one, ConflictError)]
    assert len(refused) == len(specs) - 1
    assert world.nomad.registrations == 1
    for error in refused:
        (blocker,) = vars(error)["blockers"]
        assert f"by {won.created_by} since" in blocker.reason
        assert "this one differs from it in env.A: " in blocker.reason


async def test_changes_of_one_service_take_turns_and_those_of_another_do_not_wait(
    world: World, application: Application
) -> None:
    here = application.environment(ADA, "stage")
    order: list[str] = []

    async def change(service: str, by: str) -> None:
        async with turn(here, service, by):
            order.append(f"{by} begins")
            await asyncio.sleep(0.05)
            order.append(f"{by} ends")

    await asyncio.gather(change("checkout", "a"), change("checkout", "b"), change("payments", "c"))
    whose = [one for one in order if not one.startswith("c")]
    assert whose in (["a begins", "a ends", "b begins", "b ends"], ["b begins", "b ends", "a begins", "a ends"])
    assert order.index("c begins") < order.index(whose[1])


async def test_who_waits_too_long_is_told_who_has_it_and_since_when(world: World) -> None:
    world.limits = replace(world.limits, turn=0.05, lease=30.0)
    here = world.application().environment(ADA, "stage")
    async with turn(here, "checkout", "eve"):
        with pytest.raises(ConflictError, match=r"checkout in stage is being changed by eve since \d\d:\d\d:\d\d UTC"):
            await world.application().changes.deploy("stage", text(), ME)


async def test_d11_the_lock_of_a_portal_that_is_gone_ends_with_its_lease(world: World) -> None:
    world.limits = replace(world.limits, lease=0.3)
    application = world.application()
    from_here = application.environment(ADA, "stage")
    await taken_by_another(world, from_here.limits.lease)
    deployment = await application.changes.deploy("stage", text(), ME)
    assert (await finished(application, deployment)).state == "successful"


async def taken_by_another(world: World, lease_s: float) -> None:
    """By a portal that never says another word."""
    now = datetime.now(UTC)
    await world.store.locks.take(replace(HERS, since=now, until=now + timedelta(seconds=lease_s)))


async def test_a_lock_is_renewed_for_as_long_as_it_is_needed(world: World) -> None:
    world.limits = replace(world.limits, lease=0.15, turn=5.0)
    here = world.application().environment(ADA, "stage")
    order: list[str] = []

    async def second() -> None:
        async with turn(here, "checkout", "second"):
            order.append("second")

    async with turn(here, "checkout", "first"):
        waits = asyncio.create_task(second())
        await asyncio.sleep(0.6)
        order.append("first")
    await waits
    assert order == ["first", "second"]


async def test_what_was_begun_is_given_up_where_the_lock_is_lost(world: World) -> None:
    world.limits = replace(world.limits, lease=0.15)
    here = world.application().environment(ADA, "stage")
    seen: list[str] = []

    async def robbed() -> None:
        async with turn(here, "checkout", "first"):
            for lock in await locks_of(world):
                await world.store.locks.free(lock)
            await taken_by_another(world, 30.0)
            await asyncio.sleep(5)
            seen.append("went on")

    with pytest.raises(ConflictError, match="the lock of checkout in stage was lost: eve has it"):
        await robbed()
    assert seen == []


async def locks_of(world: World) -> list[Lock]:
    async with world.store.database.reading() as connection:
        return [Lock(**row) for row in (await connection.execute(select(locks))).mappings()]


async def test_the_lock_is_free_when_a_change_has_failed(world: World, application: Application) -> None:
    world.envoy.refused_word = "checkout"
    with pytest.raises(SpecError, match="Envoy refuses"):
        await application.changes.deploy("stage", text(), ME)
    assert await locks_of(world) == []


async def test_a_registration_that_nomad_took_beside_another_is_superseded_and_says_by_whom(
    world: World, application: Application
) -> None:
    """Nomad before 2.0.1 lets two registrations through on one index (hashicorp/nomad#27832)."""
    await finished(application, await application.changes.deploy("stage", text(), ME))
    document = await world.nomad.job("checkout")
    assert document
    meta = document["Meta"] | {"outrider_version": "of somebody else"}
    world.nomad.beaten_by = document | {"Meta": meta}
    with pytest.raises(ConflictError, match=r"at the same moment another job .* by somebody outside of Outrider at 20"):
        await application.changes.deploy("stage", text("env: {A: b}\n"), ME)
    last, *_ = await application.deployments(ADA, "stage", "checkout")
    assert (last.state, "by somebody outside of Outrider" in last.reason) == ("superseded", True)


async def test_a_registration_that_nomad_took_alone_is_ours(world: World, application: Application) -> None:
    first = await finished(application, await application.changes.deploy("stage", text(), ME))
    document: Any = await world.nomad.job("checkout")
    assert document["JobModifyIndex"] == first.modify_index
