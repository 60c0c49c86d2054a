"""Freezes of the service, of its team or of the environment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider.operations.answers.blockers import Blocker
from outrider.operations.stored_specs import readable_outline

if TYPE_CHECKING:
    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment
    from outrider.operations.stop_records import Freeze


async def freeze_blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """Each freeze that holds now and that the change falls under."""
    found = await environment.store.freezes.freezes(environment.name, datetime.now(UTC))
    if not found:
        return ()
    team = await _team(environment, change)
    named = {("service", change.service), ("team", team), ("environment", environment.name)}
    return tuple(_blocker(one) for one in found if (one.scope, one.name) in named)


async def _team(environment: Environment, change: Change) -> str | None:
    """The team by the spec that is to run; by the one that runs or ran where the change has none."""
    if change.spec is not None:
        return change.spec.service.team
    outlines = await environment.store.versions.outlines(environment.name, {change.service: change.hash})
    return readable_outline(environment.name, outlines.get(change.service))[0].team


def _what(freeze: Freeze) -> str:
    return {"service": freeze.name, "team": f"team {freeze.name}", "environment": f"all of {freeze.name}"}[freeze.scope]


def _blocker(freeze: Freeze) -> Blocker:
    until = f"{freeze.until:%Y-%m-%d %H:%M} UTC"
    return Blocker(
        "freeze",
        f"{_what(freeze)} is frozen until {until} by {freeze.created_by}: {freeze.reason}",
        f"{freeze.created_by}, or an operator: `outrider thaw {freeze.subject} -e {freeze.environment}`",
    )
