"""Work that one process at a time does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_

from outrider.store.database import inserting
from outrider.store.own_tables import leases

if TYPE_CHECKING:
    from outrider.store.database import Database


class Leases:
    """The part of the store that knows who does what now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, holder: str, lease_s: float) -> bool:
        """Take or renew the right to do it, unless another holder's lease still runs."""
        now = datetime.now(UTC)
        row = {"name": name, "holder": holder, "until": now + timedelta(seconds=lease_s)}
        async with self._database.writing() as connection:
            add = inserting(connection, leases).values(row)
            is_free = or_(leases.c.holder == holder, leases.c.until < now)
            taken = add.on_conflict_do_update(index_elements=["name"], set_=row, where=is_free)
            return (await connection.execute(taken.returning(leases.c.holder))).one_or_none() is not None

    async def give_back(self, name: str, holder: str) -> None:
        """End the lease, if it is still the holder's."""
        async with self._database.writing() as connection:
            await connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
