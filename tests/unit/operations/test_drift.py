"""A job that somebody has changed outside: the documents are compared, not only the meta."""

from __future__ import annotations

from typing import Any

from fakes.world import ADA, World, finished, text

from outrider.operations.application import Application
from outrider.operations.opening import Order

ME = Order(ADA)


async def edited(world: World, application: Application, **env: str) -> None:
    """A service whose job was registered anew by hand, with more in its environment."""
    await finished(application, await application.changes.deploy("stage", text("count: 2\n"), ME))
    job: Any = await world.nomad.job("checkout")
    job["TaskGroups"][0]["Tasks"][-1]["Env"] |= env
    await world.nomad.register(job)


async def test_status_says_where_a_job_was_changed_outside(world: World, application: Application) -> None:
    await edited(world, application, EDITED="yes")
    found = await application.status(ADA, "stage", "checkout")
    assert found.version == 1
    assert len(found.outside) == 1
    assert found.outside[0].startswith("checkout.")


async def test_a_job_as_it_was_deployed_is_not_said_to_be_changed(world: World, application: Application) -> None:
    await edited(world, application)
    assert (await application.status(ADA, "stage", "checkout")).outside == ()
    await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    assert (await application.status(ADA, "stage", "checkout")).outside == ()


async def test_a_count_that_an_autoscaler_changed_is_not_said_to_be_changed_outside(
    world: World, application: Application
) -> None:
    await finished(application, await application.changes.deploy("stage", text("count: 2\n"), ME))
    await world.nomad.scale("checkout", "checkout", 4)
    found = await application.status(ADA, "stage", "checkout")
    assert (found.count, found.outside) == (4, ())


async def test_rolling_back_to_the_version_that_was_edited_mends_it(world: World, application: Application) -> None:
    await edited(world, application, EDITED="yes")
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert ended.reason != "version 1 runs already"
    job: Any = await world.nomad.job("checkout")
    assert "EDITED" not in job["TaskGroups"][0]["Tasks"][-1]["Env"]
    assert (await application.status(ADA, "stage", "checkout")).outside == ()


async def test_a_version_that_runs_unchanged_needs_no_rollback(application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    again = await application.changes.roll_back("stage", "checkout", 1, ME)
    assert again.reason == "version 1 runs already"


async def test_a_scale_does_not_hide_what_was_edited_before_it(world: World, application: Application) -> None:
    await edited(world, application, EDITED="yes")
    rollout: Any = await world.nomad.deployment_of("checkout")
    while rollout["Status"] == "running":
        rollout, _ = await world.nomad.deployment(rollout["ID"])
    await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    assert (await application.status(ADA, "stage", "checkout")).outside
    ended = await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    assert ended.reason != "version 1 runs already"
    assert (await application.status(ADA, "stage", "checkout")).outside == ()
