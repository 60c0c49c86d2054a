"""The whole store: one repository per noun, over one database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError
from sqlalchemy.engine import make_url

from outrider.operations.repositories import Store
from outrider.store.approvals import Approvals
from outrider.store.artifacts import Artifacts
from outrider.store.batches import Batches
from outrider.store.database import opened
from outrider.store.deployments import Deployments
from outrider.store.digests import ImageDigests
from outrider.store.events import Events
from outrider.store.execs import Execs
from outrider.store.freezes import Freezes
from outrider.store.leases import Leases
from outrider.store.locks import Locks
from outrider.store.moving import move_contents
from outrider.store.rejections import Rejections
from outrider.store.requests import Requests
from outrider.store.retention import Retention
from outrider.store.storage.folder import Folder
from outrider.store.storage.identity import links_of, settle
from outrider.store.values import Values
from outrider.store.versions import Versions

if TYPE_CHECKING:
    from outrider.store.database import Database
    from outrider.store.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class SqlStore(Store):
    """Operations' ``Store`` in SQLite or PostgreSQL."""

    database: Database
    incoming: Path
    """The folder of this machine in which bytes lie while they come."""

    async def close(self) -> None:
        """Close every connection to the database."""
        await self.database.close()


async def opened_store(url: str, place: Storage | None = None, *, migrates: bool = True) -> SqlStore:
    """The store at a database URL, its tables brought to their present form; without a storage a folder beside its file.

    UsageError where the storage is not the one that belongs to the database, or the tables are not in their present form
    and are not to be brought there.
    """
    found = await opened(url, migrates=migrates)
    try:
        place = place or folder_beside(url)
        await settle(found, place)
        artifacts = Artifacts(found, place, await links_of(found))
        await move_contents(found, artifacts)
    except BaseException:  # a cancellation too: it is raised again, without the connections
        await found.close()
        raise
    return SqlStore(
        versions=Versions(found),
        deployments=Deployments(found),
        locks=Locks(found),
        freezes=Freezes(found),
        rejections=Rejections(found),
        requests=Requests(found),
        events=Events(found),
        execs=Execs(found),
        artifacts=artifacts,
        values=Values(found),
        batches=Batches(found),
        approvals=Approvals(found),
        digests=ImageDigests(found),
        leases=Leases(found),
        retention=Retention(found),
        database=found,
        incoming=place.incoming,
    )


def folder_beside(url: str) -> Folder:
    """The folder ``FILE-artifacts`` beside a SQLite file; UsageError for a database that is no file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise UsageError(
            "the artifacts of this database have no place",
            next_step="Name a folder or s3://BUCKET/PREFIX with OUTRIDER_ARTIFACTS (--artifacts).",
        )
    file = Path(str(parsed.database))
    return Folder(file.with_name(f"{file.name}-artifacts"))
