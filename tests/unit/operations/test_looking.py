from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from fakes.shown import an_upstream_report
from fakes.world import ADA, World, finished, text
from outrider_ground.errors import RemoteError, UsageError

from outrider.operations.application import Application
from outrider.operations.changes import Text
from outrider.operations.look.logs import LogRequest
from outrider.operations.opening import Order
from outrider.store.store import opened_store
from outrider.telemetry.report import Report
from outrider.telemetry.traffic import Edge

ME = Order(ADA)
FRESH = Report({"payments": an_upstream_report()})
CALLER = "upstreams: {payments: {protocol: http, timeout: 800ms}}\n"


async def deployed(application: Application, more: str = "") -> None:
    assert (
        await finished(application, await application.changes.deploy("stage", text(more), ME))
    ).state == "successful"


async def test_a_running_service_shows_its_version_and_allocations(application: Application) -> None:
    await deployed(application, "count: 2\nteam: storefront\n")
    status = await application.status(ADA, "stage", "checkout")
    assert (status.state, status.version, status.count, status.healthy) == ("running", 1, 2, 2)
    assert status.team == "storefront"
    assert len(status.allocations) == 2
    assert status.deployment is not None


async def test_an_instance_that_fails_its_checks_is_not_healthy(world: World, application: Application) -> None:
    await deployed(application, "count: 2\n")
    first, second = world.nomad.running("checkout")
    world.consul.add("checkout", f"_nomad-task-{first.id}-group-checkout-ingress", 20000)
    world.consul.add("checkout", f"_nomad-task-{second.id}-group-checkout-ingress", 20001, status="critical")
    status = await application.status(ADA, "stage", "checkout")
    assert status.healthy == 1
    assert [one.status for one in status.instances] == ["passing", "critical"]


async def test_an_allocation_whose_app_is_pending_is_neither_healthy_nor_running(
    world: World, application: Application
) -> None:
    """Its sidecar runs, so Nomad calls it running, and answers Consul's check before the gate lets the app start."""
    await deployed(application)
    (copy,) = world.nomad.running("checkout")
    world.consul.add("checkout", f"_nomad-task-{copy.id}-group-checkout-ingress", 20000)
    world.nomad.hold("checkout", "app")
    status = await application.status(ADA, "stage", "checkout")
    assert (status.state, status.healthy) == ("degraded", 0)


async def test_services_of_one_environment_are_not_those_of_the_other(application: Application) -> None:
    await deployed(application)
    assert [one.service for one in await application.statuses(ADA, "stage")] == ["checkout"]
    assert await application.statuses(ADA, "production") == ()


async def test_without_nomad_what_the_store_knows_is_shown_with_the_problem(
    world: World, application: Application
) -> None:
    await deployed(application, "team: storefront\n")
    world.nomad.away = RemoteError("Nomad did not answer")
    status = await application.status(ADA, "stage", "checkout")
    assert (status.state, status.team, status.problem) == ("unknown", "storefront", "Nomad did not answer")


async def test_a_nomad_that_says_nothing_is_unknown_soon_and_not_none_of_none(
    world: World, application: Application
) -> None:
    await deployed(application)
    world.nomad.delay_s = 600.0
    (status,) = await application.statuses(ADA, "stage")
    assert (status.state, status.healthy, status.count) == ("unknown", None, None)
    assert status.problem == "Nomad of stage has not answered within 0.2 s"


async def test_a_lost_database_and_a_nomad_that_is_away_are_not_told_as_no_services(
    world: World, application: Application
) -> None:
    world.nomad.away = RemoteError("Nomad did not answer")
    with pytest.raises(RemoteError, match="Nomad did not answer"):
        await application.statuses(ADA, "stage")
    with pytest.raises(RemoteError, match="Nomad did not answer"):
        await application.statuses(ADA)
    world.nomad.away = None
    await deployed(application)
    world.nomad.away = RemoteError("Nomad did not answer")
    assert [(one.environment, one.state) for one in await application.statuses(ADA)] == [("stage", "unknown")]


async def test_a_service_that_runs_and_that_the_database_does_not_know_is_not_said_to_be_unknown(
    world: World, application: Application, tmp_path: Path
) -> None:
    await deployed(application)
    while world.runners:
        await world.runners.pop().close()
    await world.store.close()
    world.store = await opened_store(f"sqlite:///{tmp_path / 'another.db'}")
    other = world.application()
    asked = [other.versions(ADA, "stage", "checkout"), other.changes.start("stage", "checkout", ME)]
    for one in [*asked, other.changes.roll_back("stage", "checkout", None, ME)]:
        with pytest.raises(UsageError, match="checkout runs in stage, but this portal has no record of it"):
            await one


