"""Values that change under services that run: what is told of them, what is rolled out, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from fakes.world import ADA, World, finished, text
from fakes.world import world as new_world
from outrider_ground.errors import ConflictError, RemoteError, UsageError

from outrider.operations.answers.values import ServiceValues
from outrider.operations.application import Application
from outrider.operations.observe.observer import Observer
from outrider.operations.opening import Order
from outrider.operations.principal import Principal
from outrider.operations.records import Deployment
from outrider.operations.values.followed import Followed
from outrider.operations.values.pace import ValuePace
from outrider.operations.values.watcher import ValueWatcher

ME = Order(ADA)
FLAG = "config/checkout/flag"
ROLL = "env: {FLAG: {consul: config/checkout/flag, on_change: roll}}\ncount: 2\n"
ASK = "env: {FLAG: {consul: config/checkout/flag}}\ncount: 2\n"
PACE = ValuePace(
    look=0.05, held=2, doubt=0.05, turn=0.1, breath=0.01, first=0.02, collect=0.6, most_collect=4, retry=0.3
)


class Portal:
    """One portal's operations with what follows values, and what was asked of it by itself."""

    def __init__(self, world: World, vault: object = None) -> None:
        self.application: Application = world.application()
        here = self.application.environments["stage"]
        names = partial(here.store.versions.services, "stage")
        self.observer = Observer("stage", here.nomad, here.consul, names)
        followed = Followed("stage", lambda: "ask", here.nomad, here.consul, here.store, here.values, vault)  # type: ignore[arg-type]
        self.watcher = ValueWatcher(followed, self.observer, self._roll, PACE)
        self.rolled: list[str] = []
        self.refusal: Exception | None = None

    async def _roll(self, environment: str, service: str) -> Deployment:
        if self.refusal:
            raise self.refusal
        found = await self.application.changes.roll(environment, service, Order(Principal("portal", "outrider")))
        self.rolled.append(found.cause)
        return found

    async def values(self) -> ServiceValues:
        return await self.application.values(ADA, "stage", "checkout")

    async def until(self, state: str) -> ServiceValues:
        async with asyncio.timeout(10):
            while True:
                found = await self.values()
                if any(one.state == state for one in found.values):
                    return found
                await asyncio.sleep(0.02)

    async def settle(self) -> None:
        """Long enough for everything that would begin by itself."""
        await asyncio.sleep(PACE.collect * 2.5)

    async def waiting(self) -> None:
        async with asyncio.timeout(10):
            while (await self.application.deployments(ADA, "stage", "checkout"))[0].state != "waiting":  # noqa: ASYNC110  no bell
                await asyncio.sleep(0.02)

    async def ended(self, kind: str = "values") -> Deployment:
        async with asyncio.timeout(10):
            while True:
                for one in await self.application.deployments(ADA, "stage", "checkout"):
                    if one.kind == kind and one.is_final:
                        return one
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(world: World, spec: str, vault: object = None) -> AsyncGenerator[Portal]:
    portal = Portal(world, vault)
    await world.consul.put_key(FLAG, b"off")
    assert (
        await finished(portal.application, await portal.application.changes.deploy("stage", text(spec), ME))
    ).state == "successful"
    portal.observer.start()
    portal.watcher.start()
    try:
        await portal.until("unwatched" if vault else "current")
        # What starts so shortly after a change counts as before it.
        await asyncio.sleep(0.1)
        yield portal
    finally:
        await portal.watcher.close()
        await portal.observer.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with new_world(tmp_path) as made:
        yield made


async def test_a_changed_value_waits_for_a_person_and_is_told_by_fingerprints_only(world: World) -> None:
    async with running(world, ASK) as portal:
        before = (await portal.values()).values[0]
        await world.consul.put_key(FLAG, b"on-for-everybody")
        found = await portal.until("pending")
        (value,) = found.values
        assert (value.reference, value.purpose, value.on_change) == (f"Consul key {FLAG}", "FLAG", "ask")
        assert value.deployed == (before.now,)
        assert value.now not in {before.now, None}
        assert len(value.behind) == 2
        assert found.held == "`outrider roll checkout -e stage` rolls it out"
        await portal.settle()
        assert portal.rolled == []
        shown = await portal.application.status(ADA, "stage", "checkout")
        assert shown.values
        assert shown.values.pending == (value,)
        assert "on-for-everybody" not in repr(shown)
        assert not [row for row in await dump(world) if "on-for-everybody" in row]


