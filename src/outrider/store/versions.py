"""Services and their numbered versions."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, Select, func, insert, select, tuple_, update

from outrider.operations.records import Draft, MergedSpec, Outline, Version, VersionSummary
from outrider.spec.stored import Outlined
from outrider.store.database import inserting, parts
from outrider.store.declarations import Declarations
from outrider.store.platforms import keep_platform
from outrider.store.tables import deployments, platforms, services, version_artifacts, versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.operations.records import Declaration
    from outrider.store.database import Database

SUMMARY = tuple(versions.c[field.name] for field in fields(VersionSummary))
_WHOLE = (*(one for one in versions.c if one.name != "platform"), platforms.c.document.label("platform"))
_WITH_PLATFORM = versions.outerjoin(platforms, versions.c.platform == platforms.c.sha256)
_OUTLINE = (
    *(versions.c[name] for name in ("service", "number", "hash", "protocol", "format")),
    *(versions.c.merged[name].label(name) for name in Outlined.model_fields),
)


class Versions:
    """The part of the store that knows what was ever deployed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._declarations = Declarations(database)

    async def services(self, environment: str) -> tuple[str, ...]:
        """Names of every service that has a version there, sorted."""
        query = select(services.c.name).where(services.c.environment == environment).order_by(services.c.name)
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def declarations(self, environment: str) -> tuple[Declaration, ...]:
        """Of each service that of the version that came up last; of its newest where none has."""
        return await self._declarations.all(environment)

    async def declaration(self, environment: str, service: str, hash_: str) -> Declaration | None:
        """That of the newest version with this hash, or None."""
        return await self._declarations.one(environment, service, hash_)

    async def add_version(self, draft: Draft) -> Version:
        """Number the draft and keep it."""
        async with self._database.writing() as connection:
            number = await _next_number(connection, draft)
            given = {field.name: getattr(draft, field.name) for field in fields(Draft)}
            version = Version(**given, number=number, created_at=datetime.now(UTC))
            row = {key: value for key, value in asdict(version).items() if key != "artifacts"}
            platform = await keep_platform(connection, version.platform)
            await connection.execute(insert(versions).values(row | {"platform": platform}))
            place = {"environment": version.environment, "service": version.service, "number": number}
            for sha256 in version.artifacts:
                await connection.execute(insert(version_artifacts).values(**place, sha256=sha256))
        return version

    async def numbered(self, environment: str, service: str, number: int) -> Version | None:
        """One version, or None."""
        own = (versions.c.environment == environment, versions.c.service == service, versions.c.number == number)
        artifacts = version_artifacts.c
        theirs = (artifacts.environment == environment, artifacts.service == service, artifacts.number == number)
        used = select(artifacts.sha256).where(*theirs).order_by(artifacts.sha256)
        async with self._database.reading() as connection:
            row = (
                (await connection.execute(select(*_WHOLE).select_from(_WITH_PLATFORM).where(*own)))
                .mappings()
                .one_or_none()
            )
            sha256s = tuple((await connection.execute(used)).scalars()) if row else ()
        return Version(**row, artifacts=sha256s) if row else None

    async def newest_version(self, environment: str, service: str) -> Version | None:
        """The last one that was added, or None."""
        (found,) = await self.summaries(environment, service, 1) or (None,)
        return await self.numbered(environment, service, found.number) if found else None

    async def running_version(self, environment: str, service: str, hash_: str) -> Version | None:
        """Of those with this hash the one deployed last, the newest where none was, or None."""
        async with self._database.reading() as connection:
            number = (await _deployed_last(connection, environment, {service: hash_})).get(service)
        return await self.numbered(environment, service, number) if number is not None else None

    async def summaries(self, environment: str, service: str, limit: int | None = None) -> tuple[VersionSummary, ...]:
        """Newest first, without their documents."""
        here = (versions.c.environment == environment, versions.c.service == service)
        query = select(*SUMMARY).where(*here).order_by(versions.c.number.desc()).limit(limit)
        async with self._database.reading() as connection:
            return tuple(VersionSummary(**row) for row in (await connection.execute(query)).mappings())

    async def outlines(self, environment: str, hashes: Mapping[str, str | None]) -> Mapping[str, Outline]:
        """By service, of the version with the hash that runs the outline, else that of the newest."""
        async with self._database.reading() as connection:
            numbers = await _numbers(connection, environment, hashes)
            found = [row for some in parts(numbers) for row in await _outlines(connection, environment, some)]
        return {one.service: one for one in found}

    async def merged_specs(self, environment: str, hashes: Mapping[str, str | None]) -> Mapping[str, MergedSpec]:
        """By service the spec of the version with the hash that runs, else of the newest; no other document is read."""
        if not hashes:
            return {}
        async with self._database.reading() as connection:
            numbers = await _numbers(connection, environment, hashes)
            found = [row for some in parts(numbers) for row in await _merged(connection, environment, some)]
        return {one.service: one for one in found}


