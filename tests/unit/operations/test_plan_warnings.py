"""What a plan warns of and shows beside its changes: neighbours' deadlines, operators' patches."""

from __future__ import annotations

import hashlib

import pytest
from fakes.world import ADA, PLATFORM, World, finished, kept, text
from outrider_ground.errors import RemoteError, SpecError, UsageError

from outrider.operations.application import Application
from outrider.operations.changes import Text
from outrider.operations.opening import Order
from outrider.spec.reading.files import read_platform

ME = Order(ADA)
PATCHES = """
    patches:
      slow: {merge: {static_resources: {clusters: {local_app: {connect_timeout: 9s}}}}}
      elsewhere: {merge: {static_resources: {clusters: {nowhere: {connect_timeout: 9s}}}}}
  production:
"""


@pytest.fixture
def application(world: World) -> Application:
    """Operations over a platform with patches."""
    world.platform = read_platform(PLATFORM.replace("\n  production:\n", PATCHES), "platform.yaml")
    return world.application()


async def test_a_plan_warns_of_deadlines_that_contradict_those_of_deployed_neighbours(application: Application) -> None:
    payments = "service: payments\nrun: {command: [p]}\nupstreams: {ledger: {protocol: http, timeout: 9s}}\n"
    await finished(application, await application.changes.deploy("stage", text(spec=payments), ME))
    plan = await application.changes.plan(ADA, "stage", text("upstreams: {payments: {timeout: 1s}}\n"))
    (warning,) = [line for line in plan.warnings if "waits" in line]
    assert warning.startswith("checkout waits 1s for payments, which may wait 9s for ledger: payments works on")
    fine = await application.changes.plan(ADA, "stage", text("upstreams: {payments: {timeout: 10s}}\n"))
    assert not [line for line in fine.warnings if "waits" in line]


async def test_a_plan_shows_the_patches_and_envoy_sees_them_before_anything_is_submitted(
    world: World, application: Application
) -> None:
    plan = await application.changes.plan(ADA, "stage", text("patches: [slow]\n"))
    place = "static_resources.clusters.local_app.connect_timeout"
    assert any("changes Envoy's bootstrap at /static_resources/clusters/local_app" in line for line in plan.warnings)
    await finished(application, await application.changes.deploy("stage", text(), ME))
    changes = {
        change.path: change.after
        for change in (await application.changes.plan(ADA, "stage", text("patches: [slow]\n"))).changes
    }
    assert changes[f"patches.slow.merge.{place}"] == "9s"
    clusters = world.envoy.seen[-1]["static_resources"]["clusters"]
    assert next(one for one in clusters if one["name"] == "local_app")["connect_timeout"] == "9s"


async def test_an_unknown_patch_is_named_with_its_line(application: Application) -> None:
    with pytest.raises(SpecError) as caught:
        await application.changes.plan(ADA, "stage", text("patches: [slw]\n"))
    (problem,) = caught.value.problems
    assert (problem.path, problem.suggestion, problem.line is not None) == ("patches.0", "slow", True)


async def test_a_patch_that_does_not_fit_is_named_with_its_line(application: Application) -> None:
    with pytest.raises(SpecError) as caught:
        await application.changes.plan(ADA, "stage", text("patches: [elsewhere]\n"))
    (problem,) = caught.value.problems
    assert problem.message.startswith(
        "the patch elsewhere cannot be applied here: /static_resources/clusters/nowhere: "
    )
    assert problem.line is not None


async def directory(application: Application, content: bytes) -> Text:
    """A spec that runs a packed directory of that content."""
    await kept(application, content)
    spec = "service: checkout\nrun: {command: [python3, app.py], directory: .}\n"
    return Text(spec, artifact=hashlib.sha256(content).hexdigest())


