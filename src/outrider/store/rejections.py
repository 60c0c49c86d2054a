"""Rejected versions, with the reason; kept after they are lifted."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from outrider.operations.stop_records import Rejection
from outrider.store.tables import rejections

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from outrider.store.database import Database


class Rejections:
    """The part of the store that keeps which versions shall not run again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_rejection(self, rejection: Rejection) -> None:
        """Keep it."""
        async with self._database.writing() as connection:
            await connection.execute(insert(rejections).values(asdict(rejection)))

    async def rejections(self, environment: str, service: str) -> tuple[Rejection, ...]:
        """Those of the service that nobody has lifted, the oldest first."""
        query = select(rejections).where(*standing(environment, service)).order_by(rejections.c.created_at)
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return tuple(Rejection(**row) for row in rows.mappings())

    async def lift_rejection(self, rejection: Rejection, by: str, at: datetime) -> bool:
        """The version may run again; whether it was still rejected."""
        mine = (rejections.c.id == rejection.id, rejections.c.lifted_at.is_(None))
        async with self._database.writing() as connection:
            return (
                await connection.execute(update(rejections).where(*mine).values(lifted_by=by, lifted_at=at))
            ).rowcount == 1


def standing(environment: str, service: str) -> tuple[ColumnElement[bool], ...]:
    """What holds of the service's rejections that nobody has lifted."""
    row = rejections.c
    return row.environment == environment, row.service == service, row.lifted_at.is_(None)
