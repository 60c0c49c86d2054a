"""What is known of versions that go from one environment to another: who approved, and which digest their image had."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite

from outrider.operations.release_records import Approval, ImageDigest
from outrider.store.release_tables import approvals, digests

if TYPE_CHECKING:
    from outrider.store.database import Database


class Releases:
    """The part of the store that knows approvals and digests."""

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

    async def add_digest(self, found: ImageDigest) -> None:
        """Keep what the image of the version was; the first word stands, for later ones may be of another image."""
        async with self._database.writing() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            await connection.execute(dialect.insert(digests).values(asdict(found)).on_conflict_do_nothing())

    async def digest(self, environment: str, service: str, number: int) -> ImageDigest | None:
        """What the image of the version was, or None."""
        here = (digests.c.environment == environment, digests.c.service == service, digests.c.number == number)
        async with self._database.reading() as connection:
            row = (await connection.execute(select(digests).where(*here))).mappings().one_or_none()
        return ImageDigest(**row) if row else None
