"""What the platform file said when versions were made: each text of it once, under its hash."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from outrider.store.database import inserting
from outrider.store.tables import platforms, versions

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.documents import Json


async def keep_platform(connection: AsyncConnection, document: Json | None) -> str | None:
    """Its hash, under which it is kept from now on; the row stays locked, so that nobody forgets it before it is named."""
    if document is None:
        return None
    sha256 = hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    there = inserting(connection, platforms).values(sha256=sha256, document=document)
    await connection.execute(there.on_conflict_do_update(index_elements=["sha256"], set_={"sha256": sha256}))
    return sha256


async def forget_platforms(connection: AsyncConnection) -> None:
    """Forget what no version names: looked at again once the rows are locked, since one may be named meanwhile."""
    unnamed = ~select(versions.c.number).where(versions.c.platform == platforms.c.sha256).exists()
    await connection.execute(select(platforms.c.sha256).where(unnamed).with_for_update())
    await connection.execute(delete(platforms).where(unnamed))
