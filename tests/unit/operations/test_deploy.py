from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest
from fakes.world import ADA, World, finished, messages, text
from outrider_ground.errors import ConflictError, RemoteError, SpecError, UsageError
from outrider_harness.nomad_calls import job

from outrider.nomad.read.job import version_hash
from outrider.operations.application import Application
from outrider.operations.opening import Order

ME = Order(ADA)


async def hash_of(world: World) -> str:
    job = await world.nomad.job("checkout")
    assert job is not None
    return str(version_hash(job))


async def test_a_first_deployment_runs_one_allocation_and_tells_each_step(application: Application) -> None:
    deployment = await application.changes.deploy("stage", text(), ME)
    assert deployment.state == "running"
    ended = await finished(application, deployment)
    assert (ended.state, ended.version, ended.count) == ("successful", 1, 1)
    kinds = [event.kind for event in await application.events(ADA, deployment.id)]
    assert kinds[:3] == ["accepted", "validated", "registered"]
    assert "allocation" in kinds
    assert kinds[-1] == "verdict"


async def test_the_same_spec_changes_nothing(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    assert not (await application.changes.plan(ADA, "stage", text())).has_changes
    again = await application.changes.deploy("stage", text(), ME)
    assert (again.state, again.reason) == ("successful", "no change: version 1 runs already")
    assert world.nomad.registrations == 1
    assert len(await application.versions(ADA, "stage", "checkout")) == 1


async def test_a_changed_count_keeps_the_running_allocations_and_the_hash(
    world: World, application: Application
) -> None:
    await finished(application, await application.changes.deploy("stage", text("count: 1\n"), ME))
    before = [one.id for one in world.nomad.running("checkout")]
    await finished(application, await application.changes.deploy("stage", text("count: 3\n"), ME))
    after = [one.id for one in world.nomad.running("checkout")]
    assert set(before) < set(after)
    assert len(after) == 3
    hashes = {version.hash for version in await application.versions(ADA, "stage", "checkout")}
    assert len(hashes) == 1


async def test_a_count_that_is_left_out_is_the_one_that_runs(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    await finished(application, await application.changes.deploy("stage", text("env: {A: b}\n"), ME))
    assert world.nomad.count("checkout") == 3
    assert not (await application.changes.plan(ADA, "stage", text("env: {A: b}\n"))).has_changes


async def test_a_changed_link_is_stored_and_restarts_nobody(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    linked = await application.changes.deploy("stage", text('links: {runbook: "https://wiki.example/c"}\n'), ME)
    assert (linked.state, linked.version) == ("successful", 2)
    assert world.nomad.registrations == 1


async def test_a_caller_is_changed_when_its_redis_begins_to_share_its_keys_out(application: Application) -> None:
    redis = text("protocol: redis\ncount: 1\n", spec="service: sessions\nrun: {command: [redis-server]}\n")
    sharing = text("protocol: redis\nshard: true\n", spec="service: sessions\nrun: {command: [redis-server]}\n")
    caller = text("upstreams: {sessions: {}}\n")
    await finished(application, await application.changes.deploy("stage", redis, ME))
    await finished(application, await application.changes.deploy("stage", caller, ME))
    assert not (await application.changes.plan(ADA, "stage", caller)).has_changes
    await finished(application, await application.changes.deploy("stage", sharing, ME))
    assert (await application.changes.plan(ADA, "stage", caller)).has_changes


async def test_another_check_index_is_a_conflict(application: Application) -> None:
    with pytest.raises(ConflictError, match="at index 0 now, not at 77"):
        await application.changes.deploy("stage", text(), Order(ADA, check_index=77))


async def test_of_two_deployers_on_one_index_one_wins(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    index = (await application.changes.plan(ADA, "stage", text())).check_index
    order = Order(ADA, check_index=index)
    both = await asyncio.gather(
        application.changes.deploy("stage", text("env: {A: one}\n"), order),
        application.changes.deploy("stage", text("env: {A: two}\n"), order),
        return_exceptions=True,
    )
    assert sum(isinstance(one, ConflictError) for one in both) == 1
    assert world.nomad.registrations == 2


async def test_the_same_request_twice_is_one_deployment(world: World, application: Application) -> None:
    order = Order(ADA, key="k", request_hash="h")
    first = await application.changes.deploy("stage", text(), order)
    await finished(application, first)
    second = await application.changes.deploy("stage", text(), order)
    assert second.id == first.id
    assert world.nomad.registrations == 1


async def test_a_key_that_came_with_another_request_is_refused(application: Application) -> None:
    await application.changes.deploy("stage", text(), Order(ADA, key="k", request_hash="h"))
    with pytest.raises(ConflictError, match="another request"):
        await application.changes.deploy("stage", text(), Order(ADA, key="k", request_hash="other"))


async def test_a_foreign_job_is_not_replaced_without_being_told(world: World, application: Application) -> None:
    await world.nomad.register(job("checkout", Name="other"))
    with pytest.raises(ConflictError, match="not deployed by Outrider"):
        await application.changes.deploy("stage", text(), ME)
    taken = await application.changes.deploy("stage", text(), Order(ADA, take_over=True))
    assert (await finished(application, taken)).state == "successful"


async def test_what_envoy_refuses_is_never_submitted(world: World, application: Application) -> None:
    world.envoy.refused_word = "checkout"
    with pytest.raises(SpecError, match="Envoy refuses the bootstrap of checkout in stage: ") as refused:
        await application.changes.deploy("stage", text(), ME)
    assert "outrider render" in (refused.value.next_step or "")
    assert world.nomad.registrations == 0
    assert await world.store.versions.services("stage") == ()


async def test_an_unknown_upstream_is_named_with_its_line(application: Application) -> None:
    with pytest.raises(SpecError) as caught:
        await application.changes.deploy("stage", text("upstreams: {payments: {}}\n"), ME)
    problem = caught.value.problems[0]
    assert problem.path.startswith("upstreams.payments")
    assert (problem.file, problem.line) == ("outrider.yaml", 4)


async def test_a_crashing_version_fails_with_the_reason_and_the_old_allocations_stay(
    world: World, application: Application
) -> None:
    await finished(application, await application.changes.deploy("stage", text("count: 2\n"), ME))
    good = await hash_of(world)
    broken = text("count: 2\nenv: {BROKEN: x}\n")
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", broken)).version_hash] = "crash"
    ended = await finished(application, await application.changes.deploy("stage", broken, ME))
    assert ended.state == "failed"
    assert "task app failed: Exit Code: 3" in ended.reason
    assert "stderr: boom" in ended.reason
    assert "runs again" in ended.reason
    assert await hash_of(world) == good
    assert len(world.nomad.running("checkout")) == 2


async def test_a_first_version_without_room_is_not_placed_and_not_left_behind(
    world: World, application: Application
) -> None:
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", text())).version_hash] = "no room"
    plan = await application.changes.plan(ADA, "stage", text())
    assert plan.failures == ("no node for checkout: 1 node considered: 1 without enough memory",)
    ended = await finished(application, await application.changes.deploy("stage", text(), ME))
    assert ended.state == "not_placed"
    assert "without enough memory" in ended.reason
    job = await world.nomad.job("checkout")
    assert job is not None
    assert job["Stop"]


async def test_a_deployment_that_never_moves_ends_by_our_own_deadline(world: World, application: Application) -> None:
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", text())).version_hash] = "hang"
    application = with_short_deadline(world)
    ended = await finished(application, await application.changes.deploy("stage", text(), ME))
    assert ended.state == "failed"
    assert "nothing has moved" in ended.reason


async def test_a_deployment_that_nomad_fails_while_it_is_given_up_ends_with_nomads_words_and_what_it_waited_for(
    world: World, application: Application
) -> None:
    world.nomad.fails_first = True
    world.nomad.progress_deadline_s = 0.05
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", text())).version_hash] = "hang"
    ended = await finished(application, await application.changes.deploy("stage", text(), ME))
    assert ended.state == "failed"
    first, *why = ended.reason.splitlines()
    assert first == "Nomad: Failed due to unhealthy allocations - no stable job version to auto revert to"
    assert why
    assert "did not take it back" not in ended.reason


def with_short_deadline(world: World) -> Application:
    world.nomad.progress_deadline_s = 0.05
    return world.application()


async def test_a_promotion_that_nomad_forgot_is_made_by_us(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text("count: 1\n"), ME))
    world.nomad.forgets_promotion = True
    deployment = await application.changes.deploy("stage", text("count: 1\nenv: {A: b}\n"), ME)
    ended = await finished(application, deployment)
    assert ended.state == "successful"
    assert "promoted: all new allocations are healthy" in await messages(application, deployment)


async def test_a_canary_waits_for_a_person_and_goes_on_when_promoted(world: World, application: Application) -> None:
    spec = "count: 3\nupdate: {canary: 1}\n"
    await finished(application, await application.changes.deploy("stage", text(spec), ME))
    deployment = await application.changes.deploy("stage", text(spec + "env: {A: b}\n"), ME)
    await state_of(application, deployment.id, "waiting")
    assert len(world.nomad.running("checkout")) == 4
    assert (await application.status(ADA, "stage", "checkout")).state == "waiting"
    await application.changes.promote("stage", "checkout", ME)
    ended = await finished(application, deployment)
    assert ended.state == "successful"
    assert "promoted by ada" in await messages(application, deployment)
    assert len(world.nomad.running("checkout")) == 3


async def test_a_failed_canary_leaves_the_old_allocations_alone(world: World, application: Application) -> None:
    spec = "count: 3\nupdate: {canary: 1}\n"
    await finished(application, await application.changes.deploy("stage", text(spec), ME))
    old = {one.id for one in world.nomad.running("checkout")}
    deployment = await application.changes.deploy("stage", text(spec + "env: {A: b}\n"), ME)
    await state_of(application, deployment.id, "waiting")
    await application.changes.fail("stage", "checkout", ME)
    assert (await finished(application, deployment)).state == "failed"
    assert {one.id for one in world.nomad.running("checkout")} == old


async def test_promote_without_a_canary_is_a_usage_error(application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    with pytest.raises(UsageError, match="no active deployment"):
        await application.changes.promote("stage", "checkout", ME)
    with pytest.raises(UsageError, match="stage knows no service chekout"):
        await application.changes.promote("stage", "chekout", ME)


async def test_a_deployment_without_a_canary_has_nothing_to_promote(world: World, application: Application) -> None:
    spec = text("count: 3\n")
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", spec)).version_hash] = "hang"
    await application.changes.deploy("stage", spec, ME)
    with pytest.raises(ConflictError, match="no canary of checkout in stage waits"):
        await application.changes.promote("stage", "checkout", ME)


async def test_a_canary_that_waited_and_was_promoted_runs_again(world: World, application: Application) -> None:
    canary = "count: 3\nupdate: {canary: 1}\n"
    await finished(application, await application.changes.deploy("stage", text(canary), ME))
    spec = text(canary + "env: {A: b}\n")
    deployment = await application.changes.deploy("stage", spec, ME)
    await state_of(application, deployment.id, "waiting")
    world.nomad.outcomes[await hash_of(world)] = "hang"
    await application.changes.promote("stage", "checkout", ME)
    await state_of(application, deployment.id, "running")


async def test_a_return_that_waits_for_a_promotion_is_promoted(world: World, application: Application) -> None:
    """Nomad's own return goes through the canary phase of the version it returns to (hashicorp/nomad#10882)."""
    canary = "count: 3\nupdate: {canary: 1}\n"
    await finished(application, await application.changes.deploy("stage", text(canary), ME))
    good = await hash_of(world)
    broken = text("count: 3\nenv: {BROKEN: x}\n")
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", broken)).version_hash] = "crash"
    deployment = await application.changes.deploy("stage", broken, ME)
    ended = await finished(application, deployment)
    assert "the last good version is promoted again" in await messages(application, deployment)
    assert "runs again" in ended.reason
    assert {await hash_of(world)} == {good}
    assert len(world.nomad.running("checkout")) == 3


async def test_a_newer_deployment_supersedes_the_one_under_way_that_it_overrides(application: Application) -> None:
    spec = "count: 3\nupdate: {canary: 1}\n"
    await finished(application, await application.changes.deploy("stage", text(spec), ME))
    first = await application.changes.deploy("stage", text(spec + "env: {A: b}\n"), ME)
    await state_of(application, first.id, "waiting")
    past = replace(ME, reason="it is needed", overrides=("deploying",))
    second = await application.changes.deploy("stage", text("count: 3\nenv: {A: c}\n"), past)
    assert (await finished(application, first)).state == "superseded"
    assert (await finished(application, second)).state == "successful"


async def test_nothing_is_queued_while_nomad_is_away(world: World, application: Application) -> None:
    world.nomad.away = RemoteError("Nomad did not answer")
    with pytest.raises(RemoteError):
        await application.changes.deploy("stage", text(), ME)
    assert await world.store.deployments.unfinished() == ()


async def test_a_server_that_falls_silent_is_waited_for(world: World, application: Application) -> None:
    spec = "count: 3\nupdate: {canary: 1}\n"
    await finished(application, await application.changes.deploy("stage", text(spec), ME))
    deployment = await application.changes.deploy("stage", text(spec + "env: {A: b}\n"), ME)
    await state_of(application, deployment.id, "waiting")
    world.nomad.away = RemoteError("Nomad did not answer")
    ended = await finished(application, deployment)
    assert ended.state == "failed"
    assert "what became of it is unknown" in ended.reason


async def state_of(application: Application, deployment: str, state: str) -> None:
    async with asyncio.timeout(30):
        while (await application.deployment(ADA, deployment)).state != state:  # noqa: ASYNC110  the store has no bell
            await asyncio.sleep(0.01)


async def test_an_unknown_environment_is_named(application: Application) -> None:
    with contextlib.suppress(UsageError):
        await application.changes.deploy("moon", text(), ME)
        pytest.fail("there is no moon")
