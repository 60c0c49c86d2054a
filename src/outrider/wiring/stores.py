"""The store that the settings name: database and storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.private import private_directory

from outrider.store.storage.address import storage_at
from outrider.store.store import SqlStore, folder_beside, opened_store

if TYPE_CHECKING:
    from outrider.settings import Settings
    from outrider.store.storage.storage import Storage

DATABASE_FILE = "portal.db"
ARTIFACTS = "artifacts"


async def store_of(settings: Settings, *, migrates: bool = True) -> SqlStore:
    """The store that the settings name: a SQLite file and a folder beside it, unless they say otherwise."""
    url = database_url(settings)
    return await opened_store(url, storage_of(settings), migrates=migrates)


def storage_of(settings: Settings) -> Storage:
    """The storage that the settings name: else a folder beside the database's file, or one of this machine's user."""
    if settings.artifacts:
        return storage_at(settings.artifacts, settings.s3)
    url = database_url(settings)
    return folder_beside(url) if url.startswith("sqlite:") else storage_at(str(settings.data_directory / ARTIFACTS))


def database_url(settings: Settings) -> str:
    """The database that the settings name, or a file of this machine's user."""
    return settings.database or _own_database(settings)


def _own_database(settings: Settings) -> str:
    return f"sqlite:///{private_directory(settings.data_directory) / DATABASE_FILE}"
