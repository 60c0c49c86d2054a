"""The whole store: one repository per noun, over one database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.operations.repositories import Store
from outrider.store.artifacts import Artifacts
from outrider.store.batches import Batches
from outrider.store.database import opened
from outrider.store.deployments import Deployments
from outrider.store.events import Events
from outrider.store.locks import Locks
from outrider.store.releases import Releases
from outrider.store.requests import Requests
from outrider.store.versions import Versions

if TYPE_CHECKING:
    from outrider.store.database import Database


@dataclass(frozen=True, slots=True)
class SqlStore(Store):
    """Operations' ``Store`` in SQLite or PostgreSQL."""

    database: Database

    async def close(self) -> None:
        """Close every connection to the database."""
        await self.database.close()


async def opened_store(url: str) -> SqlStore:
    """The store at a database URL, its tables brought to their present form."""
    found = await opened(url)
    return SqlStore(
        versions=Versions(found),
        deployments=Deployments(found),
        locks=Locks(found),
        requests=Requests(found),
        events=Events(found),
        artifacts=Artifacts(found),
        batches=Batches(found),
        releases=Releases(found),
        database=found,
    )
