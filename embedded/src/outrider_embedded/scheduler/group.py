"""Reconciliation of one group: which allocations stay, end, are replaced, and how many at a time (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from outrider_embedded.scheduler import deployment as deployments
from outrider_embedded.scheduler.allocation import (
    alloc_index,
    is_canary,
    is_client_terminal,
    is_healthy,
    is_server_terminal,
    is_unhealthy,
    stopped,
)
from outrider_embedded.scheduler.change import is_destructive
from outrider_embedded.scheduler.decision import (
    MIGRATING,
    NOT_NEEDED,
    UPDATING,
    GroupDecisions,
    Placement,
    Updates,
)
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.members import Facts, Members, members, without
from outrider_embedded.scheduler.world import World


def reconciled_group(world: World, name: str, current: Document | None, old: Document | None) -> GroupDecisions:
    """The decisions on one group; ``current`` is the deployment of this version, ``old`` the one before."""
    live = [one for one in world.allocations if one["TaskGroup"] == name and not is_server_terminal(one)]
    group = next((group for group in world.job["TaskGroups"] if group["Name"] == name), None)
    if group is None or not group["Count"]:
        stops = tuple(stopped(one, NOT_NEEDED) for one in live if not is_client_terminal(one))
        return GroupDecisions(name, Updates(stop=len(stops)), stop=stops)
    return _Group(Facts(world, group, current, old)).decided(live)


@dataclass(frozen=True, slots=True)
class _Changes:
    """The allocations that stay by what the job's change means to them: a new process, a new document, nothing."""

    destructive: list[Document]
    inplace: list[Document]
    same: list[Document]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What comes of the group's allocations and of its missing ones."""

    sets: Members
    changes: _Changes
    surplus: list[Document]
    placed: list[Placement]
    canaries: list[Placement]
    replaced: list[Document]


