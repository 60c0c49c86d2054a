"""Freezes: who may not deploy what, until when; kept after they end."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from outrider.operations.stop_records import Freeze
from outrider.store.tables import freezes

if TYPE_CHECKING:
    from datetime import datetime

    from outrider.store.database import Database


class Freezes:
    """The part of the store that keeps freezes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_freeze(self, freeze: Freeze) -> None:
        """Keep it."""
        async with self._database.writing() as connection:
            await connection.execute(insert(freezes).values(asdict(freeze)))

    async def freezes(self, environment: str, at: datetime) -> tuple[Freeze, ...]:
        """Those that hold at that moment, the oldest first."""
        holds = (freezes.c.environment == environment, freezes.c.until > at, freezes.c.lifted_at.is_(None))
        async with self._database.reading() as connection:
            rows = await connection.execute(select(freezes).where(*holds).order_by(freezes.c.created_at))
            return tuple(Freeze(**row) for row in rows.mappings())

    async def lift_freeze(self, freeze: Freeze, by: str, at: datetime) -> bool:
        """End it before its time; whether it was still there."""
        mine = (freezes.c.id == freeze.id, freezes.c.lifted_at.is_(None))
        async with self._database.writing() as connection:
            return (
                await connection.execute(update(freezes).where(*mine).values(lifted_by=by, lifted_at=at))
            ).rowcount == 1
