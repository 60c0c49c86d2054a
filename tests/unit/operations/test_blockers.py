"""Everything that stops a change is one list; who goes past it says why, and the history keeps both."""

from __future__ import annotations

import asyncio

import pytest
from fakes.world import ADA, World, finished, messages, someone, text
from outrider_ground.errors import ConflictError, UsageError

from outrider.operations.answers.blockers import BlockedError
from outrider.operations.application import Application
from outrider.operations.event_details import Overridden
from outrider.operations.opening import Order
from outrider.operations.records import Deployment, Override

ME = Order(ADA)
CANARY = "count: 2\nupdate: {canary: 1}\n"
PAST = Order(someone("bob"), reason="the canary has a bug", overrides=("deploying",))


async def waiting(application: Application) -> Deployment:
    """Version 2 with a canary that waits."""
    await finished(application, await application.changes.deploy("stage", text(CANARY), ME))
    deployment = await application.changes.deploy("stage", text(f"{CANARY}env: {{A: b}}\n"), ME)
    async with asyncio.timeout(30):
        while (await application.deployment(ADA, deployment.id)).state != "waiting":  # noqa: ASYNC110  the store has no bell
            await asyncio.sleep(0.01)
    return deployment


async def test_the_second_deployer_sees_who_is_first_since_when_and_how_their_specs_differ_d10(
    application: Application,
) -> None:
    first = await waiting(application)
    another = text("count: 3\nupdate: {canary: 2}\nenv: {A: c}\n")
    with pytest.raises(BlockedError) as caught:
        await application.changes.deploy("stage", another, Order(someone("bob")))
    (blocker,) = caught.value.blockers
    assert blocker.name == "deploying"
    assert f"version 2 is brought up (run) by ada since {first.created_at:%Y-%m-%d %H:%M:%S} UTC" in blocker.reason
    assert f"deployment {first.id[:8]}, its canary waits" in blocker.reason
    assert "this one differs from it in env.A: b → c; count: 2 → 3; update.canary: 1 → 2" in blocker.reason
    assert "`outrider promote checkout -e stage` or `outrider fail checkout -e stage`" in blocker.lifted_by
    assert "--override deploying --reason TEXT" in str(caught.value.next_step)
    assert (await application.deployment(ADA, first.id)).state == "waiting"


async def test_an_override_goes_past_and_is_an_event_and_kept_with_its_reason(application: Application) -> None:
    await waiting(application)
    other = await application.changes.deploy("stage", text("count: 2\nenv: {A: c}\n"), PAST)
    ended = await finished(application, other)
    (past,) = ended.overrides
    assert (ended.cause, past.name, "version 2 is brought up" in past.blocked) == (
        "the canary has a bug",
        "deploying",
        True,
    )
    (event,) = [one for one in await application.events(ADA, other.id) if isinstance(one.detail, Overridden)]
    assert event.kind == "override"
    assert event.message == f"bob overrides deploying ({past.blocked}): the canary has a bug"


async def test_an_override_of_what_is_not_there_goes_through_with_a_word(application: Application) -> None:
    ended = await finished(application, await application.changes.deploy("stage", text(), PAST))
    assert ended.overrides == (Override("deploying"),)
    assert "nothing of deploying was there to override" in await messages(application, ended)


async def test_an_unknown_blocker_is_refused_with_the_near_miss(application: Application) -> None:
    order = Order(ADA, reason="why", overrides=("freezes",))
    with pytest.raises(UsageError, match="nothing called 'freezes' stops a change") as caught:
        await application.changes.deploy("stage", text(), order)
    assert str(caught.value.next_step).startswith("Did you mean freeze? There are: deploying, freeze, rejected")


async def test_an_override_without_a_reason_is_refused(application: Application) -> None:
    with pytest.raises(UsageError, match="to override freeze needs a reason"):
        await application.changes.scale("stage", "checkout", 2, Order(ADA, overrides=("freeze",)))


async def test_a_scale_waits_for_the_deployment_under_way(application: Application) -> None:
    await waiting(application)
    with pytest.raises(BlockedError, match="scale of checkout in stage is stopped by: deploying"):
        await application.changes.scale("stage", "checkout", 5, ME)


async def test_a_rollback_goes_beside_a_deployment_under_way(application: Application) -> None:
    first = await waiting(application)
    back = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert (back.state, back.version) == ("successful", 1)
    assert (await finished(application, first)).state == "superseded"


async def test_a_stop_goes_beside_a_deployment_under_way(application: Application) -> None:
    await waiting(application)
    stopped = await finished(application, await application.changes.stop("stage", "checkout", ME))
    assert stopped.state == "successful"


async def test_what_a_person_has_failed_stops_nobody(application: Application) -> None:
    await waiting(application)
    await application.changes.fail("stage", "checkout", ME)
    third = await application.changes.deploy("stage", text("count: 2\nenv: {A: c}\n"), ME)
    assert (await finished(application, third)).state == "successful"


async def test_a_plan_lists_what_would_stop_it_and_one_without_changes_nothing(application: Application) -> None:
    await waiting(application)
    plan = await application.changes.plan(ADA, "stage", text(f"{CANARY}env: {{A: c}}\n"))
    assert [one.name for one in plan.blockers] == ["deploying"]
    same = await application.changes.plan(ADA, "stage", text(f"{CANARY}env: {{A: b}}\n"))
    assert (same.has_changes, same.blockers) == (False, ())


async def test_a_promotion_is_a_change_of_its_own_with_its_reason(application: Application) -> None:
    canary = await waiting(application)
    await application.changes.promote("stage", "checkout", Order(ADA, reason="it looks good"))
    ended = await finished(application, canary)
    decision, *_ = await application.deployments(ADA, "stage", "checkout")
    assert (decision.kind, decision.state, decision.version, decision.cause) == (
        "promote",
        "successful",
        2,
        "it looks good",
    )
    assert ended.release is not None
    assert decision.release == ended.release + 1
    assert "promoted by ada (it looks good)" in await messages(application, canary)
    assert (await application.status(ADA, "stage", "checkout")).deployment == ended


async def test_a_decision_that_nomad_refuses_has_failed(world: World, application: Application) -> None:
    await waiting(application)
    world.nomad.fails_first = True
    with pytest.raises(ConflictError) as caught:
        await application.changes.fail("stage", "checkout", ME)
    decision, *_ = await application.deployments(ADA, "stage", "checkout")
    assert (decision.kind, decision.state, decision.reason) == ("fail", "failed", caught.value.message)
