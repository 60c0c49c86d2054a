"""Stop and start: what was stopped comes back as it was, count and version, in words that a person would try."""

from __future__ import annotations

import pytest
from fakes.world import ADA, World, finished, messages, text
from outrider_ground.errors import UsageError
from outrider_harness.nomad_calls import job

from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.operations.records import Deployment

ME = Order(ADA)
OTHER = "service: cart\nrun: {command: [cart]}\nupstreams: {checkout: {}}\n"


async def deployed(application: Application, more: str = "") -> Deployment:
    return await finished(application, await application.changes.deploy("stage", text(more), ME))


async def stopped(application: Application, *, purge: bool = False) -> Deployment:
    """Two versions, the newer one scaled to three, then stopped."""
    await deployed(application)
    await deployed(application, "env: {A: b}\n")
    await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    return await finished(application, await application.changes.stop("stage", "checkout", ME, purge=purge))


async def ran(world: World, ended: Deployment) -> tuple[str, int | None, int | None, int]:
    return ended.state, ended.version, ended.count, len(world.nomad.running("checkout"))


@pytest.mark.parametrize("purge", [False, True])
async def test_start_brings_back_version_and_count(world: World, application: Application, *, purge: bool) -> None:
    await stopped(application, purge=purge)
    ended = await finished(application, await application.changes.start("stage", "checkout", ME))
    assert ended.kind == "start"
    assert await ran(world, ended) == ("successful", 2, 3, 3)


@pytest.mark.parametrize("purge", [False, True])
async def test_a_rollback_without_a_version_brings_back_what_was_stopped(
    world: World, application: Application, *, purge: bool
) -> None:
    await stopped(application, purge=purge)
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", None, ME))
    assert await ran(world, ended) == ("successful", 2, 3, 3)


@pytest.mark.parametrize("purge", [False, True])
async def test_a_rollback_to_another_version_keeps_the_count_that_was_stopped(
    world: World, application: Application, *, purge: bool
) -> None:
    await stopped(application, purge=purge)
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert await ran(world, ended) == ("successful", 1, 3, 3)


@pytest.mark.parametrize("purge", [False, True])
async def test_run_without_a_count_brings_back_the_count_that_was_stopped(
    world: World, application: Application, *, purge: bool
) -> None:
    await stopped(application, purge=purge)
    ended = await deployed(application, "env: {A: b}\n")
    assert (ended.state, ended.count, len(world.nomad.running("checkout"))) == ("successful", 3, 3)


async def test_what_runs_is_not_started_again(world: World, application: Application) -> None:
    await deployed(application)
    again = await application.changes.start("stage", "checkout", ME)
    assert (again.state, again.reason) == ("successful", "version 1 runs already")
    assert world.nomad.registrations == 1


async def test_what_never_ran_cannot_be_started_and_the_way_is_named(application: Application) -> None:
    with pytest.raises(UsageError, match="knows no service checkout"):
        await application.changes.start("stage", "checkout", ME)


async def test_a_stopped_service_that_this_portal_does_not_know_names_its_file(
    world: World, application: Application
) -> None:
    await world.nomad.register(job("checkout"))
    await world.nomad.deregister("checkout")
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", text())).version_hash] = "crash"
    await deployed(application)
    await world.nomad.deregister("checkout", purge=True)
    with pytest.raises(UsageError, match="has not run in stage yet") as caught:
        await application.changes.start("stage", "checkout", ME)
    assert "outrider run FILE -e stage" in str(caught.value.next_step)


async def test_stop_names_the_callers(application: Application) -> None:
    await deployed(application)
    await finished(application, await application.changes.deploy("stage", text(spec=OTHER), ME))
    ended = await finished(application, await application.changes.stop("stage", "checkout", ME))
    assert "cart calls checkout: its requests to it fail from now on" in await messages(application, ended)
    quiet = await finished(application, await application.changes.stop("stage", "cart", ME))
    assert not [line for line in await messages(application, quiet) if " cart: " in line]


async def test_a_service_scaled_to_nothing_says_so_in_its_plan(application: Application) -> None:
    await deployed(application)
    await finished(application, await application.changes.scale("stage", "checkout", 0, ME))
    plan = await application.changes.plan(ADA, "stage", text("env: {A: b}\n"))
    assert [line for line in plan.warnings if line.startswith("0 allocations: nothing of checkout will run")]
    assert not [
        line
        for line in (await application.changes.plan(ADA, "stage", text("count: 1\n"))).warnings
        if "0 alloc" in line
    ]


