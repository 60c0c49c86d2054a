"""Services and their numbered versions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, Select, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from outrider.operations.records import Declaration, Draft, Version
from outrider.spec.stored import Declared
from outrider.store.tables import deployments, services, version_artifacts, versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.store.database import Database


_DECLARED = (
    versions.c.service,
    versions.c.hash,
    versions.c.protocol,
    versions.c.format,
    *(versions.c.merged[name].label(name) for name in Declared.model_fields),
)


class Versions:
    """The part of the store that knows what was ever deployed."""

    _database: Database

    async def services(self, environment: str) -> tuple[str, ...]:
        """Names of every service that has a version there, sorted."""
        query = select(services.c.name).where(services.c.environment == environment).order_by(services.c.name)
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def declarations(self, environment: str) -> tuple[Declaration, ...]:
        """Of each service that of the version that came up last; of its newest where none has."""
        newest = (
            (versions.c.environment == services.c.environment)
            & (versions.c.service == services.c.name)
            & (versions.c.number == services.c.latest)
        )
        latest = select(*_DECLARED).select_from(services.join(versions, newest))
        async with self._database.reading() as connection:
            stored = await connection.execute(latest.where(services.c.environment == environment))
            came_up = await connection.execute(_came_up_last(environment))
            found = [_declaration(row) for row in (*stored.mappings(), *came_up.mappings())]
        return tuple({one.service: one for one in found}.values())

    async def declaration(self, environment: str, service: str, hash_: str) -> Declaration | None:
        """That of the newest version with this hash, or None."""
        here = (versions.c.environment == environment, versions.c.service == service, versions.c.hash == hash_)
        query = select(*_DECLARED).where(*here).order_by(versions.c.number.desc()).limit(1)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return _declaration(row) if row else None

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
    row = {"environment": draft.environment, "name": draft.service, "latest": 0}
    await connection.execute(dialect.insert(services).values(row).on_conflict_do_nothing())
    count_up = (
        update(services)
        .where(services.c.environment == draft.environment, services.c.name == draft.service)
        .values(latest=services.c.latest + 1)
        .returning(services.c.latest)
    )
    return (await connection.execute(count_up)).scalar_one()


def _came_up_last(environment: str) -> Select[*tuple[Any, ...]]:
    """The declarations of the versions that were brought up last with success; what had nothing to do brought nothing up."""
    done, good = deployments.c, (deployments.c.state == "successful") & deployments.c.modify_index.is_not(None)
    here = (done.environment == environment) & done.version.is_not(None)
    last = (
        select(done.service, func.max(done.created_at).label("at")).where(here, good).group_by(done.service).subquery()
    )
    then = (done.service == last.c.service) & (done.created_at == last.c.at) & here & good
    theirs = (versions.c.environment == environment) & (versions.c.service == done.service)
    rows = last.join(deployments, then).join(versions, theirs & (versions.c.number == done.version))
    return select(*_DECLARED).select_from(rows)


def _declaration(row: RowMapping) -> Declaration:
    said = {name: row[name] for name in Declared.model_fields}
    return Declaration(row["service"], row["hash"], row["protocol"], said, row["format"])


def _version(row: RowMapping, pairs: Sequence[tuple[int, str]]) -> Version:
    return Version(**row, artifacts=tuple(sorted(sha256 for number, sha256 in pairs if number == row["number"])))
