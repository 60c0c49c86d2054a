"""One change of a service begins at a time, over all portals of one database: a lock with a lease in the store.

Nomad's own check of a job's index lets two of several requests at the same moment through before 2.0.1
(hashicorp/nomad#27832), so nothing stands on it alone.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, OutriderError

from outrider.operations.stop_records import Lock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from outrider.operations.environment import Environment


@asynccontextmanager
async def turn(environment: Environment, service: str, by: str) -> AsyncGenerator[None]:
    """The service is nobody else's to change meanwhile; the lease is renewed until the end.

    ConflictError where somebody else has it for longer than the limit, or where it could not be renewed: then what was
    begun is given up before somebody else begins.
    """
    lock = await _taken(environment, service, by)
    owner = asyncio.current_task()
    keeper = asyncio.create_task(_kept(environment, lock), name=f"outrider-lock-{service}")
    keeper.add_done_callback(lambda done: owner.cancel() if owner and not done.cancelled() else None)
    try:
        yield
    except asyncio.CancelledError:
        if owner is None or not keeper.done() or keeper.cancelled():
            raise
        owner.uncancel()
        raise ConflictError(
            f"the lock of {service} in {environment.name} was lost: {keeper.result()}",
            next_step=f"Look at `outrider history {service} -e {environment.name}`, then ask again.",
        ) from None
    finally:
        keeper.cancel()
        await environment.store.locks.free(lock)


async def _taken(environment: Environment, service: str, by: str) -> Lock:
    """The lock, once it is ours."""
    holder, give_up = str(uuid.uuid4()), time.monotonic() + environment.limits.turn
    while True:
        wanted = _lease(environment, Lock(environment.name, service, holder, by))
        found = await environment.store.locks.take(wanted)
        if found.holder == holder:
            return found
        if time.monotonic() > give_up:
            raise ConflictError(
                f"{service} in {environment.name} is being changed by {found.held_by} since {found.since:%H:%M:%S} UTC",
                next_step="Ask again: it is free when that change has begun, or its portal has been gone for "
                f"{environment.limits.lease:g} s.",
            )
        await asyncio.sleep(environment.limits.look / 4)


def _lease(environment: Environment, lock: Lock) -> Lock:
    now = datetime.now(UTC)
    return replace(lock, since=now, until=now + timedelta(seconds=environment.limits.lease))


async def _kept(environment: Environment, lock: Lock) -> str:
    """Renew the lease; ends only where that fails, with the reason."""
    while True:
        await asyncio.sleep(environment.limits.lease / 3)
        try:
            found = await environment.store.locks.take(_lease(environment, lock))
        except OutriderError as error:
            return error.message
        if found.holder != lock.holder:
            return f"{found.held_by} has it"
