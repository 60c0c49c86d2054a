"""A version that does not run well where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.operations.answers.blockers import Blocker

if TYPE_CHECKING:
    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment


async def unhealthy_blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """What was seen to be wrong with it when the release was asked for."""
    del environment
    origin = change.origin
    if origin is None or not origin.problem:
        return ()
    reason = f"it is not healthy in {origin.environment}: {origin.problem}"
    return (Blocker("unhealthy", reason, f"its recovery in {origin.environment}, or whoever may override it"),)
