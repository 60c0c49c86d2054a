"""Deployments, and who drives them."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import ConflictError
from sqlalchemy import func, insert, or_, select, update

from outrider.operations.records import Deployment, Override, Request
from outrider.operations.states import DECISIONS, FINAL
from outrider.store.database import inserting, parts
from outrider.store.requests import kept_request
from outrider.store.tables import deployments, release_counts, versions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.store.database import Database

_LEASE = ("lease_holder", "lease_until")

COLUMNS = [column for column in deployments.c if column.name not in _LEASE]
"""Those that are read of a deployment: all but who drives it."""


class Deployments:
    """The part of the store that knows what is being done and what came of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_deployment(self, deployment: Deployment) -> Deployment:
        """Number it among the changes of its service and keep it, or give back the one that has its idempotency key already."""
        async with self._database.writing() as connection:
            earlier = await _earlier(connection, deployment)
            if earlier is not None:
                return earlier
            await _check_version(connection, deployment)
            numbered = replace(deployment, release=await _next_release(connection, deployment))
            await connection.execute(insert(deployments).values(asdict(numbered)))
        return numbered

    async def save_deployment(self, deployment: Deployment) -> None:
        """Replace what is known of it."""
        async with self._database.writing() as connection:
            change = update(deployments).where(deployments.c.id == deployment.id).values(asdict(deployment))
            await connection.execute(change)

    async def claim(self, deployment_id: str, holder: str, lease_s: float) -> bool:
        """Take or renew the right to drive it, unless another holder's lease still runs."""
        now = datetime.now(UTC)
        is_free = or_(
            deployments.c.lease_holder.is_(None),
            deployments.c.lease_holder == holder,
            deployments.c.lease_until < now,
        )
        take = (
            update(deployments)
            .where(deployments.c.id == deployment_id, is_free)
            .values(lease_holder=holder, lease_until=now + timedelta(seconds=lease_s))
        )
        async with self._database.writing() as connection:
            return (await connection.execute(take)).rowcount == 1

    async def release(self, deployment_id: str, holder: str) -> None:
        """Give the lease back."""
        mine = (deployments.c.id == deployment_id, deployments.c.lease_holder == holder)
        async with self._database.writing() as connection:
            await connection.execute(update(deployments).where(*mine).values(lease_holder=None, lease_until=None))

    async def with_id(self, deployment_id: str) -> Deployment | None:
        """One deployment, or None."""
        found = await self._deployments(select(*COLUMNS).where(deployments.c.id == deployment_id))
        return found[0] if found else None

    async def newest(self, environment: str, service: str, limit: int = 50) -> tuple[Deployment, ...]:
        """Newest first."""
        here = (deployments.c.environment == environment, deployments.c.service == service)
        newest = select(*COLUMNS).where(*here).order_by(deployments.c.created_at.desc()).limit(limit)
        return await self._deployments(newest)

    async def unfinished(self) -> tuple[Deployment, ...]:
        """Oldest first, of all environments."""
        is_open = deployments.c.state.not_in(FINAL)
        return await self._deployments(select(*COLUMNS).where(is_open).order_by(deployments.c.created_at))

    async def last_deployments(self, environment: str, service: str | None = None) -> Mapping[str, Deployment]:
        """By service the one under way, else the last; of all services, or of one."""
        done = deployments.c
        one = (done.service == service,) if service else ()
        here = (done.environment == environment, done.kind.not_in(DECISIONS), *one)
        last = (
            select(done.service, func.max(done.created_at).label("at")).where(*here).group_by(done.service).subquery()
        )
        newest = last.join(deployments, (done.service == last.c.service) & (done.created_at == last.c.at))
        ended = await self._deployments(select(*COLUMNS).select_from(newest).where(*here))
        under_way = select(*COLUMNS).where(*here, done.state.not_in(FINAL)).order_by(done.created_at)
        return {one.service: one for one in (*ended, *await self._deployments(under_way))}

    async def last_rolled(self, environment: str) -> Mapping[str, datetime]:
        """By service when the last rollout of changed values began that came to a good end."""
        done = deployments.c
        good = (done.environment == environment, done.kind == "values", done.state == "successful")
        newest = select(done.service, func.max(done.created_at)).where(*good).group_by(done.service)
        async with self._database.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(newest)}

    async def registrations(self, environment: str, indexes: Collection[int]) -> frozenset[tuple[str, int]]:
        """Which of these indexes of jobs our own deployments have made, by service; a scale does not count."""
        done, wanted, found = deployments.c, sorted(indexes), set[tuple[str, int]]()
        made = select(done.service, done.modify_index).where(done.environment == environment, done.kind != "scale")
        async with self._database.reading() as connection:
            for part in parts(wanted):
                some = made.where(done.modify_index.in_(part))
                found |= {(service, index) for service, index in await connection.execute(some)}
        return frozenset(found)

    async def _deployments(self, query: Select[Any]) -> tuple[Deployment, ...]:
        async with self._database.reading() as connection:
            return tuple(deployment_of(row) for row in (await connection.execute(query)).mappings())


async def _check_version(connection: AsyncConnection, deployment: Deployment) -> None:
    """ConflictError where the version was forgotten since it was read; it is locked, so that nobody forgets it meanwhile."""
    if deployment.version is None:
        return
    own = (versions.c.environment == deployment.environment) & (versions.c.service == deployment.service)
    query = select(versions.c.number).where(own, versions.c.number == deployment.version).with_for_update(read=True)
    if (await connection.execute(query)).one_or_none() is None:
        raise ConflictError(
            f"version {deployment.version} of {deployment.service} is not stored (any more) in {deployment.environment}",
            next_step="Look at the history, and choose another version.",
        )


async def _earlier(connection: AsyncConnection, deployment: Deployment) -> Deployment | None:
    """The deployment that the same request was answered with before; None where it is new, and kept now."""
    if deployment.idempotency_key is None:
        return None
    asked = Request(deployment.idempotency_key, deployment.request_hash, deployment.id)
    kept = await kept_request(connection, asked)
    if kept.deployment == deployment.id:
        return None
    row = (await connection.execute(select(*COLUMNS).where(deployments.c.id == kept.deployment))).mappings().one()
    return deployment_of(row)


async def _next_release(connection: AsyncConnection, deployment: Deployment) -> int:
    """Count the service's changes up by one; the row of the count is the lock between two portals."""
    row = {"environment": deployment.environment, "service": deployment.service, "latest": 1}
    add = inserting(connection, release_counts).values(row)
    counted = add.on_conflict_do_update(
        index_elements=["environment", "service"], set_={"latest": release_counts.c.latest + 1}
    )
    return (await connection.execute(counted.returning(release_counts.c.latest))).scalar_one()


def deployment_of(row: RowMapping) -> Deployment:
    """The deployment in a row of its columns."""
    return replace(Deployment(**row), overrides=tuple(Override(**one) for one in row["overrides"]))
