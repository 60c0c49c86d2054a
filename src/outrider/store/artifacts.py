"""Bytes that jobs download, by their SHA-256: the database knows where they lie, the storage has them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from outrider.operations.artifact_repository import OtherBytesError
from outrider.operations.records import Artifact
from outrider.store.database import inserting, parts
from outrider.store.storage.spool import spooled
from outrider.store.storage.storage import new_key
from outrider.store.tables import artifacts, version_artifacts

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping
    from pathlib import Path
    from typing import Any, BinaryIO

    from sqlalchemy import Select

    from outrider.operations.artifact_links import ArtifactLinks
    from outrider.store.database import Database
    from outrider.store.storage.storage import Storage


class Artifacts:
    """The part of the store that keeps what services download; nothing of it is ever in memory as a whole."""

    def __init__(self, database: Database, storage: Storage, links: ArtifactLinks) -> None:
        self._database = database
        self._storage = storage
        self.links = links

    async def add_artifact(self, content: AsyncIterable[bytes], sha256: str | None = None) -> Artifact:
        """Keep the bytes; a second time is as good as the first. OtherBytesError where they have another SHA-256."""
        with spooled(self._storage.incoming, "upload") as (file, path):
            found, size = await _received(content, file)
            if sha256 not in {None, found}:
                raise OtherBytesError(f"these bytes do not have the SHA-256 {sha256}", next_step="Send them again.")
            return await self._renewed(found) or await self._kept(found, size, path)

    async def artifact(self, sha256: str) -> Artifact | None:
        """What is known of it, or None."""
        found = await self._artifacts(select(artifacts).where(artifacts.c.sha256 == sha256))
        return found[0] if found else None

    async def artifacts(self) -> tuple[Artifact, ...]:
        """All of them, the newest first."""
        return await self._artifacts(select(artifacts).order_by(artifacts.c.added_at.desc(), artifacts.c.sha256))

    async def users(self) -> Mapping[str, tuple[tuple[str, str, int], ...]]:
        """By SHA-256 the versions that need it: environment, service, number."""
        used, found = version_artifacts.c, defaultdict[str, list[tuple[str, str, int]]](list)
        query = select(used.sha256, used.environment, used.service, used.number)
        async with self._database.reading() as connection:
            for sha256, *version in await connection.execute(query.order_by(*query.selected_columns)):
                found[sha256].append((version[0], version[1], version[2]))
        return {sha256: tuple(versions) for sha256, versions in found.items()}

    async def opened(self, artifact: Artifact, start: int, stop: int) -> AsyncIterator[bytes] | None:
        """Its bytes from ``start`` up to ``stop`` in pieces, or None where the storage has lost them."""
        return await self._storage.opened(artifact.object, start, stop)

    async def renew_artifact(self, sha256: str) -> bool:
        """Whether it is here; if so it stays for as long as if it had just been added."""
        return await self._renewed(sha256) is not None

    async def unused_artifacts(self, since: datetime) -> tuple[str, ...]:
        """Those that no version refers to and nobody has added since then."""
        query = select(artifacts.c.sha256).where(*_unused(since))
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def drop_artifacts(self, sha256s: Collection[str], unused_since: datetime) -> int:
        """Forget those of them of which that still holds; how many."""
        keys: list[str] = []
        for part in parts(sorted(sha256s)):
            gone = delete(artifacts).where(artifacts.c.sha256.in_(part), *_unused(unused_since))
            async with self._database.writing() as connection:
                keys += (await connection.execute(gone.returning(artifacts.c.object))).scalars()
        # Whoever adds the same bytes from now on keeps them under another key: nothing of theirs is deleted here.
        for key in keys:
            await self._storage.delete(key)
        return len(keys)

    async def sweep(self, before: datetime) -> int:
        """Delete what a crash has left in the storage before then, and no artifact has as its own; how many."""
        found = [key async for key in self._storage.older(before)]
        known: set[str] = set()
        async with self._database.reading() as connection:
            for part in parts(found):
                query = select(artifacts.c.object).where(artifacts.c.object.in_(part))
                known |= set((await connection.execute(query)).scalars())
        for key in set(found) - known:
            await self._storage.delete(key)
        return len(set(found) - known)

    async def _renewed(self, sha256: str) -> Artifact | None:
        """With a new time, and its bytes are there; None where they have to be stored (again)."""
        renew = update(artifacts).where(artifacts.c.sha256 == sha256).values(added_at=datetime.now(UTC))
        async with self._database.writing() as connection:
            row = (await connection.execute(renew.returning(*artifacts.c))).mappings().one_or_none()
        found = Artifact(**row) if row else None
        is_whole = found and found.object and await self._storage.size(found.object) == found.size
        return found if is_whole else None

    async def _kept(self, sha256: str, size: int, file: Path) -> Artifact:
        key = new_key(sha256)
        await self._storage.put(key, file)
        row = {"sha256": sha256, "size": size, "object": key, "by_hash": False, "added_at": datetime.now(UTC)}
        changed = {"object": key, "added_at": row["added_at"]}
        async with self._database.writing() as connection:
            add = inserting(connection, artifacts).values(row)
            put = add.on_conflict_do_update(index_elements=["sha256"], set_=changed).returning(*artifacts.c)
            return Artifact(**(await connection.execute(put)).mappings().one())

    async def _artifacts(self, query: Select[Any]) -> tuple[Artifact, ...]:
        async with self._database.reading() as connection:
            return tuple(Artifact(**row) for row in (await connection.execute(query)).mappings())


def _unused(since: datetime) -> tuple[Any, ...]:
    return artifacts.c.added_at < since, artifacts.c.sha256.not_in(select(version_artifacts.c.sha256))


async def _received(content: AsyncIterable[bytes], file: BinaryIO) -> tuple[str, int]:
    """SHA-256 and size of what came, which is in the file then."""
    digest, size = hashlib.sha256(), 0
    async for piece in content:
        # In a thread: the one may take a while, and the other may wait for the disk.
        await asyncio.to_thread(digest.update, piece)
        await asyncio.to_thread(file.write, piece)
        size += len(piece)
    await asyncio.to_thread(file.flush)
    return digest.hexdigest(), size
