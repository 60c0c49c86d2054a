"""Fingerprints of values as they were seen, and which portal rolls changed values out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from outrider.operations.records import Seen
from outrider.spec.references import Reference
from outrider.store.database import inserting
from outrider.store.keys import key_for
from outrider.store.leases import Leases
from outrider.store.tables import fingerprints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.store.database import Database

FINGERPRINTS = "fingerprints"
# More than any allocation outlives: what is older counts as the oldest that is kept.
MOST_KEPT = 50


class Values:
    """The part of the store that knows how values have looked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def key(self) -> bytes:
        """By which values are told apart without being kept."""
        return await key_for(self._database, FINGERPRINTS)

    async def add_sighting(self, environment: str, reference: Reference, seen: Seen) -> None:
        """Remember it where it is not what was seen last; of two portals that see it one does."""
        row, there = fingerprints.c, _of(environment, reference)
        async with self._database.writing() as connection:
            newest = select(row.number, row.fingerprint).where(*there).order_by(row.number.desc()).limit(1)
            last = (await connection.execute(newest)).one_or_none()
            if last is not None and last.fingerprint == seen.fingerprint:
                return
            number = last.number + 1 if last else 1
            named = {"environment": environment, "kind": reference.store, "path": reference.path}
            made = {**named, "number": number, "fingerprint": seen.fingerprint, "seen_at": seen.at}
            await connection.execute(inserting(connection, fingerprints).values(made).on_conflict_do_nothing())
            await connection.execute(delete(fingerprints).where(*there, row.number <= number - MOST_KEPT))

    async def sightings(self, environment: str) -> Mapping[Reference, tuple[Seen, ...]]:
        """Of each reference what was seen, oldest first."""
        row, found = fingerprints.c, dict[Reference, list[Seen]]()
        query = select(fingerprints).where(row.environment == environment).order_by(row.kind, row.path, row.number)
        async with self._database.reading() as connection:
            for one in (await connection.execute(query)).mappings():
                seen = Seen(one["fingerprint"], one["seen_at"])
                found.setdefault(Reference(one["kind"], one["path"]), []).append(seen)
        return {reference: tuple(seen) for reference, seen in found.items()}

    async def claim(self, environment: str, holder: str, lease_s: float) -> bool:
        """Take or renew the right to roll out there, unless another holder's lease still runs."""
        return await Leases(self._database).take(f"values/{environment}", holder, lease_s)


def _of(environment: str, reference: Reference) -> tuple[Any, ...]:
    row = fingerprints.c
    return (row.environment == environment, row.kind == reference.store, row.path == reference.path)
