"""Bytes that jobs download, by their SHA-256."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from outrider.store.tables import artifacts, version_artifacts

if TYPE_CHECKING:
    from outrider.store.database import Database


class Artifacts:
    """The part of the store that keeps services that are directories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_artifact(self, content: bytes) -> str:
        """Keep the bytes and say under which SHA-256 (hex); a second time is as good as the first."""
        sha256 = await asyncio.to_thread(_sha256, content)
        row = {"sha256": sha256, "content": content, "added_at": datetime.now(UTC)}
        async with self._database.writing() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            # A new time: bytes that somebody has just sent must not be swept away before their version is stored.
            again = dialect.insert(artifacts).values(row)
            await connection.execute(
                again.on_conflict_do_update(index_elements=["sha256"], set_={"added_at": row["added_at"]})
            )
        return sha256

    async def content(self, sha256: str) -> bytes | None:
        """The bytes, or None."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(artifacts.c.content).where(artifacts.c.sha256 == sha256))
            return found.scalar_one_or_none()

    async def has_artifact(self, sha256: str) -> bool:
        """Whether the bytes are here."""
        count = select(func.count()).select_from(artifacts).where(artifacts.c.sha256 == sha256)
        async with self._database.reading() as connection:
            return (await connection.execute(count)).scalar_one() == 1

    async def drop_artifacts(self, unused_since: datetime) -> int:
        """Forget what no version refers to and nobody has added since then."""
        is_old = artifacts.c.added_at < unused_since
        is_unused = artifacts.c.sha256.not_in(select(version_artifacts.c.sha256))
        async with self._database.writing() as connection:
            return (await connection.execute(delete(artifacts).where(is_old, is_unused))).rowcount


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
