"""The two parts of a version: a changed platform or a newer Outrider replaces nobody until somebody asks."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from fakes.world import ADA, PLATFORM, World, finished, kept, text
from outrider_ground.errors import UsageError

from outrider.operations.application import Application
from outrider.operations.changes import Text
from outrider.operations.opening import Order
from outrider.operations.records import Deployment, Draft
from outrider.spec.reading.files import read_platform
from outrider.store.store import opened_store

ME = Order(ADA)
CALLER = "upstreams: {payments: {protocol: http}}\n"


def changed(world: World, old: str = "    driver: raw_exec\n", new: str = "") -> Application:
    """A portal after its platform file has changed: another Envoy, unless told otherwise."""
    moved = new or f"{old}    sidecar: {{envoy: {{path: /opt/new/envoy}}}}\n"
    world.platform = read_platform(PLATFORM.replace(old, moved, 1), "platform.yaml")
    return world.application()


async def deployed(application: Application, more: str = "") -> Deployment:
    ended = await finished(application, await application.changes.deploy("stage", text(more), ME))
    assert ended.state == "successful"
    return ended


async def group(world: World) -> dict[str, Any]:
    job = await world.nomad.job("checkout")
    assert job is not None
    return job["TaskGroups"][0]


def tasks(found: dict[str, Any]) -> dict[str, Any]:
    return {task["Name"]: task for task in found["Tasks"]}


async def test_a_changed_platform_is_no_change_and_the_plan_shows_both_parts(
    world: World, application: Application
) -> None:
    await deployed(application)
    plan = await changed(world).changes.plan(ADA, "stage", text())
    assert not plan.has_changes
    assert plan.service_part.running == plan.service_part.planned == plan.service_part.today
    assert plan.sidecar_part.running == plan.sidecar_part.planned != plan.sidecar_part.today
    assert plan.older == ("envoy.Config",)
    assert not plan.warnings


async def test_with_a_changed_platform_run_replaces_nobody(world: World, application: Application) -> None:
    await deployed(application)
    again = await changed(world).changes.deploy("stage", text(), ME)
    assert (again.state, again.reason) == ("successful", "no change: version 1 runs already")
    assert world.nomad.registrations == 1


async def test_the_same_agent_packed_into_other_bytes_replaces_nobody_and_is_no_new_version(
    world: World, application: Application
) -> None:
    first = await deployed(application, "count: 2\n")
    before = await group(world)
    world.agent = replace(world.agent, serve="YW5vdGhlcg==")
    portal = world.application()
    assert (await portal.changes.plan(ADA, "stage", text("count: 2\n"))).older == ()
    again = await deployed(portal, "count: 2\n")
    assert (again.version, again.reason) == (first.version, "no change: version 1 runs already")
    await deployed(portal, "count: 3\n")
    after = await group(world)
    assert (after["Count"], after["Tasks"]) == (3, before["Tasks"])


async def test_a_changed_count_replaces_nobody_though_the_platform_has_changed(
    world: World, application: Application
) -> None:
    await deployed(application, "count: 1\n")
    before, hers = await group(world), {one.id for one in world.nomad.running("checkout")}
    ended = await deployed(changed(world), "count: 3\n")
    after = await group(world)
    assert (after["Count"], after["Tasks"]) == (3, before["Tasks"])
    assert hers < {one.id for one in world.nomad.running("checkout")}
    assert ended.version == 2


async def test_words_for_consul_and_the_strategy_change_in_place_though_the_platform_has_changed(
    world: World, application: Application
) -> None:
    await deployed(application, "team: a\nconsul: {meta: {tier: '1'}}\n")
    before = await group(world)
    words = "team: b\nconsul: {tags: [blue], meta: {tier: '2'}}\nupdate: {max_parallel: 3, healthy_deadline: 3m}\n"
    await deployed(changed(world), words)
    after = await group(world)
    assert after["Tasks"] == before["Tasks"]
    (old,), (new,) = before["Services"], after["Services"]
    assert "blue" in new["Tags"]
    assert "blue" in new["CanaryTags"]
    assert (new["Meta"]["tier"], new["Meta"]["outrider_team"]) == ("2", "b")
    assert new["Meta"]["outrider_version"] == old["Meta"]["outrider_version"]
    assert new["CanaryMeta"]["outrider_version"] == old["Meta"]["outrider_version"]
    assert new["Checks"] == old["Checks"]
    assert after["Update"]["MaxParallel"] == 3
    assert after["Migrate"]["HealthyDeadline"] == 3 * 60 * 10**9


async def test_a_mark_that_is_taken_away_is_gone(world: World, application: Application) -> None:
    await deployed(application, "team: a\nconsul: {meta: {tier: '1'}}\n")
    await deployed(changed(world), "count: 1\n")
    (service,) = (await group(world))["Services"]
    assert {"tier", "outrider_team"} & set(service["Meta"]) == set()


async def test_what_a_developer_changes_takes_todays_sidecar_along(world: World, application: Application) -> None:
    await deployed(application, CALLER)
    knob = "upstreams: {payments: {protocol: http, timeout: 1s}}\n"
    portal = changed(world)
    plan = await portal.changes.plan(ADA, "stage", text(knob))
    assert plan.service_part.running != plan.service_part.planned
    assert plan.sidecar_part.planned == plan.sidecar_part.today
    assert not plan.older
    assert [change.path for change in plan.changes] == ["upstreams.payments.timeout"]
    await deployed(portal, knob)
    assert tasks(await group(world))["envoy"]["Config"]["command"] == "/opt/new/envoy"


async def test_redeploy_takes_todays_sidecar_and_the_count_that_runs(world: World, application: Application) -> None:
    await deployed(application, "count: 1\nenv: {A: b}\n")
    await finished(application, await application.changes.scale("stage", "checkout", 3, ME))
    portal = changed(world)
    ended = await finished(portal, await portal.changes.redeploy("stage", "checkout", ME))
    assert (ended.kind, ended.state, ended.version, ended.count) == ("redeploy", "successful", 2, 3)
    found = await group(world)
    assert found["Count"] == 3
    assert tasks(found)["envoy"]["Config"]["command"] == "/opt/new/envoy"
    assert tasks(found)["app"]["Env"]["A"] == "b"
    again = await portal.changes.redeploy("stage", "checkout", ME)
    assert again.reason == "no change: version 2 runs already"


async def test_a_plan_that_asks_for_todays_sidecar_shows_it_as_a_change_and_blames_nobody(
    world: World, application: Application
) -> None:
    await deployed(application)
    plan = await changed(world).changes.plan(ADA, "stage", text(), renews=True)
    assert plan.has_changes
    assert plan.sidecar_part.planned == plan.sidecar_part.today != plan.sidecar_part.running
    assert not plan.warnings


async def test_redeploy_brings_the_directory_of_the_version_that_runs(world: World, application: Application) -> None:
    await kept(application, b"hello")
    digest = hashlib.sha256(b"hello").hexdigest()
    spec = Text("service: checkout\nrun: {command: [python3, app.py], directory: .}\n", artifact=digest)
    await finished(application, await application.changes.deploy("stage", spec, ME))
    portal = changed(world)
    ended = await finished(portal, await portal.changes.redeploy("stage", "checkout", ME))
    assert ended.state == "successful"
    assert digest in str(tasks(await group(world))["app"]["Artifacts"])


async def test_a_service_that_does_not_run_is_not_redeployed(application: Application) -> None:
    with pytest.raises(UsageError, match="knows no service checkout"):
        await application.changes.redeploy("stage", "checkout", ME)
    await deployed(application)
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    with pytest.raises(UsageError, match="does not run in stage"):
        await application.changes.redeploy("stage", "checkout", ME)


async def test_what_failed_is_tried_again_with_todays_sidecar(world: World, application: Application) -> None:
    await deployed(application, "update: {auto_revert: false}\n")
    broken = text("update: {auto_revert: false}\nenv: {A: b}\n")
    wanted = (await application.changes.plan(ADA, "stage", broken)).version_hash
    world.nomad.outcomes[wanted] = "crash"
    assert (await finished(application, await application.changes.deploy("stage", broken, ME))).state == "failed"
    portal = changed(world)
    plan = await portal.changes.plan(ADA, "stage", broken)
    assert plan.has_changes
    assert plan.sidecar_part.planned == plan.sidecar_part.today
    assert (await finished(portal, await portal.changes.deploy("stage", broken, ME))).state == "successful"


async def test_envoy_is_not_asked_about_a_sidecar_that_stays(world: World, application: Application) -> None:
    await deployed(application)
    portal = changed(world)
    world.envoy.refused_word = "local_app"
    assert not (await portal.changes.plan(ADA, "stage", text("count: 2\n"))).refusals
    assert (await portal.changes.plan(ADA, "stage", text("env: {A: b}\n"))).refusals


async def test_a_rollback_brings_back_exactly_the_sidecar_that_ran(world: World, application: Application) -> None:
    await deployed(application)
    before = await group(world)
    portal = changed(world)
    await deployed(portal, "env: {A: b}\n")
    await finished(portal, await portal.changes.roll_back("stage", "checkout", 1, ME))
    assert (await group(world))["Tasks"] == before["Tasks"]


async def test_a_job_that_somebody_edited_is_mended_with_the_sidecar_that_ran(
    world: World, application: Application
) -> None:
    await deployed(application)
    before = await group(world)
    await edited(world)
    portal = changed(world)
    plan = await portal.changes.plan(ADA, "stage", text())
    assert plan.has_changes
    assert [line for line in plan.warnings if "is not the one that Outrider made" in line]
    await finished(portal, await portal.changes.deploy("stage", text(), ME))
    assert (await group(world))["Tasks"] == before["Tasks"]


async def edited(world: World) -> None:
    job = await world.nomad.job("checkout")
    assert job is not None
    tasks(job["TaskGroups"][0])["app"]["Env"]["EDITED"] = "yes"
    await world.nomad.register(job)


async def test_an_edited_job_of_todays_version_is_mended_though_the_store_was_lost(
    world: World, application: Application, tmp_path: Path
) -> None:
    await deployed(application)
    before = await group(world)
    await edited(world)
    await deployed(await lost(world, tmp_path))
    assert (await group(world))["Tasks"] == before["Tasks"]


async def lost(world: World, directory: Path) -> Application:
    """A portal whose database is a new one."""
    while world.runners:
        await world.runners.pop().close()
    await world.store.close()
    world.store = await opened_store(f"sqlite:///{directory / 'another.db'}")
    return world.application()


async def test_what_runs_is_listed_though_the_store_has_lost_it(
    world: World, application: Application, tmp_path: Path
) -> None:
    await deployed(application, "count: 2\n")
    portal = await lost(world, tmp_path)
    (found,) = await portal.statuses(ADA, "stage")
    assert (found.service, found.state, found.count, found.version) == ("checkout", "running", 2, None)
    assert found.protocol == "http"
    assert await portal.statuses(ADA, "production") == ()


async def test_a_store_that_was_lost_replaces_nobody_even_after_the_platform_changed(
    world: World, application: Application, tmp_path: Path
) -> None:
    await deployed(application, "count: 2\n")
    before = await group(world)
    await lost(world, tmp_path)
    portal = changed(world)
    plan = await portal.changes.plan(ADA, "stage", text("count: 3\n"))
    assert [line for line in plan.warnings if "does not know the version" in line]
    assert [change.path for change in plan.changes] == ["count"]
    assert plan.older == ("the tasks beside the app",)
    await deployed(portal, "count: 3\n")
    after = await group(world)
    assert (after["Count"], after["Tasks"]) == (3, before["Tasks"])
    assert not (await portal.changes.plan(ADA, "stage", text("count: 3\n"))).has_changes


async def test_a_lost_store_cannot_redeploy_without_a_file_and_says_how_to(
    world: World, application: Application, tmp_path: Path
) -> None:
    await deployed(application)
    portal = await lost(world, tmp_path)
    with pytest.raises(UsageError, match="does not know the spec") as caught:
        await portal.changes.redeploy("stage", "checkout", ME)
    assert "outrider run --redeploy FILE -e stage" in str(caught.value.next_step)


async def as_an_older_release_left_it(world: World, directory: Path) -> Application:
    """Neither Nomad's job nor the stored one has a word on drained nodes: Nomad's own defaults hold."""
    job: Any = await world.nomad.job("checkout")
    del job["TaskGroups"][0]["Migrate"]
    await world.nomad.register(job)
    stored = await world.store.versions.newest_version("stage", "checkout")
    assert stored is not None
    portal = await lost(world, directory)
    draft = Draft(**{field.name: getattr(stored, field.name) for field in fields(Draft)})
    await world.store.versions.add_version(replace(draft, job=job))
    return portal


async def test_what_a_newer_outrider_says_of_drained_nodes_is_no_change_and_goes_along_with_the_next_one(
    world: World, application: Application, tmp_path: Path
) -> None:
    await deployed(application, "count: 2\n")
    portal = await as_an_older_release_left_it(world, tmp_path)
    before = await group(world)
    again = await deployed(portal, "count: 2\n")
    assert (again.version, again.reason) == (1, "no change: version 1 runs already")
    assert (await group(world))["Migrate"] == before["Migrate"]
    await deployed(portal, "count: 3\n")
    after = await group(world)
    assert (after["Count"], after["Tasks"]) == (3, before["Tasks"])
    assert after["Migrate"] != before["Migrate"]
