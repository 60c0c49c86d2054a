"""From every released form of the database to today's, on both; and that no table is spoken of that no step makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from fakes.world import in_pieces
from outrider_ground.errors import UsageError
from sqlalchemy import Connection, create_engine, func, inspect, select, text
from sqlalchemy.engine import make_url
from support.schemas import CONTENT, DUMPS, SHA256, restore_postgres, restore_sqlite

from outrider.operations.records import Request
from outrider.store.database import MIGRATIONS, opened
from outrider.store.storage.folder import Folder
from outrider.store.store import SqlStore, opened_store
from outrider.store.tables import artifact_contents, metadata

RELEASED = sorted({one.name.partition(".")[0] for one in DUMPS.glob("*.sql")})


def restored(step: str, url: str) -> None:
    """The database as the Outrider of that step left it."""
    parsed = make_url(url)
    dump = DUMPS / f"{step}.{parsed.get_backend_name()}.sql"
    if parsed.get_backend_name() == "sqlite":
        restore_sqlite(dump, Path(str(parsed.database)))
    else:
        restore_postgres(dump, url)


async def content(store: SqlStore, sha256: str) -> bytes | None:
    found = await store.artifacts.artifact(sha256)
    pieces = None if found is None else await store.artifacts.opened(found, 0, found.size)
    return None if pieces is None else await whole(pieces)


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def test_there_is_a_dump_of_each_released_form_for_both_databases() -> None:
    assert RELEASED[:4] == ["0001", "0002", "0003", "0004"]
    for step in RELEASED:
        assert {one.suffixes[0] for one in DUMPS.glob(f"{step}.*")} == {".sqlite", ".postgresql"}


@pytest.mark.parametrize("step", RELEASED)
async def test_a_database_of_every_released_form_is_read_whole_after_the_upgrade(
    step: str, url: str, storage: Folder
) -> None:
    restored(step, url)
    store = await opened_store(url, storage)
    try:
        assert await store.versions.services("stage") == ("checkout",)
        version = await store.versions.numbered("stage", "checkout", 2)
        assert version is not None
        assert (version.merged["stop"], version.artifacts) == ({"delay": "2s", "timeout": "1m"}, (SHA256,))
        first, second = reversed(await store.deployments.newest("stage", "checkout"))
        assert (first.id, first.modify_index, second.id, second.modify_index) == ("d1", 11, "d2", 2**40)
        assert await store.requests.with_key("k1") == Request("k1", "h1", "d1")
        assert [event.number for event in await store.events.after("d1")] == [1, 2]
        assert await content(store, SHA256) == CONTENT
    finally:
        await store.close()


@pytest.mark.parametrize("step", RELEASED)
async def test_the_upgraded_tables_are_those_that_the_code_speaks_of(step: str, url: str) -> None:
    restored(step, url)
    database = await opened(url)
    async with database.reading() as connection:
        upgraded = await connection.run_sync(shape)
        known = await connection.run_sync(lambda one: set(inspect(one).get_table_names()))
    async with database.writing() as connection:
        await connection.run_sync(dropped_all)
        await connection.run_sync(metadata.create_all)
        assert upgraded == await connection.run_sync(shape)
    await database.close()
    assert known == {*metadata.tables, "alembic_version"}


def dropped_all(connection: Connection) -> None:
    connection.execute(text("DROP TABLE alembic_version"))
    metadata.drop_all(connection)


def shape(connection: Connection) -> dict[str, Any]:
    """Columns with type, whether they may be empty and what they are without a word; keys, indexes, by table."""
    seen = inspect(connection)
    return {
        table: (
            {one["name"]: (str(one["type"]), one["nullable"], one["default"]) for one in seen.get_columns(table)},
            seen.get_pk_constraint(table)["constrained_columns"],
            sorted((one["constrained_columns"], one["referred_table"]) for one in seen.get_foreign_keys(table)),
            sorted((one["column_names"], bool(one["unique"])) for one in seen.get_indexes(table)),
            sorted(one["column_names"] for one in seen.get_unique_constraints(table)),
        )
        for table in sorted(metadata.tables)
    }


async def test_bytes_leave_the_database_and_what_was_cut_off_in_the_middle_goes_on(
    url: str, storage: Folder, tmp_path: Path
) -> None:
    restored("0004", url)
    blocked = BrokenFolder(tmp_path / "artifacts")
    with pytest.raises(ConnectionError):
        await opened_store(url, blocked)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(artifact_contents)).scalar_one() == 1
    for _ in range(2):
        store = await opened_store(url, storage)
        assert await content(store, SHA256) == CONTENT
        await store.close()
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(artifact_contents)).scalar_one() == 0
    engine.dispose()


class BrokenFolder(Folder):
    """A folder whose disk goes away with the first object."""

    async def put(self, key: str, file: Path) -> None:
        raise ConnectionError(key)


async def test_only_what_was_stored_before_is_fetched_by_its_hash_alone(url: str, storage: Folder) -> None:
    restored("0004", url)
    store = await opened_store(url, storage)
    try:
        before = await store.artifacts.artifact(SHA256)
        after = await store.artifacts.add_artifact(in_pieces(b"later"))
        assert before is not None
        assert (before.by_hash, before.size, after.by_hash) == (True, len(CONTENT), False)
        again = await store.artifacts.add_artifact(in_pieces(CONTENT))
        assert again.by_hash, "jobs of that time still run"
    finally:
        await store.close()


async def test_portals_that_start_at_once_on_one_database_migrate_it_once(
    dialect: str, url: str, storage: Folder
) -> None:
    restored("0001", url)
    stores = await asyncio.gather(*(opened_store(url, storage) for _ in range(4)))
    for store in stores:
        assert await content(store, SHA256) == CONTENT
        await store.close()


async def test_a_step_that_cannot_be_taken_back_says_why_and_what_to_do(url: str, storage: Folder) -> None:
    restored("0004", url)
    await (await opened_store(url, storage)).close()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with (
        engine.begin() as connection,
        pytest.raises(UsageError, match="bytes of artifacts have left the database") as refused,
    ):
        downgraded(connection, "0005")
    engine.dispose()
    assert "`outrider restore FILE`" in str(refused.value.next_step)


async def test_every_other_step_can_be_taken_back_and_made_again(url: str, storage: Folder) -> None:
    restored("0004", url)
    await (await opened_store(url, storage)).close()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        downgraded(connection, "0006")
        assert "platforms" not in inspect(connection).get_table_names()
    engine.dispose()
    store = await opened_store(url, storage)
    try:
        assert await store.versions.services("stage") == ("checkout",)
    finally:
        await store.close()


def downgraded(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def test_a_database_of_a_later_outrider_is_refused(url: str, storage: Folder) -> None:
    store = await opened_store(url, storage)
    async with store.database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    with pytest.raises(UsageError, match="is of another Outrider than this one"):
        await opened_store(url, storage)
