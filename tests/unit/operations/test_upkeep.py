"""The work in the background: old versions and artifacts go, and nothing that a version, a job or a deploy needs."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes.nomad import NomadSimulator
from fakes.world import ADA, World, finished, in_pieces, kept
from outrider_ground.errors import RemoteError
from sqlalchemy import delete, update

from outrider.documents import Json
from outrider.operations.application import Application
from outrider.operations.changes import Text
from outrider.operations.exec_records import Exec
from outrider.operations.opening import Order
from outrider.operations.upkeep.retention import Bounds
from outrider.operations.upkeep.upkeep import WORK, Done, Upkeep
from outrider.store.tables import artifacts, deployments, version_artifacts

ME = Order(by=ADA)
SPEC = "service: checkout\nrun: {command: [./app], directory: app}\n"


@pytest.fixture
async def application(world: World) -> Application:
    return world.application()


def upkeep(world: World, application: Application, versions: int = 2) -> Upkeep:
    bounds = Bounds(versions, datetime.now(UTC) - timedelta(days=30))
    return Upkeep(world.store, application.environments, lambda: bounds)


async def deployed(application: Application, content: bytes) -> str:
    """The SHA-256 of the directory that runs by now."""
    sha256 = await kept(application, content)
    ended = await finished(application, await application.changes.deploy("stage", Text(SPEC, artifact=sha256), ME))
    assert ended.state == "successful", ended.reason
    return sha256


async def aged(world: World, days: float) -> None:
    """Everything as if it had happened so long ago."""
    then = datetime.now(UTC) - timedelta(days=days)
    async with world.store.database.writing() as connection:
        await connection.execute(update(artifacts).values(added_at=then))
        await connection.execute(update(deployments).values(created_at=then, ended_at=then))


async def stored(world: World) -> set[str]:
    return {one.sha256 for one in await world.store.artifacts.artifacts()}


async def test_an_upload_that_nobody_deploys_goes_after_a_day_and_not_before(
    world: World, application: Application
) -> None:
    sha256 = await kept(application, b"nobody's")
    work = upkeep(world, application)
    await aged(world, 0.99)
    assert await work.once() == Done()
    assert await stored(world) == {sha256}
    await aged(world, 1.01)
    assert await work.once() == Done(artifacts=1)
    assert await stored(world) == set()


async def test_what_a_stored_version_refers_to_stays_for_ever(world: World, application: Application) -> None:
    first, second = await deployed(application, b"one"), await deployed(application, b"two")
    await aged(world, 5000)
    assert await upkeep(world, application).once() == Done()
    assert await stored(world) == {first, second}


async def test_an_old_job_that_nomad_itself_still_knows_keeps_its_version_and_its_artifact(
    world: World, application: Application
) -> None:
    """A reschedule or Nomad's own revert, months later, fetches it again."""
    found = [await deployed(application, str(number).encode()) for number in range(4)]
    past = await world.store.retention.past("stage", "checkout")
    assert await world.store.retention.forget(past, [], await old_ids(world)) == (0, 2)
    await aged(world, 5000)
    done = await upkeep(world, application).once()
    assert done == Done()
    assert await stored(world) == set(found)


async def old_ids(world: World) -> list[str]:
    past = await world.store.retention.past("stage", "checkout")
    return [one.id for one in past.deployments if one.version in {1, 2}]


async def test_old_versions_go_with_their_artifacts_where_neither_nomad_nor_history_knows_them(
    world: World, application: Application
) -> None:
    found = [await deployed(application, str(number).encode()) for number in range(4)]
    await world.nomad.deregister("checkout", purge=True)
    await world.store.retention.forget(await world.store.retention.past("stage", "checkout"), [], await old_ids(world))
    await aged(world, 40)
    done = await upkeep(world, application).once()
    assert done == Done(versions=1, artifacts=1), "version 2 is named as what ran before 3"
    assert await stored(world) == set(found[1:])
    (later,) = [await deployed(application, b"later")]
    newest = await world.store.versions.newest_version("stage", "checkout")
    assert newest is not None
    assert (newest.number, later in newest.artifacts) == (5, True)


async def test_where_a_nomad_is_away_nothing_of_it_goes_and_no_artifact_at_all(
    world: World, application: Application
) -> None:
    sha256 = await kept(application, b"nobody's")
    await deployed(application, b"one")
    await aged(world, 5000)

    environments = {"stage": replace(application.environments["stage"], nomad=Away())}
    work = Upkeep(world.store, environments, lambda: Bounds(2, datetime.now(UTC)))
    assert await work.once() == Done(left_out=("stage",))
    assert sha256 in await stored(world)


async def test_who_ran_what_is_forgotten_when_it_is_as_old_as_deployments_that_are(
    world: World, application: Application
) -> None:
    now = datetime.now(UTC)
    made = Exec("1", "stage", "checkout", "a1", "app", ("env",), has_terminal=False, by="ada", at=now)
    for number, days in enumerate((29, 31, 400)):
        await world.store.execs.add_exec(replace(made, id=str(number), at=now - timedelta(days=days)))
    assert await upkeep(world, application).once() == Done(execs=2)
    assert [one.id for one in await world.store.execs.execs("stage", "checkout", 50)] == ["0"]


class Away(NomadSimulator):
    async def versions(self, job_id: str) -> list[Json]:
        raise RemoteError("Nomad is away", status=503)


async def test_one_portal_at_a_time_does_it_and_a_backup_keeps_it_off(world: World, application: Application) -> None:
    await kept(application, b"nobody's")
    await aged(world, 5)
    assert await world.store.leases.take(WORK, "a backup", 60)
    assert await upkeep(world, application).once() is None
    await world.store.leases.give_back(WORK, "a backup")
    assert await upkeep(world, application).once() == Done(artifacts=1)
    assert await world.store.leases.take(WORK, "a backup", 60), "given back"


async def test_an_upload_older_than_a_day_is_safe_as_soon_as_a_deploy_asks_for_it(
    world: World, application: Application
) -> None:
    """Uploaded long ago by the API, deployed now, while the collection is at it at any moment."""
    for turn in range(5):
        content = f"turn {turn}".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        await world.store.artifacts.add_artifact(in_pieces(content), sha256)
        await aged(world, 2)
        work = upkeep(world, application)
        begun, done = await asyncio.gather(
            application.changes.deploy("stage", Text(SPEC, artifact=sha256), ME), work.once(), return_exceptions=True
        )
        if isinstance(begun, BaseException):
            assert "is stored" in str(begun), begun
            assert isinstance(done, Done)
            assert done.artifacts == 1
            continue
        await finished(application, begun)
        found = await world.store.artifacts.artifact(sha256)
        assert found is not None
        pieces = await world.store.artifacts.opened(found, 0, found.size)
        assert pieces is not None
        assert b"".join([piece async for piece in pieces]) == content


async def test_it_goes_on_by_itself_and_ends_with_the_portal(world: World, application: Application) -> None:
    work = upkeep(world, application)
    work.start()
    await asyncio.sleep(0)
    await work.close()
    assert await world.store.leases.take(WORK, "another", 60)


async def test_what_a_job_in_nomad_names_stays_though_no_version_here_refers_to_it(
    world: World, application: Application
) -> None:
    named = await deployed(application, b"named")
    async with world.store.database.writing() as connection:
        await connection.execute(delete(version_artifacts))
    await aged(world, 5000)
    assert await upkeep(world, application).once() == Done()
    assert await stored(world) == {named}
