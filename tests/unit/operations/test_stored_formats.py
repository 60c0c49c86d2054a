"""A version that a later Outrider has stored: what needs its spec says so, and everything else goes on."""

from __future__ import annotations

import pytest
from fakes.world import ADA, World, finished, text
from sqlalchemy import text as sql

from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.spec.stored import UnreadableSpecError

ME = Order(ADA)
PAY = "service: pay\nrun: {command: [pay]}\nupstreams: {ledger: {protocol: http}}\n"
UNREAD = "is stored in format 7, and this Outrider reads format 2"


@pytest.fixture
async def later(world: World, application: Application) -> Application:
    """Two services, of which pay's spec is of a later format."""
    await finished(application, await application.changes.deploy("stage", text(), ME))
    await finished(application, await application.changes.deploy("stage", text(spec=PAY), ME))
    async with world.store.database.writing() as connection:
        await connection.execute(sql("UPDATE versions SET format = 7 WHERE service = 'pay'"))
    return application


async def test_status_shows_what_runs_and_says_what_it_cannot_read(later: Application) -> None:
    found = await later.status(ADA, "stage", "pay")
    assert (found.state, found.version, found.healthy) == ("running", 1, 1)
    assert (found.upstreams, found.problem) == ({}, f"the spec of version 1 of pay in stage {UNREAD}")
    assert [(one.service, bool(one.problem)) for one in await later.statuses(ADA, "stage")] == [
        ("checkout", False),
        ("pay", True),
    ]


async def test_a_plan_of_the_service_has_no_comparison_and_of_another_a_warning(later: Application) -> None:
    plan = await later.changes.plan(ADA, "stage", text("env: {A: b}\n", spec=PAY))
    assert f"the spec of version 1 of pay in stage {UNREAD}: no comparison" in plan.warnings
    assert plan.has_changes
    assert f"the spec of pay in stage {UNREAD}" in (await later.changes.plan(ADA, "stage", text())).warnings


async def test_its_file_can_be_deployed_again_and_is_readable_then(later: Application) -> None:
    again = await finished(later, await later.changes.deploy("stage", text("env: {A: b}\n", spec=PAY), ME))
    assert again.state == "successful"
    assert (await later.status(ADA, "stage", "pay")).problem is None


async def test_going_back_to_it_and_renewing_it_are_refused_with_the_reason(later: Application) -> None:
    for asked in (later.changes.roll_back("stage", "pay", 1, ME), later.changes.redeploy("stage", "pay", ME)):
        with pytest.raises(UnreadableSpecError, match=UNREAD) as caught:
            await asked
        assert caught.value.next_step


async def test_scaling_needs_no_spec(later: Application) -> None:
    assert (await finished(later, await later.changes.scale("stage", "pay", 2, ME))).state == "successful"


async def test_the_graph_says_whose_edges_it_does_not_know(later: Application) -> None:
    found = await later.graph(ADA, "stage", 0.01)
    assert found.edges == ()
    assert found.problem == f"the spec of pay in stage {UNREAD}"
