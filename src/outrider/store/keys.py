"""Secrets of the store itself: each is made when it is asked for the first time, and stays; a backup takes them along."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select

from outrider.store.database import inserting
from outrider.store.own_tables import keys

if TYPE_CHECKING:
    from outrider.store.database import Database

KEY_BYTES = 32


async def key_for(database: Database, name: str) -> bytes:
    """The key for what is so named; of two portals that make it at once both get the same."""
    query = select(keys.c.value).where(keys.c.name == name)
    async with database.reading() as connection:
        found = (await connection.execute(query)).scalar_one_or_none()
    if found is None:
        made = {"name": name, "value": secrets.token_hex(KEY_BYTES)}
        async with database.writing() as connection:
            await connection.execute(inserting(connection, keys).values(made).on_conflict_do_nothing())
            found = (await connection.execute(query)).scalar_one()
    return bytes.fromhex(found)
