"""The steps of deployments, in order; the last one comes with the final state."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError
from pydantic import ValidationError
from sqlalchemy import func, insert, select, update

from outrider.operations.events import Event, document_of, event_of, happened
from outrider.operations.records import Deployment
from outrider.store.tables import deployments, events

if TYPE_CHECKING:
    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from outrider.operations.event_details import Detail, Ended
    from outrider.store.database import Database


_TOLD = [column for column in events.c if column.name != "deployment"]


class Events:
    """The part of the store that knows how each deployment went."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_event(self, deployment_id: str, message: str, detail: Detail) -> Event:
        """Keep the deployment's next event."""
        async with self._database.writing() as connection:
            return await _added(connection, deployment_id, message, detail)

    async def end_deployment(self, deployment: Deployment, detail: Ended) -> Event:
        """Keep its final state and its verdict in one transaction: nobody sees one without the other."""
        async with self._database.writing() as connection:
            event = await _added(connection, deployment.id, deployment.reason, detail)
            change = update(deployments).where(deployments.c.id == deployment.id).values(asdict(deployment))
            await connection.execute(change)
        return event

    async def after(self, deployment_id: str, after: int = 0) -> tuple[Event, ...]:
        """Those with a number above ``after``, in order."""
        later = select(*_TOLD).where(events.c.deployment == deployment_id, events.c.number > after)
        async with self._database.reading() as connection:
            rows = (await connection.execute(later.order_by(events.c.number))).mappings().all()
        return tuple(_event(row, deployment_id) for row in rows)


def _event(row: RowMapping, deployment_id: str) -> Event:
    try:
        return event_of({column.name: row[column] for column in _TOLD})
    except ValidationError as error:
        raise OutriderError(
            f"event {row['number']} of deployment {deployment_id} is none of kind {row['kind']} as this Outrider knows it",
            next_step="Another Outrider has written it: run that one, or look at another deployment.",
        ) from error


async def _added(connection: AsyncConnection, deployment_id: str, message: str, detail: Detail) -> Event:
    # The deployment's row is the lock between two portals where the database has no single writer.
    await connection.execute(select(deployments.c.id).where(deployments.c.id == deployment_id).with_for_update())
    last = select(func.coalesce(func.max(events.c.number), 0)).where(events.c.deployment == deployment_id)
    number = (await connection.execute(last)).scalar_one() + 1
    event = happened(number, datetime.now(UTC), message, detail)
    row = document_of(event) | {"at": event.at, "deployment": deployment_id}
    await connection.execute(insert(events).values(row))
    return event
