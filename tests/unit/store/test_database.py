from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fakes.older_database import at_step
from fakes.world import in_pieces
from outrider_ground.errors import RemoteError, UsageError
from sqlalchemy import column, insert, table, text
from sqlalchemy.dialects import postgresql, sqlite

from outrider.operations.records import Deployment, Request
from outrider.store.column_types import Moment
from outrider.store.database import BUSY_TIMEOUT_MS, opened
from outrider.store.store import opened_store

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
COLUMNS = "id idempotency_key request_hash environment service kind state created_by purge expected_index reason"
DEPLOYMENTS = table("deployments", *map(column, COLUMNS.split()), column("created_at", Moment))
BEFORE: dict[str, Any] = {
    "environment": "stage",
    "service": "checkout",
    "kind": "run",
    "state": "successful",
    "created_by": "ada",
    "purge": 0,
    "expected_index": 0,
    "reason": "",
}


async def test_a_second_start_finds_its_tables_in_place(tmp_path: Path) -> None:
    for _ in range(2):
        store = await opened_store(f"sqlite:///{tmp_path / 'as' / 'deep' / 'portal.db'}")
        await store.close()


async def test_keys_that_deployments_came_with_are_known_after_an_upgrade(tmp_path: Path) -> None:
    file = tmp_path / "portal.db"
    with at_step(file, "0002") as before:
        for identity, key, hash_ in (("d1", "k1", "h1"), ("d2", None, "h2"), ("d3", "k3", None)):
            row = {"id": identity, "idempotency_key": key, "request_hash": hash_, "created_at": NOON}
            before.execute(insert(DEPLOYMENTS).values(BEFORE | row))
    store = await opened_store(f"sqlite:///{file}")
    found = [await store.requests.with_key(key) for key in ("k1", "k3", "h2")]
    await store.close()
    assert found == [Request("k1", "h1", "d1"), Request("k3", None, "d3"), None]


async def test_what_was_done_before_an_upgrade_is_numbered_in_its_order_and_counted_on(tmp_path: Path) -> None:
    file = tmp_path / "portal.db"
    with at_step(file, "0004") as before:
        for identity, service, minute in (("d2", "checkout", 2), ("d1", "checkout", 1), ("d3", "payments", 0)):
            row = {"id": identity, "service": service, "created_at": NOON + timedelta(minutes=minute)}
            before.execute(insert(DEPLOYMENTS).values(BEFORE | row))
    store = await opened_store(f"sqlite:///{file}")
    numbered = [await store.deployments.with_id(identity) for identity in ("d1", "d2", "d3")]
    fresh = Deployment("d4", "stage", "checkout", "run", "pending", "ada", NOON)
    added = await store.deployments.add_deployment(fresh)
    await store.close()
    assert [(one.release, one.cause, one.overrides) for one in numbered if one] == [
        (1, "", ()),
        (2, "", ()),
        (1, "", ()),
    ]
    assert added.release == 3


async def test_sqlite_loses_nothing_with_the_power_and_refers_to_nothing_that_is_not_there(tmp_path: Path) -> None:
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")
    async with database.reading() as connection:
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar_one() == 2, "FULL"
        assert (await connection.execute(text("PRAGMA foreign_keys"))).scalar_one() == 1
    await database.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
async def test_a_database_in_memory_makes_no_file(tmp_path: Path, url: str) -> None:
    with contextlib.chdir(tmp_path):
        database = await opened(url)
        async with database.reading() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM services"))).scalar_one() == 0
        await database.close()
    assert files(tmp_path) == []


def files(directory: Path) -> list[str]:
    return [one.name for one in directory.iterdir()]


async def test_a_file_that_cannot_be_opened_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "portal.db").mkdir()
    with pytest.raises(UsageError, match=r"portal\.db cannot be opened: Is a directory") as caught:
        await opened(f"sqlite:///{tmp_path / 'portal.db'}")
    assert caught.value.next_step == "Name a file that you may write."


async def test_a_store_that_is_closed_lets_go_of_its_file(tmp_path: Path) -> None:
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    await store.versions.services("stage")
    assert held(tmp_path)
    await store.close()
    assert not held(tmp_path)


def held(directory: Path) -> list[str]:
    """Files in there that this process has open."""
    found: list[str] = []
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own
            found.append(str(one.readlink()))
    return [path for path in found if path.startswith(f"{directory}/")]