@pytest.mark.parametrize("stopped_before", [False, True])
async def test_a_value_that_changes_before_anybody_follows_it_is_seen_as_changed(
    world: World, stopped_before: bool
) -> None:
    portal = Portal(world)
    changes = portal.application.changes
    await world.consul.put_key(FLAG, b"off")
    await finished(portal.application, await changes.deploy("stage", text(ASK), ME))
    if stopped_before:
        await finished(portal.application, await changes.stop("stage", "checkout", ME))
        await world.consul.put_key(FLAG, b"changed while it was stopped")
        await finished(portal.application, await changes.start("stage", "checkout", ME))
    await world.consul.put_key(FLAG, b"on")
    portal.observer.start()
    portal.watcher.start()
    try:
        found = await portal.until("pending")
        assert len(found.values[0].deployed) == 1
        assert len(found.values[0].behind) == 2
    finally:
        await portal.watcher.close()
        await portal.observer.close()


async def test_a_service_that_is_started_again_has_the_value_that_changed_while_it_was_stopped(world: World) -> None:
    async with running(world, ASK) as portal:
        changes = portal.application.changes
        await finished(portal.application, await changes.stop("stage", "checkout", ME))
        await asyncio.sleep(PACE.look * 4)
        await world.consul.put_key(FLAG, b"on")
        await finished(portal.application, await changes.start("stage", "checkout", ME))
        await portal.until("current")
        await portal.settle()
        assert [one.state for one in (await portal.values()).values] == ["current"]


async def test_a_deploy_goes_on_where_its_values_cannot_be_read(world: World) -> None:
    application = world.application()
    world.consul.hidden = RemoteError("Consul: Permission denied", status=403)
    ended = await finished(application, await application.changes.deploy("stage", text(ASK), ME))
    assert ended.state == "successful"
    assert await dump(world) == []


async def dump(world: World) -> list[str]:
    kept = await world.store.values.sightings("stage")
    return [repr(row) for row in kept.items()]


async def test_a_person_rolls_it_and_every_allocation_is_another_one(world: World) -> None:
    async with running(world, ASK) as portal:
        before = {one.id for one in world.nomad.running("checkout")}
        await world.consul.put_key(FLAG, b"on")
        await portal.until("pending")
        ended = await finished(portal.application, await portal.application.changes.roll("stage", "checkout", ME))
        assert (ended.state, ended.kind, ended.version) == ("successful", "values", 1)
        after = {one.id for one in world.nomad.running("checkout")}
        assert len(after) == 2
        assert not before & after
        await portal.until("current")
        told = [event for event in await portal.application.events(ADA, ended.id) if event.kind == "value"]
        assert len(told) == 1
        assert told[0].message.startswith(f"Consul key {FLAG} has changed: ")


async def test_a_value_that_rolls_is_rolled_out_once_however_many_changed_together(world: World) -> None:
    spec = "env: {A: {consul: config/checkout/a}, B: {consul: config/checkout/b}, FLAG: {consul: config/checkout/flag}}\non_change: roll\n"
    for name in "ab":
        await world.consul.put_key(f"config/checkout/{name}", b"0")
    async with running(world, spec) as portal:
        for name in ("a", "b", "flag"):
            await world.consul.put_key(f"config/checkout/{name}", b"1")
        ended = await portal.ended()
        assert (ended.state, ended.created_by) == ("successful", "outrider")
        await portal.until("current")
        await portal.settle()
        assert len(portal.rolled) == 1
        assert portal.rolled[0].count("has changed") == 3


async def test_of_two_portals_one_rolls_it_out(world: World) -> None:
    async with running(world, ROLL) as one:
        other = Portal(world)
        other.observer.start()
        other.watcher.start()
        try:
            await other.until("current")
            await world.consul.put_key(FLAG, b"on")
            await one.ended()
            await one.settle()
            assert len(one.rolled) + len(other.rolled) == 1
            await other.until("current")
        finally:
            await other.watcher.close()
            await other.observer.close()


