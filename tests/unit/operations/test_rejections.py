"""A rejected version does not run again until somebody lifts it; what Nomad went back from is rejected by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fakes.world import ADA, World, finished, messages, someone, text
from outrider_ground.errors import UsageError

from outrider.operations.answers.blockers import BlockedError
from outrider.operations.application import Application
from outrider.operations.drive.rejecting import reject_by_itself
from outrider.operations.opening import Order
from outrider.operations.records import Deployment

ME, ANA = Order(ADA), someone("ana")
GOOD, BAD = "count: 2\n", "count: 2\nenv: {A: bad}\n"
PAST = Order(ADA, reason="the cause is gone", overrides=("rejected",))


async def deployed(application: Application, more: str, order: Order = ME) -> Deployment:
    return await finished(application, await application.changes.deploy("stage", text(more), order))


async def rejected(application: Application) -> None:
    """Version 1 runs again, version 2 is rejected."""
    await deployed(application, GOOD)
    await deployed(application, BAD)
    await application.stops.reject(ANA, "stage", "checkout", 2, " loses orders ")
    await finished(application, await application.changes.roll_back("stage", "checkout", None, ME))


async def test_a_rejected_version_stops_the_same_spec_with_its_reason_and_the_way_out(application: Application) -> None:
    await rejected(application)
    with pytest.raises(BlockedError) as caught:
        await deployed(application, BAD)
    (blocker,) = caught.value.blockers
    assert blocker.name == "rejected"
    assert blocker.reason.startswith("version 2 in stage was rejected by ana at 20")
    assert blocker.reason.endswith(": loses orders")
    assert "`outrider reject checkout 2 -e stage --lift`" in blocker.lifted_by


async def test_the_same_content_under_another_number_is_rejected_too(application: Application) -> None:
    await rejected(application)
    with pytest.raises(BlockedError, match="rejected"):
        await deployed(application, BAD.replace("count: 2", "count: 3"))


async def test_a_rollback_to_the_same_content_under_another_number_is_stopped_too(application: Application) -> None:
    await deployed(application, GOOD)
    await deployed(application, BAD)
    same = await deployed(application, BAD + "description: Takes orders.\n")
    assert same.version == 3
    await deployed(application, GOOD)
    await application.stops.reject(ANA, "stage", "checkout", 2, "loses orders")
    with pytest.raises(BlockedError, match="stopped by: rejected"):
        await application.changes.roll_back("stage", "checkout", 3, ME)


async def test_a_version_that_ran_before_is_not_rejected_by_its_own_restart(application: Application) -> None:
    done = await deployed(application, GOOD)
    here = application.environments["stage"]
    await reject_by_itself(here, replace(done, kind="restart", previous=done.version), "an allocation crashed")
    assert await here.store.rejections.rejections("stage", "checkout") == ()


async def test_another_spec_goes(application: Application) -> None:
    await rejected(application)
    assert (await deployed(application, "count: 2\nenv: {A: fixed}\n")).state == "successful"


async def test_a_rollback_to_a_rejected_version_is_refused_where_it_is_named(application: Application) -> None:
    await rejected(application)
    with pytest.raises(BlockedError, match="rollback of checkout in stage is stopped by: rejected"):
        await application.changes.roll_back("stage", "checkout", 2, ME)
    back = await finished(application, await application.changes.roll_back("stage", "checkout", 2, PAST))
    assert (back.state, back.version, back.cause) == ("successful", 2, "the cause is gone")


async def test_the_next_rollback_goes_past_rejected_versions_to_the_one_before(application: Application) -> None:
    await deployed(application, GOOD)
    await deployed(application, BAD)
    await deployed(application, "count: 2\nenv: {A: c}\n")
    await application.stops.reject(ANA, "stage", "checkout", 2, "loses orders")
    back = await finished(application, await application.changes.roll_back("stage", "checkout", None, ME))
    assert (back.state, back.version) == ("successful", 1)


async def test_where_every_version_before_is_rejected_there_is_nothing_to_go_back_to(application: Application) -> None:
    await deployed(application, GOOD)
    await deployed(application, BAD)
    await application.stops.reject(ANA, "stage", "checkout", 1, "loses orders")
    with pytest.raises(UsageError, match="has no earlier good version"):
        await application.changes.roll_back("stage", "checkout", None, ME)


async def test_a_rejection_that_is_lifted_stops_nobody(application: Application) -> None:
    await rejected(application)
    lifted = await application.stops.unreject(ADA, "stage", "checkout", 2)
    assert lifted.reason == "loses orders"
    assert (await deployed(application, BAD)).state == "successful"
    with pytest.raises(UsageError, match="version 2 of checkout in stage is not rejected"):
        await application.stops.unreject(ADA, "stage", "checkout", 2)


async def test_a_version_that_is_rejected_or_unknown_cannot_be_rejected(application: Application) -> None:
    await rejected(application)
    with pytest.raises(UsageError, match="is rejected already, by ana: loses orders"):
        await application.stops.reject(ADA, "stage", "checkout", 2, "again")
    with pytest.raises(UsageError, match="has no version 7 in stage"):
        await application.stops.reject(ADA, "stage", "checkout", 7, "why")
    with pytest.raises(UsageError, match="needs a reason"):
        await application.stops.reject(ADA, "stage", "checkout", 1, " ")


async def gone_back(world: World, application: Application, more: str = BAD) -> Deployment:
    """Version 2 fails, and Nomad goes back to version 1."""
    await deployed(application, GOOD)
    plan = await application.changes.plan(ADA, "stage", text(more))
    world.nomad.outcomes[plan.version_hash] = "crash"
    return await deployed(application, more)


async def test_what_nomad_went_back_from_is_rejected_by_itself_with_the_reason_of_its_failure(
    world: World, application: Application
) -> None:
    failed = await gone_back(world, application)
    assert failed.state == "failed"
    (found,) = await world.store.rejections.rejections("stage", "checkout")
    assert (found.number, found.created_by) == (2, "outrider")
    assert found.reason == f"its deployment {failed.id[:8]} failed and Nomad went back: {failed.reason.splitlines()[0]}"
    lift = "`outrider reject checkout 2 -e stage --lift`"
    said = await messages(application, failed)
    assert f"version 2 is rejected: {lift} lets it run again once the cause is gone" in said
    with pytest.raises(BlockedError, match="rejected"):
        await deployed(application, BAD)


async def test_the_same_version_goes_again_where_its_cause_is_gone(world: World, application: Application) -> None:
    await gone_back(world, application)
    world.nomad.outcomes.clear()
    again = await deployed(application, BAD, PAST)
    assert (again.state, [one.name for one in again.overrides]) == ("successful", ["rejected"])


async def test_a_first_version_that_fails_is_not_rejected_since_nothing_went_back(
    world: World, application: Application
) -> None:
    plan = await application.changes.plan(ADA, "stage", text(BAD))
    world.nomad.outcomes[plan.version_hash] = "crash"
    assert (await deployed(application, BAD)).state == "failed"
    assert await world.store.rejections.rejections("stage", "checkout") == ()


async def test_a_canary_of_a_rejected_version_is_not_promoted(application: Application) -> None:
    canary = "count: 2\nupdate: {canary: 1}\n"
    await deployed(application, canary)
    second = await application.changes.deploy("stage", text(f"{canary}env: {{A: b}}\n"), ME)
    async with asyncio.timeout(30):
        while (await application.deployment(ADA, second.id)).state != "waiting":  # noqa: ASYNC110  the store has no bell
            await asyncio.sleep(0.01)
    await application.stops.reject(ANA, "stage", "checkout", 2, "loses orders")
    with pytest.raises(BlockedError, match="promote of checkout in stage is stopped by: rejected"):
        await application.changes.promote("stage", "checkout", ME)
    await application.changes.fail("stage", "checkout", ME)


async def test_history_is_one_list_of_numbered_releases_newest_first(application: Application) -> None:
    await rejected(application)
    await finished(application, await application.changes.scale("stage", "checkout", 3, Order(ANA, reason="load")))
    found = (await application.releases(ADA, "stage", "checkout")).releases
    told = [(one.number, one.kind, one.version, one.by, one.cause, one.state) for one in found]
    assert told == [
        (4, "scale", 1, "ana", "load", "successful"),
        (3, "rollback", 1, "ada", "", "successful"),
        (2, "run", 2, "ada", "", "successful"),
        (1, "run", 1, "ada", "", "successful"),
    ]
    assert [one.rejected for one in found] == [None, None, "loses orders", None]
    assert (await application.events(ADA, found[0].deployment))[0].kind == "accepted"
