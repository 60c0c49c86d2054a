"""What a Nomad deployment says about itself: pure reading of its document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from outrider.documents import table
from outrider.nomad.read.times import longest_s

if TYPE_CHECKING:
    from collections.abc import Collection

    from outrider.documents import Json

TERMINAL = frozenset({"successful", "failed", "cancelled"})
PAUSED = "paused"
NEVER = "0001-"
PROGRESS_DEADLINE_S = 600.0


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
    return longest_s([int(group.get("ProgressDeadline") or 0) for group in _groups(document)]) or PROGRESS_DEADLINE_S


def progress_by(document: Json) -> datetime | None:
    """When Nomad gives the deployment up unless another allocation is healthy by then; None as long as it sets no time.

    Its zero is a time of the year 1 (structs.DeploymentState, RequireProgressBy).
    """
    times = [str(group.get("RequireProgressBy") or "") for group in _groups(document)]
    known = [datetime.fromisoformat(one) for one in times if one and not one.startswith(NEVER)]
    return min(known, default=None)


def _groups(document: Json) -> list[Json]:
    return list(table(document, "TaskGroups").values())
