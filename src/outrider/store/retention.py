"""What a service has been through, and what of it is forgotten, with all that refers to that alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, or_, select

from outrider.operations.records import Past, VersionSummary
from outrider.store.database import parts
from outrider.store.deployments import COLUMNS, deployment_of
from outrider.store.platforms import forget_platforms
from outrider.store.rejections import standing
from outrider.store.tables import deployments, metadata, rejections, versions
from outrider.store.versions import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.store.database import Database


class Retention:
    """The part of the store that forgets. Numbers of versions are counted on: none is given twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def past(self, environment: str, service: str) -> Past:
        """All of a service's versions and deployments, without documents."""
        own = (versions.c.environment == environment, versions.c.service == service)
        done = (deployments.c.environment == environment, deployments.c.service == service)
        marked = select(rejections.c.number).where(*standing(environment, service))
        async with self._database.reading() as connection:
            known = (await connection.execute(select(*SUMMARY).where(*own))).mappings()
            happened = (await connection.execute(select(*COLUMNS).where(*done))).mappings()
            return Past(
                environment,
                service,
                tuple(VersionSummary(**row) for row in known),
                tuple(deployment_of(row) for row in happened),
                frozenset((await connection.execute(marked)).scalars()),
            )

    async def forget(self, past: Past, numbers: Collection[int], ids: Collection[str]) -> tuple[int, int]:
        """Forget these versions and deployments; how many of each. A version that somebody names by then stays.

        Its row is locked before that is looked at, and whoever opens a deployment of it locks it too: so the one waits
        for the other, where the database does not have one writer anyway.
        """
        gone = [0, 0]
        async with self._database.writing() as connection:
            for some in parts(sorted(ids)):
                gone[1] += await _deleted(connection, deployments, deployments.c.id.in_(some))
            own = (versions.c.environment == past.environment) & (versions.c.service == past.service)
            for part in parts(sorted(numbers)):
                wanted = own & versions.c.number.in_(part)
                await connection.execute(select(versions.c.number).where(wanted).with_for_update())
                gone[0] += await _deleted(connection, versions, wanted & ~_is_named())
            if gone[0]:
                await forget_platforms(connection)
        return gone[0], gone[1]


def _is_named() -> ColumnElement[bool]:
    theirs = and_(
        deployments.c.environment == versions.c.environment,
        deployments.c.service == versions.c.service,
        or_(deployments.c.version == versions.c.number, deployments.c.previous == versions.c.number),
    )
    return select(deployments.c.id).where(theirs).exists()


async def _deleted(connection: AsyncConnection, table: Table, which: ColumnElement[bool]) -> int:
    """Delete the rows, those first that refer to them, in whichever table; how many of the first."""
    key = list(table.primary_key.columns)
    found = [tuple(row) for row in await connection.execute(select(*key).where(which))]
    for other, columns in _referring(table):
        for row in found:
            same = and_(*(column == value for column, value in zip(columns, row, strict=True)))
            await connection.execute(delete(other).where(same))
    for row in found:
        same = and_(*(column == value for column, value in zip(key, row, strict=True)))
        await connection.execute(delete(table).where(same))
    return len(found)


def _referring(table: Table) -> Iterator[tuple[Table, list[ColumnElement[Any]]]]:
    """Tables whose rows refer to this one's, each with the columns that do, in the order of the key."""
    for other in metadata.sorted_tables:
        for foreign in other.foreign_key_constraints:
            if foreign.referred_table is table:
                yield other, [other.c[one.parent.name] for one in foreign.elements]