@pytest.mark.parametrize(("shard", "count", "refused"), [("", 2, True), ("", 1, False), ("shard: true\n", 2, False)])
async def test_scale_keeps_the_rule_of_shared_keys(
    application: Application, shard: str, count: int, *, refused: bool
) -> None:
    spec = f"protocol: redis\nport: 6379\n{shard}"
    await deployed(application, spec)
    if refused:
        with pytest.raises(UsageError, match="share the keys between them"):
            await application.changes.scale("stage", "checkout", count, ME)
    else:
        assert (await application.changes.scale("stage", "checkout", count, ME)).count == count


async def test_a_job_that_somebody_purged_in_nomad_is_started_as_it_ran_last(
    world: World, application: Application
) -> None:
    """Not as it was before some stop of long ago: a version and a count that came up since are the last ones."""
    await stopped(application)
    await deployed(application, "env: {A: c}\ncount: 1\n")
    await finished(application, await application.changes.scale("stage", "checkout", 2, ME))
    await world.nomad.deregister("checkout", purge=True)
    ended = await finished(application, await application.changes.start("stage", "checkout", ME))
    assert await ran(world, ended) == ("successful", 3, 2, 2)


async def test_a_job_that_somebody_purged_in_nomad_is_rolled_back_to_and_planned_with_the_count_that_it_had_last(
    world: World, application: Application
) -> None:
    await deployed(application)
    await finished(application, await application.changes.scale("stage", "checkout", 4, ME))
    await world.nomad.deregister("checkout", purge=True)
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", None, ME))
    assert await ran(world, ended) == ("successful", 1, 4, 4)
    await world.nomad.deregister("checkout", purge=True)
    assert (await deployed(application)).count == 4


async def test_what_has_no_allocations_is_not_said_to_run_when_it_is_started(application: Application) -> None:
    await deployed(application)
    await finished(application, await application.changes.scale("stage", "checkout", 0, ME))
    with pytest.raises(UsageError, match="not stopped, but asked for 0 allocations") as caught:
        await application.changes.start("stage", "checkout", ME)
    assert "`outrider scale checkout 1 -e stage`" in str(caught.value.next_step)
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    ended = await finished(application, await application.changes.start("stage", "checkout", ME))
    assert [one for one in await messages(application, ended) if "it had 0 allocations" in one]


async def test_what_failed_is_not_said_to_run_when_it_is_started(world: World, application: Application) -> None:
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", text())).version_hash] = "crash"
    await deployed(application)
    with pytest.raises(UsageError, match="not stopped: version 1 is registered, but its last deployment failed"):
        await application.changes.start("stage", "checkout", ME)


async def test_a_start_while_a_canary_waits_joins_it(application: Application) -> None:
    await deployed(application, "count: 2\n")
    waiting = await application.changes.deploy("stage", text("count: 2\nenv: {A: b}\nupdate: {canary: 1}\n"), ME)
    assert (await application.changes.start("stage", "checkout", ME)).id == waiting.id


async def test_a_stopped_service_is_not_scaled_but_told_how_it_starts(application: Application) -> None:
    await stopped(application)
    with pytest.raises(UsageError, match="does not run in stage") as caught:
        await application.changes.scale("stage", "checkout", 2, ME)
    assert "`outrider start checkout -e stage`" in str(caught.value.next_step)


@pytest.mark.parametrize("purge", [False, True])
async def test_stop_names_no_caller_that_is_stopped_itself(application: Application, *, purge: bool) -> None:
    await deployed(application)
    for name in ("cart", "till", "desk"):
        spec = OTHER.replace("cart", name)
        await finished(application, await application.changes.deploy("stage", text(spec=spec), ME))
    await finished(application, await application.changes.stop("stage", "till", ME, purge=purge))
    ended = await finished(application, await application.changes.stop("stage", "checkout", ME))
    said = await messages(application, ended)
    assert "cart, desk call checkout: their requests to it fail from now on" in said
    await finished(application, await application.changes.start("stage", "checkout", ME))
    for name in ("cart", "desk"):
        await finished(application, await application.changes.stop("stage", name, ME, purge=purge))
    quiet = await finished(application, await application.changes.stop("stage", "checkout", ME))
    assert not [line for line in await messages(application, quiet) if "fail from now on" in line]
