"""How many questions a page costs its servers: as many for three services as for sixty."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes.world import ADA, World, finished, text
from fakes.world import world as new_world
from fastapi import FastAPI
from sqlalchemy import event

from outrider.operations.application import Application
from outrider.operations.changes import Text
from outrider.operations.observe.observer import Observer
from outrider.operations.observe.pace import Pace
from outrider.operations.opening import Order
from outrider.portal.app import portal_app

ME = Order(ADA)
# Nothing is asked by itself while a page is looked at.
STILL = Pace(pulse=3600, held=3600, relist=3600, unstreamed=3600, breath=3600)
PAGES = (
    "/",
    "/environments/stage",
    "/environments/stage/services/s2",
    "/api/v1/services",
    "/api/v1/environments/stage/services/s2",
    "/api/v1/environments/stage/graph?window=0.01",
)


class Counted:
    """A port whose calls are counted by their name."""

    def __init__(self, port: Any, calls: Counter[str]) -> None:
        self._port, self._calls = port, calls

    def __getattr__(self, name: str) -> Any:
        self._calls[name] += 1
        return getattr(self._port, name)


async def filled(world: World, number: int, *, edited: int = 0) -> Application:
    """So many services that call each other, of which some were registered anew by hand."""
    application = world.application()
    for one in range(1, number + 1):
        spec = text(f"upstreams: {{s{one - 1}: {{}}}}\n" if one > 1 else "").spec.replace("checkout", f"s{one}")
        await finished(application, await application.changes.deploy("stage", Text(spec), ME))
        (copy,) = world.nomad.running(f"s{one}")
        world.consul.add(f"s{one}", f"_nomad-task-{copy.id}-group-s{one}-ingress", 20_000 + one)
        if one <= edited:
            job: Any = await world.nomad.job(f"s{one}")
            job["TaskGroups"][0]["Tasks"][-1]["Env"] |= {"EDITED": "1"}
            await world.nomad.register(job)
    return application


@asynccontextmanager
async def observed(application: Application, calls: Counter[str]) -> AsyncGenerator[FastAPI]:
    """A portal over it whose questions are counted, with an observer for each environment."""
    counted = {
        name: replace(one, nomad=Counted(one.nomad, calls), consul=Counted(one.consul, calls))
        for name, one in application.environments.items()
    }

    async def names() -> tuple[str, ...]:
        return await application.store.versions.services("stage")

    observers = {name: Observer(name, one.nomad, one.consul, names, STILL) for name, one in counted.items()}
    try:
        for one in observers.values():
            one.start()
        yield portal_app(replace(application, environments=counted, observers=observers))
    finally:
        for one in observers.values():
            await one.close()


@pytest.fixture
def statements(world: World) -> Iterator[list[str]]:
    """Every statement that the database gets."""
    found: list[str] = []

    def heard(*call: Any) -> None:
        found.append(call[2])

    engine = world.store.database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", heard)
    yield found
    event.remove(engine, "before_cursor_execute", heard)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with new_world(tmp_path) as made:
        yield made


async def questions(world: World, statements: list[str], number: int) -> dict[str, tuple[dict[str, int], int]]:
    """By page what it asked of Nomad and Consul, and how many statements of the database it took."""
    application, calls, found = await filled(world, number, edited=2), Counter[str](), {}
    async with (
        observed(application, calls) as portal,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(portal), base_url="http://127.0.0.1") as browser,
    ):
        first = (await browser.get(PAGES[0])).text
        assert first.count("Changed outside of Outrider") == 2
        for page in PAGES:
            calls.clear()
            statements.clear()
            answer = await browser.get(page)
            assert answer.status_code == 200
            assert "s1" in answer.text
            found[page] = (dict(calls), len(statements))
    return found


async def test_a_page_asks_no_server_more_for_sixty_services_than_for_three(
    tmp_path: Path, world: World, statements: list[str]
) -> None:
    of_sixty = await questions(world, statements, 60)
    (tmp_path / "few").mkdir()
    async with new_world(tmp_path / "few") as few:
        heard: list[str] = []
        event.listen(
            few.store.database._engine.sync_engine, "before_cursor_execute", lambda *call: heard.append(call[2])
        )
        assert await questions(few, heard, 3) == of_sixty
    assert all(asked == {} for asked, _ in of_sixty.values()), "what is kept is not asked for"
    assert max(said for _, said in of_sixty.values()) < 25
