"""Approvals, digests and batches as both databases keep them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from outrider.operations.batches import Batch, BatchMember
from outrider.operations.records import Deployment
from outrider.operations.release_records import Approval, ImageDigest
from outrider.store.store import SqlStore

NOW = datetime.now(UTC)


@pytest.fixture
def service() -> str:
    return f"s-{uuid.uuid4()}"


async def test_approvals_are_those_of_one_service_and_environment_newest_first(store: SqlStore, service: str) -> None:
    first = Approval(str(uuid.uuid4()), "production", service, "stage", 7, "kim", "load test", NOW)
    second = replace(first, id=str(uuid.uuid4()), by="ada", at=NOW + timedelta(seconds=1))
    for one in (first, second, replace(first, id=str(uuid.uuid4()), environment="other")):
        await store.approvals.add_approval(one)
    assert await store.approvals.approvals("production", service) == (second, first)


async def test_the_first_digest_of_a_version_stands(store: SqlStore, service: str) -> None:
    first = ImageDigest("stage", service, 1, "app:1", "sha256:a", NOW)
    await store.digests.add_digest(first)
    await store.digests.add_digest(replace(first, digest="sha256:b"))
    assert await store.digests.digest("stage", service, 1) == first
    assert await store.digests.digest("stage", service, 2) is None


async def test_a_deployment_knows_which_version_of_which_environment_it_brought_over(
    store: SqlStore, service: str
) -> None:
    made = Deployment(
        str(uuid.uuid4()),
        "production",
        service,
        "release",
        "pending",
        "ada",
        NOW,
        from_environment="stage",
        from_version=7,
    )
    await store.deployments.add_deployment(made)
    kept = await store.deployments.with_id(made.id)
    assert kept is not None
    assert (kept.kind, kept.from_environment, kept.from_version) == ("release", "stage", 7)


def batch(*members: BatchMember) -> Batch:
    return Batch(str(uuid.uuid4()), "stage", "running", "ada", NOW, members)


async def test_a_batch_keeps_the_order_of_its_members_and_how_far_each_has_come(store: SqlStore) -> None:
    made = batch(BatchMember("z", 0, ()), BatchMember("a", 1, ("z",)))
    assert await store.batches.add_batch(made, {"specs": {}}) == made
    await store.batches.save_member(
        made.id, replace(made.members[1], state="failed", reason="boom", deployment="d", version=3)
    )
    kept = await store.batches.with_id(made.id)
    assert kept is not None
    assert kept.members == (made.members[0], BatchMember("a", 1, ("z",), "failed", "boom", "d", 3))
    assert await store.batches.asked(made.id) == {"specs": {}}
    assert made.id in [one.id for one in await store.batches.unfinished()]
    await store.batches.end_batch(made.id, "failed")
    over = await store.batches.with_id(made.id)
    assert over is not None
    assert (over.state, over.ended_at is not None) == ("failed", True)
    assert made.id not in [one.id for one in await store.batches.unfinished()]


async def test_a_batch_with_a_known_id_is_the_one_that_is_there(store: SqlStore) -> None:
    made = batch(BatchMember("a", 0, ()))
    await store.batches.add_batch(made, {"specs": {"a": 1}})
    again = await store.batches.add_batch(replace(made, created_by="kim", members=(BatchMember("b", 0, ()),)), {})
    assert (again, await store.batches.asked(made.id)) == (made, {"specs": {"a": 1}})


async def test_one_portal_at_a_time_drives_a_batch_and_none_one_that_has_ended(store: SqlStore) -> None:
    made = await store.batches.add_batch(batch(BatchMember("a", 0, ())), {})
    assert await store.batches.claim(made.id, "one", 60)
    assert not await store.batches.claim(made.id, "two", 60)
    assert await store.batches.claim(made.id, "one", -1)
    assert await store.batches.claim(made.id, "two", 60)
    await store.batches.end_batch(made.id, "successful")
    assert not await store.batches.claim(made.id, "two", 60)
