"""Opening the database: engine, SQLite's pragmas, transactions and migrations; no queries."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from outrider_ground.errors import RemoteError, UsageError
from outrider_ground.private import DIRECTORY, closed, private_file
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from sqlalchemy import Connection, Table
    from sqlalchemy.engine import URL

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 10_000
MIGRATING = 0x6F757472
"""The number of the lock that PostgreSQL gives to who migrates."""
AT_ONCE = 500
"""Values that one statement takes, of either database."""
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}

Item = TypeVar("Item")


def parts(values: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The values in parts that one statement takes."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def inserting(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what is done where the row is there already: each dialect has its own."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


class Database:
    """One engine; ``reading`` and ``writing`` give a connection inside a transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turn: AbstractAsyncContextManager[Any] = nullcontext()
        if engine.dialect.name == "sqlite":
            self._turn = asyncio.Lock()
        self._writing = engine.execution_options(outrider_writes=True)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that only reads."""
        async with _translated(), self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that sees one moment from its first question to its end, whatever is written meanwhile."""
        options: dict[str, Any] = {}
        if self._engine.dialect.name == "postgresql":  # SQLite's transactions are of this kind anyway
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        async with _translated(), self._engine.connect() as connection:
            yield await connection.execution_options(**options)

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that writes: committed at the end, rolled back on an error.

        SQLite has one writer at a time, and those who wait for it only look again from time to time: among many, some never
        have their turn. So the writers of this process stand in line.
        """
        async with self._turn, _translated(), self._writing.begin() as connection:
            yield connection

    async def migrate(self) -> None:
        """Bring the tables to their present form; nothing happens where they have it already."""
        async with self.writing() as connection:
            await connection.run_sync(_upgrade)

    async def check_step(self) -> None:
        """UsageError where the tables are not in their present form."""
        async with self.reading() as connection:
            found = await connection.run_sync(lambda one: MigrationContext.configure(one).get_current_revision())
        if found != newest_revision():
            raise UsageError(
                f"the database is at step {found or 'none'}, and this Outrider, {version('outrider')}, works at {newest_revision()}",
                next_step="Start the portal of this Outrider once, or use the Outrider of the portal that runs.",
            )

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def opened(url: str, *, migrates: bool = True) -> Database:
    """The database at ``url`` (``sqlite:///FILE`` or ``postgresql://…``), migrated; UsageError for another kind.

    One that is not to be migrated has to be there, in today's form: UsageError for another one.
    """
    parsed = _driver_url(url)
    if not migrates:
        _check_there(parsed)
    database = Database(_engine(parsed))
    try:
        await (database.migrate() if migrates else database.check_step())
    except BaseException:  # a cancellation too: it is raised again, without the connections
        await database.close()
        raise
    return database


def _check_there(url: URL) -> None:
    """UsageError for a SQLite file that would be made only now."""
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise UsageError(f"there is no database {url.database}", next_step="Name that of the portal: --database URL.")


def _driver_url(url: str) -> URL:
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind not in DRIVERS:
        raise UsageError(
            f"no database of kind {kind!r}", next_step="Use sqlite:///FILE or postgresql://USER@HOST/NAME."
        )
    return parsed.set(drivername=DRIVERS[kind])


def _engine(url: URL) -> AsyncEngine:
    try:
        if url.get_backend_name() != "sqlite":
            return create_async_engine(url, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(
            f"the driver for {url.get_backend_name()} is not installed: {error}",
            next_step="Install it: pip install 'psycopg[binary,pool]'.",
        ) from error
    if url.database and url.database != ":memory:":
        _made(Path(url.database))
    engine = create_async_engine(url)
    event.listen(engine.sync_engine, "connect", _prepared)
    event.listen(engine.sync_engine, "begin", _begun)
    return engine


def _made(file: Path) -> None:
    """Specs and uploads are nobody else's; SQLite gives the files beside it (-wal, -shm) the mode of this one."""
    file.parent.mkdir(mode=DIRECTORY, parents=True, exist_ok=True)
    try:
        private_file(file)
    except OSError as error:
        raise UsageError(
            f"the database {file} cannot be opened: {error.strerror}", next_step="Name a file that you may write."
        ) from error
    for beside in ("-wal", "-shm"):
        closed(file.with_name(file.name + beside))


def _prepared(connection: Any, record: Any) -> None:
    """Take transactions into our own hands: the driver would begin them late, and deferred."""
    del record
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begun(connection: Connection) -> None:
    """A deferred transaction that turns to writing fails at once with SQLITE_BUSY, whatever the busy timeout says."""
    writes = connection.get_execution_options().get("outrider_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def newest_revision() -> str | None:
    """Today's step."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def known_revisions() -> frozenset[str]:
    """All steps that this Outrider knows."""
    return frozenset(one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def upgraded(connection: Connection, revision: str) -> None:
    """Bring the tables to their form at that step."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # portals that start at once stand in line, as SQLite has them do
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
    try:
        upgraded(connection, "head")
    except CommandError as error:
        raise UsageError(
            f"the database is of another Outrider than this one, {version('outrider')}: {error}",
            next_step="Run the Outrider that migrated it, or a newer one, or name another database.",
        ) from error


@asynccontextmanager
async def _translated() -> AsyncGenerator[None]:
    """A database that is locked, full, read-only or away is a remote error that can be tried again."""
    try:
        yield
    except OperationalError as error:
        raise RemoteError(f"the database does not answer: {error.orig}", status=503, next_step="Try again.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise RemoteError(f"the database went away: {error.orig}", status=503, next_step="Try again.") from error
        raise
