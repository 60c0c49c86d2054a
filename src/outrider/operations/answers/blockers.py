"""What stops a change before it begins: one list for plans, refusals and whoever may lift it."""

from __future__ import annotations

from dataclasses import dataclass

from outrider_ground.errors import ConflictError

from outrider.operations.states import BlockerName


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that stops a change: why, and who can lift it or what does."""

    name: BlockerName
    reason: str
    lifted_by: str


class BlockedError(ConflictError):
    """The change cannot go before all of ``blockers`` are lifted or overridden."""

    def __init__(self, message: str, blockers: tuple[Blocker, ...], *, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.blockers = blockers
