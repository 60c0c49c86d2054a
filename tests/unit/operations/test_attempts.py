from __future__ import annotations

from typing import Any

import pytest
from fakes.world import ADA, World, finished, messages, text

from outrider.nomad.read.job import running
from outrider.nomad.read.plan import places
from outrider.operations.application import Application
from outrider.operations.change.attempts import attempted
from outrider.operations.opening import Order
from outrider.operations.records import Deployment

ME = Order(ADA)
STAYS = "update: {auto_revert: false}\n"


@pytest.fixture
async def failed(world: World, application: Application) -> Deployment:
    """A first version that crashed and stayed registered."""
    plan = await application.changes.plan(ADA, "stage", text(STAYS))
    world.nomad.outcomes[plan.version_hash] = "crash"
    ended = await finished(application, await application.changes.deploy("stage", text(STAYS), ME))
    world.nomad.outcomes.clear()
    return ended


async def test_a_plan_names_the_failure_of_the_version_that_is_registered(
    application: Application, failed: Deployment
) -> None:
    plan = await application.changes.plan(ADA, "stage", text(STAYS))
    assert (failed.state, plan.has_changes) == ("failed", True)
    assert plan.retry.startswith(
        "version 1 is registered, but its last deployment failed: 3 allocations became unhealthy"
    )
    assert "\n" not in plan.retry
    assert [one for one in plan.warnings if "not the one" in one] == []


async def test_a_first_version_that_is_tried_again_is_no_version_to_be_brought_back(
    world: World, application: Application
) -> None:
    more = "update: {auto_revert: true}\n"
    plan = await application.changes.plan(ADA, "stage", text(more))
    world.nomad.outcomes[plan.version_hash] = "crash"
    await finished(application, await application.changes.deploy("stage", text(more), ME))
    again = await application.changes.plan(ADA, "stage", text(more))
    assert again.retry
    assert "brought back" not in again.rollout.on_failure


async def test_a_version_that_failed_is_tried_again_without_a_new_version(
    world: World, application: Application, failed: Deployment
) -> None:
    again = await application.changes.deploy("stage", text(STAYS), ME)
    ended = await finished(application, again)
    assert (ended.state, ended.version) == ("successful", failed.version)
    assert any(line.endswith("; trying again") for line in await messages(application, again))
    assert len(await application.versions(ADA, "stage", "checkout")) == 1
    assert len(world.nomad.running("checkout")) == 1


async def test_after_a_good_second_attempt_nothing_is_left_to_change(
    world: World, application: Application, failed: Deployment
) -> None:
    await finished(application, await application.changes.deploy("stage", text(STAYS), ME))
    registered = world.nomad.registrations
    plan = await application.changes.plan(ADA, "stage", text(STAYS))
    assert (plan.has_changes, plan.retry) == (False, "")
    assert (await application.changes.deploy("stage", text(STAYS), ME)).reason == "no change: version 1 runs already"
    assert world.nomad.registrations == registered


async def test_a_second_failure_makes_a_third_attempt(
    world: World, application: Application, failed: Deployment
) -> None:
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", text(STAYS))).version_hash] = "crash"
    second = await finished(application, await application.changes.deploy("stage", text(STAYS), ME))
    world.nomad.outcomes.clear()
    third = await finished(application, await application.changes.deploy("stage", text(STAYS), ME))
    assert [one.state for one in (failed, second, third)] == ["failed", "failed", "successful"]


async def test_a_service_with_too_few_allocations_is_deployed_again(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text("count: 2\n"), ME))
    await world.nomad.crash(world.nomad.running("checkout")[0].id)
    plan = await application.changes.plan(ADA, "stage", text("count: 2\n"))
    assert (plan.has_changes, plan.retry) == (True, "version 1 is registered, but 1 of its 2 allocations run")
    await finished(application, await application.changes.deploy("stage", text("count: 2\n"), ME))
    assert len(world.nomad.running("checkout")) == 2


async def test_a_stopped_service_says_so_and_starts_again(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    assert (
        await application.changes.plan(ADA, "stage", text())
    ).retry == "version 1 was deployed, but its job is stopped"
    assert (await finished(application, await application.changes.deploy("stage", text(), ME))).state == "successful"
    assert len(world.nomad.running("checkout")) == 1


async def test_a_version_under_way_is_not_tried_again(world: World, application: Application) -> None:
    plan = await application.changes.plan(ADA, "stage", text())
    world.nomad.outcomes[plan.version_hash] = "hang"
    await application.changes.deploy("stage", text(), ME)
    assert not (await application.changes.plan(ADA, "stage", text())).has_changes


async def test_a_rollback_to_the_version_that_failed_tries_it_again(
    application: Application, failed: Deployment
) -> None:
    again = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert (again.state, again.reason) == ("successful", "1 of 1 allocations healthy")


def test_an_attempt_is_kept_while_the_version_stays_and_forgotten_with_the_next() -> None:
    job: dict[str, Any] = {"Meta": {"outrider_version": "a"}, "TaskGroups": [{"Count": 1}]}
    now = running(attempted(job, running(job), is_again=True))
    assert now.attempt == 1
    assert running(attempted(job, now, is_again=False)).attempt == 1
    assert running(attempted(job, now, is_again=True)).attempt == 2
    other = {**job, "Meta": {"outrider_version": "b"}}
    assert attempted(other, now, is_again=False) == other


def test_an_attempt_is_no_difference_of_the_job() -> None:
    field = {"Type": "Added", "Name": "Meta[outrider_attempt]", "Old": "", "New": "1"}
    assert places({"Type": "Edited", "Fields": [field]}) == ()
