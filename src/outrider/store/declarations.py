"""What stored versions say to their neighbours; read once and kept in memory, since a version never changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, Select, func, select, tuple_

from outrider.operations.records import Declaration
from outrider.spec.stored import Declared
from outrider.store.database import parts
from outrider.store.tables import deployments, services, versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.store.database import Database

    Place = tuple[str, int, str]
    """A version by service, number and hash."""

_PLACE = (versions.c.service, versions.c.number, versions.c.hash)
_DECLARED = (
    *_PLACE,
    versions.c.protocol,
    versions.c.format,
    *(versions.c.merged[name].label(name) for name in Declared.model_fields),
)


class Declarations:
    """Of each environment the declarations that were asked for last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Mapping[Place, Declaration]] = {}

    async def all(self, environment: str) -> tuple[Declaration, ...]:
        """Of each service that of the version that came up last; of its newest where none has."""
        known = self._known.get(environment, {})
        async with self._database.reading() as connection:
            places = await _places(connection, environment)
            read = await _read(connection, environment, [one for one in places if one not in known])
        # A version may have been taken away since its place was read.
        found = {one: said for one in places if (said := known.get(one) or read.get(one))}
        self._known[environment] = found
        return tuple(found.values())

    async def one(self, environment: str, service: str, hash_: str) -> Declaration | None:
        """That of the newest version with this hash, or None."""
        here = (versions.c.environment == environment, versions.c.service == service, versions.c.hash == hash_)
        query = select(*_DECLARED).where(*here).order_by(versions.c.number.desc()).limit(1)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return _declaration(row) if row else None


async def _places(connection: AsyncConnection, environment: str) -> list[Place]:
    newest = (
        (versions.c.environment == services.c.environment)
        & (versions.c.service == services.c.name)
        & (versions.c.number == services.c.latest)
    )
    latest = select(*_PLACE).select_from(services.join(versions, newest)).where(services.c.environment == environment)
    stored = await connection.execute(latest)
    came_up = await connection.execute(_came_up_last(environment))
    found = [(row.service, row.number, row.hash) for row in (*stored, *came_up)]
    return list({place[0]: place for place in found}.values())


def _came_up_last(environment: str) -> Select[*tuple[Any, ...]]:
    """The versions that were brought up last with success; what had nothing to do brought nothing up."""
    done, good = deployments.c, (deployments.c.state == "successful") & deployments.c.modify_index.is_not(None)
    here = (done.environment == environment) & done.version.is_not(None)
    last = (
        select(done.service, func.max(done.created_at).label("at")).where(here, good).group_by(done.service).subquery()
    )
    then = (done.service == last.c.service) & (done.created_at == last.c.at) & here & good
    theirs = (versions.c.environment == environment) & (versions.c.service == done.service)
    rows = last.join(deployments, then).join(versions, theirs & (versions.c.number == done.version))
    return select(*_PLACE).select_from(rows)


async def _read(connection: AsyncConnection, environment: str, places: Sequence[Place]) -> dict[Place, Declaration]:
    found: dict[Place, Declaration] = {}
    for some in parts(places):
        wanted = tuple_(versions.c.service, versions.c.number).in_([place[:2] for place in some])
        rows = await connection.execute(select(*_DECLARED).where(versions.c.environment == environment, wanted))
        found |= {(row["service"], row["number"], row["hash"]): _declaration(row) for row in rows.mappings()}
    return found


def _declaration(row: RowMapping) -> Declaration:
    said = json.dumps({name: row[name] for name in Declared.model_fields})
    return Declaration(row["service"], row["hash"], row["protocol"], said, row["format"])