class _Group:
    """One group's reconciliation; ``state`` is its part of the deployment as it becomes."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.group, self.job = facts, facts.group, facts.world.job
        self.name: str = facts.group["Name"]
        self.update = fields(facts.group["Update"])
        states: dict[str, Document] = facts.current["TaskGroups"] if facts.current else {}
        self.has_state = self.name in states
        self.state = states[self.name] if self.has_state else deployments.new_group_state(facts.group)

    def decided(self, live: list[Document]) -> GroupDecisions:
        sets = members(self.facts, live, is_canarying=self._is_canarying())
        surplus = self._surplus(sets)
        stay = without(sets.stay, surplus)
        changes = self._changes(stay)
        others = without(stay, sets.canaries) if self._is_canarying() else stay
        canaries = self._canary_placements(changes.destructive, sets, others)
        missing = self._missing(others, sets)
        self._count_desired(changes.destructive, changes.inplace, missing)
        is_ready = not self.facts.is_halted and not self._is_canarying()
        placed = missing if is_ready else [one for one in missing if self._may_reschedule(one)]
        limit = max(0, self._limit(others, changes, sets) - len(placed)) if is_ready else 0
        return self._combined(live, _Outcome(sets, changes, surplus, placed, canaries, changes.destructive[:limit]))

    def _combined(self, live: list[Document], found: _Outcome) -> GroupDecisions:
        moved = [Placement(one["Name"], self.group, is_canary(one), one) for one in found.sets.migrate]
        renewed = [Placement(one["Name"], self.group, previous=one) for one in found.replaced]
        result = GroupDecisions(
            self.name,
            _updates(found),
            place=(*found.placed, *found.canaries, *moved, *renewed),
            stop=tuple(_stops(found)),
            inplace=tuple(found.changes.inplace),
            later=tuple(found.sets.later),
            state=self.state,
            needs_deployment=self._needs_deployment(live, found.changes),
        )
        return replace(result, is_complete=self._is_complete(result, found.changes.destructive))

    def _surplus(self, sets: Members) -> list[Document]:
        """The allocations beyond the count: those that a promoted canary replaces first, then the highest numbers."""
        stay = without(sets.stay, sets.canaries) if self._is_canarying() else sets.stay
        remove = len(stay) + len(sets.migrate) - self.group["Count"]
        if remove <= 0:
            return []
        candidates = [one for one in stay if not is_client_terminal(one)]
        names = set[str]() if self._is_canarying() else {one["Name"] for one in sets.canaries}
        twins = [one for one in without(candidates, sets.canaries) if one["Name"] in names]
        others = sorted(without(candidates, twins), key=alloc_index, reverse=True)
        return [*twins, *others][:remove]

    def _changes(self, stay: list[Document]) -> _Changes:
        changes = _Changes([], [], [])
        for one in sorted(stay, key=alloc_index):
            self._list_for(one, changes).append(one)
        return changes

    def _list_for(self, one: Document, changes: _Changes) -> list[Document]:
        if one["Job"]["JobModifyIndex"] == self.job["JobModifyIndex"]:
            return changes.same
        if is_destructive(one["Job"], self.job, self.name) or not self.facts.world.fits(self.group):
            return changes.destructive
        return changes.same if is_client_terminal(one) else changes.inplace

    def _is_canarying(self) -> bool:
        return self.state["DesiredCanaries"] > 0 and not self.state["Promoted"]

    def _canary_placements(self, destructive: list[Document], sets: Members, others: list[Document]) -> list[Placement]:
        wanted: int = self.update.get("Canary", 0)
        if not destructive or len(sets.canaries) >= wanted or self.state["Promoted"]:
            return []
        self.state = {**self.state, "DesiredCanaries": wanted}
        if self.facts.is_halted:
            return []
        taken = {alloc_index(one) for one in sets.canaries}
        targets = [alloc_index(one) for one in destructive] + list(range(len(others), len(others) + wanted))
        free = [index for index in targets if index not in taken]
        names = [self._named(index) for index in free[: wanted - len(sets.canaries)]]
        return [Placement(name, self.group, is_canary=True) for name in names]

    def _missing(self, others: list[Document], sets: Members) -> list[Placement]:
        again = [
            Placement(one["Name"], self.group, is_canary(one), one, is_rescheduling=True) for one in sets.reschedule
        ]
        present = [*others, *sets.migrate, *sets.reschedule]
        taken = {alloc_index(one) for one in present}
        free = [index for index in range(self.group["Count"]) if index not in taken]
        missing = max(0, self.group["Count"] - len(present))
        return again + [Placement(self._named(index), self.group) for index in free[:missing]]

    def _named(self, index: int) -> str:
        return f"{self.job['ID']}.{self.name}[{index}]"

    def _may_reschedule(self, placement: Placement) -> bool:
        """Whether a failed allocation is replaced even while the deployment places nothing."""
        previous, current = placement.previous, self.facts.current
        if not placement.is_rescheduling or previous is None:
            return False
        return not (self.facts.has_failed and current is not None and previous["DeploymentID"] == current["ID"])

    def _count_desired(self, *changes: list[Any]) -> None:
        if not self.has_state:
            total = self.state["DesiredTotal"] + sum(len(change) for change in changes)
            self.state = {**self.state, "DesiredTotal": total}

    def _limit(self, others: list[Document], changes: _Changes, sets: Members) -> int:
        """How many allocations may be placed or replaced now."""
        most: int = self.update.get("MaxParallel", 0)
        if not most or not (changes.destructive or sets.migrate):
            return max(self.group["Count"], len(changes.destructive))
        if self.facts.current is None:
            return most
        own = [one for one in others if one["DeploymentID"] == self.facts.current["ID"]]
        if any(is_unhealthy(one) for one in own):
            return 0
        return max(0, most - sum(not is_healthy(one) for one in own))

    def _needs_deployment(self, live: list[Document], changes: _Changes) -> bool:
        if self.has_state or not self.update.get("MaxParallel") or not self.state["DesiredTotal"]:
            return False
        own = (self.job["CreateIndex"], self.job["Version"])
        has_run = any((one["Job"]["CreateIndex"], one["Job"]["Version"]) == own for one in live)
        return bool(changes.destructive or changes.inplace) or not has_run

    def _is_complete(self, result: GroupDecisions, destructive: list[Document]) -> bool:
        if destructive or result.inplace or result.place or result.later:
            return False
        if not self.has_state:
            return True
        wanted = max(self.state["DesiredTotal"], self.state["DesiredCanaries"])
        return self.state["HealthyAllocs"] >= wanted and not self._is_canarying()


def _stops(found: _Outcome) -> list[Document]:
    """The allocations that end, each with the reason."""
    unneeded = [stopped(one, NOT_NEEDED) for one in (*found.sets.stop, *found.surplus)]
    again = [stopped(one.previous, "") for one in found.placed if one.previous is not None]
    updated = [stopped(one, UPDATING) for one in found.replaced]
    return [*unneeded, *updated, *(stopped(one, MIGRATING) for one in found.sets.migrate), *again]


def _updates(found: _Outcome) -> Updates:
    sets, changes = found.sets, found.changes
    return Updates(
        ignore=len(changes.same) + len(changes.destructive) - len(found.replaced),
        place=len(found.placed),
        migrate=len(sets.migrate),
        stop=len(sets.stop) + len(found.surplus) + sum(one.is_rescheduling for one in found.placed),
        in_place=len(changes.inplace),
        destructive=len(found.replaced),
        canary=len(found.canaries),
        reschedule_now=len(sets.reschedule),
        reschedule_later=len(sets.later),
    )
