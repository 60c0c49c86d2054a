"""What runs of a service, or ran last: its version and its count, also after a stop and after Nomad has forgotten it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.errors import UsageError
from outrider.operations.plan import running_version
from outrider.operations.status import unknown_service

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Version
    from outrider.operations.running import Running


async def last_run(environment: Environment, service: str, now: Running) -> tuple[Version, int]:
    """By Nomad's job, or by the last stop where Nomad has none. UsageError where this portal does not know it."""
    base, last = await running_version(environment, service, now), await environment.last_stop(service)
    if base is None and last is not None and last.previous is not None:
        base = await environment.store.version(environment.name, service, last.previous)
    if base is None:
        raise await _unknown(environment, service)
    count = now.asked if now.exists else last.count if last else None
    return base, 1 if count is None else count


async def _unknown(environment: Environment, service: str) -> UsageError:
    if service not in await environment.store.services(environment.name):
        return await unknown_service(environment, service)
    return UsageError(
        f"{service} has not run in {environment.name} yet, as far as this portal knows",
        next_step=f"Deploy its file: `outrider run FILE -e {environment.name}`.",
    )
