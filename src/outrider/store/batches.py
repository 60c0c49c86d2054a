"""Batches, how far each of their services has come, and who drives them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, update

from outrider.operations.batches import Batch, BatchMember
from outrider.store.batch_tables import batch_members, batches
from outrider.store.database import inserting

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.documents import Json
    from outrider.operations.batches import BatchState
    from outrider.store.database import Database

_COLUMNS = tuple(batches.c[name] for name in ("id", "environment", "state", "created_by", "created_at", "ended_at"))


class Batches:
    """The part of the store that knows what is deployed as one plan."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_batch(self, batch: Batch, asked: Json) -> Batch:
        """Keep it with what was asked for, or give back the one that has its id already."""
        row = {key: value for key, value in asdict(batch).items() if key != "members"}
        async with self._database.writing() as connection:
            keep = (
                inserting(connection, batches)
                .values(**row, asked=asked)
                .on_conflict_do_nothing()
                .returning(batches.c.id)
            )
            if (await connection.execute(keep)).scalar() is not None:
                await connection.execute(
                    insert(batch_members), [_row(batch.id, *one) for one in enumerate(batch.members)]
                )
            (kept,) = await _batches(connection, select(*_COLUMNS).where(batches.c.id == batch.id))
        return kept

    async def with_id(self, batch_id: str) -> Batch | None:
        """One batch with its members, or None."""
        async with self._database.reading() as connection:
            found = await _batches(connection, select(*_COLUMNS).where(batches.c.id == batch_id))
        return found[0] if found else None

    async def asked(self, batch_id: str) -> Json | None:
        """What was asked for, or None."""
        async with self._database.reading() as connection:
            return (await connection.execute(select(batches.c.asked).where(batches.c.id == batch_id))).scalar()

    async def save_member(self, batch_id: str, member: BatchMember) -> None:
        """Replace what is known of one of its services."""
        mine = (batch_members.c.batch == batch_id, batch_members.c.service == member.service)
        now = {name: getattr(member, name) for name in ("state", "reason", "deployment", "version")}
        async with self._database.writing() as connection:
            await connection.execute(update(batch_members).where(*mine).values(now))

    async def end_batch(self, batch_id: str, state: BatchState) -> None:
        """Its last state; the lease goes with it."""
        ended = {"state": state, "ended_at": datetime.now(UTC), "lease_holder": None, "lease_until": None}
        async with self._database.writing() as connection:
            await connection.execute(update(batches).where(batches.c.id == batch_id).values(ended))

    async def unfinished(self) -> tuple[Batch, ...]:
        """Oldest first, of all environments."""
        query = select(*_COLUMNS).where(batches.c.state == "running").order_by(batches.c.created_at)
        async with self._database.reading() as connection:
            return await _batches(connection, query)

    async def claim(self, batch_id: str, holder: str, lease_s: float) -> bool:
        """Take or renew the right to drive it, unless another holder's lease still runs."""
        now, held = datetime.now(UTC), batches.c
        is_free = or_(held.lease_holder.is_(None), held.lease_holder == holder, held.lease_until < now)
        lease = {"lease_holder": holder, "lease_until": now + timedelta(seconds=lease_s)}
        async with self._database.writing() as connection:
            change = update(batches).where(held.id == batch_id, held.state == "running", is_free).values(lease)
            return (await connection.execute(change)).rowcount == 1


def _row(batch_id: str, place: int, member: BatchMember) -> dict[str, Any]:
    return {**asdict(member), "batch": batch_id, "place": place, "after": list(member.after)}


async def _batches(connection: AsyncConnection, query: Select[Any]) -> tuple[Batch, ...]:
    rows = (await connection.execute(query)).mappings().all()
    theirs = select(batch_members).where(batch_members.c.batch.in_([row["id"] for row in rows]))
    members: dict[str, list[BatchMember]] = {row["id"]: [] for row in rows}
    for one in (await connection.execute(theirs.order_by(batch_members.c.place))).mappings():
        members[one["batch"]].append(_member(one))
    return tuple(Batch(**row, members=tuple(members[row["id"]])) for row in rows)


def _member(row: RowMapping) -> BatchMember:
    said = {key: value for key, value in row.items() if key not in {"batch", "place", "after"}}
    return BatchMember(**said, after=tuple(row["after"]))