async def test_other_files_in_the_directory_are_a_change_and_nobodys_fault(application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", await directory(application, b"hello"), ME))
    assert not (await application.changes.plan(ADA, "stage", await directory(application, b"hello"))).has_changes
    plan = await application.changes.plan(ADA, "stage", await directory(application, b"HELLO"))
    (change,) = plan.changes
    assert (change.sign, change.path, change.note) == ("~", "run.directory", "replaces allocations")
    assert (change.before, change.after) == ("content of version 1", "content 3733cd977ff8")
    assert not [line for line in plan.warnings if "not the one" in line]


async def test_a_directory_that_nodes_fetch_from_the_portal_is_warned_of_and_one_in_a_store_is_not(
    world: World, application: Application
) -> None:
    spec = await directory(application, b"hello")
    (line,) = [one for one in (await application.changes.plan(ADA, "stage", spec)).warnings if "portal" in one]
    assert line.startswith("run.directory is fetched from the portal whenever an allocation is placed")
    world.platform = read_platform(PLATFORM + 'artifacts: {url: "https://store.example/x"}\n', "platform.yaml")
    assert not [one for one in (await world.application().changes.plan(ADA, "stage", spec)).warnings if "portal" in one]
    await finished(application, await world.application().changes.deploy("stage", spec, ME))
    job = await world.nomad.job("checkout")
    assert f"https://store.example/x/{spec.artifact}/directory.tar.gz" in str(job)
    assert "127.0.0.1:7070" not in str(job)


async def test_where_envoy_refuses_a_patched_bootstrap_the_patch_is_named(
    world: World, application: Application
) -> None:
    world.envoy.refused_word = "local_app"
    with pytest.raises(SpecError, match="Envoy refuses the bootstrap of checkout in stage") as refused:
        await application.changes.deploy("stage", text("patches: [slow]\n"), ME)
    assert refused.value.next_step
    assert refused.value.next_step.startswith("The platform's patches of this service are the likely cause: `slow`.")


async def test_a_directory_that_nodes_could_fetch_nowhere_is_refused_and_other_services_are_not(world: World) -> None:
    world.url = None
    application = world.application()
    await kept(application, b"packed")
    spec = Text("service: web\nrun: {command: [app], directory: .}\n", artifact=hashlib.sha256(b"packed").hexdigest())
    with pytest.raises(UsageError, match=r"neither portal\.url nor artifacts\.url"):
        await application.changes.plan(ADA, "stage", spec)
    assert (await application.changes.plan(ADA, "stage", Text("service: web\nrun: {command: [app]}\n"))).has_changes


async def test_a_plan_warns_of_names_in_consul_that_differ_in_case_only(world: World, application: Application) -> None:
    world.consul.add("Checkout", "other-1", 80)
    world.consul.add("Catalog", "other-2", 80)
    world.consul.add("checkout", "own-1", 80)
    plan = await application.changes.plan(ADA, "stage", text("upstreams: {catalog: {protocol: http}}\n"))
    alike = [line for line in plan.warnings if "Consul also knows" in line]
    assert [line.split(",")[0] for line in alike] == ["Consul also knows Checkout", "Consul also knows Catalog"]


async def test_a_plan_needs_no_consul(world: World, application: Application) -> None:
    world.consul.away = RemoteError("nobody answers")
    assert not [
        line for line in (await application.changes.plan(ADA, "stage", text())).warnings if "Consul also" in line
    ]


async def test_a_plan_tells_where_consul_lists_more_instances_than_the_sidecar_has_memory_for(
    world: World, application: Application
) -> None:
    before = await application.changes.plan(ADA, "stage", text("upstreams: {payments: {protocol: http}}\n"))
    assert not [line for line in before.warnings if "instances" in line]
    for number in range(6_000):
        world.consul.add("payments", f"payments-{number}", 1 + number)
    told = [
        line
        for line in (
            await application.changes.plan(ADA, "stage", text("upstreams: {payments: {protocol: http}}\n"))
        ).warnings
        if "agent of 24 MB" in line
    ]
    assert len(told) == 1


async def test_a_plan_does_without_consul(world: World, application: Application) -> None:
    world.consul.away = RemoteError("Consul is away")
    await application.changes.plan(ADA, "stage", text("upstreams: {payments: {protocol: http}}\n"))
