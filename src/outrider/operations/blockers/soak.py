"""Too little time where a version comes from, for environments that ask for some (``release.soak`` of the platform)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outrider.operations.answers.blockers import Blocker
from outrider.operations.blockers.entrance import is_new, way_in
from outrider.operations.soaking import running_since
from outrider.spec.values import duration

if TYPE_CHECKING:
    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment
    from outrider.operations.release_records import Origin


async def soak_blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """What has not run for long enough there, and what never ran there since it comes from a file."""
    wanted = environment.platform.environments[environment.name].release.soak
    if wanted is None:
        return ()
    asked = f"{environment.name} asks that a version has run for {duration(wanted)} before"
    if change.origin is None:
        is_past = change.kind == "run" and await is_new(environment, change.service, change.part, change.running)
        reason = f"{asked}, and this {change.service} comes from a file"
        return (Blocker("soak", reason, way_in(environment, change.service)),) if is_past else ()
    since, due = await _due(environment, change, change.origin, timedelta(milliseconds=wanted))
    if due is None:
        reason = (
            f"{asked}, and since when version {change.origin.number} runs in {change.origin.environment} is not known"
        )
        return (Blocker("soak", reason, "whoever may override it"),)
    if due <= datetime.now(UTC):
        return ()
    reason = f"{asked}, and version {change.origin.number} runs in {change.origin.environment} since {since:%Y-%m-%d %H:%M} UTC"
    return (Blocker("soak", reason, f"time, at {due:%Y-%m-%d %H:%M} UTC, or whoever may override it"),)


async def _due(
    environment: Environment, change: Change, origin: Origin, wanted: timedelta
) -> tuple[datetime | None, datetime | None]:
    """Since when it runs there, and when it will have run for long enough."""
    done = await environment.store.deployments.newest(origin.environment, change.service)
    since = running_since(done, origin.number)
    return since, since + wanted if since else None
