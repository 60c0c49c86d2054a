"""The whole store: its parts put together over one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.store.artifacts import Artifacts
from outrider.store.database import opened
from outrider.store.deployments import Deployments
from outrider.store.requests import Requests
from outrider.store.versions import Versions

if TYPE_CHECKING:
    from outrider.store.database import Database


class SqlStore(Versions, Deployments, Requests, Artifacts):
    """Operations' ``Store`` in SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def close(self) -> None:
        """Close every connection to the database."""
        await self._database.close()


async def opened_store(url: str) -> SqlStore:
    """The store at a database URL, its tables brought to their present form."""
    return SqlStore(await opened(url))
