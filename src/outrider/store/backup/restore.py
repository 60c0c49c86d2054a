"""Bringing a backup back: checked before anything is touched, into an empty store or in place of one, all of it or nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError
from sqlalchemy import Connection, MetaData, Table, func, insert, inspect, select, table, update

from outrider.store.backup.backup import NOT_COPIED
from outrider.store.backup.container import NEXT, members, verified
from outrider.store.backup.rows import rows_in
from outrider.store.database import known_revisions, upgraded
from outrider.store.storage.identity import settle
from outrider.store.storage.spool import spooled
from outrider.store.storage.storage import new_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.store.database import Database
    from outrider.store.storage.storage import Storage

ARTIFACTS = "artifacts/"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back."""

    rows: int
    artifacts: int
    revision: str


async def restored(database: Database, storage: Storage, file: Path, *, replaces: bool) -> Restored:
    """Fill the store from the file, in one transaction of the database; bytes of artifacts lie in the storage before its end.

    UsageError: the file is damaged, or of a later Outrider. ConflictError: the store has something, and ``replaces`` is not
    said. Whatever fails, the database is as it was; bytes that came too early are swept by a portal a day later.
    """
    about = verified(file)
    if about.get("revision") not in known_revisions():
        raise UsageError(
            f"{file} was written by a later Outrider, {about.get('outrider')}",
            next_step="Restore it with that one, or a newer one.",
        )
    await settle(database, storage)
    placed = {sha256: key async for sha256, key in _artifacts(storage, file)}
    async with database.writing() as connection:
        if not replaces:
            await _check_empty(connection)
        rows = await connection.run_sync(_filled, file, str(about["revision"]), placed)
    return Restored(rows, len(placed), str(about["revision"]))


async def _check_empty(connection: AsyncConnection) -> None:
    for name in await connection.run_sync(_copied):
        if name != "keys" and (await connection.execute(select(func.count()).select_from(table(name)))).scalar_one():
            raise ConflictError(
                f"the store is not empty: there are {name}",
                next_step="Name an empty database and storage, or say --replace: all that is there is lost then.",
            )


def _copied(connection: Connection) -> list[str]:
    found = MetaData()
    found.reflect(connection)
    return [table.name for table in found.sorted_tables if table.name not in {*NOT_COPIED, "alembic_version"}]


def _filled(connection: Connection, file: Path, revision: str, placed: dict[str, str]) -> int:
    """The tables as they were at the backup's step, its rows, and from there to today's."""
    own = {name: _all_rows(connection, name) for name in NOT_COPIED}
    _dropped(connection)
    upgraded(connection, revision)
    tables = MetaData()
    tables.reflect(connection)
    for name in NOT_COPIED & tables.tables.keys():
        connection.execute(tables.tables[name].delete())
    count = 0
    for name, content in _parts(file):
        if name not in tables.tables:
            raise UsageError(
                f"{file} has rows of {name}, which a store of step {revision} does not have", next_step=NEXT
            )
        rows = rows_in(tables.tables[name], content, connection.dialect.name)
        for row in rows:
            connection.execute(insert(tables.tables[name]).values(row))
        count += len(rows)
    upgraded(connection, "head")
    _settled(connection, own, placed)
    return count


def _dropped(connection: Connection) -> None:
    found = MetaData()
    found.reflect(connection)
    found.drop_all(connection)


def _all_rows(connection: Connection, name: str) -> list[dict[str, object]]:
    if name not in inspect(connection).get_table_names():
        return []
    table = Table(name, MetaData(), autoload_with=connection)
    return [dict(row) for row in connection.execute(select(table)).mappings()]


def _settled(connection: Connection, own: dict[str, list[dict[str, object]]], placed: dict[str, str]) -> None:
    """Storage and leases stay those of the store that was filled, and artifacts lie where they were put just now."""
    tables = MetaData()
    tables.reflect(connection)
    for name, rows in own.items():
        connection.execute(tables.tables[name].delete())
        for row in rows:
            connection.execute(insert(tables.tables[name]).values(row))
    artifacts = tables.tables["artifacts"]
    connection.execute(update(artifacts).values(object=""))
    for sha256, key in placed.items():
        connection.execute(update(artifacts).where(artifacts.c.sha256 == sha256).values(object=key))


def _parts(file: Path) -> Iterator[tuple[str, bytes]]:
    """Name of the table and lines of each part of one."""
    for name, _, pieces in members(file):
        if name.startswith("tables/"):
            yield name.split("/")[1], b"".join(pieces)


async def _artifacts(storage: Storage, file: Path) -> AsyncIterator[tuple[str, str]]:
    """SHA-256 and new key of each artifact, whose bytes are in the storage then."""
    for name, _, pieces in members(file):
        if name.startswith(ARTIFACTS):
            sha256 = name.removeprefix(ARTIFACTS)
            key = new_key(sha256)
            with spooled(storage.incoming, "restore") as (spool, path):
                await asyncio.to_thread(_fill, spool, pieces)
                await storage.put(key, path)
            yield sha256, key


def _fill(spool: BinaryIO, pieces: Iterator[bytes]) -> None:
    spool.writelines(pieces)
    spool.flush()
