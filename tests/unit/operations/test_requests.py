"""A request that is made again with its idempotency key gets the answer that it got, whatever it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from fakes.world import ADA, KIM, World, finished, messages, text
from outrider_ground.errors import ConflictError, UsageError

from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.operations.records import Deployment

ME = Order(ADA)
KEYED = Order(KIM, key="k", request_hash="h")
CANARY = "count: 3\nupdate: {canary: 1}\n"
Change = Callable[[Application, Order], Awaitable[Deployment]]
DECISIONS: dict[str, Change] = {
    "promote": lambda application, order: application.changes.promote("stage", "checkout", order),
    "fail": lambda application, order: application.changes.fail("stage", "checkout", order),
}
CHANGES: dict[str, Change] = {
    "deploy": lambda application, order: application.changes.deploy("stage", text("env: {A: c}\n"), order),
    "redeploy": lambda application, order: application.changes.redeploy("stage", "checkout", order),
    "rollback": lambda application, order: application.changes.roll_back("stage", "checkout", None, order),
    "scale": lambda application, order: application.changes.scale("stage", "checkout", 2, order),
    "stop": lambda application, order: application.changes.stop("stage", "checkout", order),
}


async def waiting(application: Application) -> Deployment:
    """A canary of the second version that waits for a person."""
    await finished(application, await application.changes.deploy("stage", text(CANARY), ME))
    deployment = await application.changes.deploy("stage", text(CANARY + "env: {A: b}\n"), ME)
    async with asyncio.timeout(30):
        while (await application.deployment(ADA, deployment.id)).state != "waiting":  # noqa: ASYNC110  no bell
            await asyncio.sleep(0.01)
    return deployment


@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_canary_is_promoted_or_failed_once_however_often_the_request_comes(
    application: Application, decision: str
) -> None:
    canary = await waiting(application)
    first = await DECISIONS[decision](application, KEYED)
    again = await DECISIONS[decision](application, KEYED)
    ended = await finished(application, canary)
    late = await DECISIONS[decision](application, KEYED)
    assert {first.id, again.id, late.id} == {canary.id}
    assert late == ended
    said = [line for line in await messages(application, canary) if " by kim" in line]
    assert len(said) == 1


@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_request_that_comes_again_at_another_portal_is_the_same_one(
    world: World, application: Application, decision: str
) -> None:
    canary = await waiting(application)
    await DECISIONS[decision](application, KEYED)
    await finished(application, canary)
    assert (await DECISIONS[decision](world.application(), KEYED)).id == canary.id


@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_decision_under_a_key_that_came_with_another_request_is_refused(
    application: Application, decision: str
) -> None:
    canary = await waiting(application)
    await application.changes.promote("stage", "checkout", KEYED)
    await finished(application, canary)
    with pytest.raises(ConflictError, match="the idempotency key k was used for another request"):
        await DECISIONS[decision](application, replace(KEYED, request_hash="other"))


async def test_a_decision_that_was_refused_is_none_and_may_be_asked_for_again(application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(CANARY), ME))
    with pytest.raises(UsageError, match="no active deployment"):
        await application.changes.promote("stage", "checkout", KEYED)
    canary = await waiting(application)
    assert (await application.changes.promote("stage", "checkout", KEYED)).id == canary.id
    assert (await finished(application, canary)).state == "successful"


async def test_without_a_key_each_request_is_one_of_its_own(application: Application) -> None:
    canary = await waiting(application)
    await application.changes.promote("stage", "checkout", ME)
    await finished(application, canary)
    with pytest.raises(UsageError, match="no active deployment"):
        await application.changes.promote("stage", "checkout", ME)


@pytest.mark.parametrize("change", CHANGES)
async def test_every_change_is_answered_alike_when_it_is_asked_for_again_after_the_service_has_gone(
    application: Application, change: str
) -> None:
    for more in ("", "env: {A: b}\n"):
        await finished(application, await application.changes.deploy("stage", text(more), ME))
    made = await finished(application, await CHANGES[change](application, KEYED))
    if change != "stop":
        await finished(application, await application.changes.stop("stage", "checkout", ME, purge=True))
    assert await CHANGES[change](application, KEYED) == made


async def test_who_joined_a_deployment_under_way_gets_it_again_with_the_same_key(application: Application) -> None:
    canary = await waiting(application)
    asked = text(CANARY + "env: {A: b}\n")
    assert (await application.changes.deploy("stage", asked, KEYED)).id == canary.id
    await application.changes.fail("stage", "checkout", ME)
    ended = await finished(application, canary)
    assert await application.changes.deploy("stage", asked, KEYED) == ended
