"""Idempotency keys, and what the changes that came with them were answered with."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from outrider.operations.records import Request
from outrider.store.database import inserting
from outrider.store.tables import requests

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.store.database import Database


class Requests:
    """The part of the store that knows a request when it comes again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_request(self, request: Request) -> Request:
        """Keep it, or give back the one that came with its key before."""
        async with self._database.writing() as connection:
            return await kept_request(connection, request)

    async def with_key(self, key: str) -> Request | None:
        """The one that came with this key, or None."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(requests).where(requests.c.key == key))).mappings().one_or_none()
        return Request(**row) if row else None


async def kept_request(connection: AsyncConnection, request: Request) -> Request:
    """The request that has the key now: this one, or the one before; of two portals the second waits for the first."""
    await connection.execute(inserting(connection, requests).values(asdict(request)).on_conflict_do_nothing())
    row = (await connection.execute(select(requests).where(requests.c.key == request.key))).mappings().one()
    return Request(**row)
