"""Services and their numbered versions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from outrider.operations.records import Draft, Version
from outrider.store.tables import services, version_artifacts, versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.store.database import Database


class Versions:
    """The part of the store that knows what was ever deployed."""

    _database: Database

    async def services(self, environment: str) -> tuple[str, ...]:
        """Names of every service that has a version there, sorted."""
        query = select(services.c.name).where(services.c.environment == environment).order_by(services.c.name)
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def protocols(self, environment: str) -> dict[str, str]:
        """What each service of the environment speaks, by its newest version."""
        query = select(services.c.name, services.c.protocol).where(services.c.environment == environment)
        async with self._database.reading() as connection:
            return {row.name: row.protocol for row in await connection.execute(query)}

    async def upstreams(self, environment: str) -> dict[str, dict[str, Any]]:
        """What each service calls, by its newest version: its upstreams as the merged spec has them."""
        return {name: written or {} for name, written in (await self._newest(environment, "upstreams")).items()}

    async def shards(self, environment: str) -> frozenset[str]:
        """The services whose instances share keys out between them, by their newest versions."""
        return frozenset(name for name, shard in (await self._newest(environment, "shard")).items() if shard)

    async def _newest(self, environment: str, field: str) -> dict[str, Any]:
        """One field of the merged spec of each service's newest version; None where that one has none."""
        newest = (
            (versions.c.environment == services.c.environment)
            & (versions.c.service == services.c.name)
            & (versions.c.number == services.c.latest)
        )
        query = (
            select(services.c.name, versions.c.merged[field].label("found"))
            .join(versions, newest)
            .where(services.c.environment == environment)
        )
        async with self._database.reading() as connection:
            return {row.name: row.found for row in await connection.execute(query)}

    async def add_version(self, draft: Draft) -> Version:
        """Number the draft and keep it."""
        async with self._database.writing() as connection:
            number = await _next_number(connection, draft)
            version = Version(**asdict(draft), number=number, created_at=datetime.now(UTC))
            row = {key: value for key, value in asdict(version).items() if key != "artifacts"}
            await connection.execute(insert(versions).values(row))
            place = {"environment": version.environment, "service": version.service, "number": number}
            for sha256 in version.artifacts:
                await connection.execute(insert(version_artifacts).values(**place, sha256=sha256))
        return version

    async def version(self, environment: str, service: str, number: int) -> Version | None:
        """One version, or None."""
        found = await self._versions(environment, service, versions.c.number == number)
        return found[0] if found else None

    async def versions(self, environment: str, service: str) -> tuple[Version, ...]:
        """Newest first."""
        return await self._versions(environment, service)

    async def _versions(self, environment: str, service: str, *conditions: Any) -> tuple[Version, ...]:
        here = (versions.c.environment == environment, versions.c.service == service)
        query = select(versions).where(*here, *conditions).order_by(versions.c.number.desc())
        used = select(version_artifacts.c.number, version_artifacts.c.sha256).where(
            version_artifacts.c.environment == environment, version_artifacts.c.service == service
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
            pairs = [(row.number, row.sha256) for row in await connection.execute(used)]
        return tuple(_version(row, pairs) for row in rows)


async def _next_number(connection: AsyncConnection, draft: Draft) -> int:
    """Count the service's versions up by one; the row of the service is the lock between two portals."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"environment": draft.environment, "name": draft.service, "protocol": draft.protocol, "latest": 0}
    await connection.execute(dialect.insert(services).values(row).on_conflict_do_nothing())
    count_up = (
        update(services)
        .where(services.c.environment == draft.environment, services.c.name == draft.service)
        .values(latest=services.c.latest + 1, protocol=draft.protocol)
        .returning(services.c.latest)
    )
    return (await connection.execute(count_up)).scalar_one()


def _version(row: RowMapping, pairs: Sequence[tuple[int, str]]) -> Version:
    return Version(**row, artifacts=tuple(sorted(sha256 for number, sha256 in pairs if number == row["number"])))
