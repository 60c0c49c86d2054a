"""Which storage belongs to which database: each of them knows the same word, or a portal does not start."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError
from sqlalchemy import select, update

from outrider.operations.artifact_links import ArtifactLinks
from outrider.store.database import inserting
from outrider.store.keys import key_for
from outrider.store.own_tables import storage
from outrider.store.storage.storage import IDENTITY

if TYPE_CHECKING:
    from outrider.store.database import Database
    from outrider.store.storage.storage import Storage

ONE = 1
URL_KEY = "artifact-urls"


async def settle(database: Database, place: Storage) -> None:
    """Make the storage this database's own the first time; UsageError where the one or the other has another by now.

    The word is in the database before it is in the storage, so that a crash between leaves nobody without one; the row
    is the lock between two portals that start at once.
    """
    row = {"number": ONE, "identity": secrets.token_hex(16), "is_settled": False}
    async with database.writing() as connection:
        await connection.execute(inserting(connection, storage).values(row).on_conflict_do_nothing())
    async with database.writing() as connection:
        mine = (await connection.execute(select(storage).with_for_update())).mappings().one()
        if not mine["is_settled"]:
            await place.add_word(IDENTITY, mine["identity"])
        _check(place, mine["identity"], await place.word(IDENTITY), is_new=not mine["is_settled"])
        await connection.execute(update(storage).values(is_settled=True))


async def links_of(database: Database) -> ArtifactLinks:
    """The addresses of this store's artifacts; its key is made the first time."""
    return ArtifactLinks(await key_for(database, URL_KEY))


def _check(place: Storage, mine: str, found: str | None, *, is_new: bool) -> None:
    if found == mine:
        return
    if is_new:
        raise UsageError(
            f"the artifacts in {place.place} belong to another database than this one",
            next_step="Name another folder or prefix with OUTRIDER_ARTIFACTS (--artifacts), or the database that they belong to.",
        )
    what = "is not the one that this database's artifacts are in"
    raise UsageError(
        f"{place.place} {what}: portals on one database need one storage, and another one has been here before",
        next_step="Name that storage with OUTRIDER_ARTIFACTS (--artifacts): a folder that all portals share, or s3://BUCKET/PREFIX. "
        f"If its bytes are lost, write the line {mine} into {place.place}/{IDENTITY}, and deploy what needs them again.",
    )
