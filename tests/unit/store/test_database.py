from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from outrider_ground.errors import RemoteError, UsageError
from sqlalchemy import text

from outrider.store.database import opened
from outrider.store.store import opened_store
from outrider.store.tables import metadata


async def test_a_second_start_finds_its_tables_in_place(tmp_path: Path) -> None:
    for _ in range(2):
        store = await opened_store(f"sqlite:///{tmp_path / 'deep' / 'portal.db'}")
        await store.close()


async def test_the_migrations_make_the_tables_that_the_code_speaks_of(tmp_path: Path) -> None:
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")
    made: dict[str, set[str]] = {}
    async with database.reading() as connection:
        for table in metadata.tables:
            rows = await connection.execute(text(f"PRAGMA table_info({table})"))
            made[table] = {row.name for row in rows}
    await database.close()
    assert made == {name: set(table.columns.keys()) for name, table in metadata.tables.items()}


async def test_sqlite_keeps_a_write_ahead_log_and_waits_for_other_writers(tmp_path: Path) -> None:
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")
    async with database.reading() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
        assert (await connection.execute(text("PRAGMA busy_timeout"))).scalar_one() > 0
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


async def test_a_read_only_database_is_a_remote_error_that_can_be_tried_again(tmp_path: Path) -> None:
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")

    async def write() -> None:
        async with database.writing() as connection:
            await connection.execute(text("PRAGMA query_only=ON"))
            await connection.execute(text("DELETE FROM services"))

    with pytest.raises(RemoteError, match="database") as caught:
        await write()
    assert caught.value.status == 503
    await database.close()


async def test_what_was_written_survives_a_killed_process(tmp_path: Path) -> None:
    file = tmp_path / "portal.db"
    await (await opened_store(f"sqlite:///{file}")).close()
    torn = sqlite3.connect(file, isolation_level=None)
    torn.execute("BEGIN IMMEDIATE")
    torn.execute("INSERT INTO services VALUES ('stage', 'half', 1)")
    torn.close()  # without a commit, as a killed process leaves it
    store = await opened_store(f"sqlite:///{file}")
    assert await store.services("stage") == ()
    await store.close()


async def test_another_kind_of_database_is_refused_with_those_that_work() -> None:
    with pytest.raises(UsageError, match="no database of kind 'mysql'"):
        await opened_store("mysql://localhost/x")
