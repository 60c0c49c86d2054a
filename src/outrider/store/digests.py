"""Which digest the image of a version had when it was deployed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from outrider.operations.release_records import ImageDigest
from outrider.store.database import inserting
from outrider.store.release_tables import digests

if TYPE_CHECKING:
    from outrider.store.database import Database


class ImageDigests:
    """The part of the store that knows what images were."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_digest(self, found: ImageDigest) -> None:
        """Keep what the image of the version was; the first word stands, for later ones may be of another image."""
        async with self._database.writing() as connection:
            await connection.execute(inserting(connection, digests).values(asdict(found)).on_conflict_do_nothing())

    async def digest(self, environment: str, service: str, number: int) -> ImageDigest | None:
        """What the image of the version was, or None."""
        here = (digests.c.environment == environment, digests.c.service == service, digests.c.number == number)
        async with self._database.reading() as connection:
            row = (await connection.execute(select(digests).where(*here))).mappings().one_or_none()
        return ImageDigest(**row) if row else None