async def _numbers(
    connection: AsyncConnection, environment: str, hashes: Mapping[str, str | None]
) -> list[tuple[str, int]]:
    """By service the number of the version with the hash that runs, else of the newest."""
    newest = select(services.c.name, services.c.latest).where(services.c.environment == environment)
    latest = {name: number for name, number in await connection.execute(newest) if name in hashes}
    return list((latest | await _deployed_last(connection, environment, hashes)).items())


async def _merged(
    connection: AsyncConnection, environment: str, numbers: Sequence[tuple[str, int]]
) -> list[MergedSpec]:
    wanted = tuple_(versions.c.service, versions.c.number).in_(numbers)
    columns = [versions.c[one.name] for one in fields(MergedSpec)]
    rows = await connection.execute(select(*columns).where(versions.c.environment == environment, wanted))
    return [MergedSpec(**row) for row in rows.mappings()]


async def _next_number(connection: AsyncConnection, draft: Draft) -> int:
    """Count the service's versions up by one; the row of the service is the lock between two portals."""
    row = {"environment": draft.environment, "name": draft.service, "latest": 0}
    await connection.execute(inserting(connection, services).values(row).on_conflict_do_nothing())
    count_up = (
        update(services)
        .where(services.c.environment == draft.environment, services.c.name == draft.service)
        .values(latest=services.c.latest + 1)
        .returning(services.c.latest)
    )
    return (await connection.execute(count_up)).scalar_one()


async def _deployed_last(
    connection: AsyncConnection, environment: str, hashes: Mapping[str, str | None]
) -> dict[str, int]:
    """By service the number of the version with that hash: the one deployed last, the newest where none was."""
    pairs = [(service, hash_) for service, hash_ in hashes.items() if hash_ is not None]
    rows = [row for some in parts(pairs) for row in await connection.execute(_with_hash(environment, some))]
    # A version that was never deployed has no time, and stands before all that were.
    ordered = sorted(rows, key=lambda row: (row.at is not None, row.at and row.at.timestamp(), row.number))
    return {row.service: row.number for row in ordered}


def _with_hash(environment: str, pairs: Sequence[tuple[str, str]]) -> Select[*tuple[Any, ...]]:
    """Versions with these hashes, each with the time of its last deployment that Nomad took."""
    done = deployments.c
    theirs = (done.environment == versions.c.environment) & (done.service == versions.c.service)
    taken = theirs & (done.version == versions.c.number) & done.modify_index.is_not(None)
    at = select(func.max(done.created_at)).where(taken).scalar_subquery()
    wanted = tuple_(versions.c.service, versions.c.hash).in_(pairs)
    return select(versions.c.service, versions.c.number, at.label("at")).where(
        versions.c.environment == environment, wanted
    )


async def _outlines(connection: AsyncConnection, environment: str, numbers: Sequence[tuple[str, int]]) -> list[Outline]:
    wanted = tuple_(versions.c.service, versions.c.number).in_(numbers)
    rows = await connection.execute(select(*_OUTLINE).where(versions.c.environment == environment, wanted))
    return [_outline(row) for row in rows.mappings()]


def _outline(row: RowMapping) -> Outline:
    said = {name: row[name] for name in Outlined.model_fields}
    return Outline(row["service"], row["number"], row["hash"], row["protocol"], said, row["format"])
