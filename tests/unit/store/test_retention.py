"""What is forgotten of a service, on both databases: never what somebody names, and no number twice."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes.world import in_pieces
from outrider_ground.errors import ConflictError
from sqlalchemy import select

from outrider.operations.event_details import Warned
from outrider.operations.records import Deployment, Draft, Past, Request, Version
from outrider.store.store import SqlStore
from outrider.store.tables import platforms, version_artifacts

NOW = datetime.now(UTC)


def draft(service: str, artifacts: tuple[str, ...] = ()) -> Draft:
    return Draft(
        environment="stage",
        service=service,
        hash="abc",
        protocol="http",
        file="outrider.yaml",
        spec=f"service: {service}\n",
        merged={"service": service},
        job={"ID": service},
        bootstrap=None,
        artifacts=artifacts,
        created_by="ada",
        format=1,
    )


def deployment(version: Version, **more: object) -> Deployment:
    made = Deployment(
        id=str(uuid.uuid4()),
        environment=version.environment,
        service=version.service,
        kind="run",
        state="successful",
        created_by="ada",
        created_at=NOW,
        version=version.number,
    )
    return replace(made, **more)  # type: ignore[arg-type]


async def versions_of(store: SqlStore, service: str, count: int, artifacts: tuple[str, ...] = ()) -> list[Version]:
    return [await store.versions.add_version(draft(service, artifacts)) for _ in range(count)]


async def test_what_is_forgotten_takes_along_what_refers_to_it_alone(store: SqlStore) -> None:
    one, two = await versions_of(store, "checkout", 2, ("a" * 64,))
    old, young = [await store.deployments.add_deployment(deployment(each)) for each in (one, two)]
    for each in (old, young):
        await store.events.add_event(each.id, "a line", Warned())
        await store.requests.add_request(Request(f"k-{each.id}", None, each.id))
    past = await store.retention.past("stage", "checkout")
    assert await store.retention.forget(past, [1], [old.id]) == (1, 1)
    assert await store.versions.numbered("stage", "checkout", 1) is None
    assert await store.deployments.with_id(old.id) is None
    assert await store.requests.with_key(f"k-{old.id}") is None
    assert await store.events.after(old.id) == ()
    async with store.database.reading() as connection:
        assert (await connection.execute(select(version_artifacts.c.number))).scalars().all() == [2]
    assert await store.versions.numbered("stage", "checkout", 2) == two
    assert (await store.deployments.with_id(young.id), len(await store.events.after(young.id))) == (young, 1)


async def test_the_past_is_that_of_one_service_in_one_environment(store: SqlStore) -> None:
    (one,) = await versions_of(store, "checkout", 1)
    await versions_of(store, "payments", 2)
    done = await store.deployments.add_deployment(deployment(one))
    past = await store.retention.past("stage", "checkout")
    assert ([each.number for each in past.versions], past.deployments) == ([1], (done,))
    assert await store.retention.past("production", "checkout") == Past("production", "checkout", (), ())


async def test_numbers_are_not_given_again(store: SqlStore) -> None:
    await versions_of(store, "checkout", 3)
    past = await store.retention.past("stage", "checkout")
    assert await store.retention.forget(past, [1, 2, 3], []) == (3, 0)
    (later,) = await versions_of(store, "checkout", 1)
    assert later.number == 4


@pytest.mark.parametrize("field", ["version", "previous"])
async def test_a_version_that_a_deployment_names_by_now_stays(store: SqlStore, field: str) -> None:
    one, two, _ = await versions_of(store, "checkout", 3)
    past = await store.retention.past("stage", "checkout")
    await store.deployments.add_deployment(deployment(one) if field == "version" else deployment(two, previous=1))
    gone, _ = await store.retention.forget(past, [1], [])
    assert gone == 0
    assert await store.versions.numbered("stage", "checkout", 1) is not None


async def test_a_deployment_of_a_version_that_was_forgotten_meanwhile_is_refused(store: SqlStore) -> None:
    (one,) = await versions_of(store, "checkout", 1)
    past = await store.retention.past("stage", "checkout")
    await store.retention.forget(past, [1], [])
    with pytest.raises(ConflictError, match=r"version 1 of checkout is not stored \(any more\)"):
        await store.deployments.add_deployment(deployment(one))
    assert await store.deployments.newest("stage", "checkout") == ()


async def test_whoever_opens_a_deployment_and_whoever_forgets_its_version_wait_for_each_other(store: SqlStore) -> None:
    """However they meet, there is no deployment whose version is gone."""
    for turn in range(20):
        (one,) = await versions_of(store, f"s{turn}", 1)
        past = await store.retention.past("stage", one.service)
        opened, gone = await asyncio.gather(
            store.deployments.add_deployment(deployment(one)),
            store.retention.forget(past, [1], []),
            return_exceptions=True,
        )
        is_there = await store.versions.numbered("stage", one.service, 1) is not None
        assert is_there == isinstance(opened, Deployment), (opened, gone)


async def test_one_process_at_a_time_has_a_lease_until_it_ends(store: SqlStore) -> None:
    assert await store.leases.take("work", "one", 60)
    assert await store.leases.take("work", "one", 60), "renewed"
    assert not await store.leases.take("work", "two", 60)
    await store.leases.give_back("work", "two")
    assert not await store.leases.take("work", "two", 60)
    await store.leases.give_back("work", "one")
    assert await store.leases.take("work", "two", -1)
    assert await store.leases.take("work", "one", 60), "it had run out"


async def test_of_many_that_ask_at_once_one_has_the_lease(store: SqlStore) -> None:
    taken = await asyncio.gather(*(store.leases.take("work", str(number), 60) for number in range(8)))
    assert sum(taken) == 1


async def test_artifacts_stay_as_long_as_a_version_refers_to_them(store: SqlStore) -> None:
    used = await store.artifacts.add_artifact(in_pieces(b"used"))
    unused = await store.artifacts.add_artifact(in_pieces(b"unused"))
    await versions_of(store, "checkout", 1, (used.sha256,))
    later = NOW + timedelta(hours=1)
    assert await store.artifacts.unused_artifacts(later) == (unused.sha256,)
    assert await store.artifacts.drop_artifacts([used.sha256, unused.sha256], later) == 1
    assert [await store.artifacts.renew_artifact(one.sha256) for one in (used, unused)] == [True, False]
    past = await store.retention.past("stage", "checkout")
    await store.retention.forget(past, [1], [])
    assert await store.artifacts.drop_artifacts([used.sha256], later) == 1


async def test_an_upload_and_who_drops_it_at_the_same_time_leave_it_whole_or_gone(store: SqlStore) -> None:
    content, later = b"bytes of both", NOW + timedelta(hours=1)
    first = await store.artifacts.add_artifact(in_pieces(content))
    for _ in range(15):
        await asyncio.gather(
            store.artifacts.add_artifact(in_pieces(content)),
            store.artifacts.drop_artifacts([first.sha256], later),
        )
        kept = await store.artifacts.artifact(first.sha256)
        if kept is not None:
            pieces = await store.artifacts.opened(kept, 0, kept.size)
            assert pieces is not None, "known, and not there"
            assert b"".join([piece async for piece in pieces]) == content


async def test_two_uploads_of_the_same_bytes_leave_one_object(store: SqlStore) -> None:
    await asyncio.gather(*(store.artifacts.add_artifact(in_pieces(b"same")) for _ in range(4)))
    assert len(await store.artifacts.artifacts()) == 1
    assert await store.artifacts.sweep(NOW + timedelta(hours=1)) <= 3
    (kept,) = await store.artifacts.artifacts()
    assert await store.artifacts.opened(kept, 0, kept.size) is not None
    assert await store.artifacts.sweep(NOW + timedelta(hours=1)) == 0


async def test_what_the_platform_file_said_is_kept_once_and_as_long_as_a_version_names_it(store: SqlStore) -> None:
    said, other = {"defaults.timeout": "5s"}, {"defaults.timeout": "800ms"}
    for platform in (said, said, other, None):
        await store.versions.add_version(replace(draft("checkout"), platform=platform))
    assert await documents(store) == [said, other]
    found = [await store.versions.numbered("stage", "checkout", number) for number in (1, 2, 3, 4)]
    assert [one and one.platform for one in found] == [said, said, other, None]
    past = await store.retention.past("stage", "checkout")
    await store.retention.forget(past, (1, 3), ())
    assert await documents(store) == [said]
    await store.retention.forget(past, (2,), ())
    assert await documents(store) == []


async def documents(store: SqlStore) -> list[dict[str, str]]:
    async with store.database.reading() as connection:
        found = (await connection.execute(select(platforms.c.document))).scalars()
        return sorted(found, key=lambda one: one["defaults.timeout"])
