"""A portal that is killed at any step of a deployment: the next one finds what was done, and does what is left, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.consul_catalog import CatalogInMemory
from fakes.nomad import NomadSimulator
from fakes.world import ADA, World, finished, messages, text, world
from sqlalchemy import text as sql

from outrider.operations.application import Application
from outrider.operations.events import PromotionEvent
from outrider.operations.opening import Order
from outrider.operations.records import Deployment

ME = Order(ADA)
CANARY = "count: 3\nupdate: {canary: 1}\n"


class KilledError(BaseException):
    """The process is gone in this very moment."""


class MortalNomad(NomadSimulator):
    """Counts what it is asked to change; whoever asks dies before the question ``mortal`` gets here, or after its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.mortal, self.is_after, self.died = "", False, asyncio.Event()
        self.done: Counter[str] = Counter()
        self.on_register: Callable[[], object] = bool

    async def _or_dies(self, name: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        if self.mortal == name and not self.is_after:
            raise self._death()
        found = await ask()
        self.done[name] += 1
        if self.mortal == name:
            raise self._death()
        return found

    def _death(self) -> KilledError:
        self.mortal = ""
        self.died.set()
        return KilledError()

    async def register(self, job: Any, modify_index: int | None = None) -> Any:
        found = await self._or_dies("register", lambda: super(MortalNomad, self).register(job, modify_index))
        self.on_register()
        return found

    async def evaluation(self, evaluation_id: str) -> Any:
        return await self._or_dies("evaluation", lambda: super(MortalNomad, self).evaluation(evaluation_id))

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> Any:
        return await self._or_dies("look", lambda: super(MortalNomad, self).deployment(deployment_id, index, wait_s))

    async def promote(self, deployment_id: str) -> Any:
        return await self._or_dies("promote", lambda: super(MortalNomad, self).promote(deployment_id))

    async def pause(self, deployment_id: str, *, is_paused: bool) -> Any:
        name = "pause" if is_paused else "resume"
        return await self._or_dies(name, lambda: super(MortalNomad, self).pause(deployment_id, is_paused=is_paused))

    async def fail(self, deployment_id: str) -> Any:
        return await self._or_dies("fail", lambda: super(MortalNomad, self).fail(deployment_id))

    async def scale(self, job_id: str, group: str, count: int, message: str = "") -> Any:
        return await self._or_dies("scale", lambda: super(MortalNomad, self).scale(job_id, group, count, message))

    async def deregister(self, job_id: str, *, purge: bool = False) -> Any:
        return await self._or_dies("deregister", lambda: super(MortalNomad, self).deregister(job_id, purge=purge))


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncGenerator[World]:
    async with world(tmp_path) as made:
        await made.nomad.close()
        made.nomad = MortalNomad()
        made.limits = replace(made.limits, silence=60.0)
        yield made


def nomad_of(place: World) -> MortalNomad:
    assert isinstance(place.nomad, MortalNomad)
    return place.nomad


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110  the Nomad in memory has no event for it
            await asyncio.sleep(0.01)


async def killed(place: World, at: str, act: Callable[[], Awaitable[Deployment]]) -> Deployment:
    """The deployment as the portal leaves it that dies at this step, given as ``before register`` or ``after register``."""
    nomad = nomad_of(place)
    when, nomad.mortal = at.split()
    nomad.is_after = when == "after"
    try:
        await act()
        async with asyncio.timeout(10):
            await nomad.died.wait()
    except KilledError:
        pass
    await place.runner.close()
    (left,) = [one for one in await place.store.deployments.unfinished() if one.service == "checkout"]
    return left


async def taken_up(place: World, left: Deployment) -> tuple[Deployment, Application]:
    """The deployment after the verdict of a portal that starts some seconds later."""
    async with place.store.database.writing() as connection:
        # What is being registered at this moment is left to whoever does it: the new portal comes later than that.
        await connection.execute(sql("UPDATE deployments SET created_at = '2026-01-01 00:00:00.000000'"))
    place.limits = replace(place.limits, silence=1e12)
    second = place.application()
    place.runner.start()
    return await finished(second, left), second


async def once_each(second: Application, ended: Deployment) -> list[str]:
    """Its lines; a verdict and a registration are told once."""
    kinds = Counter(event.kind for event in await second.events(ADA, ended.id))
    assert (kinds["verdict"], kinds["resumed"], kinds["registered"]) == (1, 1, 1), kinds
    return await messages(second, ended)


@pytest.mark.parametrize(
    "at",
    ["before register", "after register", "before evaluation", "after evaluation", "before look"],
)
async def test_d11_a_deploy_is_brought_to_its_end_and_registered_once_wherever_the_portal_died(
    mortal: World, at: str
) -> None:
    first = mortal.application()
    await finished(first, await first.changes.deploy("stage", text("count: 2\n"), ME))
    before = nomad_of(mortal).done["register"]
    left = await killed(mortal, at, lambda: first.changes.deploy("stage", text("count: 2\nenv: {A: b}\n"), ME))
    ended, second = await taken_up(mortal, left)
    assert (ended.state, ended.version) == ("successful", 2), ended.reason
    assert nomad_of(mortal).done["register"] == before + 1
    await once_each(second, ended)


@pytest.mark.parametrize("at", ["before promote", "after promote"])
async def test_d11_a_promotion_of_our_own_is_made_once_wherever_the_portal_died(mortal: World, at: str) -> None:
    first, nomad = mortal.application(), nomad_of(mortal)
    await finished(first, await first.changes.deploy("stage", text(), ME))
    nomad.forgets_promotion = True
    left = await killed(mortal, at, lambda: first.changes.deploy("stage", text("env: {A: b}\n"), ME))
    ended, second = await taken_up(mortal, left)
    assert (ended.state, nomad.done["promote"]) == ("successful", 1), ended.reason
    await once_each(second, ended)


@pytest.mark.parametrize("at", ["before look", "after look"])
async def test_d11_a_canary_waits_for_its_person_whichever_portal_watches(mortal: World, at: str) -> None:
    first = mortal.application()
    await finished(first, await first.changes.deploy("stage", text(CANARY), ME))
    left = await killed(mortal, at, lambda: first.changes.deploy("stage", text(CANARY + "env: {A: b}\n"), ME))
    second = mortal.application()
    mortal.runner.start()
    async for event in await second.feed(ADA, left.id):
        if isinstance(event, PromotionEvent) and event.detail.needed:
            break
    await second.changes.promote("stage", "checkout", ME)
    ended = await finished(second, left)
    assert (ended.state, nomad_of(mortal).done["promote"]) == ("successful", 1), ended.reason


@pytest.mark.parametrize("at", ["before fail", "after fail"])
async def test_d11_what_is_given_up_goes_back_once_wherever_the_portal_died(mortal: World, at: str) -> None:
    first, nomad = mortal.application(), nomad_of(mortal)
    good, bad = text("count: 3\n"), text("count: 3\nenv: {A: bad}\n")
    await finished(first, await first.changes.deploy("stage", good, ME))
    plan = await first.changes.plan(ADA, "stage", bad)
    nomad.outcomes[plan.version_hash] = "crash"
    mortal.limits = replace(mortal.limits, failures=1)
    first = mortal.application()
    left = await killed(mortal, at, lambda: first.changes.deploy("stage", bad, ME))
    ended, second = await taken_up(mortal, left)
    assert (ended.state, nomad.done["fail"]) == ("failed", 1), ended.reason
    assert "the last good version runs again" in ended.reason
    await once_each(second, ended)
    assert (await second.changes.plan(ADA, "stage", good)).has_changes is False


class CatalogOfNomad(CatalogInMemory):
    """Shows whatever Nomad runs."""

    def __init__(self, nomad: NomadSimulator) -> None:
        super().__init__()
        self.nomad = nomad

    async def health(self, service: str, index: int = 0, wait_s: float = 0) -> Any:
        ids = [f"_nomad-task-{one.id}-group-{service}-{service}-ingress" for one in self.nomad.running(service)]
        return [{"Service": {"ID": one}, "Checks": []} for one in ids], 1


@pytest.mark.parametrize("at", ["before pause", "after pause", "before resume", "after resume"])
async def test_d11_a_rollout_that_waits_for_consul_goes_on_wherever_the_portal_died(mortal: World, at: str) -> None:
    nomad, mortal.consul = nomad_of(mortal), CatalogOfNomad(mortal.nomad)
    mortal.limits = replace(mortal.limits, outage=0.0)
    first = mortal.application()
    await finished(first, await first.changes.deploy("stage", text("count: 3\n"), ME))

    async def deployed() -> Deployment:
        nomad.on_register = lambda: setattr(mortal.consul, "has_leader", False)
        return await first.changes.deploy("stage", text("count: 3\nenv: {A: b}\n"), ME)

    async def resumed() -> Deployment:
        mortal.consul.has_leader = True
        return deployment

    if at.endswith("resume"):
        deployment = await deployed()
        await until(lambda: nomad.done["pause"])
    left = await killed(mortal, at, resumed if at.endswith("resume") else deployed)
    mortal.consul.has_leader = True
    ended, second = await taken_up(mortal, left)
    assert ended.state == "successful", ended.reason
    assert nomad.done["pause"] == nomad.done["resume"] == (0 if at == "before pause" else 1)
    lines = await once_each(second, ended)
    assert len([line for line in lines if line.startswith("waits: Consul has no leader")]) == 1
    assert "Consul is back: the rollout goes on" in lines or at in {"before pause", "after resume"}


@pytest.mark.parametrize("at", ["before scale", "after scale"])
async def test_d11_a_count_is_asked_for_once_wherever_the_portal_died(mortal: World, at: str) -> None:
    first = mortal.application()
    await finished(first, await first.changes.deploy("stage", text(), ME))
    left = await killed(mortal, at, lambda: first.changes.scale("stage", "checkout", 3, ME))
    ended, second = await taken_up(mortal, left)
    assert (ended.state, nomad_of(mortal).done["scale"], mortal.nomad.count("checkout")) == ("successful", 1, 3)
    await once_each(second, ended)


@pytest.mark.parametrize("purge", [False, True])
@pytest.mark.parametrize("at", ["before deregister", "after deregister"])
async def test_d11_a_stop_is_asked_for_once_wherever_the_portal_died(mortal: World, at: str, purge: bool) -> None:
    first = mortal.application()
    await finished(first, await first.changes.deploy("stage", text(), ME))
    left = await killed(mortal, at, lambda: first.changes.stop("stage", "checkout", ME, purge=purge))
    ended, second = await taken_up(mortal, left)
    assert (ended.state, nomad_of(mortal).done["deregister"]) == ("successful", 1)
    await once_each(second, ended)
