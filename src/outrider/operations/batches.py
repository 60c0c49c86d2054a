"""Several services that are deployed as one plan, and how far that has come, as the store hands it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from outrider.operations.states import State

BatchState = Literal["running", "successful", "failed"]
MemberState = State | Literal["not_deployed"]
NOT_UP: frozenset[MemberState] = frozenset({"failed", "not_placed", "superseded", "not_deployed"})
"""What nobody who calls the service may build on."""
UP: frozenset[MemberState] = frozenset({"successful", "waiting"})
"""A canary that waits for a promotion is up, as `outrider run` has it too."""


@dataclass(frozen=True, slots=True)
class BatchMember:
    """One service of a batch: members with the same ``step`` begin together, once those in ``after`` are up.

    ``state`` is that of its deployment, ``pending`` until there is one; ``not_deployed`` where what it calls did not come up.
    """

    service: str
    step: int
    after: tuple[str, ...]
    state: MemberState = "pending"
    reason: str = ""
    deployment: str | None = None
    version: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether the batch has nothing more to do for it."""
        return self.state in NOT_UP or self.state in UP


@dataclass(frozen=True, slots=True)
class Batch:
    """Several services being deployed as one plan, by members in the order of the plan."""

    id: str
    environment: str
    state: BatchState
    created_by: str
    created_at: datetime
    members: tuple[BatchMember, ...]
    ended_at: datetime | None = None
