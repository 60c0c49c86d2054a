"""Bringing a service up with today's sidecar: the platform file and Outrider's rendering as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.nomad.read.job import running
from outrider.operations.lookups import not_running, running_version

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Version


async def version_to_renew(environment: Environment, service: str) -> Version:
    """The stored version that runs. UsageError: nothing runs, or this portal does not know the version that does."""
    now = running(await environment.nomad.job(service))
    if not now.is_live:
        raise await not_running(environment, service)
    found = await running_version(environment, service, now)
    if found is None:
        raise UsageError(
            f"this portal does not know the spec of the {service} that runs in {environment.name}",
            next_step=f"Deploy its file with today's sidecar: `outrider run --redeploy FILE -e {environment.name}`.",
        )
    return found
