"""What a Nomad deployment says about itself: pure reading of its document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.operations.documents import table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

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
        # Nomad counts replacements of failed ones as well.
        placed = f"{self.placed} of {self.desired} placed" if self.placed <= self.desired else f"{self.placed} placed"
        return f"{placed}{canaries}, {self.healthy} healthy{bad}"


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


def promotion_is_due(document: Json, healthy: Collection[str]) -> bool:
    """Whether all canaries are among the ``healthy`` allocations, and nobody has promoted them yet.

    The document alone does not tell: its HealthyAllocs counts allocations that were kept as well.
    """
    waiting = [group for group in _groups(document) if group.get("DesiredCanaries") and not group.get("Promoted")]
    return bool(waiting) and all(_canaries_are(healthy, group) for group in waiting)


def _canaries_are(healthy: Collection[str], group: Json) -> bool:
    placed: list[str] = group.get("PlacedCanaries") or []
    return len([one for one in placed if one in healthy]) >= group["DesiredCanaries"]


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
        self._placed = 0
        self._good = (0, False)
        self._signatures: dict[str, tuple[object, ...]] = {}
        self._moved_at = clock()
        self._unhealthy_before = 0

    @property
    def still_for_s(self) -> float:
        """Seconds since it got better."""
        return self._clock() - self._moved_at

    @property
    def failures(self) -> int:
        """Allocations that became unhealthy since one became healthy or was promoted."""
        return (self._numbers.unhealthy if self._numbers else 0) - self._unhealthy_before

    def restart(self) -> None:
        """Something has been done: wait anew."""
        self._moved_at = self._clock()
        self._unhealthy_before = self._numbers.unhealthy if self._numbers else 0

    def news_of(self, now: Numbers) -> bool:
        """Whether the numbers are others than at the last call."""
        is_new = now != self._numbers
        self._numbers = now
        placed, good = min(now.placed, now.desired), (now.healthy, now.promoted)
        if placed > self._placed:
            self._placed, self._moved_at = placed, self._clock()
        if any(new > old for new, old in zip(good, self._good, strict=True)):
            self._good = (max(now.healthy, self._good[0]), now.promoted)
            self.restart()
        return is_new

    def news_among(self, found: tuple[Allocation, ...]) -> tuple[Allocation, ...]:
        """The allocations that are others than at the last call."""
        fresh = tuple(one for one in found if self._signatures.get(one.id) != one.signature)
        self._signatures |= {one.id: one.signature for one in fresh}
        return fresh


def _groups(document: Json) -> list[Json]:
    return list(table(document, "TaskGroups").values())
