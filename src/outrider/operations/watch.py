"""What a Nomad deployment says about itself: pure reading of its document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.operations.documents import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from outrider.operations.allocations import Allocation
    from outrider.operations.ports import Json
    from outrider.operations.records import State

TERMINAL = frozenset({"successful", "failed", "cancelled"})
SECOND_NS = 1_000_000_000
PROGRESS_DEADLINE_S = 600.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a deployment ended, and why."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """A deployment's allocations, summed over its groups."""

    desired: int
    placed: int
    healthy: int
    unhealthy: int
    canaries: int
    promoted: bool

    def __str__(self) -> str:
        canaries = f", {self.canaries} of them canaries" if self.canaries and not self.promoted else ""
        bad = f", {self.unhealthy} unhealthy" if self.unhealthy else ""
        return f"{self.placed} of {self.desired} placed{canaries}, {self.healthy} healthy{bad}"


def numbers(document: Json) -> Numbers:
    """The sums of the document."""
    groups = _groups(document)

    def total(key: str) -> int:
        return sum(int(group.get(key) or 0) for group in groups)

    return Numbers(
        desired=total("DesiredTotal"),
        placed=total("PlacedAllocs"),
        healthy=total("HealthyAllocs"),
        unhealthy=total("UnhealthyAllocs"),
        canaries=total("DesiredCanaries"),
        promoted=all(group.get("Promoted") for group in groups if group.get("DesiredCanaries")),
    )


def promotion_is_due(document: Json) -> bool:
    """Whether all canaries are healthy and nobody has promoted them yet."""
    canary_groups = [group for group in _groups(document) if group.get("DesiredCanaries") and not group.get("Promoted")]
    return bool(canary_groups) and all(
        len(group.get("PlacedCanaries") or []) >= group["DesiredCanaries"]
        and int(group.get("HealthyAllocs") or 0) >= group["DesiredCanaries"]
        for group in canary_groups
    )


def promotes_itself(document: Json) -> bool:
    """Whether Nomad was told to promote the canaries without asking anybody."""
    canary_groups = [group for group in _groups(document) if group.get("DesiredCanaries")]
    return bool(canary_groups) and all(group.get("AutoPromote") for group in canary_groups)


def goes_back(document: Json) -> bool:
    """Whether Nomad returns to an earlier version after this failure (StatusDescription, structs.Deployment)."""
    return "rolling back to job version" in str(document.get("StatusDescription", ""))


def progress_deadline_s(document: Json) -> float:
    """Nomad's own deadline between two healthy allocations."""
    deadlines = [int(group.get("ProgressDeadline") or 0) / SECOND_NS for group in _groups(document)]
    return max([*deadlines, 0.0]) or PROGRESS_DEADLINE_S


class Progress:
    """What a person has been told already, and since when nothing has got better; the clock is handed in.

    Better is an allocation more that was placed for the first time, became healthy or was promoted. Replacements of
    failed ones are news, but no progress.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers: Numbers | None = None
        self._best = (0, 0, False)
        self._signatures: dict[str, tuple[object, ...]] = {}
        self._moved_at = clock()
        self._unhealthy_before = 0

    @property
    def still_for_s(self) -> float:
        """Seconds since it got better."""
        return self._clock() - self._moved_at

    @property
    def failures(self) -> int:
        """Allocations that became unhealthy since then."""
        return (self._numbers.unhealthy if self._numbers else 0) - self._unhealthy_before

    def restart(self) -> None:
        """Something has been done: wait anew."""
        self._moved_at = self._clock()
        self._unhealthy_before = self._numbers.unhealthy if self._numbers else 0

    def news_of(self, now: Numbers) -> bool:
        """Whether the numbers are others than at the last call."""
        is_new = now != self._numbers
        self._numbers = now
        reached = (min(now.placed, now.desired), now.healthy, now.promoted)
        if any(new > old for new, old in zip(reached, self._best, strict=True)):
            self._best = (max(reached[0], self._best[0]), max(reached[1], self._best[1]), reached[2])
            self.restart()
        return is_new

    def news_among(self, found: tuple[Allocation, ...]) -> tuple[Allocation, ...]:
        """The allocations that are others than at the last call."""
        fresh = tuple(one for one in found if self._signatures.get(one.id) != one.signature)
        self._signatures |= {one.id: one.signature for one in fresh}
        return fresh


def _groups(document: Json) -> list[Json]:
    return list(table(document, "TaskGroups").values())
