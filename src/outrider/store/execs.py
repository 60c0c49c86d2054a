"""Commands that people ran beside tasks: kept before they begin, and told of how they ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from outrider.operations.exec_records import Exec
from outrider.store.exec_tables import execs

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import RowMapping

    from outrider.store.database import Database


class Execs:
    """The part of the store that knows who ran what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_exec(self, made: Exec) -> None:
        """Keep it."""
        async with self._database.writing() as connection:
            await connection.execute(insert(execs).values({**asdict(made), "command": list(made.command)}))

    async def end_exec(self, ended: Exec) -> None:
        """Keep when and how it ended."""
        how = {"ended_at": ended.ended_at, "exit_code": ended.exit_code, "reason": ended.reason}
        async with self._database.writing() as connection:
            await connection.execute(update(execs).where(execs.c.id == ended.id).values(how))

    async def execs(self, environment: str, service: str, limit: int) -> tuple[Exec, ...]:
        """The last ones, newest first."""
        here = (execs.c.environment == environment, execs.c.service == service)
        query = select(execs).where(*here).order_by(execs.c.at.desc(), execs.c.id).limit(limit)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(_exec_of(row) for row in rows)

    async def forget_execs(self, environment: str, before: datetime) -> int:
        """Forget those that began before that moment; how many."""
        old = (execs.c.environment == environment, execs.c.at < before)
        async with self._database.writing() as connection:
            return (await connection.execute(delete(execs).where(*old))).rowcount


def _exec_of(row: RowMapping) -> Exec:
    found: dict[str, Any] = {**row, "command": tuple(row["command"])}
    return Exec(**found)
