"""What runs in one environment brought to another: exactly that, and only where the other one takes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.nomad import NomadSimulator
from fakes.world import ADA, KIM, World, finished
from fakes.world import world as new_world
from outrider_ground.errors import ConflictError, UsageError
from sqlalchemy import update

from outrider.operations.answers.blockers import BlockedError
from outrider.operations.application import Application
from outrider.operations.change.documents import Text
from outrider.operations.change.release import ApprovedVersion
from outrider.operations.opening import Order
from outrider.operations.records import Deployment
from outrider.operations.soaking import running_since
from outrider.spec.reading.files import read_platform
from outrider.store.tables import deployments

PLATFORM = """
environments:
  stage:
    nomad: {address: "http://127.0.0.1:4646"}
    consul: {address: "http://127.0.0.1:8500"}
    driver: docker
    network: {mode: host}
    sidecar: {envoy: {image: "envoy:1"}, agent: {image: "python:3"}}
  production:
    nomad: {address: "http://127.0.0.1:5646"}
    consul: {address: "http://127.0.0.1:9500"}
    driver: docker
    network: {mode: host}
    sidecar: {envoy: {image: "envoy:1"}, agent: {image: "python:3"}}
    release: {RELEASE}
portal: {url: "http://127.0.0.1:7070"}
"""
IMAGE = "registry.example/checkout:1.4.2"
DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
SPEC = f"""# the shop's checkout
service: checkout
run: {{image: "{IMAGE}"}}  # built by CI
env: {{LEVEL: debug}}
count: 1
environments:
  production: {{count: 2, env: {{LEVEL: info}}}}