async def test_without_consul_endpoints_are_those_that_nomad_has_booked_and_unknown_not_absent(
    world: World, application: Application
) -> None:
    await deployed(application, CALLER)
    payments = text().spec.replace("service: checkout", "service: payments")
    await finished(application, await application.changes.deploy("stage", Text(payments), ME))
    metrics = world.nomad.ports("checkout")["metrics"]
    world.sidecars.answers[f"127.0.0.1:{metrics}"] = FRESH
    world.consul.away = RemoteError("Consul did not answer")
    found = await application.endpoints(ADA, "stage", "checkout")
    ingress = world.nomad.ports("payments")["ingress"]
    assert [(one.address, one.status) for one in found.consul["payments"]] == [(f"127.0.0.1:{ingress}", "unknown")]
    assert (found.unknown, found.problems) == (("payments",), ("Consul did not answer",))
    assert [one.upstreams for one in found.sidecars] == [FRESH]


async def test_without_consul_the_instances_are_missing_and_the_reason_is_there(
    world: World, application: Application
) -> None:
    await deployed(application)
    world.consul.away = RemoteError("Consul did not answer")
    status = await application.status(ADA, "stage", "checkout")
    assert (status.state, status.problem) == ("running", "Consul did not answer")


async def test_an_unknown_service_is_refused_with_those_that_are_known(application: Application) -> None:
    await deployed(application)
    with pytest.raises(UsageError, match="stage knows no service chekout") as caught:
        await application.status(ADA, "stage", "chekout")
    assert caught.value.next_step == "It knows: checkout."


async def test_endpoints_are_shown_by_consul_and_by_each_sidecar(world: World, application: Application) -> None:
    await deployed(application, CALLER)
    world.consul.add("payments", "p1", 20100)
    world.consul.add("checkout", "c1", 20000, meta={"outrider_metrics": "127.0.0.1:20001"})
    world.sidecars.answers["127.0.0.1:20001"] = FRESH
    found = await application.endpoints(ADA, "stage", "checkout")
    assert [one.address for one in found.consul["payments"]] == ["127.0.0.1:20100"]
    assert found.sidecars[0].upstreams == FRESH
    assert found.problems == ()


async def test_the_last_lines_of_a_log_are_the_last_lines(application: Application) -> None:
    await deployed(application)
    chunks = await application.logs(ADA, "stage", "checkout", LogRequest(lines=2))
    assert b"".join([chunk async for chunk in chunks]) == b"two\nthree\n"


async def test_a_whole_log_starts_at_its_beginning(application: Application) -> None:
    await deployed(application)
    chunks = await application.logs(ADA, "stage", "checkout", LogRequest())
    assert b"".join([chunk async for chunk in chunks]) == b"one\ntwo\nthree\n"


async def test_an_unknown_task_is_refused_with_those_that_are_there(application: Application) -> None:
    await deployed(application)
    with pytest.raises(UsageError, match="no task sidecar") as caught:
        await application.logs(ADA, "stage", "checkout", LogRequest(task="sidecar"))
    assert "envoy" in str(caught.value.next_step)


async def test_the_graph_has_declared_and_measured_edges(world: World, application: Application) -> None:
    await deployed(application, CALLER)
    world.traffic.measured = (Edge("checkout", "payments", 12.5, 0.1), Edge("web", "checkout", 3.0, 0.0))
    found = await application.graph(ADA, "stage", 1.0)
    assert [(one.source, one.target, one.declared, one.requests_per_second) for one in found.edges] == [
        ("checkout", "payments", True, 12.5),
        ("web", "checkout", False, 3.0),
    ]


async def test_a_plan_of_a_new_service_adds_what_its_file_states(application: Application) -> None:
    plan = await application.changes.plan(ADA, "stage", text())
    assert plan.has_changes
    assert plan.check_index == 0
    added = {"service", "run.command", "count"}
    assert {(change.sign, change.path) for change in plan.changes} == {("+", path) for path in added}
    assert plan.allocations == {"checkout": {"place": 1}}


async def test_a_plan_warns_of_what_a_fixed_port_means(application: Application) -> None:
    plan = await application.changes.plan(ADA, "stage", text("ingress: {static: 18080}\n"))
    assert any("one allocation per node" in line for line in plan.warnings)


