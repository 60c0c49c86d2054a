"""Writing a backup: all tables as of one moment, and the bytes of all artifacts, while portals go on."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError
from sqlalchemy import MetaData, Table, select, text

from outrider.operations.upkeep.upkeep import WORK
from outrider.store.backup.container import Writing, writing
from outrider.store.backup.rows import lines_of
from outrider.store.own_tables import leases, storage
from outrider.store.storage.spool import new_file, spooled
from outrider.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path
    from typing import BinaryIO

    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.operations.records import Artifact
    from outrider.store.store import SqlStore

AT_ONCE = 200
LARGEST_PART = 8 * 1024 * 1024
NOT_COPIED = frozenset({storage.name, leases.name})
"""Which storage belongs to a database, and who works on it now, is no matter of the copy."""
LEASE_S, LOOKS = 600.0, 60


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup has; ``lost`` are artifacts whose bytes the storage did not have."""

    rows: int
    artifacts: int
    size: int
    lost: tuple[str, ...] = ()


async def backed_up(store: SqlStore, file: Path) -> Copied:
    """Write the whole store into a new file that nobody else may read, whole or not at all.

    UsageError where the file is there. Nothing is forgotten meanwhile: artifacts of that moment are still there when their
    turn comes.
    """
    made = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    async with _nothing_forgotten(store):
        try:
            with await asyncio.to_thread(new_file, made) as target:
                copied = await _written(store, target)
            await asyncio.to_thread(os.link, made, file)
        except FileExistsError as error:
            raise UsageError(
                f"{file} is there already", next_step="Name another file: a backup replaces none."
            ) from error
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}", next_step="Name another place.") from error
        finally:
            await asyncio.to_thread(made.unlink, missing_ok=True)
    return copied


async def _written(store: SqlStore, target: BinaryIO) -> Copied:
    async with store.database.snapshot() as connection:
        about = {
            "outrider": version("outrider"),
            "revision": (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one(),
            "created_at": datetime.now(UTC).isoformat(),
        }
        output = writing(target, about)
        rows = [await _table(connection, table, output) for table in _copied_tables()]
    # The moment is over for the database, which need not wait for the bytes: while this goes on nothing is forgotten.
    artifacts = await store.artifacts.artifacts()
    lost = [one.sha256 for one in artifacts if not await _artifact(store, one, output)]
    output.end()
    target.flush()
    await asyncio.to_thread(os.fsync, target.fileno())
    return Copied(sum(rows), len(artifacts) - len(lost), target.tell(), tuple(lost))


def _copied_tables() -> list[Table]:
    """Those that refer to others after them."""
    return [table for table in metadata.sorted_tables if table.name not in NOT_COPIED]


async def _table(connection: AsyncConnection, table: Table, output: Writing) -> int:
    """Write its rows in parts; how many there are. Reflected types give values as they are stored."""
    found = await connection.run_sync(lambda one: Table(table.name, MetaData(), autoload_with=one, resolve_fks=False))
    result = await connection.stream(select(found).order_by(*found.primary_key.columns))
    count, part, held = 0, 0, bytearray()
    async for rows in result.mappings().partitions(AT_ONCE):
        for line in lines_of(rows):
            held += line
            count += 1
            if len(held) >= LARGEST_PART:
                output.add(f"tables/{table.name}/{part:06}.jsonl", bytes(held))
                part, held = part + 1, bytearray()
    output.add(f"tables/{table.name}/{part:06}.jsonl", bytes(held))
    return count


async def _artifact(store: SqlStore, artifact: Artifact, output: Writing) -> bool:
    """Write its bytes, checked on the way; False where the storage has lost or changed them."""
    pieces = await store.artifacts.opened(artifact, 0, artifact.size)
    if pieces is None:
        return False
    digest = hashlib.sha256()
    with spooled(store.incoming, "backup") as (spool, _):
        async for piece in pieces:
            digest.update(piece)
            spool.write(piece)
        if digest.hexdigest() != artifact.sha256:
            return False
        await asyncio.to_thread(_added, output, artifact, spool)
    return True


def _added(output: Writing, artifact: Artifact, spool: BinaryIO) -> None:
    spool.seek(0)
    output.add_file(f"artifacts/{artifact.sha256}", spool, artifact.size, artifact.sha256)


@asynccontextmanager
async def _nothing_forgotten(store: SqlStore) -> AsyncGenerator[None]:
    """Hold the lease of who forgets, renewed for as long as the block runs. ConflictError where it is not given in time."""
    holder = f"backup-{secrets.token_hex(8)}"
    for _ in range(LOOKS):
        if await store.leases.take(WORK, holder, LEASE_S):
            break
        await asyncio.sleep(1)
    else:
        raise ConflictError("another portal or backup has been at work for a minute", next_step="Try again later.")
    renewal = asyncio.create_task(_renewed(store, holder))
    try:
        yield
    finally:
        renewal.cancel()
        await asyncio.gather(renewal, return_exceptions=True)
        await store.leases.give_back(WORK, holder)


async def _renewed(store: SqlStore, holder: str) -> None:
    while True:
        await asyncio.sleep(LEASE_S / 4)
        await store.leases.take(WORK, holder, LEASE_S)