"""
ME, YOU = Order(ADA), Order(KIM)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    """Two environments, each with a Nomad of its own."""
    async with new_world(tmp_path) as made:
        made.nomads["production"] = NomadSimulator()
        for nomad in (made.nomad, made.nomads["production"]):
            nomad.offer("docker")
        made.registry.digests[IMAGE] = DIGEST
        asks(made, "{after: stage}")
        yield made


def asks(world: World, release: str) -> None:
    """What production asks of versions that come to it."""
    world.platform = read_platform(PLATFORM.replace("{RELEASE}", release), "platform.yaml")


async def run(application: Application, spec: str = SPEC, environment: str = "stage", **more: Any) -> Deployment:
    return await finished(application, await application.changes.deploy(environment, Text(spec), replace(ME, **more)))


async def release(application: Application, order: Order = ME, source: str | None = "stage") -> Deployment:
    return await finished(application, await application.changes.release("production", "checkout", source, order))


async def stayed(world: World, ago: timedelta) -> None:
    """As if all that ran had come up that long ago."""
    async with world.store.database.writing() as connection:
        await connection.execute(update(deployments).values(ended_at=datetime.now(UTC) - ago))


async def settled(application: Application) -> None:
    """Until nobody asks a registry any more."""
    while application.changes.digests._tasks:  # noqa: ASYNC110  what is asked in the background has no bell
        await asyncio.sleep(0.01)


async def test_a_release_brings_the_version_that_runs_with_its_image_pinned_and_the_differences_of_its_target(
    world: World,
) -> None:
    application = world.application()
    await run(application)
    ended = await release(application)
    assert (ended.kind, ended.state, ended.from_environment, ended.from_version) == (
        "release",
        "successful",
        "stage",
        1,
    )
    version = await application.version(ADA, "production", "checkout", 1)
    assert version.merged["run"]["image"] == f"registry.example/checkout@{DIGEST}"
    assert (version.merged["count"], version.merged["env"]["LEVEL"]) == (2, "info")
    assert version.spec == SPEC.replace(IMAGE, f"registry.example/checkout@{DIGEST}")
    assert world.nomads["production"].count("checkout") == 2
    assert "release version 1 of stage as version 1" in (await application.events(ADA, ended.id))[0].message


async def test_what_is_released_is_what_runs_and_not_what_is_newest(world: World) -> None:
    application = world.application()
    await run(application)
    await run(application, SPEC + "links: {wiki: 'https://wiki.example'}\nteam: money\nresources: {cpu: 50}\n")
    await finished(application, await application.changes.roll_back("stage", "checkout", 1, ME))
    ended = await release(application)
    assert ended.from_version == 1
    assert (await application.version(ADA, "production", "checkout", 1)).merged["team"] is None


async def test_the_same_release_again_changes_nothing_and_a_redeploy_keeps_the_digest(world: World) -> None:
    application = world.application()
    await run(application)
    await release(application)
    again = await release(application)
    assert again.reason == "no change: version 1 runs already"
    world.registry.digests[IMAGE] = OTHER
    renewed = await finished(application, await application.changes.redeploy("production", "checkout", ME))
    version = await application.version(ADA, "production", "checkout", renewed.version or 0)
    assert version.merged["run"]["image"].endswith(DIGEST)


async def test_the_digest_is_that_of_when_it_was_deployed_and_a_tag_that_moved_is_warned_of(world: World) -> None:
    application = world.application()
    await run(application)
    await settled(application)
    world.registry.digests[IMAGE] = OTHER
    plan = await application.changes.plan_release(ADA, "production", "checkout", None)
    assert plan.image is not None
    assert (plan.image.digest, plan.image.resolved) == (DIGEST, "deployed")
    assert OTHER in plan.warnings[0]
    await release(application)
    assert (await application.version(ADA, "production", "checkout", 1)).merged["run"]["image"].endswith(DIGEST)


async def test_a_digest_kept_when_it_was_deployed_serves_while_the_registry_is_away(world: World) -> None:
    application = world.application()
    await run(application)
    await settled(application)
    world.registry.digests.clear()
    assert (await release(application)).state == "successful"


async def test_where_nobody_releases_from_no_registry_is_asked_at_a_deploy(world: World) -> None:
    asks(world, "{}")
    application = world.application()
    await run(application)
    await settled(application)
    assert world.registry.asked == []
    plan = await application.changes.plan_release(ADA, "production", "checkout", "stage")
    assert plan.image is not None
    assert plan.image.resolved == "now"


async def test_an_image_whose_digest_nobody_can_tell_is_refused_or_warned_of_as_the_platform_says(world: World) -> None:
    world.registry.digests.clear()
    application = world.application()
    await run(application)
    with pytest.raises(UsageError, match="cannot be reached"):
        await release(application)
    asks(world, "{after: stage, unpinned: warn}")
    lenient = world.application()
    plan = await lenient.changes.plan_release(ADA, "production", "checkout", None)
    assert plan.image is not None
    assert (plan.image.resolved, plan.warnings) == ("unknown", (plan.image.problem,))
    await release(lenient)
    assert (await lenient.version(ADA, "production", "checkout", 1)).merged["run"]["image"] == IMAGE


async def test_a_digest_that_is_written_is_asked_of_no_registry(world: World) -> None:
    application = world.application()
    await run(application, SPEC.replace(IMAGE, f"registry.example/checkout@{OTHER}"))
    await release(application)
    assert world.registry.asked == []
    assert (await application.version(ADA, "production", "checkout", 1)).merged["run"]["image"].endswith(OTHER)


@pytest.mark.parametrize("before", ["", "description: &image words\n"])
async def test_an_image_that_an_anchor_ties_to_something_else_is_not_pinned_in_silence(
    world: World, before: str
) -> None:
    application = world.application()
    tied = f'service: checkout\n{before}run: {{image: &image "{IMAGE}"}}\nenv: {{IMAGE: *image}}\n'
    await run(application, tied)
    with pytest.raises(UsageError, match="anchor"):
        await release(application)


async def test_the_plan_of_a_release_tells_what_differs_since_when_it_runs_and_by_whom(world: World) -> None:
    application = world.application()
    await run(application)
    plan = await application.changes.plan_release(ADA, "production", "checkout", None)
    origin = plan.origin
    assert (origin.environment, origin.version, origin.deployed_by, origin.problem) == ("stage", 1, "ada", "")
    (deployment,) = await application.deployments(ADA, "stage", "checkout")
    assert origin.running_since == deployment.ended_at
    told = {one.path: (one.before, one.after) for one in plan.differs}
    assert told == {"count": (1, 2), "env.LEVEL": ("debug", "info")}
    assert plan.plan.has_changes
    assert world.nomads["production"].registrations == 0


async def test_what_does_not_run_or_is_not_known_or_is_another_program_is_not_released(world: World) -> None:
    application = world.application()
    with pytest.raises(UsageError, match="knows no service checkout"):
        await release(application)
    elsewhere = SPEC.replace("{count: 2,", f'{{run: {{image: "{IMAGE}0"}}, count: 2,')
    await run(application, elsewhere)
    with pytest.raises(UsageError, match="another program"):
        await release(application)
    document = await world.nomad.job("checkout")
    assert document is not None
    await world.nomad.register({**document, "Meta": {**document["Meta"], "outrider_version": "f" * 12}})
    with pytest.raises(UsageError, match="does not know the version"):
        await release(application)


async def test_what_was_changed_outside_is_not_released(world: World) -> None:
    application = world.application()
    await run(application)
    document = await world.nomad.job("checkout")
    assert document is not None
    group = document["TaskGroups"][0]
    app = next(task for task in group["Tasks"] if task["Name"] == "app")
    app["Env"] = {**app["Env"], "LEVEL": "trace"}
    await world.nomad.register(document)
    with pytest.raises(ConflictError, match="changed outside"):
        await release(application)


async def test_what_is_being_deployed_is_not_released(world: World) -> None:
    application = world.application()
    await run(application, SPEC + "update: {canary: 1}\n")
    waits = await application.changes.deploy("stage", Text(SPEC + "update: {canary: 1}\nresources: {cpu: 50}\n"), ME)
    with pytest.raises(ConflictError, match="being deployed in stage by ada"):
        await release(application)
    await finished(application, await application.changes.fail("stage", "checkout", ME) and waits)


async def test_what_is_not_healthy_is_stopped_and_may_be_overridden(world: World) -> None:
    application = world.application()
    await run(application)
    (one,) = world.nomad.running("checkout")
    world.nomad.hold("checkout", "app")
    del one
    with pytest.raises(BlockedError) as error:
        await release(application)
    assert [each.name for each in error.value.blockers] == ["unhealthy"]
    past = replace(ME, overrides=("unhealthy",), reason="stage's node is broken")
    ended = await release(application, past)
    assert [each.name for each in ended.overrides] == ["unhealthy"]


async def test_versions_come_from_where_the_platform_says(world: World) -> None:
    application = world.application()
    with pytest.raises(UsageError, match="takes what has run in stage only"):
        await application.changes.release("production", "checkout", "production", ME)
    with pytest.raises(UsageError, match="nobody says from which"):
        await application.changes.release("stage", "checkout", None, ME)
    with pytest.raises(UsageError, match="both are stage"):
        await application.changes.release("stage", "checkout", "stage", ME)


async def test_an_environment_may_ask_for_time_to_soak(world: World) -> None:
    asks(world, "{after: stage, soak: 1h}")
    application = world.application()
    await run(application)
    plan = await application.changes.plan_release(ADA, "production", "checkout", None)
    (blocker,) = plan.plan.blockers
    assert (blocker.name, "1h" in blocker.reason) == ("soak", True)
    with pytest.raises(BlockedError):
        await release(application)
    await stayed(world, timedelta(minutes=59))
    with pytest.raises(BlockedError):
        await release(application)
    await stayed(world, timedelta(minutes=61))
    assert (await release(application)).state == "successful"


async def test_what_has_not_soaked_may_be_released_for_a_reason_that_the_history_keeps(world: World) -> None:
    asks(world, "{after: stage, soak: 1h}")
    application = world.application()
    await run(application)
    ended = await release(application, replace(ME, overrides=("soak",), reason="hotfix"))
    assert (ended.cause, [one.name for one in ended.overrides]) == ("hotfix", ["soak"])


async def test_an_environment_may_ask_for_another_persons_approval(world: World) -> None:
    asks(world, "{after: stage, approval: true}")
    application = world.application()
    await run(application)
    with pytest.raises(BlockedError, match="approval"):
        await release(application)
    mine = await application.changes.approve("production", "checkout", ApprovedVersion(), replace(ME, reason="mine"))
    assert (mine.version, mine.by, mine.source) == (1, "ada", "stage")
    with pytest.raises(BlockedError) as error:
        await release(application)
    assert "only ada, who asks, has approved" in error.value.blockers[0].reason
    theirs = replace(YOU, reason="load test ok")
    await application.changes.approve("production", "checkout", ApprovedVersion("stage", 1), theirs)
    plan = await application.changes.plan_release(ADA, "production", "checkout", None)
    assert [(one.by, one.reason) for one in plan.approvals] == [("kim", "load test ok"), ("ada", "mine")]
    assert (await release(application)).state == "successful"


async def test_an_approval_is_of_one_version(world: World) -> None:
    asks(world, "{after: stage, approval: true}")
    application = world.application()
    await run(application)
    await application.changes.approve("production", "checkout", ApprovedVersion(), replace(YOU, reason="fine"))
    await run(application, SPEC + "resources: {cpu: 50}\n")
    with pytest.raises(BlockedError, match="approval"):
        await release(application)


async def test_an_approval_needs_a_reason_and_a_version_that_is_there(world: World) -> None:
    application = world.application()
    with pytest.raises(UsageError, match="reason"):
        await application.changes.approve("production", "checkout", ApprovedVersion(), ME)
    await run(application)
    with pytest.raises(UsageError, match="no version 9"):
        await application.changes.approve("production", "checkout", ApprovedVersion(None, 9), replace(ME, reason="x"))


@pytest.mark.parametrize(("release_asks", "name"), [("soak: 1h", "soak"), ("approval: true", "approval")])
async def test_a_file_does_not_go_past_what_an_environment_asks(world: World, release_asks: str, name: str) -> None:
    asks(world, f"{{after: stage, {release_asks}}}")
    application = world.application()
    with pytest.raises(BlockedError) as error:
        await run(application, environment="production")
    assert [one.name for one in error.value.blockers] == [name]
    assert "outrider release checkout --from stage --to production" in error.value.blockers[0].lifted_by
    ended = await run(application, environment="production", overrides=(name,), reason="first of all")
    assert ended.state == "successful"
    more = await run(application, SPEC.replace("count: 2", "count: 3"), environment="production")
    assert more.count == 3
    assert (await run(application)).state == "successful"


async def test_nothing_of_several_begins_where_something_stops_one_of_them(world: World) -> None:
    asks(world, "{after: stage, soak: 1h}")
    application = world.application()
    texts = (Text(SPEC), Text(SPEC.replace("service: checkout", "service: cart"), "cart.yaml"))
    with pytest.raises(BlockedError) as error:
        await application.changes.deploy_batch("production", texts, ME)
    assert [one.reason.partition(":")[0] for one in error.value.blockers] == ["cart", "checkout"]
    assert world.nomads["production"].registrations == 0
    past = replace(ME, overrides=("soak",), reason="begin")
    batch = await application.changes.deploy_batch("production", texts, past)
    while (await application.changes.batch(ADA, batch.id)).state == "running":  # noqa: ASYNC110  the store has no bell
        await asyncio.sleep(0.01)
    (one,) = await application.deployments(ADA, "production", "cart")
    assert (one.state, one.cause, [each.name for each in one.overrides]) == ("successful", "begin", ["soak"])


async def test_a_rollback_and_a_scale_ask_nobody(world: World) -> None:
    asks(world, "{after: stage, approval: true, soak: 1h}")
    application = world.application()
    past: dict[str, Any] = {"overrides": ("soak", "approval"), "reason": "begin"}
    await run(application, environment="production", **past)
    await run(application, SPEC + "resources: {cpu: 50}\n", environment="production", **past)
    back = await finished(application, await application.changes.roll_back("production", "checkout", None, ME))
    assert back.state == "successful"
    assert (await finished(application, await application.changes.scale("production", "checkout", 3, ME))).count == 3


NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def done(version: int, at: int, kind: Any = "run", state: Any = "successful", **more: Any) -> Deployment:
    moment = NOON + timedelta(minutes=at)
    return Deployment(
        f"d{at}", "stage", "s", kind, state, "ada", moment, version, modify_index=at, ended_at=moment, **more
    )


@pytest.mark.parametrize(
    ("oldest_first", "minutes"),
    [
        ((done(1, 1), done(2, 2)), 2),
        ((done(2, 1), done(2, 2, "redeploy")), 1),
        ((done(2, 1), done(2, 2, "scale")), 1),
        ((done(2, 1), done(2, 2, "scale", "failed")), 1),
        ((done(2, 1), done(3, 2, state="failed")), 2),
        ((done(2, 1), done(2, 2, state="failed")), 2),
        ((done(2, 1), done(2, 2, "stop"), done(2, 3, "start")), 3),
        ((done(2, 1), done(3, 2), done(2, 3, "rollback")), 3),
        ((done(2, 1), replace(done(3, 2), modify_index=None)), 1),
        ((done(2, 1), replace(done(3, 2, state="running"), ended_at=None)), 1),
        ((), None),
    ],
)
def test_a_version_runs_since_it_came_up_last_without_another_one_between(
    oldest_first: tuple[Deployment, ...], minutes: int | None
) -> None:
    since = running_since(oldest_first[::-1], 2)
    assert since == (None if minutes is None else NOON + timedelta(minutes=minutes))
