"""Nobody else's word for a version, for environments that ask for one (``release.approval`` of the platform)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.operations.answers.blockers import Blocker
from outrider.operations.blockers.entrance import is_new, way_in

if TYPE_CHECKING:
    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment
    from outrider.operations.release_records import Origin


async def approval_blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """A version of which only the one who asks has approved, or nobody; and what comes from a file: nobody can name it before."""
    if not environment.platform.environments[environment.name].release.approval:
        return ()
    asked = f"{environment.name} asks that another person approves"
    if change.origin is None:
        is_past = change.kind == "run" and await is_new(environment, change.service, change.part, change.running)
        reason = f"{asked}, and this {change.service} comes from a file"
        return (Blocker("approval", reason, way_in(environment, change.service)),) if is_past else ()
    whose = await _approved_by(environment, change.service, change.origin)
    if any(one != change.by for one in whose):
        return ()
    only = f", and only {change.by}, who asks, has approved" if whose else ", and nobody has approved"
    reason = f"{asked}{only} version {change.origin.number} of {change.origin.environment}"
    return (Blocker("approval", reason, _way(environment, change, change.origin)),)


async def _approved_by(environment: Environment, service: str, origin: Origin) -> frozenset[str]:
    found = await environment.store.approvals.approvals(environment.name, service)
    return frozenset(one.by for one in found if (one.source, one.version) == (origin.environment, origin.number))


def _way(environment: Environment, change: Change, origin: Origin) -> str:
    named = f"{change.service} {origin.number} --from {origin.environment} --to {environment.name}"
    return f"anybody else: `outrider approve {named} --reason TEXT`"
