"""Nomad or the database fails while somebody deploys: an answer that says so, and nothing half done or queued in silence."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes.world import ADA, World
from outrider_ground.errors import RemoteError
from sqlalchemy import event

Json = dict[str, Any]
STAGE = "/api/v1/environments/stage"
SPEC = "service: checkout\nrun: {command: [/usr/bin/checkout]}\n"
DOWN = RemoteError("Nomad at x cannot be reached: refused", next_step="Check the address.", was_sent=False)
FAULTS = {
    "down": DOWN,
    "429": RemoteError("Nomad at x answered 429 to GET /v1/job: too many", status=429, next_step="Try again."),
    "500": RemoteError("Nomad at x answered 500 to GET /v1/job: boom", status=500),
    "leaderless": RemoteError("Nomad at x answered 500 to GET /v1/job: No cluster leader", status=500),
}


async def deploy(client: httpx2.AsyncClient, more: str = "") -> httpx2.Response:
    return await client.post(f"{STAGE}/deployments", json={"spec": SPEC + more})


async def over(client: httpx2.AsyncClient, answer: httpx2.Response) -> Json:
    """The deployment of the answer, with its verdict."""
    async with asyncio.timeout(20):
        while True:
            found = (await client.get(f"/api/v1/deployments/{answer.json()['id']}")).json()
            if found["ended_at"]:
                return found
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("verb", ["deployments", "services/checkout/scale", "services/checkout/stop"])
async def test_d13_a_nomad_in_trouble_is_an_answer_that_says_so_and_nothing_is_queued(
    world: World, client: httpx2.AsyncClient, fault: str, verb: str
) -> None:
    assert (await over(client, await deploy(client)))["state"] == "successful"
    before, world.nomad.away = world.nomad.registrations, FAULTS[fault]
    bodies: Json = {"deployments": {"spec": SPEC + "env: {A: b}\n"}, "services/checkout/scale": {"count": 3}}
    answer = await client.post(f"{STAGE}/{verb}", json=bodies.get(verb, {}))
    assert answer.status_code == 502
    told = answer.json()
    assert (told["title"], told["detail"]) == ("A server outside does not do its part", FAULTS[fault].message)
    assert told.get("next_step") == FAULTS[fault].next_step
    world.nomad.away = None
    world.runner.start()
    await asyncio.sleep(0.3)
    assert await world.store.deployments.unfinished() == ()
    assert (world.nomad.registrations, world.nomad.count("checkout")) == (before, 1)


@pytest.mark.parametrize("fault", FAULTS)
async def test_d13_a_registration_that_nomad_refuses_in_trouble_ends_with_its_words(
    world: World, client: httpx2.AsyncClient, fault: str
) -> None:
    register = world.nomad.register

    async def refusing(job: Any, modify_index: int | None = None) -> Any:
        raise FAULTS[fault]

    world.nomad.register = refusing  # type: ignore[method-assign]
    answer = await deploy(client)
    world.nomad.register = register  # type: ignore[method-assign]
    assert answer.status_code == 502
    (ended,) = await world.store.deployments.newest("stage", "checkout")
    assert (ended.state, ended.reason) == ("failed", FAULTS[fault].message)
    assert await world.nomad.job("checkout") is None
    assert (await over(client, await deploy(client)))["state"] == "successful"


# The database


def sound(directory: Path) -> None:
    with sqlite3.connect(directory / "portal.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def refused(client: httpx2.AsyncClient, world: World, words: str) -> None:
    """A deploy is answered 503 as something that can be tried again, and left nothing at Nomad."""
    answer = await deploy(client)
    assert answer.status_code == 503, answer.text
    assert words in answer.json()["detail"]
    assert answer.json()["next_step"] == "Try again."
    assert (world.nomad.registrations, await world.nomad.job("checkout")) == (0, None)


async def works_again(client: httpx2.AsyncClient, world: World, directory: Path) -> None:
    assert (await over(client, await deploy(client)))["state"] == "successful"
    assert (world.nomad.registrations, await world.store.deployments.unfinished()) == (1, ())
    sound(directory)


async def test_d21_a_database_that_somebody_locks_is_503_and_works_when_it_is_free(
    world: World, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    limited(world, "busy_timeout=50")
    other = sqlite3.connect(tmp_path / "portal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await refused(client, world, "locked")
    other.execute("ROLLBACK")
    other.close()
    await works_again(client, world, tmp_path)


async def test_d21_a_disk_that_is_full_is_503_and_leaves_no_half_deploy(
    world: World, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    restore = limited(world, "max_page_count=1")
    await refused(client, world, "full")
    restore()
    await works_again(client, world, tmp_path)


async def test_d21_a_database_that_is_read_only_is_503_and_can_still_be_read(
    world: World, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    restore = limited(world, "query_only=ON")
    await refused(client, world, "readonly")
    assert (await client.get("/api/v1/services?environment=stage")).status_code == 200
    restore()
    await works_again(client, world, tmp_path)


async def test_d21_a_registration_that_could_not_be_written_down_is_found_in_nomad_and_not_made_again(
    world: World, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    register, restore = world.nomad.register, bool

    async def registered(job: Any, modify_index: int | None = None) -> Any:
        nonlocal restore
        answer = await register(job, modify_index)
        restore = limited(world, "query_only=ON")  # type: ignore[assignment]
        return answer

    world.nomad.register = registered  # type: ignore[method-assign]
    answer = await deploy(client)
    restore()
    assert answer.status_code == 503
    (left,) = await world.store.deployments.unfinished()
    async with world.store.database.writing() as connection:
        await connection.exec_driver_sql(
            "UPDATE deployments SET created_at = strftime('%Y-%m-%d %H:%M:%f000', 'now', '-20 seconds')"
        )
    world.limits = replace(world.limits, silence=600.0)
    second = world.application()
    world.runner.start()
    async with asyncio.timeout(20):
        async for _ in await second.feed(ADA, left.id):
            pass
    found = await second.deployment(ADA, left.id)
    assert (found.state, world.nomad.registrations) == ("successful", 1)
    sound(tmp_path)


BACK = {"max_page_count=1": "max_page_count=1000000", "query_only=ON": "query_only=OFF"}


def limited(world: World, pragma: str) -> Any:
    """Every connection to the database has this limit from now on, until what is returned is called."""
    engine = world.store.database._engine.sync_engine

    def limit(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine, "checkout", limit)

    def restore() -> None:
        event.remove(engine, "checkout", limit)
        event.listen(engine, "checkout", lambda connection, *_: connection.execute(f"PRAGMA {BACK[pragma]}").close())

    return restore
