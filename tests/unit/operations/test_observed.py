"""What is shown where an observer keeps what runs: just made changes, and what was known of servers that are away."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fakes.world import ADA, World, finished, text
from outrider_ground.errors import RemoteError, UsageError
from outrider_harness.nomad_calls import job

from outrider.operations.application import Application
from outrider.operations.observe.observation import Keeper, Observation
from outrider.operations.observe.observer import Observer
from outrider.operations.observe.pace import Pace
from outrider.operations.opening import Order
from outrider.telemetry.traffic import Edge

ME = Order(ADA)
# Nothing is found by chance: only a question for the leader, and what somebody waits for.
STILL = Pace(question=0.3, pulse=0.02, held=3600, relist=3600, unstreamed=3600, breath=3600, first=0.02, longest=0.05)
CALLER = "upstreams: {payments: {protocol: http}}\nteam: shop\n"


@asynccontextmanager
async def observed(application: Application, pace: Pace = STILL) -> AsyncGenerator[Application]:
    here = application.environment(ADA, "stage")

    async def names() -> tuple[str, ...]:
        return await here.store.versions.services("stage")

    made = Observer("stage", here.nomad, here.consul, names, pace)
    made.start()
    try:
        yield replace(application, observers={"stage": made})
    finally:
        await made.close()


async def test_a_deployment_just_made_is_in_the_next_look_of_all_and_of_one(application: Application) -> None:
    async with observed(application) as on:
        assert await on.statuses(ADA, "stage") == ()
        done = await on.changes.deploy("stage", text("count: 2\n"), ME)
        assert (await on.status(ADA, "stage", "checkout")).count == 2
        await finished(on, done)
        await finished(on, await on.changes.scale("stage", "checkout", 3, ME))
        assert [one.count for one in await on.statuses(ADA, "stage")] == [3]
        await finished(on, await on.changes.stop("stage", "checkout", ME))
        assert [one.state for one in await on.statuses(ADA, "stage")] == ["stopped"]
        await finished(on, await on.changes.stop("stage", "checkout", ME, purge=True))
        assert (await on.status(ADA, "stage", "checkout")).state == "stopped"
        assert await on.services(ADA, "stage") == {"checkout"}


class Asked:
    """A keeper that remembers as of which index it was asked."""

    def __init__(self, observer: Keeper) -> None:
        self._observer, self.indexes = observer, list[int]()

    async def seen(self, at_least: int = 0) -> Observation:
        self.indexes.append(at_least)
        return await self._observer.seen()


async def test_a_change_of_just_now_is_waited_for_and_one_of_long_ago_is_not(
    world: World, application: Application
) -> None:
    """A Nomad that was set up anew counts from 1, below what the database remembers."""
    done = await finished(application, await application.changes.deploy("stage", text(), ME))
    async with observed(application) as on:
        asked = Asked(on.observers["stage"])
        looking = replace(on, observers={"stage": asked})
        await looking.status(ADA, "stage", "checkout")
        await looking.statuses(ADA, "stage")
        old = replace(done, id="0", created_at=done.created_at - timedelta(minutes=5))
        await world.store.deployments.add_deployment(replace(old, service="other", version=None, modify_index=10**9))
        await looking.statuses(ADA, "stage")
        await looking.status(ADA, "stage", "checkout")
    assert done.modify_index
    assert asked.indexes == [done.modify_index] * 4


async def test_a_nomad_that_goes_away_leaves_its_services_as_they_were_with_the_age(
    world: World, application: Application
) -> None:
    await finished(application, await application.changes.deploy("stage", text(CALLER), ME))
    async with observed(application) as on:
        assert (await on.status(ADA, "stage", "checkout")).age_s is None
        world.nomad.away = world.consul.away = RemoteError("Nomad did not answer")
        observer: Any = on.observers["stage"]
        observer._nomad.contact.missed(world.nomad.away)
        one = await on.status(ADA, "stage", "checkout")
        assert (one.state, one.count, one.healthy, one.team) == ("running", 1, 1, "shop")
        assert one.problem == "as of 0 s ago: Nomad did not answer"
        assert one.age_s is not None
        assert [other.problem for other in await on.statuses(ADA, "stage")] == [one.problem]
        world.traffic.measured = (Edge("checkout", "payments", 12.5, 0.1),)
        world.traffic.left_out = ("payments: the sidecar at 10.0.0.2:9001 cannot be reached",)
        graph = await on.graph(ADA, "stage", 0.01)
        assert [(edge.source, edge.target, edge.declared) for edge in graph.edges] == [("checkout", "payments", True)]
        assert graph.problem == (
            "as of 0 s ago: Nomad did not answer; payments: the sidecar at 10.0.0.2:9001 cannot be reached"
        )


async def test_the_graph_asks_the_sidecars_that_consul_has_shown_and_names_those_it_does_not_trust(
    world: World, application: Application
) -> None:
    await finished(application, await application.changes.deploy("stage", text(CALLER), ME))
    world.consul.add("checkout", "a", 20000, meta={"outrider_metrics": "127.0.0.1:20001"})
    world.consul.add("checkout", "b", 20010, meta={"outrider_metrics": "169.254.169.254:80"})
    async with observed(application) as on:
        graph = await on.graph(ADA, "stage", 0.01)
        assert [(one.service, one.address) for one in world.traffic.asked] == [("checkout", "127.0.0.1:20001")]
        assert graph.problem == "checkout (b): its metrics address is on another host than the instance"


async def test_a_job_of_somebody_else_under_an_unknown_name_is_still_shown(
    world: World, application: Application
) -> None:
    await world.nomad.register(job("theirs", Count=3))
    async with observed(application) as on:
        assert await on.statuses(ADA, "stage") == ()
        found = await on.status(ADA, "stage", "theirs")
        assert (found.count, found.hash, found.version) == (3, None, None)
        with pytest.raises(UsageError, match="knows no service nobodys"):
            await on.status(ADA, "stage", "nobodys")
