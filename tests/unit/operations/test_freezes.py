"""A freeze stops what brings something new, until its time or until it is lifted; what goes back is never stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from fakes.world import ADA, World, finished, someone, text
from outrider_ground.errors import UsageError

from outrider.operations.answers.blockers import BlockedError
from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.operations.records import Deployment, Override
from outrider.operations.stops import Subject

ME, ANA = Order(ADA), someone("ana")
SERVICE, TEAM, ALL = Subject("service", "checkout"), Subject("team", "web"), Subject("environment", "stage")
CANARY = "count: 2\nupdate: {canary: 1}\n"


def later(hours: float = 1) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


async def running(application: Application, more: str = "team: web\n") -> Deployment:
    return await finished(application, await application.changes.deploy("stage", text(more), ME))


@pytest.mark.parametrize(
    ("subject", "what"),
    [(SERVICE, "checkout"), (TEAM, "team web"), (ALL, "all of stage")],
    ids=["service", "team", "all"],
)
async def test_a_freeze_stops_a_run_and_says_what_until_when_by_whom_and_why(
    application: Application, subject: Subject, what: str
) -> None:
    await running(application)
    until = later()
    await application.stops.freeze(ANA, "stage", subject, " Black Friday ", until)
    with pytest.raises(BlockedError) as caught:
        await application.changes.deploy("stage", text("team: web\nenv: {A: b}\n"), ME)
    (blocker,) = caught.value.blockers
    assert blocker.name == "freeze"
    assert blocker.reason == f"{what} is frozen until {until:%Y-%m-%d %H:%M} UTC by ana: Black Friday"
    assert blocker.lifted_by.startswith("ana, or an operator: `outrider thaw ")


async def test_a_freeze_is_that_of_its_environment_team_and_service_only(application: Application) -> None:
    await running(application)
    await application.stops.freeze(ANA, "stage", SERVICE, "why", later())
    await application.stops.freeze(ANA, "stage", TEAM, "why", later())
    other = text("team: data\nenv: {A: b}\n", spec="service: payments\nrun: {command: [a]}\n")
    assert (await application.changes.plan(ADA, "stage", other)).blockers == ()
    assert (await application.changes.plan(ADA, "production", text("team: web\n"))).blockers == ()


FROZEN: dict[str, Callable[[Application], Awaitable[Deployment]]] = {
    "run": lambda application: application.changes.deploy("stage", text("env: {A: c}\n"), ME),
    "promote": lambda application: application.changes.promote("stage", "checkout", ME),
}
FREE: dict[str, Callable[[Application], Awaitable[Deployment]]] = {
    "rollback": lambda application: application.changes.roll_back("stage", "checkout", 1, ME),
    "fail": lambda application: application.changes.fail("stage", "checkout", ME),
    "stop": lambda application: application.changes.stop("stage", "checkout", ME),
}


async def canary_waits(application: Application) -> None:
    await running(application, CANARY)
    second = await application.changes.deploy("stage", text(f"{CANARY}env: {{A: b}}\n"), ME)
    async with asyncio.timeout(30):
        while (await application.deployment(ADA, second.id)).state != "waiting":  # noqa: ASYNC110  the store has no bell
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("verb", FROZEN)
async def test_a_freeze_stops_what_brings_something_new(application: Application, verb: str) -> None:
    await canary_waits(application)
    await application.stops.freeze(ANA, "stage", ALL, "why", later())
    with pytest.raises(BlockedError, match="freeze"):
        await FROZEN[verb](application)


@pytest.mark.parametrize("verb", FREE)
async def test_a_freeze_never_stops_what_goes_back_or_relieves(application: Application, verb: str) -> None:
    await canary_waits(application)
    await application.stops.freeze(ANA, "stage", ALL, "why", later())
    await FREE[verb](application)


async def test_a_freeze_stops_a_start_and_a_redeploy_and_no_scale(world: World, application: Application) -> None:
    await running(application)
    await application.stops.freeze(ANA, "stage", ALL, "why", later())
    assert (
        await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    ).state == "successful"
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    with pytest.raises(BlockedError, match="start of checkout in stage is stopped by: freeze"):
        await application.changes.start("stage", "checkout", ME)


async def test_an_override_goes_past_a_freeze_and_is_kept(application: Application) -> None:
    await running(application)
    await application.stops.freeze(ANA, "stage", SERVICE, "why", later())
    past = Order(ADA, reason="orders are lost", overrides=("freeze",))
    ended = await finished(application, await application.changes.deploy("stage", text("env: {A: b}\n"), past))
    (kept,) = ended.overrides
    assert (kept.name, "is frozen until" in kept.blocked, ended.cause) == ("freeze", True, "orders are lost")


async def test_a_freeze_ends_by_itself(application: Application) -> None:
    await running(application)
    await application.stops.freeze(ANA, "stage", SERVICE, "why", datetime.now(UTC) + timedelta(seconds=0.2))
    await asyncio.sleep(0.3)
    assert await application.stops.freezes("stage") == ()
    assert (await running(application, "env: {A: b}\n")).state == "successful"


async def test_a_freeze_is_lifted_before_its_time_and_only_that_of_the_subject(application: Application) -> None:
    await running(application)
    await application.stops.freeze(ANA, "stage", SERVICE, "why", later())
    other = await application.stops.freeze(ANA, "stage", ALL, "why", later())
    (lifted,) = await application.stops.thaw(ADA, "stage", SERVICE)
    assert lifted.name == "checkout"
    assert await application.stops.freezes("stage") == (other,)
    with pytest.raises(UsageError, match="checkout is not frozen in stage") as caught:
        await application.stops.thaw(ADA, "stage", SERVICE)
    assert caught.value.next_step == "Frozen there: env:stage."


async def test_what_does_not_change_is_not_stopped(application: Application) -> None:
    await running(application)
    await application.stops.freeze(ANA, "stage", ALL, "why", later())
    again = await running(application)
    assert (again.state, again.modify_index) == ("successful", None)


@pytest.mark.parametrize(
    ("subject", "said", "step"),
    [
        (Subject("service", "chekout"), "stage knows no service chekout", "It knows: checkout."),
        (Subject("team", "wob"), "stage knows no team wob", "There are: web."),
        (Subject("environment", "production"), "production is another environment than stage", "Name one of them."),
    ],
)
async def test_what_nobody_knows_cannot_be_frozen(
    application: Application, subject: Subject, said: str, step: str
) -> None:
    await running(application)
    with pytest.raises(UsageError, match=said) as caught:
        await application.stops.freeze(ANA, "stage", subject, "why", later())
    assert caught.value.next_step == step


async def test_a_freeze_has_a_reason_and_a_time_to_come_within_a_year(application: Application) -> None:
    await running(application)
    with pytest.raises(UsageError, match="needs a reason"):
        await application.stops.freeze(ANA, "stage", SERVICE, "  ", later())
    with pytest.raises(UsageError, match=r"UTC has passed: it is 20"):
        await application.stops.freeze(ANA, "stage", SERVICE, "why", later(-1))
    with pytest.raises(UsageError, match="ends within a year"):
        await application.stops.freeze(ANA, "stage", SERVICE, "why", later(24 * 400))
    with pytest.raises(UsageError, match="there is no environment nowhere"):
        await application.stops.freeze(ANA, "nowhere", SERVICE, "why", later())


async def test_all_that_stops_a_change_is_named_at_once_and_overridden_by_name(application: Application) -> None:
    await canary_waits(application)
    await application.stops.freeze(ANA, "stage", ALL, "why", later())
    another = text("env: {A: c}\n")
    with pytest.raises(BlockedError) as caught:
        await application.changes.deploy("stage", another, ME)
    assert [one.name for one in caught.value.blockers] == ["deploying", "freeze"]
    with pytest.raises(BlockedError) as caught:
        await application.changes.deploy("stage", another, Order(ADA, reason="x", overrides=("deploying",)))
    assert [one.name for one in caught.value.blockers] == ["freeze"]
    both = Order(ADA, reason="x", overrides=("deploying", "freeze", "deploying"))
    gone = await application.changes.deploy("stage", another, both)
    assert [type(one) for one in gone.overrides] == [Override, Override]
