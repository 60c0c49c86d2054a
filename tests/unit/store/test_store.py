"""The same sentences hold for SQLite and for PostgreSQL; services have names of their own, as the database is shared."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from outrider.operations.event_details import Accepted, Ended, Warned
from outrider.operations.records import Deployment, Draft, Override, Request
from outrider.operations.stop_records import Freeze, Lock, Rejection
from outrider.spec.stored import FORMAT, Declared, stored_part
from outrider.store.storage.folder import Folder
from outrider.store.store import SqlStore, opened_store

BOOM = Ended("failed", placed=True, reason="boom")


@pytest.fixture
def service() -> str:
    return f"s-{uuid.uuid4()}"


def draft(service: str, protocol: str = "http", artifacts: tuple[str, ...] = ()) -> Draft:
    return Draft(
        environment="stage",
        service=service,
        hash="abc",
        protocol=protocol,
        file="outrider.yaml",
        spec=f"service: {service}\n",
        merged={"service": service, "upstreams": {}},
        job={"ID": service},
        bootstrap="{{ env `X` }}",
        artifacts=artifacts,
        created_by="ada",
        format=FORMAT,
    )


def deployment(service: str) -> Deployment:
    return Deployment(
        id=str(uuid.uuid4()),
        environment="stage",
        service=service,
        kind="run",
        state="pending",
        created_by="ada",
        created_at=datetime.now(UTC),
    )


async def test_versions_are_numbered_per_service_and_come_back_as_they_were(store: SqlStore, service: str) -> None:
    first = await store.versions.add_version(draft(service, artifacts=("b", "a")))
    second = await store.versions.add_version(draft(service))
    other = await store.versions.add_version(draft(service + "x"))
    assert (first.number, second.number, other.number) == (1, 2, 1)
    assert await store.versions.numbered("stage", service, 1) == replace(first, artifacts=("a", "b"))
    assert await store.versions.newest_version("stage", service) == second


async def test_writers_at_the_same_time_get_numbers_without_gaps(store: SqlStore, service: str) -> None:
    made = await asyncio.gather(*(store.versions.add_version(draft(service)) for _ in range(8)))
    assert sorted(version.number for version in made) == list(range(1, 9))


async def test_an_unknown_version_is_none(store: SqlStore, service: str) -> None:
    assert await store.versions.numbered("stage", service, 1) is None
    assert await store.versions.summaries("stage", service) == ()
    assert await store.versions.newest_version("stage", service) is None
    assert await store.versions.running_version("stage", service, "abc") is None


async def spoken(store: SqlStore, service: str) -> str:
    return {one.service: one.protocol for one in await store.versions.declarations("stage")}[service]


async def test_the_newest_version_says_what_a_service_speaks(store: SqlStore, service: str) -> None:
    await store.versions.add_version(draft(service, "http"))
    await store.versions.add_version(draft(service, "grpc"))
    assert await spoken(store, service) == "grpc"
    assert service in await store.versions.services("stage")
    assert service not in await store.versions.services("production")


async def test_the_newest_version_says_whether_a_redis_shares_its_keys_out(store: SqlStore, service: str) -> None:
    made = draft(service, "redis")
    await store.versions.add_version(made)
    assert await shards(store, service) is False
    await store.versions.add_version(replace(made, merged={**made.merged, "shard": True}))
    assert await shards(store, service) is True
    await store.versions.add_version(replace(made, merged={**made.merged, "shard": False}))
    assert await shards(store, service) is False


async def shards(store: SqlStore, service: str) -> bool:
    (said,) = [one for one in await store.versions.declarations("stage") if one.service == service]
    return stored_part(Declared, json.loads(said.said), said.format, service).shard


async def test_the_format_of_a_spec_is_kept_beside_it(store: SqlStore, service: str) -> None:
    await store.versions.add_version(replace(draft(service), format=7))
    found = await store.versions.numbered("stage", service, 1)
    assert found
    assert found.format == 7
    assert [one.format for one in await store.versions.declarations("stage") if one.service == service] == [7]


async def test_a_deployment_comes_back_as_it_was_saved(store: SqlStore, service: str) -> None:
    made = await store.deployments.add_deployment(deployment(service))
    changed = replace(made, state="running", modify_index=2**40, evaluation="e", version=3)
    await store.deployments.save_deployment(changed)
    assert await store.deployments.with_id(made.id) == changed
    assert await store.deployments.newest("stage", service) == (changed,)


async def test_a_second_deployment_with_the_same_key_is_the_first(store: SqlStore, service: str) -> None:
    first = await store.deployments.add_deployment(replace(deployment(service), idempotency_key=service))
    second = await store.deployments.add_deployment(replace(deployment(service), idempotency_key=service))
    assert second == first
    assert await store.requests.with_key(service) == Request(service, None, first.id)
    assert await store.requests.with_key(f"{service} of nobody") is None
    assert await store.deployments.with_id("nobody's") is None


async def test_of_many_deployments_with_one_key_at_once_one_is_made(store: SqlStore, service: str) -> None:
    asked = [replace(deployment(service), idempotency_key=service, request_hash="h") for _ in range(8)]
    kept = await asyncio.gather(*(store.deployments.add_deployment(one) for one in asked))
    assert len({one.id for one in kept}) == 1
    assert await store.deployments.newest("stage", service) == (kept[0],)


async def test_a_request_that_made_no_deployment_is_known_again(store: SqlStore, service: str) -> None:
    first, second = [await store.deployments.add_deployment(deployment(service)) for _ in range(2)]
    asked = Request(service, "hash", first.id)
    assert await store.requests.add_request(asked) == asked
    assert await store.requests.add_request(Request(service, "other", second.id)) == asked
    assert await store.requests.with_key(service) == asked
    assert (
        await store.deployments.add_deployment(replace(deployment(service), idempotency_key=service))
    ).id == first.id


async def test_a_request_is_answered_with_a_deployment_that_there_is(store: SqlStore, service: str) -> None:
    with pytest.raises(IntegrityError):
        await store.requests.add_request(Request(service, "hash", "nobody's"))
    assert await store.requests.with_key(service) is None


async def test_the_unfinished_ones_are_those_without_a_verdict(store: SqlStore, service: str) -> None:
    open_one = await store.deployments.add_deployment(deployment(service))
    ended = await store.deployments.add_deployment(deployment(service))
    await store.events.end_deployment(replace(ended, state="failed", reason="boom"), BOOM)
    ours = [one.id for one in await store.deployments.unfinished() if one.service == service]
    assert ours == [open_one.id]


async def test_a_verdict_is_the_last_event_and_the_state_at_once(store: SqlStore, service: str) -> None:
    made = await store.deployments.add_deployment(deployment(service))
    await store.events.add_event(made.id, "deploy", Accepted("run", "ada", version=1, hash="abc"))
    await store.events.end_deployment(replace(made, state="failed", reason="boom"), BOOM)
    found = await store.events.after(made.id)
    assert [(event.number, event.kind, event.message) for event in found] == [
        (1, "accepted", "deploy"),
        (2, "verdict", "boom"),
    ]
    assert found[0].at.tzinfo is not None
    assert found[0].detail == Accepted("run", "ada", version=1, hash="abc")
    assert found[1].detail == BOOM


async def test_events_are_numbered_without_gaps_and_read_from_any_of_them(store: SqlStore, service: str) -> None:
    made = await store.deployments.add_deployment(deployment(service))
    await asyncio.gather(*(store.events.add_event(made.id, "x", Warned()) for _ in range(6)))
    assert [event.number for event in await store.events.after(made.id)] == [1, 2, 3, 4, 5, 6]
    assert [event.number for event in await store.events.after(made.id, after=4)] == [5, 6]


async def test_one_portal_at_a_time_holds_a_deployment(store: SqlStore, service: str) -> None:
    made = await store.deployments.add_deployment(deployment(service))
    assert await store.deployments.claim(made.id, "one", 60)
    assert await store.deployments.claim(made.id, "one", 60)
    assert not await store.deployments.claim(made.id, "two", 60)
    await store.deployments.release(made.id, "one")
    assert await store.deployments.claim(made.id, "two", 60)


async def test_a_lease_that_has_run_out_is_anybodys(store: SqlStore, service: str) -> None:
    made = await store.deployments.add_deployment(deployment(service))
    assert await store.deployments.claim(made.id, "one", 0)
    assert await store.deployments.claim(made.id, "two", 60)


async def test_a_lease_ends_when_it_was_said_to(store: SqlStore, service: str) -> None:
    made = await store.deployments.add_deployment(deployment(service))
    assert await store.deployments.claim(made.id, "one", 0.2)
    assert not await store.deployments.claim(made.id, "two", 60)
    await asyncio.sleep(0.3)
    assert await store.deployments.claim(made.id, "two", 60)


async def test_nobody_gives_back_the_lease_of_another(store: SqlStore, service: str) -> None:
    made, other = [await store.deployments.add_deployment(deployment(service)) for _ in range(2)]
    for one in (made, other):
        assert await store.deployments.claim(one.id, "one", 60)
    await store.deployments.release(made.id, "two")
    assert not await store.deployments.claim(made.id, "two", 60)
    await store.deployments.release(made.id, "one")
    assert await store.deployments.claim(made.id, "two", 60)
    assert not await store.deployments.claim(other.id, "two", 60), "it was another deployment's"


async def test_a_deployment_that_is_saved_changes_no_other(store: SqlStore, service: str) -> None:
    first, second = [await store.deployments.add_deployment(deployment(service)) for _ in range(2)]
    await store.deployments.save_deployment(replace(first, state="running"))
    assert await store.deployments.with_id(second.id) == second
    await store.events.end_deployment(replace(first, state="failed", reason="boom"), BOOM)
    assert await store.deployments.with_id(second.id) == second
    assert await store.events.after(second.id) == ()


async def test_deployments_come_newest_first_and_no_more_than_asked_for(store: SqlStore, service: str) -> None:
    at = datetime.now(UTC)
    for age in (1, 3, 2):
        await store.deployments.add_deployment(
            replace(deployment(service), created_at=at - timedelta(hours=age), reason=f"{age}")
        )
    assert [one.reason for one in await store.deployments.newest("stage", service)] == ["1", "2", "3"]
    assert [one.reason for one in await store.deployments.newest("stage", service, limit=2)] == ["1", "2"]
    assert await store.deployments.newest("production", service) == ()
    ours = [one.reason for one in await store.deployments.unfinished() if one.service == service]
    assert ours == ["3", "2", "1"], "the oldest is taken up first"


async def test_versions_of_another_environment_are_counted_by_themselves(store: SqlStore, service: str) -> None:
    for environment, number in (("stage", 1), ("stage", 2), ("production", 1)):
        made = await store.versions.add_version(
            replace(draft(service, artifacts=(environment,)), environment=environment)
        )
        assert made.number == number
    stored = await store.versions.newest_version("production", service)
    assert stored is not None
    assert stored.artifacts == ("production",)
    assert [one.number for one in await store.versions.summaries("stage", service)] == [2, 1]


async def test_a_save_does_not_touch_the_lease(store: SqlStore, service: str) -> None:
    made = await store.deployments.add_deployment(deployment(service))
    assert await store.deployments.claim(made.id, "one", 60)
    await store.deployments.save_deployment(replace(made, state="running"))
    assert not await store.deployments.claim(made.id, "two", 60)


async def test_the_newest_version_says_what_a_service_calls(store: SqlStore, service: str) -> None:
    calls = {"payments": {"timeout": 800, "retries": None}}
    await store.versions.add_version(replace(draft(service), merged={"service": service, "upstreams": {"old": {}}}))
    await store.versions.add_version(replace(draft(service), merged={"service": service, "upstreams": calls}))
    await store.versions.add_version(replace(draft(service + "x"), merged={"service": service + "x"}))
    found = {one.service: json.loads(one.said)["upstreams"] for one in await store.versions.declarations("stage")}
    assert (found[service], found[service + "x"]) == (calls, None)
    assert service not in [one.service for one in await store.versions.declarations("production")]


async def test_a_version_is_found_by_its_hash_the_newest_of_several(store: SqlStore, service: str) -> None:
    for hash_, calls in (("h1", {"a": {}}), ("h1", {"b": {}}), ("h2", {"c": {}})):
        await store.versions.add_version(replace(draft(service), hash=hash_, merged={"upstreams": calls}))
    found = await store.versions.declaration("stage", service, "h1")
    assert found
    assert (found.hash, found.format, json.loads(found.said)["upstreams"]) == ("h1", FORMAT, {"b": {}})
    assert await store.versions.declaration("stage", service, "h3") is None
    assert await store.versions.declaration("production", service, "h1") is None


async def test_a_declaration_is_that_of_the_version_that_came_up_last_whatever_came_up_before(
    store: SqlStore, service: str
) -> None:
    now = datetime.now(UTC)
    for number, calls, seconds in ((1, "a", 3), (2, "b", 2), (3, "c", 1)):
        await store.versions.add_version(replace(draft(service), hash=calls, merged={"upstreams": {calls: {}}}))
        came_up = replace(deployment(service), state="successful", version=number, modify_index=number)
        await store.deployments.add_deployment(replace(came_up, created_at=now + timedelta(seconds=seconds)))
    found = [
        json.loads(one.said)["upstreams"]
        for one in await store.versions.declarations("stage")
        if one.service == service
    ]
    assert found == [{"a": {}}]


async def test_a_declaration_that_was_read_before_gives_way_to_that_of_the_version_that_came_up_since(
    store: SqlStore, service: str
) -> None:
    now = datetime.now(UTC)
    for number, protocol in ((1, "http"), (2, "grpc"), (1, "http")):
        if protocol not in [one.protocol for one in await store.versions.summaries("stage", service)]:
            await store.versions.add_version(draft(service, protocol))
        came_up = replace(deployment(service), state="successful", version=number, modify_index=number)
        now += timedelta(seconds=1)
        await store.deployments.add_deployment(replace(came_up, created_at=now))
        assert await spoken(store, service) == protocol
    await store.versions.add_version(draft(service + "z", "tcp"))
    assert (await spoken(store, service), await spoken(store, service + "z")) == ("http", "tcp")


async def test_changes_are_numbered_per_service_in_their_order_and_come_back_as_they_were(
    store: SqlStore, service: str
) -> None:
    past = (Override("freeze", "it is frozen"), Override("deploying"))
    first = await store.deployments.add_deployment(replace(deployment(service), cause="why", overrides=past))
    second = await store.deployments.add_deployment(deployment(service))
    other = await store.deployments.add_deployment(deployment(service + "x"))
    assert (first.release, second.release, other.release) == (1, 2, 1)
    assert await store.deployments.with_id(first.id) == first
    assert (first.cause, first.overrides) == ("why", past)


async def test_a_request_that_comes_again_takes_no_number(store: SqlStore, service: str) -> None:
    key = str(uuid.uuid4())
    first = await store.deployments.add_deployment(replace(deployment(service), idempotency_key=key))
    again = await store.deployments.add_deployment(replace(deployment(service), idempotency_key=key))
    assert again == first
    assert (await store.deployments.add_deployment(deployment(service))).release == 2


async def test_two_portals_never_give_one_number_twice(
    store: SqlStore, url: str, storage: Folder, service: str
) -> None:
    other = await opened_store(url, storage)
    try:
        added = (one.deployments.add_deployment(deployment(service)) for one in (store, other) * 5)
        assert sorted(one.release or 0 for one in await asyncio.gather(*added)) == list(range(1, 11))
    finally:
        await other.close()


def lock(service: str, holder: str, *, ends_in_s: float = 60.0) -> Lock:
    now = datetime.now(UTC)
    return Lock("stage", service, holder, f"by {holder}", now, now + timedelta(seconds=ends_in_s))


async def test_a_lock_is_one_holders_until_it_is_given_back(store: SqlStore, service: str) -> None:
    first, second = lock(service, "first"), lock(service, "second")
    assert await store.locks.take(first) == first
    assert await store.locks.take(second) == first
    assert await store.locks.take(lock(service + "x", "second")) != first
    await store.locks.free(second)
    assert await store.locks.take(second) == first
    await store.locks.free(first)
    assert await store.locks.take(second) == second


async def test_a_lock_whose_lease_is_over_goes_to_the_next_and_its_holder_may_renew_it(
    store: SqlStore, service: str
) -> None:
    await store.locks.take(lock(service, "first", ends_in_s=-1))
    renewed = lock(service, "first")
    assert await store.locks.take(renewed) == renewed
    await store.locks.take(lock(service, "first", ends_in_s=-1))
    second = lock(service, "second")
    assert await store.locks.take(second) == second


async def test_of_portals_that_ask_at_once_one_has_the_lock(
    store: SqlStore, url: str, storage: Folder, service: str
) -> None:
    other = await opened_store(url, storage)
    try:
        asked = (one.locks.take(lock(service, f"h{number}")) for number, one in enumerate((store, other) * 5))
        assert len({found.holder for found in await asyncio.gather(*asked)}) == 1
    finally:
        await other.close()


async def test_a_freeze_holds_until_its_time_or_until_it_is_lifted_once(store: SqlStore, service: str) -> None:
    now = datetime.now(UTC)
    environment = service
    over, holds = (
        Freeze(str(uuid.uuid4()), environment, "team", "web", "why", "ana", now, now + timedelta(seconds=seconds))
        for seconds in (1, 60)
    )
    for one in (over, holds):
        await store.freezes.add_freeze(one)
    assert await store.freezes.freezes(environment, now) == (over, holds)
    assert await store.freezes.freezes(environment, over.until) == (holds,)
    assert await store.freezes.freezes("another", now) == ()
    assert await store.freezes.lift_freeze(holds, "ben", now)
    assert not await store.freezes.lift_freeze(holds, "eve", now)
    assert await store.freezes.freezes(environment, over.until) == ()


async def test_a_rejection_stands_until_it_is_lifted_once(store: SqlStore, service: str) -> None:
    now = datetime.now(UTC)
    found = Rejection(str(uuid.uuid4()), "stage", service, 3, "abc", "part", "why", "ana", now)
    await store.rejections.add_rejection(found)
    assert await store.rejections.rejections("stage", service) == (found,)
    assert await store.rejections.rejections("production", service) == ()
    assert await store.rejections.lift_rejection(found, "ben", now)
    assert not await store.rejections.lift_rejection(found, "eve", now)
    assert await store.rejections.rejections("stage", service) == ()