async def test_a_rollout_that_failed_is_not_tried_again_before_the_value_changes_once_more(world: World) -> None:
    async with running(world, ROLL + "update: {canary: 1}\n") as portal:
        await world.consul.put_key(FLAG, b"broken")
        await portal.waiting()
        await portal.application.changes.fail("stage", "checkout", ME)
        assert (await portal.ended()).state == "failed"
        await portal.settle()
        found = await portal.values()
        assert len(portal.rolled) == 1
        assert found.held.startswith("the rollout of this value has ended badly")
        await world.consul.put_key(FLAG, b"mended")
        await portal.waiting()
        assert len(portal.rolled) == 2


async def test_a_key_that_vanishes_is_told_of_and_nothing_is_rolled_into_what_lacks(world: World) -> None:
    async with running(world, ROLL) as portal:
        await world.consul.put_key(FLAG, None)
        found = await portal.until("gone")
        assert (found.values[0].now, found.values[0].is_pending) == (None, True)
        await portal.settle()
        assert portal.rolled == []
        with pytest.raises(UsageError, match="is gone: allocations of checkout that start now would wait for it"):
            await portal.application.changes.roll("stage", "checkout", ME)
        await world.consul.put_key(FLAG, b"off")
        await portal.until("current")
        await portal.settle()
        assert portal.rolled == []


async def test_an_empty_value_is_not_rolled_out_by_itself(world: World) -> None:
    async with running(world, ROLL) as portal:
        await world.consul.put_key(FLAG, b"")
        found = await portal.until("empty")
        await portal.settle()
        assert portal.rolled == []
        assert found.values[0].problem == "is empty"


async def test_a_consul_that_does_not_answer_changes_nothing_that_is_known(world: World) -> None:
    async with running(world, ROLL) as portal:
        world.consul.away = RemoteError("Consul is away", status=500)
        await asyncio.sleep(0.1)
        assert (await portal.values()).values[0].state == "current"
        world.consul.away = None
        await world.consul.put_key(FLAG, b"on")
        assert (await portal.ended()).state == "successful"


async def test_what_stops_a_rollout_is_said_and_it_begins_when_nothing_stops_it_any_more(world: World) -> None:
    async with running(world, ROLL) as portal:
        portal.refusal = ConflictError("stage is frozen")
        await world.consul.put_key(FLAG, b"on")
        await portal.until("pending")
        await portal.settle()
        assert (await portal.values()).held == "stage is frozen"
        portal.refusal = None
        assert (await portal.ended()).state == "successful"


async def test_a_service_that_runs_without_a_change_cannot_be_rolled_while_it_is_deployed(world: World) -> None:
    async with running(world, ASK + "update: {canary: 1}\n") as portal:
        waiting = await portal.application.changes.roll("stage", "checkout", ME)
        async with asyncio.timeout(30):
            while (await portal.application.deployment(ADA, waiting.id)).state != "waiting":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        with pytest.raises(ConflictError, match="is being deployed in stage already"):
            await portal.application.changes.roll("stage", "checkout", ME)
        await portal.application.changes.promote("stage", "checkout", ME)
        assert (await finished(portal.application, waiting)).state == "successful"


async def test_a_plan_says_which_value_is_not_there_and_which_one_it_takes_along(world: World) -> None:
    async with running(world, ASK) as portal:
        await world.consul.put_key(FLAG, b"on")
        await portal.until("pending")
        more = 'env: {FLAG: {consul: config/checkout/flag}, X: {consul: config/none}, Y: {nomad_variable: "nomad/jobs/none#y"}}\n'
        warnings = (await portal.application.changes.plan(ADA, "stage", text(more))).warnings
        assert (
            "Consul key config/none does not exist: every new allocation waits for it before its app starts" in warnings
        )
        assert any(one.startswith("Nomad variable nomad/jobs/none does not exist") for one in warnings)
        assert any(one.endswith("allocations that are replaced take it") for one in warnings)


async def test_a_nomad_variable_that_is_written_anew_is_seen_by_its_index(world: World) -> None:
    spec = 'env: {KEY: {nomad_variable: "nomad/jobs/checkout#key", on_change: roll}}\n'
    state = world.nomad.server.state
    state.keep_variable({"Namespace": "default", "Path": "nomad/jobs/checkout", "Items": {"key": "1"}, "ModifyTime": 1})
    async with running(world, spec) as portal:
        state.keep_variable(
            {"Namespace": "default", "Path": "nomad/jobs/checkout", "Items": {"key": "2"}, "ModifyTime": 2}
        )
        assert (await portal.ended()).state == "successful"
        assert portal.rolled[0].startswith("Nomad variable nomad/jobs/checkout has changed")