async def test_a_database_that_cannot_be_brought_up_to_date_is_let_go(tmp_path: Path) -> None:
    """As one that a later release has migrated."""
    await (await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")).close()
    with sqlite3.connect(tmp_path / "portal.db") as later:
        later.execute("UPDATE alembic_version SET version_num = '9999'")
    later.close()
    with pytest.raises(UsageError, match=r"is of another Outrider than this one, .*9999") as caught:
        await opened(f"sqlite:///{tmp_path / 'portal.db'}")
    assert (caught.value.next_step or "").startswith("Run the Outrider that migrated it, or a newer one")
    assert not held(tmp_path)


async def test_sqlite_keeps_a_write_ahead_log_and_waits_for_other_writers(tmp_path: Path) -> None:
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")
    async with database.reading() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
        assert (await connection.execute(text("PRAGMA busy_timeout"))).scalar_one() == BUSY_TIMEOUT_MS
    await database.close()


async def test_a_writer_waits_for_the_one_before_instead_of_failing(tmp_path: Path) -> None:
    """A deferred transaction that turns to writing would fail at once, whatever the busy timeout."""
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")

    async def count_up() -> None:
        async with database.writing() as connection:
            seen = (await connection.execute(text("SELECT count(*) FROM services"))).scalar_one()
            await asyncio.sleep(0.01)
            row = {"name": f"s{seen}"}
            await connection.execute(text("INSERT INTO services VALUES ('stage', :name, 1)"), row)

    await asyncio.gather(*(count_up() for _ in range(8)))
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM services"))).scalar_one() == 8
    await database.close()


async def test_writers_have_their_turn_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """Waiting at SQLite itself is a lottery: among forty deployments some were told that the database is locked."""
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")
    turns: list[int] = []

    async def write(number: int) -> None:
        async with database.writing():
            turns.append(number)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(write(number) for number in range(40)))
    await database.close()
    assert turns == list(range(40))


async def test_a_read_only_database_is_a_remote_error_that_can_be_tried_again(tmp_path: Path) -> None:
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")

    async def write() -> None:
        async with database.writing() as connection:
            await connection.execute(text("PRAGMA query_only=ON"))
            await connection.execute(text("DELETE FROM services"))

    with pytest.raises(RemoteError, match="database") as caught:
        await write()
    assert (caught.value.status, caught.value.next_step) == (503, "Try again.")
    await database.close()


async def test_d21_what_was_written_survives_a_killed_process(tmp_path: Path) -> None:
    file = tmp_path / "portal.db"
    await (await opened_store(f"sqlite:///{file}")).close()
    torn = sqlite3.connect(file, isolation_level=None)
    torn.execute("BEGIN IMMEDIATE")
    torn.execute("INSERT INTO services VALUES ('stage', 'half', 1)")
    torn.close()  # without a commit, as a killed process leaves it
    store = await opened_store(f"sqlite:///{file}")
    assert await store.versions.services("stage") == ()
    await store.close()


async def test_another_kind_of_database_is_refused_with_those_that_work() -> None:
    with pytest.raises(UsageError, match="no database of kind 'mysql'"):
        await opened_store("mysql://localhost/x")


KOLKATA = timezone(timedelta(hours=5, minutes=30))


def test_a_moment_is_the_same_in_every_zone_and_comes_back_in_utc() -> None:
    moment, without_zones = Moment(), sqlite.dialect()
    there = NOON.astimezone(KOLKATA)
    assert moment.process_bind_param(there, without_zones) == NOON.replace(tzinfo=None)
    assert moment.process_bind_param(there, postgresql.dialect()) == NOON
    for written in (NOON.replace(tzinfo=None), there):
        found = moment.process_result_value(written, without_zones)
        assert found is not None
        assert (found, found.tzinfo) == (NOON, UTC)


def test_a_moment_may_be_missing_and_has_a_zone_otherwise() -> None:
    assert Moment().process_bind_param(None, sqlite.dialect()) is None
    assert Moment().process_result_value(None, sqlite.dialect()) is None
    with pytest.raises(ValueError, match="zone"):
        Moment().process_bind_param(NOON.replace(tzinfo=None), sqlite.dialect())


async def test_a_moment_outlives_a_portal_whose_clock_is_in_another_zone(tmp_path: Path) -> None:
    """A naive time would be taken for one of the zone that the machine is in."""
    with in_zone("Asia/Kolkata"):
        store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
        await store.artifacts.add_artifact(in_pieces(b"x"))
        assert not await store.artifacts.unused_artifacts(datetime.now(UTC) - timedelta(minutes=1))
        assert len(await store.artifacts.unused_artifacts(datetime.now(UTC) + timedelta(minutes=1))) == 1
        await store.close()


@contextlib.contextmanager
def in_zone(name: str) -> Generator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()
