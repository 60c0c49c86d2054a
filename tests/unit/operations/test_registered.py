"""A deploy that failed or was reverted changes nothing for others: neighbours are what is registered."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.world import ADA, World, finished, text
from outrider_ground.errors import RemoteError, SpecError

from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.operations.records import Deployment
from outrider.store.store import opened_store

ME = Order(ADA)
PAY = "service: pay\nrun: {command: [pay]}\n"
CALLER = "upstreams: {pay: {timeout: 1s}}\n"


async def deployed(application: Application, spec: str) -> Deployment:
    return await finished(application, await application.changes.deploy("stage", text(spec=spec), ME))


async def crashing(world: World, application: Application, spec: str) -> None:
    """Deploy a version of pay that crashes and is taken back."""
    world.nomad.outcomes[(await application.changes.plan(ADA, "stage", text(spec=spec))).version_hash] = "crash"
    assert (await deployed(application, spec)).state == "failed"


async def test_a_version_that_failed_and_was_reverted_changes_nobodys_plan(
    world: World, application: Application
) -> None:
    await deployed(application, PAY)
    assert (
        await finished(application, await application.changes.deploy("stage", text(CALLER), ME))
    ).state == "successful"
    await crashing(world, application, f"{PAY}protocol: tcp\n")
    plan = await application.changes.plan(ADA, "stage", text(CALLER))
    assert (plan.has_changes, plan.warnings) == (False, ())


async def test_a_version_that_runs_speaks_for_its_service(application: Application) -> None:
    await deployed(application, PAY)
    await deployed(application, f"{PAY}protocol: tcp\n")
    with pytest.raises(SpecError, match="tcp"):
        await application.changes.plan(ADA, "stage", text(CALLER))


async def test_edges_and_deadlines_of_a_reverted_version_are_not_declared(
    world: World, application: Application
) -> None:
    await deployed(application, f"{PAY}upstreams: {{ledger: {{protocol: http, timeout: 500ms}}}}\n")
    await crashing(world, application, f"{PAY}upstreams: {{vault: {{protocol: http, timeout: 9s}}}}\n")
    assert not [
        line for line in (await application.changes.plan(ADA, "stage", text(CALLER))).warnings if "waits" in line
    ]
    graph = await application.graph(ADA, "stage", 0.01)
    assert [(edge.source, edge.target) for edge in graph.edges] == [("pay", "ledger")]


async def test_the_callees_of_a_lost_database_are_known_by_what_nomad_runs(
    world: World, application: Application, tmp_path: Path
) -> None:
    await deployed(application, f"{PAY}protocol: grpc\n")
    while world.runners:
        await world.runners.pop().close()
    await world.store.close()
    world.store = await opened_store(f"sqlite:///{tmp_path / 'another.db'}")
    plan = await world.application().changes.plan(ADA, "stage", text(CALLER))
    assert not plan.refusals


async def test_without_nomad_the_graph_shows_what_was_stored_last(world: World, application: Application) -> None:
    await deployed(application, f"{PAY}upstreams: {{ledger: {{protocol: http}}}}\n")
    world.nomad.away = RemoteError("Nomad did not answer")
    graph = await application.graph(ADA, "stage", 0.01)
    assert [(edge.source, edge.target, edge.protocol) for edge in graph.edges] == [("pay", "ledger", "http")]


async def test_what_nomad_runs_for_another_environment_says_nothing_here(application: Application) -> None:
    await deployed(application, f"{PAY}protocol: grpc\n")
    with pytest.raises(SpecError, match="pay"):
        await application.changes.plan(ADA, "production", text(CALLER))


@pytest.mark.parametrize("purge", [False, True])
async def test_a_version_that_failed_says_nothing_when_its_service_is_gone_from_nomad_either(
    world: World, application: Application, *, purge: bool
) -> None:
    await deployed(application, f"{PAY}upstreams: {{ledger: {{protocol: http}}}}\n")
    await crashing(world, application, f"{PAY}protocol: tcp\n")
    await finished(application, await application.changes.stop("stage", "pay", ME, purge=purge))
    assert not (await application.changes.plan(ADA, "stage", text(CALLER))).refusals
    graph = await application.graph(ADA, "stage", 0.01)
    assert [(edge.source, edge.target) for edge in graph.edges] == [("pay", "ledger")]


async def test_a_version_that_never_came_up_is_all_that_is_known_of_its_service(
    world: World, application: Application
) -> None:
    await crashing(world, application, f"{PAY}protocol: tcp\n")
    await world.nomad.deregister("pay", purge=True)
    with pytest.raises(SpecError, match="tcp"):
        await application.changes.plan(ADA, "stage", text(CALLER))


async def test_the_list_of_jobs_is_asked_for_again_only_after_a_job_has_changed(
    world: World, application: Application
) -> None:
    await deployed(application, PAY)
    await application.changes.plan(ADA, "stage", text(CALLER))
    before = world.nomad.lists
    for _ in range(3):
        await application.changes.plan(ADA, "stage", text(CALLER))
    assert world.nomad.lists == before
    await deployed(application, f"{PAY}protocol: tcp\n")
    with pytest.raises(SpecError, match="tcp"):
        await application.changes.plan(ADA, "stage", text(CALLER))
    assert world.nomad.lists > before
