"""Restarting what runs: by the update rules, one allocation, all at once; a restart that fails stops there."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.world import ADA, World, finished, messages, text
from outrider_ground.errors import ConflictError, RemoteError, UsageError

from outrider.operations.application import Application
from outrider.operations.change.restart import Restart
from outrider.operations.opening import Order
from outrider.operations.records import Deployment

ME = Order(ADA)


async def deployed(application: Application, more: str = "mesh: false\nport: none\ncount: 2\n") -> None:
    await finished(application, await application.changes.deploy("stage", text(more), ME))


async def restarted(application: Application, wanted: Restart = Restart()) -> Deployment:  # noqa: B008 - frozen
    return await finished(application, await application.changes.restart("stage", "checkout", wanted, ME))


def ids(world: World) -> set[str]:
    return {one.id for one in world.nomad.running("checkout")}


async def test_a_restart_replaces_all_allocations_by_the_same_version(world: World, application: Application) -> None:
    await deployed(application)
    before, job = ids(world), await world.nomad.job("checkout")
    ended = await restarted(application)
    assert (ended.kind, ended.state, ended.version, ended.count) == ("restart", "successful", 1, 2)
    assert len(ids(world)) == 2
    assert not ids(world) & before
    after: Any = await world.nomad.job("checkout")
    assert job is not None
    assert after["TaskGroups"][0]["Tasks"] == job["TaskGroups"][0]["Tasks"]
    assert (await application.status(ADA, "stage", "checkout")).changes == ()


async def test_it_can_be_restarted_again_and_again(world: World, application: Application) -> None:
    await deployed(application)
    await restarted(application)
    before = ids(world)
    assert (await restarted(application)).state == "successful"
    assert not ids(world) & before


async def test_a_restart_of_one_allocation_leaves_the_others(world: World, application: Application) -> None:
    await deployed(application)
    first, second = sorted(ids(world))
    ended = await restarted(application, Restart(allocation=first[:8]))
    assert ended.state == "successful", ended.reason
    assert second in ids(world)
    assert first not in ids(world)
    assert len(ids(world)) == 2
    assert await application.outside_changes(ADA, "stage", "checkout") == ()


async def test_all_at_once_stops_all_of_them_before_it_waits(world: World, application: Application) -> None:
    await deployed(application)
    before = ids(world)
    begun = await application.changes.restart("stage", "checkout", Restart(all_at_once=True), ME)
    ended = await finished(application, begun)
    assert ended.state == "successful", ended.reason
    assert not ids(world) & before
    said = [one for one in await messages(application, begun) if "ends, and is replaced" in one]
    assert len(said) == 2


async def test_a_restart_stops_at_the_first_that_does_not_get_healthy(world: World, application: Application) -> None:
    more = "mesh: false\nport: none\ncount: 2\nupdate: {auto_revert: false}\n"
    await deployed(application, more)
    plan = await application.changes.plan(ADA, "stage", text(more))
    world.nomad.server.evaluator.is_hasty = False
    world.nomad.progress_deadline_s = 0.1
    world.nomad.outcomes[plan.version_hash] = "crash"
    before = ids(world)
    ended = await restarted(application)
    assert ended.state == "failed"
    assert len(ids(world) & before) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("task", [None, "app"])
async def test_a_restart_that_nomad_refuses_ends_with_its_words_and_is_not_asked_for_again(
    world: World, application: Application, task: str | None, status: int
) -> None:
    """As for a token without alloc-lifecycle."""
    await deployed(application)
    first, _ = sorted(ids(world))
    asked: list[str] = []

    async def refused(allocation: str, task: str | None = None) -> Any:
        asked.append(allocation)
        raise RemoteError("Nomad answered no", status=status, next_step="Ask for the right.")

    world.nomad.stop_allocation = world.nomad.restart = refused  # type: ignore[method-assign, assignment]
    ended = await restarted(application, Restart(allocation=first[:8], task=task))
    assert (ended.state, ended.reason) == ("failed", "Nomad answered no. Ask for the right.")
    assert asked == [first]


@pytest.mark.parametrize("status", [None, 404, 429, 500])
async def test_a_restart_to_which_nomad_gives_no_last_word_is_asked_for_again(
    world: World, application: Application, status: int | None
) -> None:
    await deployed(application)
    first, _ = sorted(ids(world))
    stop, asked = world.nomad.stop_allocation, list[str]()

    async def silent_at_first(allocation: str) -> Any:
        asked.append(allocation)
        if len(asked) == 1:
            raise RemoteError("Nomad did not answer", status=status)
        return await stop(allocation)

    world.nomad.stop_allocation = silent_at_first  # type: ignore[method-assign]
    ended = await restarted(application, Restart(allocation=first[:8]))
    assert (ended.state, asked) == ("successful", [first, first])


async def test_what_does_not_run_is_not_restarted(application: Application) -> None:
    await deployed(application)
    with pytest.raises(UsageError, match="has no allocation ffff"):
        await restarted(application, Restart(allocation="ffff"))
    with pytest.raises(UsageError, match="no task nosuch runs"):
        await restarted(application, Restart(task="nosuch"))
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    with pytest.raises(UsageError, match="does not run"):
        await restarted(application)


async def test_an_allocation_that_has_ended_is_refused_with_those_that_run(
    world: World, application: Application
) -> None:
    await deployed(application)
    gone = min(ids(world))
    await restarted(application)
    with pytest.raises(UsageError, match=f"allocation {gone[:8]} does not run"):
        await restarted(application, Restart(allocation=gone))


async def test_a_restart_of_all_never_undoes_what_somebody_has_edited(world: World, application: Application) -> None:
    await deployed(application)
    job: Any = await world.nomad.job("checkout")
    job["TaskGroups"][0]["Tasks"][-1]["Env"] |= {"EDITED": "yes"}
    await world.nomad.register(job)
    with pytest.raises(ConflictError, match="changed outside of Outrider"):
        await restarted(application)


async def test_a_restart_is_refused_while_a_deployment_is_under_way(world: World, application: Application) -> None:
    await deployed(application)
    plan = await application.changes.plan(ADA, "stage", text("mesh: false\nport: none\ncount: 2\nenv: {A: b}\n"))
    world.nomad.outcomes[plan.version_hash] = "hang"
    await application.changes.deploy("stage", text("mesh: false\nport: none\ncount: 2\nenv: {A: b}\n"), ME)
    with pytest.raises(ConflictError, match="stopped by: deploying"):
        await restarted(application)


async def test_another_portal_goes_on_with_a_restart_where_it_was(world: World, application: Application) -> None:
    await deployed(application)
    before = ids(world)
    begun = await application.changes.restart("stage", "checkout", Restart(all_at_once=True), ME)
    await world.runners[-1].close()
    second = world.application()
    world.runners[-1].drive((await second.store.deployments.with_id(begun.id)) or begun, is_taken_up=True)
    ended = await finished(second, begun)
    assert ended.state == "successful", ended.reason
    assert not ids(world) & before
    asked = [one for one in await messages(second, begun) if "ends, and is replaced" in one]
    assert len(asked) == 2
