"""A group's live allocations sorted by what is to become of them: stay, move, be replaced, end (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_embedded.scheduler import deployment as deployments
from outrider_embedded.scheduler.documents import Document, words
from outrider_embedded.scheduler.reschedule import is_reschedule_eligible, reschedule_time

if TYPE_CHECKING:
    from outrider_embedded.scheduler.world import World

_WINDOW = 1_000_000_000
"""A replacement that is due within a second is placed now."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decisions on one group rest on; ``current`` is this version's deployment, ``old`` the one before."""

    world: World
    group: Document
    current: Document | None
    old: Document | None

    @property
    def is_halted(self) -> bool:
        """Whether the deployment lets nothing happen."""
        return self.current is not None and self.current["Status"] in {"paused", "failed"}

    @property
    def has_failed(self) -> bool:
        return self.current is not None and self.current["Status"] == "failed"


@dataclass(frozen=True, slots=True)
class Members:
    """The allocations by their fate; ``canaries`` are among those that stay or are replaced."""

    stay: list[Document]
    migrate: list[Document]
    reschedule: list[Document]
    later: list[tuple[Document, int]]
    canaries: list[Document]
    stop: list[Document]

    @property
    def present(self) -> int:
        return len(self.stay) + len(self.migrate)


def members(facts: Facts, live: list[Document], *, is_canarying: bool) -> Members:
    """Sort a group's allocations that the scheduler has not ended."""
    unwanted = _unwanted_canaries(facts)
    stop = [one for one in live if one["ID"] in unwanted]
    rest = [one for one in without(live, stop) if _counts(facts, one)]
    migrate = [one for one in rest if one["DesiredTransition"]["Migrate"]]
    placed = {one for state in _states(facts.current) for one in words(state["PlacedCanaries"])}
    stay, now, later = _by_reschedule(facts, without(rest, migrate))
    # A canary that has to move is only stopped: the need for a canary places the next one.
    moving = [one for one in migrate if one["ID"] in placed and is_canarying]
    canaries = [one for one in [*stay, *now] if one["ID"] in placed]
    return Members(stay, without(migrate, moving), now, later, canaries, [*stop, *moving])


def without(allocations: list[Document], others: list[Document]) -> list[Document]:
    excluded = {one["ID"] for one in others}
    return [one for one in allocations if one["ID"] not in excluded]


def _states(deployment: Document | None) -> list[Document]:
    return list(deployment["TaskGroups"].values()) if deployment else []


def _counts(facts: Facts, allocation: Document) -> bool:
    """A service's allocation that ended counts no more; a batch job's that ended well has done its work."""
    if allocation["ClientStatus"] != "complete" or facts.world.job["Type"] == "service":
        return allocation["ClientStatus"] not in {"complete", "lost"}
    return allocation["Job"]["Version"] == facts.world.job["Version"]


def _unwanted_canaries(facts: Facts) -> set[str]:
    """Canaries of an earlier deployment, or of a failed one, that were never promoted."""
    states = _states(facts.old) + (_states(facts.current) if facts.has_failed else [])
    return {one for state in states if not state["Promoted"] for one in words(state["PlacedCanaries"])}


def _by_reschedule(
    facts: Facts, rest: list[Document]
) -> tuple[list[Document], list[Document], list[tuple[Document, int]]]:
    """Those that stay, those to replace now, and those to replace at a time."""
    stay: list[Document] = []
    now: list[Document] = []
    later: list[tuple[Document, int]] = []
    for one in rest:
        due = _due(facts, one)
        if due is not None and due - facts.world.now <= _WINDOW:
            now.append(one)
            continue
        stay.append(one)
        if due is not None and not one["FollowupEvalID"]:
            later.append((one, due))
    return stay, now, later


def _due(facts: Facts, allocation: Document) -> int | None:
    """Nanoseconds of the time at which a failed allocation is to be replaced; None for never."""
    if allocation["ClientStatus"] != "failed" or allocation["NextAllocation"] or _is_blocked(facts, allocation):
        return None
    policy = facts.group["ReschedulePolicy"]
    if not is_reschedule_eligible(allocation, policy, facts.world.now):
        return None
    return reschedule_time(allocation, policy)


def _is_blocked(facts: Facts, allocation: Document) -> bool:
    """An allocation of the running deployment is replaced only where the deployment allows it; of a failed, never."""
    current = facts.current
    if current is None or allocation["DeploymentID"] != current["ID"]:
        return False
    return facts.has_failed or (deployments.is_active(current) and not allocation["DesiredTransition"]["Reschedule"])
