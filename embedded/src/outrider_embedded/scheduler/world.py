"""What a reconciliation rests on, as frozen data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from outrider_embedded.scheduler.documents import Document


@dataclass(frozen=True, slots=True)
class World:
    """A job with everything that a decision on it needs; ``now`` in nanoseconds; ``fits`` asks the node of a group.

    ``allocations`` are all of the job, ended ones included; ``deployment`` is the job's latest.
    """

    job: Document
    allocations: list[Document]
    deployment: Document | None
    now: int
    fits: Callable[[Document], bool]
    evaluation: str = ""
    new_id: Callable[[], str] = field(default=str)
