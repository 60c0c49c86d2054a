"""Services whose sidecar the platform would make another today are known, once looked for, and cost whoever looks nothing."""

from __future__ import annotations

from dataclasses import replace

from fakes.world import ADA, PLATFORM, World, finished, text

from outrider.operations.application import Application
from outrider.operations.environment_view import EnvironmentView
from outrider.operations.opening import Order
from outrider.spec.reading.files import read_platform

ME = Order(ADA)
UPSTREAM = "upstreams: {payments: {protocol: http}}\n"
CHANGED = PLATFORM.replace("network: {mode: host}", "network: {mode: host}\n    defaults: {timeout: 3333ms}", 1)


async def older(application: Application) -> tuple[str, ...]:
    (found,) = await application.statuses(ADA, "stage")
    assert found.older == (await application.status(ADA, "stage", "checkout")).older
    return found.older


async def judged(application: Application) -> None:
    await application.ages.look(EnvironmentView(application.environments["stage"]))


def under_another_platform(world: World) -> Application:
    world.platform = read_platform(CHANGED, "platform.yaml")
    return world.application()


async def test_nothing_is_older_right_after_its_deploy(application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(UPSTREAM), ME))
    await judged(application)
    assert await older(application) == ()


async def test_a_changed_default_makes_the_sidecar_of_its_callers_older_until_they_are_redeployed(
    world: World, application: Application
) -> None:
    await finished(application, await application.changes.deploy("stage", text(UPSTREAM), ME))
    later = under_another_platform(world)
    assert await older(later) == (), "not looked for yet"
    await judged(later)
    assert await older(later) == ("envoy.Templates",)
    await finished(later, await later.changes.redeploy("stage", "checkout", ME))
    await judged(later)
    assert await older(later) == ()


async def test_who_calls_nobody_is_not_older_for_a_default_of_calls(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    later = under_another_platform(world)
    await judged(later)
    assert await older(later) == ()


async def test_what_was_judged_under_one_platform_says_nothing_under_another(
    world: World, application: Application
) -> None:
    await finished(application, await application.changes.deploy("stage", text(UPSTREAM), ME))
    later = under_another_platform(world)
    await judged(later)
    back = replace(later, environments=application.environments)
    assert await older(back) == ()
