"""Who approved of which version for its release to another environment."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from outrider.operations.release_records import Approval
from outrider.store.release_tables import approvals

if TYPE_CHECKING:
    from outrider.store.database import Database


class Approvals:
    """The part of the store that knows who is for a version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_approval(self, approval: Approval) -> None:
        """Keep it."""
        async with self._database.writing() as connection:
            await connection.execute(insert(approvals).values(asdict(approval)))

    async def approvals(self, environment: str, service: str) -> tuple[Approval, ...]:
        """Those for the service to come to the environment, newest first."""
        here = (approvals.c.environment == environment, approvals.c.service == service)
        query = select(approvals).where(*here).order_by(approvals.c.at.desc())
        async with self._database.reading() as connection:
            return tuple(Approval(**row) for row in (await connection.execute(query)).mappings())