async def test_a_plan_shows_only_what_changes(application: Application) -> None:
    await deployed(application, CALLER)
    plan = await application.changes.plan(ADA, "stage", text(CALLER.replace("800ms", "900ms")))
    assert [(one.path, one.before, one.after) for one in plan.changes] == [
        ("upstreams.payments.timeout", "800ms", "900ms")
    ]


async def test_the_output_of_several_allocations_is_told_apart_by_their_short_ids(
    world: World, application: Application
) -> None:
    await deployed(application, "count: 2\n")
    ids = [one.id[:8] for one in world.nomad.running("checkout")]
    chunks = await application.logs(ADA, "stage", "checkout", LogRequest(lines=1))
    assert sorted(b"".join([chunk async for chunk in chunks]).decode().splitlines()) == sorted(
        f"{one}  three" for one in ids
    )


async def test_all_running_allocations_are_followed_together(world: World, application: Application) -> None:
    await deployed(application, "count: 3\n")
    chunks = await application.logs(ADA, "stage", "checkout", LogRequest(follow=True))
    lines = b"".join([chunk async for chunk in chunks]).decode().splitlines()
    assert len(lines) == 9
    assert {line.split()[0] for line in lines} == {one.id[:8] for one in world.nomad.running("checkout")}


async def test_one_of_several_allocations_is_read_as_it_is(world: World, application: Application) -> None:
    await deployed(application, "count: 2\n")
    request = LogRequest(allocation=world.nomad.running("checkout")[1].id[:6])
    chunks = await application.logs(ADA, "stage", "checkout", request)
    assert b"".join([chunk async for chunk in chunks]) == b"one\ntwo\nthree\n"


async def test_more_allocations_than_can_be_read_at_once_are_refused_with_the_way_out(
    application: Application,
) -> None:
    await deployed(application, "count: 33\n")
    with pytest.raises(UsageError, match="33 running allocations, and 32 are read at once") as caught:
        await application.logs(ADA, "stage", "checkout", LogRequest())
    assert "--allocation" in str(caught.value.next_step)


async def test_a_prefix_that_several_allocations_have_is_refused_with_their_ids(
    world: World, application: Application
) -> None:
    await deployed(application, "count: 17\n")
    first = Counter(one.id[0] for one in world.nomad.running("checkout")).most_common(1)[0][0]
    with pytest.raises(UsageError, match=f"allocations of checkout begin with {first}: "):
        await application.logs(ADA, "stage", "checkout", LogRequest(allocation=first))


async def test_a_known_service_without_allocations_has_no_output(world: World, application: Application) -> None:
    await deployed(application)
    await finished(application, await application.changes.stop("stage", "checkout", ME, purge=True))
    world.nomad.forget("checkout")
    with pytest.raises(UsageError, match="checkout has no allocations in stage"):
        await application.logs(ADA, "stage", "checkout", LogRequest())


async def test_one_sidecar_that_cannot_be_trusted_is_named_and_the_others_are_asked(
    world: World, application: Application
) -> None:
    await deployed(application, CALLER)
    world.consul.add("checkout", "bad", 20000, meta={"outrider_metrics": "169.254.169.254:80/latest"})
    world.consul.add("checkout", "good", 20010, meta={"outrider_metrics": "127.0.0.1:20011"})
    world.sidecars.answers["127.0.0.1:20011"] = Report()
    found = await application.endpoints(ADA, "stage", "checkout")
    assert [(one.instance, one.address, one.problem) for one in found.sidecars] == [
        ("bad", "", "is not asked: its metrics address is no host:port"),
        ("good", "127.0.0.1:20011", None),
    ]


async def test_the_graph_counts_and_names_what_does_not_count(world: World, application: Application) -> None:
    await deployed(application, CALLER)
    world.traffic.measured = (Edge("checkout", "payments", 12.5, 0.1),)
    world.traffic.left_out = ("pay (a): no", "pay (b): no", "pay (c): no", "pay (d): no")
    found = await application.graph(ADA, "stage", 1.0)
    assert found.edges[0].requests_per_second == 12.5
    assert found.problem == "4 sidecars do not count: pay (a): no; pay (b): no; pay (c): no; and 1 more"
    world.traffic.left_out = ("pay (a): no",)
    assert (await application.graph(ADA, "stage", 1.0)).problem == "pay (a): no"
