"""Who is changing a service at this moment: one holder each, for as long as its lease runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from outrider.operations.stop_records import Lock
from outrider.store.database import inserting
from outrider.store.tables import locks

if TYPE_CHECKING:
    from outrider.store.database import Database


class Locks:
    """The part of the store that lets one change of a service begin at a time, whichever portal it comes through."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, wanted: Lock) -> Lock:
        """The lock as it stands then: the wanted one, or the one of another holder whose lease still runs."""
        here = (locks.c.environment == wanted.environment, locks.c.service == wanted.service)
        is_free = or_(locks.c.holder == wanted.holder, locks.c.until < wanted.since)
        async with self._database.writing() as connection:
            row = asdict(wanted)
            taken = inserting(connection, locks).values(row)
            await connection.execute(
                taken.on_conflict_do_update(index_elements=["environment", "service"], set_=row, where=is_free)
            )
            return Lock(**(await connection.execute(select(locks).where(*here))).mappings().one())

    async def free(self, lock: Lock) -> None:
        """Give it back, if it is still the holder's."""
        mine = (
            locks.c.environment == lock.environment,
            locks.c.service == lock.service,
            locks.c.holder == lock.holder,
        )
        async with self._database.writing() as connection:
            await connection.execute(delete(locks).where(*mine))
