"""A rollback registers exactly what ran, also after the platform has changed; or, if asked, its spec with today's."""

from __future__ import annotations

from fakes.world import ADA, PLATFORM, World, finished, messages, text

from outrider.nomad.write.rollback import rolled_back
from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.spec.reading.files import read_platform

ME = Order(ADA)
UPSTREAM = "upstreams: {payments: {protocol: http}}\n"


async def under_another_platform(world: World, application: Application) -> Application:
    """Two versions, then a portal whose platform has another default."""
    await finished(application, await application.changes.deploy("stage", text(UPSTREAM), ME))
    await finished(application, await application.changes.deploy("stage", text(UPSTREAM + "env: {A: b}\n"), ME))
    changed = PLATFORM.replace("network: {mode: host}", "network: {mode: host}\n    defaults: {timeout: 3333ms}")
    world.platform = read_platform(changed, "platform.yaml")
    return world.application()


async def test_a_rollback_registers_exactly_what_ran_though_the_platform_has_changed(
    world: World, application: Application
) -> None:
    later = await under_another_platform(world, application)
    first = await later.version(ADA, "stage", "checkout", 1)
    ended = await finished(later, await later.changes.roll_back("stage", "checkout", 1, ME))
    assert (ended.kind, ended.version, ended.state) == ("rollback", 1, "successful")
    again = await world.nomad.plan(rolled_back(first.job, 1))
    assert again["Diff"]["Type"] == "None", "to the letter"
    assert any("exactly what ran as version 1" in one for one in await messages(later, ended))


async def test_with_the_platform_its_spec_takes_todays_and_is_a_new_version(
    world: World, application: Application
) -> None:
    later = await under_another_platform(world, application)
    begun = await later.changes.roll_back("stage", "checkout", 1, ME, with_platform=True)
    ended = await finished(later, begun)
    assert (ended.kind, ended.version, ended.state) == ("rollback", 3, "successful")
    first, third = [await later.version(ADA, "stage", "checkout", number) for number in (1, 3)]
    assert first.spec == third.spec
    assert "3.333s" in str(third.bootstrap)
    assert "3.333s" not in str(first.bootstrap)
    assert any("the spec of version 1, with the platform file" in one for one in await messages(later, ended))
