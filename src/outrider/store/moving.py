"""Bytes that an older Outrider kept in the database go to the storage: one after the other, piece by piece, as often as needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from outrider.operations.artifact_repository import OtherBytesError
from outrider.store.tables import artifact_contents

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outrider.store.artifacts import Artifacts
    from outrider.store.database import Database

PIECE = 1024 * 1024


async def move_contents(database: Database, artifacts: Artifacts) -> int:
    """Move all there are; how many. Whatever ends it, the next start goes on, and two portals may do it at once.

    A row goes when its bytes are in the storage and the artifact knows them, so each is always in one place at least.
    """
    moved = 0
    while sha256 := await _next(database):
        try:
            await artifacts.add_artifact(_pieces(database, sha256), sha256)
        except OtherBytesError:
            if await _next(database) == sha256:  # else another portal was faster, in the middle of it
                raise
            continue
        async with database.writing() as connection:
            await connection.execute(delete(artifact_contents).where(artifact_contents.c.sha256 == sha256))
        moved += 1
    return moved


async def _next(database: Database) -> str | None:
    async with database.reading() as connection:
        query = select(artifact_contents.c.sha256).order_by(artifact_contents.c.sha256).limit(1)
        return (await connection.execute(query)).scalar_one_or_none()


async def _pieces(database: Database, sha256: str) -> AsyncIterator[bytes]:
    start = 1
    while True:
        piece = func.substr(artifact_contents.c.content, start, PIECE)
        async with database.reading() as connection:
            query = select(piece).where(artifact_contents.c.sha256 == sha256)
            found = bytes((await connection.execute(query)).scalar_one_or_none() or b"")
        if not found:
            return
        yield found
        start += len(found)
