"""Reads that fit their question: one number, summaries without documents, and all services in a few questions."""

from __future__ import annotations

import uuid
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from outrider.operations.records import Deployment, Draft, VersionSummary
from outrider.spec.stored import FORMAT
from outrider.store.store import SqlStore, opened_store

NOW = datetime.now(UTC)
HEAVY = ("spec", "job", "bootstrap")


@pytest.fixture
def place() -> str:
    """An environment of its own, as the database is shared."""
    return f"e-{uuid.uuid4()}"


def draft(place: str, service: str, hash_: str, **merged: object) -> Draft:
    return Draft(
        environment=place,
        service=service,
        hash=hash_,
        protocol="http",
        file="outrider.yaml",
        spec="",
        merged={"service": service, **merged},
        job={"ID": service},
        bootstrap=None,
        artifacts=(),
        created_by="ada",
        format=FORMAT,
    )


def done(place: str, service: str, age: float, **fields_: object) -> Deployment:
    made = Deployment(
        id=str(uuid.uuid4()),
        environment=place,
        service=service,
        kind="run",
        state="successful",
        created_by="ada",
        created_at=NOW - timedelta(hours=age),
    )
    return replace(made, **fields_)  # type: ignore[arg-type]


async def test_a_list_of_versions_is_newest_first_as_long_as_asked_and_without_documents(
    store: SqlStore, place: str
) -> None:
    made = [await store.versions.add_version(draft(place, "web", f"h{number}")) for number in (1, 2, 3)]
    listed = await store.versions.summaries(place, "web")
    names = [field.name for field in fields(VersionSummary)]
    assert listed == tuple(VersionSummary(**{name: getattr(one, name) for name in names}) for one in reversed(made))
    assert [one.number for one in await store.versions.summaries(place, "web", 2)] == [3, 2]
    assert set(names).isdisjoint(HEAVY)


async def test_lists_and_looks_for_one_number_read_no_document_of_the_others(tmp_path: Path) -> None:
    store, asked = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}"), list[str]()
    try:
        for hash_ in ("a", "b"):
            await store.versions.add_version(draft("stage", "web", hash_))
        event.listen(store.database._engine.sync_engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
        await store.versions.summaries("stage", "web")
        await store.versions.outlines("stage", {"web": "a"})
        assert [text for text in asked if any(f"versions.{name}," in text for name in HEAVY)] == []
        assert (await store.versions.running_version("stage", "web", "a") or made_up()).number == 1
        assert (await store.versions.newest_version("stage", "web") or made_up()).number == 2
        heavy = [text for text in asked if "versions.bootstrap" in text]
        assert len(heavy) == 2
        assert all("versions.number = ?" in text for text in heavy)
    finally:
        await store.close()


def made_up() -> VersionSummary:
    raise AssertionError("there is none")


async def test_the_version_that_runs_is_the_one_of_its_hash_that_was_deployed_last(store: SqlStore, place: str) -> None:
    for hash_ in ("same", "same", "other", "same"):
        await store.versions.add_version(draft(place, "web", hash_))
    assert (await store.versions.running_version(place, "web", "same") or made_up()).number == 4, (
        "nothing was deployed yet"
    )
    await store.deployments.add_deployment(done(place, "web", 3, version=2, modify_index=20))
    await store.deployments.add_deployment(done(place, "web", 2, version=1, modify_index=30))
    await store.deployments.add_deployment(done(place, "web", 1, version=4))
    for _ in range(2):
        await store.versions.add_version(draft(place, "other", "x"))
    await store.deployments.add_deployment(done(place, "other", 0, version=2, modify_index=90))
    assert (await store.versions.running_version(place, "web", "same") or made_up()).number == 1, "4 had nothing to do"
    assert await store.versions.running_version(place, "web", "gone") is None
    assert await store.versions.running_version("nowhere", "web", "same") is None


async def test_outlines_are_of_what_runs_or_else_of_the_newest_for_all_services_at_once(
    store: SqlStore, place: str
) -> None:
    await store.versions.add_version(draft(place, "web", "w1", team="shop", upstreams={"pay": {"timeout": 800}}))
    await store.versions.add_version(draft(place, "web", "w2", description="Sells.", links={"wiki": "http://w"}))
    await store.versions.add_version(draft(place, "pay", "p1"))
    found = await store.versions.outlines(place, {"web": "w1", "pay": "of somebody else", "unknown": None})
    assert set(found) == {"web", "pay"}
    web, pay = found["web"], found["pay"]
    assert (web.number, web.hash) == (1, "w1")
    assert (web.said["team"], web.said["upstreams"]) == ("shop", {"pay": {"timeout": 800}})
    assert (pay.number, pay.hash, set(pay.said.values())) == (1, "p1", {None})
    (newest,) = (await store.versions.outlines(place, {"web": None})).values()
    assert (newest.number, newest.said["description"]) == (2, "Sells.")
    assert newest.said["links"] == {"wiki": "http://w"}


async def test_outlines_of_more_services_than_one_statement_takes_are_all_there(store: SqlStore, place: str) -> None:
    names = [f"s{number}" for number in range(3)]
    for name in names:
        await store.versions.add_version(draft(place, name, name))
    wanted = {f"none{number}": "x" for number in range(600)} | {name: name for name in names}
    assert sorted(await store.versions.outlines(place, wanted)) == names
    indexes = range(1, 1201)
    await store.deployments.add_deployment(done(place, "s0", 1, modify_index=1100))
    assert await store.deployments.registrations(place, indexes) == {("s0", 1100)}


async def test_of_each_service_the_deployment_under_way_is_told_or_else_the_last(store: SqlStore, place: str) -> None:
    for one in (
        done(place, "web", 3, state="waiting", reason="the canary waits"),
        done(place, "web", 1, kind="scale", state="failed"),
        done(place, "pay", 2, reason="older"),
        done(place, "pay", 1, reason="newest"),
    ):
        await store.deployments.add_deployment(one)
    found = await store.deployments.last_deployments(place)
    assert {name: one.reason for name, one in found.items()} == {"web": "the canary waits", "pay": "newest"}
    assert list(await store.deployments.last_deployments(place, "pay")) == ["pay"]
    assert await store.deployments.last_deployments("nowhere") == {}


async def test_what_a_scale_registered_is_not_taken_for_a_job_as_we_have_made_it(store: SqlStore, place: str) -> None:
    await store.deployments.add_deployment(done(place, "web", 2, modify_index=20))
    await store.deployments.add_deployment(done(place, "web", 1, modify_index=30, kind="scale"))
    await store.deployments.add_deployment(done(place, "pay", 1, modify_index=40))
    assert await store.deployments.registrations(place, {20, 30}) == {("web", 20)}
    assert await store.deployments.registrations("nowhere", {20}) == frozenset()
