"""A plan names the platform's part by its fields, always: what changed since the version that runs, and whether it comes along."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakes.world import ADA, PLATFORM, World, finished, messages, text

from outrider.cli.platform_lines import platform_lines
from outrider.operations.answers.plan import Change, Plan, PlatformPart
from outrider.operations.application import Application
from outrider.operations.change.difference import Wanted
from outrider.operations.change.platform_part import changes_for, platform_part, taken_along
from outrider.operations.opening import Order
from outrider.operations.platform_change import in_one_line
from outrider.spec.reading.files import read_platform, read_service
from outrider.spec.service import Service

ME = Order(ADA)
UPSTREAM = "upstreams: {payments: {protocol: http}}\n"
HERE = "network: {mode: host}"


def under(world: World, more: str, platform: str = PLATFORM) -> Application:
    """A portal whose platform says more of stage."""
    world.platform = read_platform(platform.replace(HERE, f"{HERE}\n    {more}", 1), "platform.yaml")
    return world.application()


async def deployed(application: Application, more: str = UPSTREAM) -> None:
    await finished(application, await application.changes.deploy("stage", text(more), ME))


async def planned(application: Application, more: str = UPSTREAM, *, renews: bool = False) -> Plan:
    return await application.changes.plan(ADA, "stage", text(more), renews=renews)


def line(plan: Plan) -> str:
    (said,) = platform_lines(plan)
    return said


async def test_nothing_is_compared_where_nothing_runs(application: Application) -> None:
    assert (await planned(application)).platform is None


async def test_nothing_is_compared_where_the_service_was_stopped(application: Application) -> None:
    await deployed(application)
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    assert (await planned(application)).platform is None


async def test_a_platform_that_says_the_same_is_said_to(application: Application) -> None:
    await deployed(application)
    assert line(await planned(application)) == "platform: the file says for this service what it said for version 1"


async def test_a_changed_default_is_named_by_its_field_and_does_not_come_along_by_itself(
    world: World, application: Application
) -> None:
    await deployed(application)
    later = under(world, "defaults: {timeout: 800ms}")
    plan = await planned(later)
    assert plan.older
    said = "platform: defaults.timeout 5s → 800ms (changed since version 1, and does not come along: see below)"
    assert line(plan) == said


@pytest.mark.parametrize(("more", "renews"), [(UPSTREAM, True), (UPSTREAM + "env: {A: b}\n", False)])
async def test_it_comes_along_with_a_redeploy_and_with_a_change_of_the_spec(
    world: World, application: Application, more: str, *, renews: bool
) -> None:
    await deployed(application)
    later = under(world, "defaults: {timeout: 800ms}")
    plan = await planned(later, more, renews=renews)
    assert line(plan) == "platform: defaults.timeout 5s → 800ms (changed since version 1, and comes along)"
    order = Order(ADA, renews=renews)
    done = await finished(later, await later.changes.deploy("stage", text(more), order))
    assert "with what the platform file says since version 1: defaults.timeout 5s → 800ms" in await messages(
        later, done
    )
    assert line(await planned(later, more)).endswith("what it said for version 2")


async def test_a_version_that_keeps_its_sidecar_keeps_the_platform_of_that_too(
    world: World, application: Application
) -> None:
    await deployed(application)
    later = under(world, "defaults: {timeout: 800ms}")
    more = UPSTREAM + "description: Takes orders.\n"
    done = await finished(later, await later.changes.deploy("stage", text(more), ME))
    assert done.version == 2
    assert not [one for one in await messages(later, done) if "platform file says" in one]
    first, second = [await later.version(ADA, "stage", "checkout", number) for number in (1, 2)]
    assert (second.platform or {})["defaults.timeout"] == "5s"
    assert first.platform == second.platform


async def test_what_the_service_does_not_use_is_not_its_matter(world: World, application: Application) -> None:
    await deployed(application, "")
    for more in (
        "defaults: {timeout: 800ms}",
        "volumes: {directory: /srv/volumes}",
        "release: {soak: 1h}",
        "on_change: roll",
        "prometheus: {address: 'http://127.0.0.1:9090'}",
        "patches: {slow: {merge: {a: 1}}}",
    ):
        part = (await planned(under(world, more), "")).platform
        assert part is not None
        assert (more, part.changes) == (more, ())


async def test_outside_the_mesh_nothing_of_the_sidecar_counts(world: World, application: Application) -> None:
    await deployed(application, "mesh: false\n")
    part = (await planned(under(world, "sidecar: {memory: {envoy: 128}}"), "mesh: false\n")).platform
    assert part is not None
    assert part.changes == ()


async def test_a_change_that_no_document_shows_is_said_to_be_without_effect(
    world: World, application: Application
) -> None:
    more = "upstreams: {payments: {protocol: http, timeout: 1s}}\n"
    await deployed(application, more)
    said = line(await planned(under(world, "defaults: {timeout: 800ms}"), more))
    assert said.endswith("defaults.timeout 5s → 800ms (changed since version 1, without effect on this service)")


async def test_a_version_of_before_is_told_as_unknown(world: World, application: Application) -> None:
    await deployed(application)
    async with world.store.database.writing() as connection:
        await connection.exec_driver_sql("UPDATE versions SET platform = NULL")
    plan = await planned(application)
    assert line(plan) == "platform: what the file said for version 1 is not known: an older Outrider stored it"


async def test_secrets_of_the_platform_are_neither_kept_nor_shown_and_their_change_is_seen(
    world: World, application: Application
) -> None:
    def secret(word: str) -> str:
        patch = f'{{json_patch: [{{op: add, path: /auth_token, value: "{word}-patch"}}]}}'
        return (
            f'tracing: {{collector: "http://127.0.0.1:9411/?token={word}-query"}}\n    patches: {{own: {patch}}}\n'
            '    consul: {address: "http://127.0.0.1:8500", token: {nomad_variable: "nomad/jobs#consul"}}'
        )

    def platform(word: str) -> Application:
        return under(world, secret(word), PLATFORM.replace('    consul: {address: "http://127.0.0.1:8500"}\n', "", 1))

    more = UPSTREAM + "patches: [own]\n"
    await deployed(platform("hunter2"), more)
    later = platform("swordfish")
    plan = await planned(later, more)
    assert plan.platform is not None
    assert [one.path for one in plan.platform.changes] == ["tracing.collector", "patches.own"]
    version = await later.version(ADA, "stage", "checkout", 1)
    told = json.dumps(version.platform) + in_one_line(plan.platform.changes)
    assert "hunter2" not in told
    assert "swordfish" not in told
    assert (version.platform or {})["consul.token"] == {"nomad_variable": "nomad/jobs#consul"}


async def test_fields_that_a_newer_outrider_brings_with_a_default_are_nobodys_change(
    world: World, application: Application
) -> None:
    await deployed(application)
    async with world.store.database.writing() as connection:
        await connection.exec_driver_sql(
            "UPDATE platforms SET document = json_remove(document, '$.\"defaults.limit\"')"
        )
    part = (await planned(application)).platform
    assert part is not None
    assert part.changes == ()
    part = (await planned(under(world, "defaults: {limit: 7}"))).platform
    assert part is not None
    assert in_one_line(part.changes) == "defaults.limit 7 (new)"


async def test_versions_of_one_platform_share_what_it_says(world: World, application: Application) -> None:
    for word in "abc":
        await deployed(application, UPSTREAM + f"env: {{A: {word}}}\n")
    async with world.store.database.reading() as connection:
        (count,) = (await connection.exec_driver_sql("SELECT count(*) FROM platforms")).one()
    assert count == 1
    version = await application.version(ADA, "stage", "checkout", 3)
    assert version.platform == await platform_part(application.environments["stage"])


async def test_a_comparison_of_two_versions_has_the_platforms_part(world: World, application: Application) -> None:
    await deployed(application)
    later = under(world, "defaults: {timeout: 800ms}\n    tracing: {collector: 'http://127.0.0.1:9411'}")
    await deployed(later, UPSTREAM + "env: {A: b}\n")
    sides = [Wanted("stage", "checkout", number) for number in (1, 2)]
    found = await later.changes.difference(ADA, *sides)
    assert [one.path for one in found.platform if one.path.startswith("defaults")] == ["defaults.timeout"]
    back = await later.changes.difference(ADA, *reversed(sides))
    assert "tracing.collector http://127.0.0.1:9411 (gone)" in in_one_line(back.platform)


async def test_both_ways_back_name_what_of_the_platform_they_leave_or_take(
    world: World, application: Application
) -> None:
    await deployed(application)
    await deployed(application, UPSTREAM + "env: {A: b}\n")
    later = under(world, "defaults: {timeout: 800ms}")
    exact = await finished(later, await later.changes.roll_back("stage", "checkout", 1, ME))
    assert (
        "exactly what ran as version 1, its sidecar too: with the platform file and the Outrider of then; left out is what the "
        "file says since: defaults.timeout 5s → 800ms (--with-platform takes it)"
    ) in await messages(later, exact)
    renewed = await later.changes.roll_back("stage", "checkout", 2, ME, with_platform=True)
    said = await messages(later, await finished(later, renewed))
    assert (
        "the spec of version 2, with the platform file and the Outrider of today; since then the file says: "
        "defaults.timeout 5s → 800ms"
    ) in said


def test_a_directory_is_fetched_from_the_store_that_the_file_names() -> None:
    changes = changes_for({"artifacts.url": "a"}, {"artifacts.url": "b"}, packed("command: [app], directory: ."))
    assert in_one_line(changes) == "artifacts.url a → b"
    for what in ("command: [app], artifact: 'https://x.example/a'", "image: x"):
        assert changes_for({"artifacts.url": "a"}, {"artifacts.url": "b"}, packed(what)) == ()


def test_a_patch_is_the_matter_of_those_that_ask_for_it() -> None:
    before, after = {"patches.limits": "a"}, {"patches.limits": "b"}
    asks = read_service("service: checkout\nrun: {command: [app]}\npatches: [limits]\n", "f").service
    other = read_service("service: checkout\nrun: {command: [app]}\npatches: [others]\n", "f").service
    assert [one.path for one in changes_for(before, after, asks)] == ["patches.limits"]
    assert changes_for(before, after, other) == ()


@pytest.mark.parametrize("more", [{}, {"is_taken": False}, {"is_without_effect": True}, {"changes": ()}])
def test_a_deployment_says_what_it_brings_of_the_platform_and_nothing_where_it_brings_nothing(
    more: dict[str, Any],
) -> None:
    part = replace(PlatformPart(3, (Change("~", "defaults.timeout", "5s", "1s"),), is_taken=True), **more)
    said = "" if more else "with what the platform file says since version 3: defaults.timeout 5s → 1s"
    assert taken_along(part) == said


def packed(what: str) -> Service:
    return read_service(f"service: checkout\nrun: {{{what}}}\n", "f").service
